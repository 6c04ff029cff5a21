use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::activation::{ActFn, TrainableActFn};
use crate::error::{Error, Result};
use crate::heads::{HEADS, Heads};
use crate::layer::{
    Activation, BuiltInLayer, Chain, Concat, Layer, Named, Residual, TrainableActivation, built_in_layers,
};
use crate::loss::{ElementwiseLoss, Loss, LossFn, built_in_losses};
use crate::output::{ElementwiseOutput, Output, built_in_outputs};
use crate::scalar::Scalar;
use crate::settings::{LayerSettings, Settings};

/// The functions that recreate the layers, activations, outputs and losses of a saved model. A registry contains everything built
/// in; add a function for each custom part.
///
/// For example, a saved model stores the settings that [`ActFn::settings`] returns. The function in the registry recreates the
/// activation from these settings.
///
/// # Examples
///
/// ```
/// use manabi::activation::Identity;
/// use manabi::loss::MeanSquaredError;
/// use manabi::persistence::Registry;
/// use manabi::settings::Settings;
/// use manabi::{ActFn, Activation, Affine, Real, Sequential};
///
/// /// z = u / (1 + |αu|)
/// #[derive(Clone, Debug)]
/// struct Softsign(f64);
///
/// impl ActFn for Softsign {
///     const KIND: &'static str = "my_softsign";
///     #[inline(always)]
///     fn f<A: Real>(&self, u: A) -> A {
///         u / (A::one() + (A::of(self.0) * u).abs())
///     }
///     #[inline(always)]
///     fn df<A: Real>(&self, u: A, _z: A) -> A {
///         let s = A::one() + (A::of(self.0) * u).abs();
///         A::one() / (s * s)
///     }
///     fn settings(&self) -> Option<Settings> {
///         Some(Settings::new().with("alpha", self.0))
///     }
/// }
///
/// let model = Sequential::<f32>::builder(2)
///     .add_layer("affine1", Affine::new(3))
///     .add_layer("softsign1", Activation::new(Softsign(0.5)))
///     .set_output(Identity)
///     .set_error(MeanSquaredError)
///     .build()?;
/// let bytes = model.to_bytes()?;
///
/// let error = Sequential::<f32>::from_bytes(&bytes).unwrap_err();
/// let expected = "bytes: incompatible content: layer 'softsign1': kind 'my_softsign' is not in the registry: \
///                 add it to a Registry and call load_with_registry";
/// assert_eq!(error.to_string(), expected);
///
/// let registry = Registry::<f32>::new().activation(|settings| Ok(Softsign(settings.number("alpha")?)));
/// let loaded = Sequential::<f32>::from_bytes_with_registry(&bytes, &registry)?;
/// assert_eq!(loaded.parameter_values(), model.parameter_values());
/// # Ok::<(), manabi::Error>(())
/// ```
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("custom objects", "custom_objects"))]
pub struct Registry<A> {
    layers: Makers<A, dyn Layer<A>>,
    outputs: Makers<A, dyn Output<A>>,
    losses: Makers<A, dyn Loss<A>>,
}

/// The functions that create parts from their settings, by kind.
type Makers<A, T> = BTreeMap<String, Maker<A, T>>;
type Maker<A, T> = Box<dyn Fn(&Settings, &Registry<A>) -> Result<Arc<T>> + Send + Sync>;

