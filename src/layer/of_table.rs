use super::{Chain, Columns, Concat, Embedding, Flatten};
use crate::data::table::Encoder;
use crate::scalar::Scalar;

impl<A: Scalar> Concat<A> {
    /// Creates the first layer for a table with category indices (feature `csv`): an [`Embedding`] for each of them, beside the
    /// other inputs. `size` receives the number of categories, and returns the number of values in a vector.
    ///
    /// A branch has the name of its column, with `_` instead of spaces and dots, and the layers `column`, `embedding` and
    /// `flatten`. The other inputs are in the branch `numbers`. If a name is empty or belongs to an earlier branch, `_` and the
    /// place of the column among the inputs follow it.
    ///
    /// # Examples
    ///
    /// ```
    /// use manabi::Layer;
    /// use manabi::data::table::{Category, Number, Schema, Table};
    /// use manabi::layer::Concat;
    ///
    /// let table = Table::from_rows("flats", &["door", "rooms"], [["red", "3"], ["blue", "4"], ["grey", "5"]])?;
    /// let schema = Schema::new().category("door", Category::index()).number("rooms", Number::z_score());
    /// let encoder = schema.fit(&table)?;
    /// let inputs = Concat::<f32>::of_table(&encoder, |categories| categories.min(50).div_ceil(2));
    /// assert_eq!(inputs.output_shape(encoder.input_dim().into())?, 3.into());
    /// assert_eq!(inputs.parameters(2.into())[0].name, "door.embedding.weight");
    /// # Ok::<(), manabi::Error>(())
    /// ```
    #[doc(alias("entity embedding", "categorical"))]
    pub fn of_table(encoder: &Encoder, size: impl Fn(usize) -> usize) -> Self {
        let numbers = encoder.indices().map(|(_, column, _)| column).min().unwrap_or(encoder.input_dim());
        let mut inputs = Self::new();
        let mut names = vec![String::new()];
        if numbers > 0 {
            names.push("numbers".to_owned());
            inputs =
                inputs.add_branch("numbers", Chain::new().add_layer("columns", Columns::new(0..numbers)));
        }
        for (name, column, categories) in encoder.indices() {
            let chain = Chain::new()
                .add_layer("column", Columns::new(column..column + 1))
                .add_layer("embedding", Embedding::new(categories, size(categories)))
                .add_layer("flatten", Flatten);
            let is_special = |c: char| c == '.' || c.is_whitespace();
            let mut name = name.replace(is_special, "_");
            while names.contains(&name) {
                name = format!("{name}_{column}");
            }
            inputs = inputs.add_branch(name.clone(), chain);
            names.push(name);
        }
        inputs
    }
}
