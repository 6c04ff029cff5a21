//! The article's network, for all benchmarks.

use manabi::{Activation, Affine, CrossEntropy, Scalar, Sequential, Softmax, Swish};

/// Builds 784-100-50-10 with swish.
pub fn network<A: Scalar>() -> Sequential<A> {
    Sequential::builder(784)
        .add_layer("affine1", Affine::new(100))
        .add_layer("swish1", Activation::new(Swish::default()))
        .add_layer("affine2", Affine::new(50))
        .add_layer("swish2", Activation::new(Swish::default()))
        .add_layer("affine3", Affine::new(10))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()
        .expect("the article's network builds")
}