impl<A: Scalar> Registry<A> {
    /// Creates a registry of everything built in.
    #[inline(never)]
    pub fn new() -> Self {
        let (mut layers, mut outputs, mut losses) = (Makers::new(), Makers::new(), Makers::new());
        for BuiltInLayer { examples, make, .. } in built_in_layers::<A>(1) {
            let make: Maker<A, dyn Layer<A>> =
                Box::new(move |settings, registry| make(settings, &|layers| registry.chain(layers)));
            layers.insert(examples[0].kind().into(), make);
        }
        for (output, make) in built_in_outputs() {
            outputs.insert(output.kind().into(), Box::new(move |settings, _| make(settings)));
        }
        for (examples, make) in built_in_losses(1) {
            losses.insert(examples[0].kind().into(), Box::new(move |settings, _| make(settings)));
        }
        let make: Maker<A, dyn Output<A>> =
            Box::new(|settings, registry| Ok(Arc::new(registry.heads(settings)?)));
        outputs.insert(HEADS.into(), make);
        let make: Maker<A, dyn Loss<A>> =
            Box::new(|settings, registry| Ok(Arc::new(registry.heads(settings)?)));
        losses.insert(HEADS.into(), make);
        Self { layers, outputs, losses }
    }

    /// Creates the heads that settings describe.
    fn heads(&self, settings: &Settings) -> Result<Heads<A>> {
        let cannot = |name: &str, problem| {
            Error::setting(
                format!("head '{name}'"),
                "an output and a loss that the registry can create",
                problem,
            )
        };
        let output = |part: &LayerSettings| self.make_output(&part.kind, part.settings.as_ref());
        let loss = |part: &LayerSettings| self.make_loss(&part.kind, part.settings.as_ref());
        Heads::from_settings(
            settings,
            |part| output(part).map_err(|problem| cannot(&part.name, problem)),
            |part| loss(part).map_err(|problem| cannot(&part.name, problem)),
        )
    }

