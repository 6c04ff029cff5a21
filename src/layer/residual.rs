use std::ops::Range;
use std::sync::Arc;

use ndarray::ArrayView2;

use super::branches::{Branches, Join};
use super::{Backward, Chain, Forward, Layer, Scratch, TensorSpec};
use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::shape::Shape;

/// A residual block: a chain whose input is added to its output.
///
/// Formula: y = x + c(x) with the chain c; with a projection p, y = p(x) + c(x).
///
/// Derivative: dx = dy + c′(dy), or p′(dy) + c′(dy), where c′ and p′ propagate a gradient backward through their chains.
///
/// Shapes: the output has the shape of c(x). This must be the shape of p(x), or the shape of x if there is no projection.
///
/// Numerics: as in the chains, followed by one rounded addition per value.
///
/// A parameter of the chain has a full name such as `block1.affine1.weight`, and a parameter of the projection
/// `block1.projection.affine1.weight`.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `chain` | computes c(x) | none | a chain with at least one layer |
/// | [`projection`](Residual::projection) | computes p(x), which replaces x in the sum | none (x itself) | a chain with the output shape of `chain` |
///
/// # Errors
/// Building a model returns [`Error::Layer`] if the two terms of the sum differ in shape or if a chain returns an error.
///
/// Source: He, Zhang, Ren and Sun, *Deep residual learning for image recognition*, 2016.
///
/// # Examples
/// ```
/// use manabi::activation::Identity;
/// use manabi::layer::{Chain, Residual};
/// use manabi::loss::MeanSquaredError;
/// use manabi::{Activation, Affine, Mish, Sequential};
///
/// let chain = Chain::new()
///     .add_layer("affine1", Affine::new(16))
///     .add_layer("mish1", Activation::new(Mish))
///     .add_layer("affine2", Affine::new(4));
/// let model = Sequential::<f32>::builder(4)
///     .add_layer("block1", Residual::new(chain))
///     .add_layer("last", Affine::new(1))
///     .set_output(Identity)
///     .set_error(MeanSquaredError)
///     .build()?;
/// assert_eq!(model.parameter("block1.affine2.weight")?.shape(), [16, 4]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "projection returns the changed block"]
#[doc(alias("skip connection", "ResNet", "shortcut"))]
pub struct Residual<A> {
    /// The chain, followed by the projection if there is one.
    branches: Branches<A>,
}

impl<A: Scalar> Residual<A> {
    /// Creates a block that adds its input to the output of this chain.
    pub fn new(chain: Chain<A>) -> Self {
        Self { branches: Branches { chains: vec![(String::new(), chain)], join: Join::SumWithInput } }
    }

    /// Sets the chain whose output is added instead of the input, for blocks that change the shape.
    pub fn projection(mut self, projection: Chain<A>) -> Self {
        self.branches.chains.truncate(1);
        self.branches.chains.push(("projection".into(), projection));
        self.branches.join = Join::Sum;
        self
    }
}

impl<A: Scalar> Layer<A> for Residual<A> {
    fn kind(&self) -> &str {
        "residual"
    }

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        let outputs = self.branches.outputs(input)?;
        let (expected, which) = match outputs.get(1) {
            Some(&projected) => (projected, "the output shape of the projection"),
            None => (input, "the input shape (add a projection to change the shape)"),
        };
        match outputs[0] == expected {
            true => Ok(expected),
            false => {
                let expected = format!("{expected}, {which}");
                Err(Error::setting("output shape of the chain", expected, outputs[0]))
            }
        }
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
        let mut chains = self.branches.chains.iter().map(|(_, chain)| chain.layer_settings());
        let settings = Settings::new().with("layers", chains.next().unwrap_or_default());
        Some(match chains.next() {
            Some(projection) => settings.with("projection", projection),
            None => settings,
        })
    }

    fn inner_layers(&self) -> Vec<(String, &dyn Layer<A>)> {
        self.branches.inner_layers()
    }

    fn placed(&self, input: Shape) -> Result<Option<Arc<dyn Layer<A>>>> {
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
