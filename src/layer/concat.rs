use std::sync::Arc;

use super::branches::{Branches, Join};
use super::tensor_spec::check_name;
use super::{Backward, Chain, Forward, Layer, Scratch, TensorSpec};
use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::settings::{LayerSettings, Settings};
use crate::shape::Shape;

/// Branches side by side: chains that all take the same input, and whose outputs are concatenated.
///
/// Formula: y = [b₁(x), b₂(x), …].
///
/// Derivative: each branch takes its own part of dy backward; dx is the sum of what arrives.
///
/// Shapes: the first dimensions of the outputs add up, the others must be the same. So vectors become a longer vector,
/// and images of one size become an image with more channels.
///
/// Numerics: those of the chains; dx is added up from the first branch to the last.
///
/// A parameter is named by its branch: `heads.left.affine1.weight`.
///
/// | method | purpose | default | range |
/// |---|---|---|---|
/// | [`add_branch`](Concat::add_branch) | adds a chain beside the others | none | 1 or more, each with a name of its own |
///
/// # Errors
/// When the model is built: no branch, two of the same name, outputs that cannot be concatenated, and the errors of the
/// chains.
///
/// Source: Szegedy et al., *Going deeper with convolutions*, 2015.
///
/// ```
/// use manabi::layer::{Chain, Concat};
/// use manabi::{Affine, Layer};
///
/// let heads = Concat::<f32>::new()
///     .add_branch("left", Chain::new().add_layer("affine1", Affine::new(3)))
///     .add_branch("right", Chain::new().add_layer("affine1", Affine::new(2)));
/// assert_eq!(heads.output_shape(10.into())?, 5.into());
/// assert_eq!(heads.parameters(10.into())[2].name, "right.affine1.weight");
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "add_branch returns the wider layer"]
#[doc(alias("concatenate", "branches", "inception"))]
pub struct Concat<A> {
    branches: Branches<A>,
}

impl<A: Scalar> Concat<A> {
    /// Creates a layer without branches.
    pub fn new() -> Self {
        Self { branches: Branches { chains: Vec::new(), join: Join::Columns } }
    }

    /// Adds a chain beside the others.
    pub fn add_branch(mut self, name: impl Into<String>, branch: Chain<A>) -> Self {
        self.branches.chains.push((name.into(), branch));
        self
    }

    /// An error unless every branch has a name of its own.
    fn check_names(&self) -> Result<()> {
        let chains = &self.branches.chains;
        chains.iter().enumerate().try_for_each(|(i, (name, _))| {
            check_name(name)?;
            match chains[..i].iter().any(|(other, _)| other == name) {
                true => Err(Error::duplicate("branch", name)),
                false => Ok(()),
            }
        })
    }
}

impl<A: Scalar> Default for Concat<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Scalar> Layer<A> for Concat<A> {
    fn kind(&self) -> &str {
        "concat"
    }

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        self.check_names()?;
        let outputs = self.branches.outputs(input)?;
        let first = outputs.first().ok_or_else(|| Error::setting("branches", "at least 1", 0))?;
        let mut dims = first.dims().to_vec();
        dims[0] = 0;
        for (output, (name, _)) in outputs.iter().zip(&self.branches.chains) {
            if output.dims()[1..] != first.dims()[1..] {
                let expected = format!("{first} but for the first dimension");
                return Err(Error::setting("output shape", expected, output).in_layer(name));
            }
            dims[0] = dims[0].saturating_add(output.dims()[0]);
        }
        Ok(Shape::of_dims(&dims).expect("as many dimensions as the first output"))
    }

    fn parameters(&self, input: Shape) -> Vec<TensorSpec> {
        self.branches.declared(|chain| chain.parameters(input))
    }

    fn buffers(&self, input: Shape) -> Vec<TensorSpec> {
        self.branches.declared(|chain| chain.buffers(input))
    }

    fn check_buffers(&self, input: Shape, buffers: &[A]) -> Result<()> {
        self.branches.check_buffers(input, buffers)
    }

    fn scratch(&self, input: Shape) -> Scratch {
        self.branches.scratch(input)
    }

    fn row_wise(&self, training: bool) -> bool {
        self.branches.row_wise(training)
    }

    fn min_rows(&self) -> usize {
        self.branches.min_rows()
    }

    fn settings(&self) -> Option<Settings> {
        let described = |(name, chain): &(String, Chain<A>)| LayerSettings {
            name: name.clone(),
            kind: chain.kind().into(),
            settings: chain.settings(),
        };
        let branches: Vec<LayerSettings> = self.branches.chains.iter().map(described).collect();
        Some(Settings::new().with("branches", branches))
    }

    fn inner_layers(&self) -> Vec<(String, &dyn Layer<A>)> {
        self.branches.inner_layers()
    }

    fn placed(&self, input: Shape) -> Result<Option<Arc<dyn Layer<A>>>> {
        self.output_shape(input)?;
        Ok(Some(Arc::new(Self { branches: self.branches.place(input)? })))
    }

    #[inline(never)]
    fn forward(&self, pass: Forward<'_, A>) {
        self.branches.forward(pass);
    }

    #[inline(never)]
    fn backward(&self, pass: Backward<'_, A>) {
        self.branches.backward(pass);
    }
}
