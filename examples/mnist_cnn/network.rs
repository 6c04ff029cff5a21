//! The networks.

use std::sync::Arc;

use manabi::init::Initializer;
use manabi::layer::{Conv2d, Dropout, Flatten, MaxPool2d};
use manabi::model::SequentialBuilder;
use manabi::{Affine, CrossEntropy, Layer, Scalar, Sequential, Shape, Softmax};

use crate::lenet;

#[derive(Clone, Copy)]
pub enum Network {
    LeNet,
    /// The network of Keras's example mnist_cnn, with padding, so that the convolutions keep the size of the image.
    Keras,
}

impl Network {
    pub fn parse(name: &str) -> Result<Self, String> {
        match name {
            "lenet" => Ok(Self::LeNet),
            "keras" => Ok(Self::Keras),
            _ => Err(format!("--network: expected lenet or keras, got {name}")),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::LeNet => "LeNet-5",
            Self::Keras => "Keras's example",
        }
    }

    /// Returns the default batch size.
    pub fn batch(self) -> usize {
        match self {
            Self::LeNet => 100,
            Self::Keras => 128,
        }
    }

    /// Builds the network for images of this shape, with this activation after every layer but the last.
    pub fn builder<A: Scalar>(
        self,
        input: Shape,
        name: &str,
        activation: &Arc<dyn Layer<A>>,
    ) -> SequentialBuilder<A> {
        let builder = Sequential::builder(input);
        let builder = match self {
            Self::LeNet => lenet::add_layers(builder, (name, activation), Initializer::HE_NORMAL),
            Self::Keras => builder
                .add_layer("conv1", Conv2d::new(32, 3).padding(1))
                .add_layer(format!("{name}1"), activation.clone())
                .add_layer("conv2", Conv2d::new(64, 3).padding(1))
                .add_layer(format!("{name}2"), activation.clone())
                .add_layer("pool1", MaxPool2d::new(2))
                .add_layer("dropout1", Dropout::new(0.25))
                .add_layer("flatten", Flatten)
                .add_layer("affine1", Affine::new(128))
                .add_layer(format!("{name}3"), activation.clone())
                .add_layer("dropout2", Dropout::new(0.5))
                .add_layer("affine2", Affine::new(10)),
        };
        builder.set_output(Softmax).set_error(CrossEntropy)
    }
}
