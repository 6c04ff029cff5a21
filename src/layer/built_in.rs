//! The list of the built-in layers.

use std::sync::Arc;

use super::{
    Activation, Affine, AvgPool1d, AvgPool2d, BatchNorm, Chain, Columns, Concat, Conv1d, Conv2d,
    ConvTranspose2d, Dropout, Dropout2d, Embedding, Flatten, GlobalAvgPool2d, Gru, Layer, LayerNorm, Lstm,
    MaxPool1d, MaxPool2d, Padding, Reshape, Residual, TrainableActivation,
};
use crate::activation::{ActFn, ActivationVisitor, TrainableActFn, built_in_activations};
use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::settings::{LayerSettings, Settings};
use crate::shape::Shape;

/// A function that creates a chain from the settings of its layers.
pub type MakeChain<'a, A> = &'a dyn Fn(&[LayerSettings]) -> Result<Chain<A>>;

/// A function that creates a layer from its settings.
pub type MakeLayer<A> = Box<dyn Fn(&Settings, MakeChain<'_, A>) -> Result<Arc<dyn Layer<A>>> + Send + Sync>;

/// A built-in layer.
#[doc(hidden)]
#[expect(missing_debug_implementations, reason = "it holds a function")]
pub struct BuiltInLayer<A> {
    /// The shape of the samples of the examples.
    pub input: Shape,
    /// Examples of the layer with different settings, for tests that cover every layer.
    pub examples: Vec<Box<dyn Layer<A>>>,
    /// The function that creates the layer from its settings.
    pub make: MakeLayer<A>,
}

/// Returns every built-in layer, with examples for samples of `width` values. The activations come first. A sample of a layer for
/// images is an image with one row of pixels, a sample of a layer for signals has one channel, and a sample of a recurrent layer
/// has one feature.
///
/// Add a new layer to the list in this function.
#[doc(hidden)]
pub fn built_in_layers<A: Scalar>(width: usize) -> Vec<BuiltInLayer<A>> {
    let mut all = Layers { input: width.into(), list: Vec::new() };
    built_in_activations(&mut all);
    all.add([Affine::new(4), Affine::new(33)], |settings, _| Ok(Affine::new(settings.count("units")?)));
    all.add([Dropout::new(0.0), Dropout::new(0.4)], |settings, _| Ok(Dropout::new(settings.number("p")?)));
    let other = BatchNorm::new().affine(false).momentum(0.3).epsilon(1e-3);
    all.add([BatchNorm::new(), other], |settings, _| {
        let norm = BatchNorm::new().epsilon(settings.number("epsilon")?);
        Ok(norm.momentum(settings.number("momentum")?).affine(settings.flag("affine")?))
    });
    let other = LayerNorm::new().affine(false).epsilon(1e-3);
    all.add([LayerNorm::new(), other], |settings, _| {
        Ok(LayerNorm::new().epsilon(settings.number("epsilon")?).affine(settings.flag("affine")?))
    });
    all.add([Embedding::new(4, 3), Embedding::new(1, 2)], |settings, _| {
        Ok(Embedding::new(settings.count("categories")?, settings.count("size")?))
    });
    all.add([Columns::new(0..width), Columns::new(width - 1..width)], |settings, _| {
        Ok(Columns::new(settings.count("start")?..settings.count("end")?))
    });
    all.add([Flatten], |_, _| Ok(Flatten));
    all.add([Reshape::new([width, 1])], |settings, _| {
        let dims: Vec<usize> = settings.numbers("shape")?.iter().map(|&dim| dim as usize).collect();
        let shape = Shape::of_dims(&dims);
        shape.map(Reshape::new).ok_or_else(|| Error::setting("shape", "1 to 3 dimensions", dims.len()))
    });
    let affine = |units| Chain::new().add_layer("affine1", Affine::new(units));
    all.add([affine(3).add_layer("norm1", LayerNorm::new())], |settings, make| {
        make(settings.layers("layers")?)
    });
    let residuals = [Residual::new(affine(width)), Residual::new(affine(5)).projection(affine(5))];
    all.add(residuals, |settings, make| {
        let block = Residual::new(make(settings.layers("layers")?)?);
        Ok(match settings.get("projection") {
            Some(_) => block.projection(make(settings.layers("projection")?)?),
            None => block,
        })
    });
    let concat = Concat::new().add_branch("left", affine(3)).add_branch("right", affine(2));
    all.add([concat], |settings, make| {
        let mut concat = Concat::new();
        for LayerSettings { name, kind, settings } in settings.layers("branches")? {
            let chain = settings.as_ref().filter(|_| kind == "chain");
            let chain = chain.ok_or_else(|| Error::setting("branch", "a chain", kind))?;
            concat = concat.add_branch(name, make(chain.layers("layers")?)?);
        }
        Ok(concat)
    });
    all.input = [1, 1, width].into();
    let other = Conv2d::new(2, [1, 3]).padding(Padding::Same).bias(false);
    all.add([Conv2d::new(3, 1).stride(2).padding([0, 1]), other], |settings, _| Conv2d::of(settings, 2));
    let other = ConvTranspose2d::new(3, [1, 2]).stride(2).output_padding(1);
    all.add([ConvTranspose2d::new(2, [2, 3]).bias(false), other], |settings, _| {
        ConvTranspose2d::of(settings)
    });
    let three = MaxPool2d::new([1, 3]).stride(1).padding([0, 1]);
    all.add([MaxPool2d::new(1), three], |settings, _| MaxPool2d::of(settings, 2));
    let three = AvgPool2d::new([1, 3]).stride([2, 1]).padding([0, 1]);
    all.add([AvgPool2d::new(1), three, three.count_include_pad(false)], |settings, _| {
        AvgPool2d::of(settings, 2)
    });
    all.add([GlobalAvgPool2d], |_, _| Ok(GlobalAvgPool2d));
    all.add([Dropout2d::new(0.0), Dropout2d::new(0.4)], |settings, _| {
        Ok(Dropout2d::new(settings.number("p")?))
    });
    all.input = [1, width].into();
    let other = Conv1d::new(2, 3).padding(Padding::Same).bias(false);
    all.add([Conv1d::new(3, 1).stride(2).padding(1), other], |settings, _| Conv1d::of(settings));
    let three = MaxPool1d::new(3).stride(1).padding(1);
    all.add([MaxPool1d::new(1), three], |settings, _| MaxPool1d::of(settings));
    let three = AvgPool1d::new(3).stride(2).padding(1);
    all.add([AvgPool1d::new(1), three, three.count_include_pad(false)], |settings, _| {
        AvgPool1d::of(settings)
    });
    all.input = [width, 1].into();
    all.add([Gru::new(3), Gru::new(2).return_sequences(true)], |settings, _| Gru::of(settings));
    all.add([Lstm::new(3), Lstm::new(2).return_sequences(true)], |settings, _| Lstm::of(settings));
    all.list
}

/// The list under construction.
struct Layers<A> {
    /// The shape of the samples of the layers that are added.
    input: Shape,
    list: Vec<BuiltInLayer<A>>,
}

impl<A: Scalar> Layers<A> {
    fn add<L: Layer<A>, const N: usize>(
        &mut self,
        examples: [L; N],
        make: impl Fn(&Settings, MakeChain<'_, A>) -> Result<L> + Send + Sync + 'static,
    ) {
        self.list.push(BuiltInLayer {
            input: self.input,
            examples: examples.into_iter().map(|layer| Box::new(layer) as _).collect(),
            make: Box::new(move |settings, chain| Ok(Arc::new(make(settings, chain)?))),
        });
    }
}

impl<A: Scalar> ActivationVisitor for Layers<A> {
    fn function<F: ActFn + Default + PartialEq>(&mut self, make: fn(&Settings) -> Result<F>) {
        let examples = [Activation::new(F::default())];
        self.add(examples, move |settings, _| make(settings).map(Activation::new));
    }

    fn trainable<F: TrainableActFn + Default>(&mut self, make: fn(f64) -> F) {
        let layer = TrainableActivation::new(F::default());
        self.add([layer.clone(), layer.per_unit(true)], move |settings, _| {
            let layer = TrainableActivation::new(make(settings.number(F::PARAMETER)?));
            Ok(layer.per_unit(settings.flag("per_unit")?))
        });
    }
}
