use std::ops::Range;
use std::sync::Arc;

use ndarray::ArrayView2;

use super::branches::{Branches, Join};
use super::tensor_spec::check_name;
use super::{Backward, Chain, Forward, Layer, Scratch, TensorSpec};
use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::settings::{LayerSettings, Settings};
use crate::shape::Shape;

/// Parallel chains (branches) with the same input, whose outputs are concatenated.
///
/// Formula: y = [b₁(x), b₂(x), …].
///
/// Derivative: each branch propagates its own part of dy backward; dx is the sum of the results.
///
/// Shapes: the first dimensions of the outputs are added; the other dimensions must be equal. Vectors become a longer vector,
/// and images of the same size become an image with more channels.
///
/// Numerics: as in the chains; dx is summed from the first branch to the last.
///
/// The full name of a parameter contains the name of its branch: `heads.left.affine1.weight`.
///
/// | method | purpose | default | range |
/// |---|---|---|---|
/// | [`add_branch`](Concat::add_branch) | adds a branch | none | 1 or more, each with a unique name |
///
/// # Errors
/// Building a model returns [`Error::Layer`] if there are no branches, if a name is invalid or occurs twice, if the outputs
/// cannot be concatenated, or if a chain returns an error.
///
/// Source: Szegedy et al., *Going deeper with convolutions*, 2015.
///
/// # Examples
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

    /// Adds a branch after the others.
    pub fn add_branch(mut self, name: impl Into<String>, branch: Chain<A>) -> Self {
        self.branches.chains.push((name.into(), branch));
        self
    }

    /// Checks that every branch has a valid and unique name.
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
                let expected = format!("{first} except for the first dimension");
                return Err(Error::setting("output shape", expected, output).in_layer(name));
            }
            dims[0] = dims[0].saturating_add(output.dims()[0]);
        }
        Ok(Shape::of_dims(&dims).expect("the rank is the rank of the first output"))
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

    fn check_input(
        &self,
        input: Shape,
        x: ArrayView2<'_, A>,
        columns: Range<usize>,
    ) -> Result<Option<Range<usize>>> {
        self.branches.check_input(input, x, columns)
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