    /// Adds a function that creates layers of this kind from their settings. Replaces an existing function for the kind.
    pub fn layer<L: Layer<A> + 'static>(
        mut self,
        kind: impl Into<String>,
        make: impl Fn(&Settings) -> Result<L> + Send + Sync + 'static,
    ) -> Self {
        self.layers.insert(kind.into(), Box::new(move |settings, _| Ok(Arc::new(make(settings)?))));
        self
    }

    /// Adds a function that creates layers of this kind, which contain other layers, from their settings and the registry that
    /// creates the inner layers. Replaces an existing function for the kind.
    pub fn block<L: Layer<A>>(
        mut self,
        kind: impl Into<String>,
        make: impl Fn(&Settings, &Self) -> Result<L> + Send + Sync + 'static,
    ) -> Self {
        let make: Maker<A, dyn Layer<A>> =
            Box::new(move |settings, registry| Ok(Arc::new(make(settings, registry)?)));
        self.layers.insert(kind.into(), make);
        self
    }

    /// Creates a chain of the layers that are listed in the settings of a block.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if the registry cannot create one of the layers. The message lists all problems.
    pub fn chain(&self, layers: &[LayerSettings]) -> Result<Chain<A>> {
        let (layers, problems) = self.make_layers(layers);
        match problems.is_empty() {
            true => Ok(Chain::of(layers)),
            false => {
                Err(Error::setting("layers", "layers that the registry can create", problems.join("; ")))
            }
        }
    }

    /// Creates the layers that a file lists. Returns the layers that could be created, and the problems with the others.
    pub(crate) fn make_layers(&self, layers: &[LayerSettings]) -> (Vec<Named<A>>, Vec<String>) {
        let (mut made, mut problems) = (Vec::with_capacity(layers.len()), Vec::new());
        for LayerSettings { name, kind, settings } in layers {
            match self.make_layer(kind, settings.as_ref()) {
                Ok(layer) => made.push((name.clone(), layer)),
                Err(problem) => problems.push(format!("layer '{name}': {problem}")),
            }
        }
        (made, problems)
    }

    /// Adds a function that creates activation functions of the type `F` from their settings, for layers and outputs.
    pub fn activation<F: ActFn>(self, make: impl Fn(&Settings) -> Result<F> + Send + Sync + 'static) -> Self {
        let make = Arc::new(make);
        let for_layer = make.clone();
        let with_layer = self.layer(F::KIND, move |settings| Ok(Activation::new(for_layer(settings)?)));
        with_layer.output(F::KIND, move |settings| Ok(ElementwiseOutput::new(make(settings)?)))
    }

    /// Adds a function that creates elementwise losses of the type `F` from their settings.
    pub fn elementwise_loss<F: LossFn>(
        self,
        make: impl Fn(&Settings) -> Result<F> + Send + Sync + 'static,
    ) -> Self {
        self.loss(F::KIND, move |settings| Ok(ElementwiseLoss::new(make(settings)?)))
    }

    /// Adds a function that creates trainable activation functions of the type `F` from the initial value of their parameter.
    pub fn trainable<F: TrainableActFn>(self, make: impl Fn(f64) -> F + Send + Sync + 'static) -> Self {
        self.layer(F::KIND, move |settings| {
            let layer = TrainableActivation::new(make(settings.number(F::PARAMETER)?));
            Ok(layer.per_unit(settings.flag("per_unit")?))
        })
    }

    /// Adds a function that creates outputs of this kind from their settings. Replaces an existing function for the kind.
    pub fn output<O: Output<A> + 'static>(
        mut self,
        name: impl Into<String>,
        make: impl Fn(&Settings) -> Result<O> + Send + Sync + 'static,
    ) -> Self {
        self.outputs.insert(name.into(), Box::new(move |settings, _| Ok(Arc::new(make(settings)?))));
        self
    }

    /// Adds a function that creates losses of this kind from their settings. Replaces an existing function for the kind.
    pub fn loss<L: Loss<A> + 'static>(
        mut self,
        name: impl Into<String>,
        make: impl Fn(&Settings) -> Result<L> + Send + Sync + 'static,
    ) -> Self {
        self.losses.insert(name.into(), Box::new(move |settings, _| Ok(Arc::new(make(settings)?))));
        self
    }

    /// Creates the layer that a file describes.
    fn make_layer(&self, kind: &str, settings: Option<&Settings>) -> Made<dyn Layer<A>> {
        make(self, &self.layers, kind, settings, |layer| (layer.kind().into(), layer.settings()))
    }

    /// Creates the output that a file describes.
    pub(crate) fn make_output(&self, name: &str, settings: Option<&Settings>) -> Made<dyn Output<A>> {
        make(self, &self.outputs, name, settings, |output| (output.kind().into(), output.settings()))
    }

    /// Creates the loss that a file describes.
    pub(crate) fn make_loss(&self, name: &str, settings: Option<&Settings>) -> Made<dyn Loss<A>> {
        make(self, &self.losses, name, settings, |loss| (loss.kind().into(), loss.settings()))
    }
}

