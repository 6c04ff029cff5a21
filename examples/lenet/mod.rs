//! LeNet-5, which several examples train.

use std::sync::Arc;

use manabi::init::Initializer;
use manabi::layer::{Conv2d, Flatten, MaxPool2d};
use manabi::model::SequentialBuilder;
use manabi::{Affine, Layer, Scalar};

/// Adds the layers of LeNet-5, with this activation after every layer but the last.
///
/// LeCun et al., *Gradient-based learning applied to document recognition*, 1998. As in most later versions, max pooling takes
/// the place of the trained subsampling, every filter sees all channels, and the output is softmax.
pub fn add_layers<A: Scalar>(
    builder: SequentialBuilder<A>,
    (name, activation): (&str, &Arc<dyn Layer<A>>),
    initializer: Initializer,
) -> SequentialBuilder<A> {
    let name = |n: usize| format!("{name}{n}");
    let conv = |channels| Conv2d::new(channels, 5).weight_initializer(initializer);
    let affine = |units| Affine::new(units).weight_initializer(initializer);
    builder
        .add_layer("conv1", conv(6).padding(2))
        .add_layer(name(1), activation.clone())
        .add_layer("pool1", MaxPool2d::new(2))
        .add_layer("conv2", conv(16))
        .add_layer(name(2), activation.clone())
        .add_layer("pool2", MaxPool2d::new(2))
        .add_layer("flatten", Flatten)
        .add_layer("affine1", affine(120))
        .add_layer(name(3), activation.clone())
        .add_layer("affine2", affine(84))
        .add_layer(name(4), activation.clone())
        .add_layer("affine3", affine(10))
}
