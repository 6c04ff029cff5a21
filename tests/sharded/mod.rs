//! Models of several kinds, and samples for them, on which processes train together.

use manabi::activation::Relu;
use manabi::layer::{BatchNorm, Chain, Conv2d, Dropout, Flatten, MaxPool2d, Residual};
use manabi::random::{Random, RandomState};
use manabi::{Activation, Affine, CrossEntropy, Mish, Samples, Scalar, Sequential, Softmax, Swish};

pub const INPUTS: usize = 36;
pub const CLASSES: usize = 3;

/// Returns small images of three classes.
pub fn data<A: Scalar>(rows: usize) -> Samples<A> {
    let x = RandomState::new(3).normal((rows, INPUTS), 0.0, 1.0).mapv(A::of);
    let labels: Vec<usize> = (0..rows).map(|row| (row * row + row / 5) % CLASSES).collect();
    Samples::labeled(x, &labels, CLASSES).unwrap().with_shape([1, 6, 6]).unwrap()
}

/// Returns a model of the kind with this name: plain, dropout, norm, residual or convolution.
pub fn model<A: Scalar>(kind: &str) -> Sequential<A> {
    let builder = Sequential::<A>::builder([1, 6, 6]);
    let swish = || Activation::new(Swish::default());
    let builder = match kind {
        "plain" | "weights" => {
            builder.add_layer("flat", Flatten).add_layer("a", Affine::new(7)).add_layer("s", swish())
        }
        "dropout" => builder
            .add_layer("flat", Flatten)
            .add_layer("a", Affine::new(9))
            .add_layer("m", Activation::new(Mish))
            .add_layer("d", Dropout::new(0.4)),
        "norm" => builder
            .add_layer("flat", Flatten)
            .add_layer("a", Affine::new(8))
            .add_layer("n", BatchNorm::new())
            .add_layer("s", swish()),
        "residual" => {
            let inner = Chain::new().add_layer("b", Affine::new(8)).add_layer("s", swish());
            builder
                .add_layer("flat", Flatten)
                .add_layer("a", Affine::new(8))
                .add_layer("r", Residual::new(inner))
        }
        "convolution" => builder
            .add_layer("c", Conv2d::new(4, 3).padding(1))
            .add_layer("r", Activation::new(Relu))
            .add_layer("p", MaxPool2d::new(2))
            .add_layer("flat", Flatten),
        other => panic!("no model {other}"),
    };
    let builder = builder.add_layer("end", Affine::new(CLASSES)).set_output(Softmax);
    builder.set_error(CrossEntropy).seed(4).build().unwrap()
}
