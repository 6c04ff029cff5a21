use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use ndarray::ArrayView2;

use super::{Backward, Forward, Layer, Plan, Scratch, TensorSpec, backward, forward};
use crate::error::Result;
use crate::scalar::Scalar;
use crate::settings::{LayerSettings, Settings};
use crate::shape::Shape;

/// A layer with its name.
pub(crate) type Named<A> = (String, Arc<dyn Layer<A>>);

/// A sequence of layers, which is itself a layer. Blocks consist of chains.
///
/// Formula: y = lₙ(…l₂(l₁(x))).
///
/// Derivative: the chain rule, applied from the last layer to the first.
///
/// Shapes: the input of a layer is the output of the layer before it.
///
/// Numerics: as in the layers, which compute the same bits in a chain and directly in a model.
///
/// The full name of a parameter, also in files, begins with the names of its layers, from the outermost to the innermost:
/// `block1.affine1.weight`, as in PyTorch.
///
/// | method | purpose | default | range |
/// |---|---|---|---|
/// | [`add_layer`](Chain::add_layer) | appends a layer | none | 1 or more, each with a unique name |
///
/// # Errors
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if the chain is empty, if a name is invalid or occurs
/// twice, or if a layer returns an error.
///
/// # Examples
/// ```
/// use manabi::activation::Identity;
/// use manabi::layer::Chain;
/// use manabi::loss::MeanSquaredError;
/// use manabi::{Activation, Affine, Sequential, Swish};
///
/// let hidden = Chain::new()
///     .add_layer("affine1", Affine::new(8))
///     .add_layer("swish1", Activation::new(Swish::default()));
/// let model = Sequential::<f64>::builder(4)
///     .add_layer("hidden", hidden)
///     .add_layer("last", Affine::new(1))
///     .set_output(Identity)
///     .set_error(MeanSquaredError)
///     .build()?;
/// assert_eq!(model.parameter("hidden.affine1.weight")?.shape(), [4, 8]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "add_layer returns the longer chain"]
#[doc(alias("nn.Sequential", "block"))]
pub struct Chain<A> {
    layers: Vec<Named<A>>,
    /// The plan for an input shape, once the shape is known.
    plan: Option<Arc<Plan<A>>>,
}

impl<A: Scalar> Chain<A> {
    /// Creates an empty chain.
    pub fn new() -> Self {
        Self::of(Vec::new())
    }

    /// Creates a chain of these layers.
    pub(crate) fn of(layers: Vec<Named<A>>) -> Self {
        Self { layers, plan: None }
    }

    /// Adds a layer at the end of the chain.
    pub fn add_layer(mut self, name: impl Into<String>, layer: impl Layer<A>) -> Self {
        self.layers.push((name.into(), Arc::new(layer)));
        Self::of(self.layers)
    }

    /// Returns the chain with a plan for inputs of this shape.
    #[inline(never)]
    pub(super) fn place(&self, input: Shape) -> Result<Self> {
        Ok(Self { layers: self.layers.clone(), plan: Some(self.plan(input)?) })
    }

    fn plan(&self, input: Shape) -> Result<Arc<Plan<A>>> {
        match &self.plan {
            Some(plan) if plan.input() == input => Ok(plan.clone()),
            _ => Plan::new(&self.layers, input).map(Arc::new),
        }
    }

    /// Returns the plan for an input shape for which `output_shape` has succeeded.
    #[inline(never)]
    pub(super) fn known(&self, input: Shape) -> Cow<'_, Plan<A>> {
        match &self.plan {
            Some(plan) if plan.input() == input => Cow::Borrowed(plan),
            _ => Cow::Owned(Plan::new(&self.layers, input).expect("output_shape has succeeded")),
        }
    }

    /// Returns the name, the kind and the settings of every layer, as files store them.
    pub(crate) fn layer_settings(&self) -> Vec<LayerSettings> {
        let described = |(name, layer): &Named<A>| LayerSettings {
            name: name.clone(),
            kind: layer.kind().into(),
            settings: layer.settings(),
        };
        self.layers.iter().map(described).collect()
    }
}

impl<A: Scalar> Default for Chain<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Scalar> Layer<A> for Chain<A> {
    fn kind(&self) -> &str {
        "chain"
    }

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        self.plan(input).map(|plan| plan.output())
    }

    fn parameters(&self, input: Shape) -> Vec<TensorSpec> {
        self.known(input).parameters().collect()
    }

    fn buffers(&self, input: Shape) -> Vec<TensorSpec> {
        self.known(input).buffers().collect()
    }

    fn check_buffers(&self, input: Shape, buffers: &[A]) -> Result<()> {
        self.known(input).check_buffers(buffers)
    }

    fn scratch(&self, input: Shape) -> Scratch {
        self.known(input).scratch.clone()
    }

    fn row_wise(&self, training: bool) -> bool {
        self.layers.iter().all(|(_, layer)| layer.row_wise(training))
    }

    fn min_rows(&self) -> usize {
        self.layers.iter().map(|(_, layer)| layer.min_rows()).max().unwrap_or(1)
    }

    fn check_input(
        &self,
        input: Shape,
        x: ArrayView2<'_, A>,
        columns: Range<usize>,
    ) -> Result<Option<Range<usize>>> {
        self.known(input).check_input(x, columns)
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new().with("layers", self.layer_settings()))
    }

    fn inner_layers(&self) -> Vec<(String, &dyn Layer<A>)> {
        self.layers.iter().map(|(name, layer)| (name.clone(), layer.as_ref())).collect()
    }

    fn placed(&self, input: Shape) -> Result<Option<Arc<dyn Layer<A>>>> {
        Ok(Some(Arc::new(self.place(input)?)))
    }

    #[inline(never)]
    fn forward(&self, pass: Forward<'_, A>) {
        forward(&self.known(pass.input), pass);
    }

    #[inline(never)]
    fn backward(&self, pass: Backward<'_, A>) {
        let plan = self.known(pass.input);
        backward(&plan, plan.slots.len(), pass);
    }
}
