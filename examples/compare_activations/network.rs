//! The networks in the comparison.

use std::sync::Arc;

use manabi::data::{Dataset, Images};
use manabi::model::SequentialBuilder;
use manabi::{Affine, CrossEntropy, Layer, Scalar, Sequential, Softmax};

use crate::function::Function;
use crate::lenet;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Network {
    /// The article's: affine layers, two of them hidden, with these widths.
    Dense([usize; 2]),
    LeNet,
}

impl Network {
    /// Returns the name in the settings of a run.
    pub fn name(self) -> String {
        match self {
            Self::Dense(hidden) => hidden.map(|width| width.to_string()).join("-"),
            Self::LeNet => "lenet".into(),
        }
    }

    /// Returns the name in a report.
    pub fn title(self) -> String {
        match self {
            Self::Dense(_) => format!("784-{}-10", self.name()),
            Self::LeNet => "LeNet-5".into(),
        }
    }

    /// Returns the number of multiplications per sample, without those of the activation.
    pub fn cost(self) -> usize {
        match self {
            Self::Dense([first, second]) => 784 * first + first * second + second * 10,
            Self::LeNet => {
                let convolutions = 28 * 28 * 6 * 25 + 10 * 10 * 16 * 150;
                convolutions + 400 * 120 + 120 * 84 + 84 * 10
            }
        }
    }

    /// Builds the network for these images, with this function after every layer but the last.
    pub fn builder<A: Scalar>(self, function: Function, images: &Images) -> SequentialBuilder<A> {
        let initializer = function.initializer();
        let builder = match self {
            Self::Dense(hidden) => {
                let affine = |units| Affine::new(units).weight_initializer(initializer);
                let mut builder = Sequential::builder(images.pixels().ncols());
                for (i, width) in hidden.into_iter().enumerate() {
                    builder = builder
                        .add_layer(format!("affine{}", i + 1), affine(width))
                        .add_layer(format!("activation{}", i + 1), function.layer());
                }
                builder.add_layer("affine3", affine(images.classes()))
            }
            Self::LeNet => {
                let activation: Arc<dyn Layer<A>> = function.layer().into();
                let builder = Sequential::builder(Dataset::<A>::input_shape(images));
                lenet::add_layers(builder, ("activation", &activation), initializer)
            }
        };
        builder.set_output(Softmax).set_error(CrossEntropy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_networks_have_their_sizes() {
        let mnist = manabi::Mnist::synthetic(10, 1, 1).unwrap();
        for (network, name, parameters) in [
            (Network::Dense([100, 50]), "784-100-50-10", 84_060),
            // The two convolutions and the three affine layers.
            (Network::LeNet, "LeNet-5", 156 + 2_416 + 48_120 + 10_164 + 850),
        ] {
            let model = network.builder::<f32>(Function::Mish, &mnist.train).build().unwrap();
            assert_eq!((network.title().as_str(), model.parameter_values().len()), (name, parameters));
        }
    }
}
