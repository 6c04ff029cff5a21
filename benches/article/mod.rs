//! The article's network and digits to feed it, for every bench.

use manabi::{
    Activation, Affine, CrossEntropy, Images, Mnist, Normalizer, Scalar, Sequential, Softmax, Swish,
};

/// 784-100-50-10 with swish.
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

/// Normalised synthetic digits.
pub fn digits(count: usize) -> Images {
    let train = Mnist::synthetic(count, 1, 0).expect("there are digits").train;
    let normalizer = Normalizer::min_max(train.pixels()).expect("there are pixels");
    train.normalize(&normalizer).expect("the normalizer fits")
}