/// Checks that no custom part has the kind of a built-in part. Otherwise, loading would create the built-in part.
pub(crate) fn check_kinds<'a, A: Scalar>(
    mut layers: impl Iterator<Item = (&'a str, &'a (dyn Layer<A> + 'static))>,
    output: &(dyn Output<A> + 'static),
    loss: &(dyn Loss<A> + 'static),
) -> Result<()> {
    let registry = Registry::<A>::new();
    layers.try_for_each(|(name, layer)| check_layer(&registry, name, layer))?;
    check_output(&registry, output)?;
    check_loss(&registry, loss)
}

/// Checks an output, or the outputs of heads.
fn check_output<A: Scalar>(registry: &Registry<A>, output: &dyn Output<A>) -> Result<()> {
    if let Some(heads) = output.heads() {
        return heads.parts().try_for_each(|(output, _)| check_output(registry, output));
    }
    let (makers, told) = ((registry, &registry.outputs), (output.kind(), output.settings()));
    check_kind(makers, "output", "Output::kind", told, output, |output| output)
}

/// Checks a loss, or the losses of heads.
fn check_loss<A: Scalar>(registry: &Registry<A>, loss: &dyn Loss<A>) -> Result<()> {
    if let Some(heads) = loss.heads() {
        return heads.parts().try_for_each(|(_, loss)| check_loss(registry, loss));
    }
    let (makers, told) = ((registry, &registry.losses), (loss.kind(), loss.settings()));
    check_kind(makers, "loss", "Loss::kind", told, loss, |loss| loss)
}

/// Checks a layer and its inner layers.
fn check_layer<A: Scalar>(registry: &Registry<A>, name: &str, layer: &dyn Layer<A>) -> Result<()> {
    let (told, rename) = ((layer.kind(), layer.settings()), "Layer::kind or ActFn::KIND");
    let checked = || {
        // Recreating a built-in block may need a custom registry for its inner layers.
        if !is_built_in_block(layer) {
            check_kind((registry, &registry.layers), "layer", rename, told, layer, |layer| layer)?;
        }
        layer.inner_layers().into_iter().try_for_each(|(name, layer)| check_layer(registry, &name, layer))
    };
    checked().map_err(|error| error.in_layer(name))
}

fn is_built_in_block<A: Scalar>(layer: &dyn Layer<A>) -> bool {
    let layer: &dyn Any = layer;
    layer.is::<Chain<A>>() || layer.is::<Residual<A>>() || layer.is::<Concat<A>>()
}

/// Checks that a part with the kind of a built-in part has the type that the built-in `makers` create from its settings.
fn check_kind<A: Scalar, T: ?Sized + 'static>(
    (registry, makers): (&Registry<A>, &Makers<A, T>),
    what: &str,
    rename: &str,
    (name, settings): (&str, Option<Settings>),
    part: &T,
    any: fn(&T) -> &dyn Any,
) -> Result<()> {
    let Some(maker) = makers.get(name) else { return Ok(()) };
    let built_in = settings.and_then(|settings| maker(&settings, registry).ok());
    if built_in.is_some_and(|built_in| type_of(&*built_in, any) == type_of(part, any)) {
        return Ok(());
    }
    let reason = "one that no built-in part has, because loading would create the built-in part";
    let expected = format!("{reason} (change {rename})");
    Err(Error::setting(format!("kind of the custom {what}"), expected, name))
}

/// Returns the type of a part inside any number of boxes and shared pointers.
fn type_of<T: ?Sized + 'static>(part: &T, any: fn(&T) -> &dyn Any) -> TypeId {
    let own = any(part);
    let boxed = own.downcast_ref::<Box<T>>().map(Box::as_ref);
    let inner = boxed.or_else(|| own.downcast_ref::<Arc<T>>().map(Arc::as_ref));
    inner.map_or_else(|| own.type_id(), |inner| type_of(inner, any))
}

/// A part, or the reason why it could not be created.
type Made<T> = Result<Arc<T>, String>;

/// Creates a part, and checks that it has the kind and the settings in the file.
fn make<A: Scalar, T: ?Sized>(
    registry: &Registry<A>,
    makers: &Makers<A, T>,
    kind: &str,
    settings: Option<&Settings>,
    told: impl Fn(&T) -> (String, Option<Settings>),
) -> Made<T> {
    let maker = makers.get(kind).ok_or_else(|| {
        format!("kind '{kind}' is not in the registry: add it to a Registry and call load_with_registry")
    })?;
    let settings = settings.ok_or_else(|| {
        format!(
            "kind '{kind}' was saved without settings: implement its method settings() and save the model again"
        )
    })?;
    let made = maker(settings, registry).map_err(|error| format!("kind '{kind}': {error}"))?;
    match told(&made) {
        (own, Some(same)) if own == kind && same == *settings => Ok(made),
        (own, other) => {
            Err(format!("kind '{kind}' with {settings:?}: the registry created '{own}' with {other:?}"))
        }
    }
}

impl<A: Scalar> Default for Registry<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A> fmt::Debug for Registry<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Registry");
        out.field("layers", &self.layers.keys()).field("outputs", &self.outputs.keys());
        out.field("losses", &self.losses.keys()).finish()
    }
}
