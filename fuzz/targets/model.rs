//! Loads bytes as a model, as weights and as a normaliser. The result is valid, or an error that leaves the model unchanged.

#![no_main]

use libfuzzer_sys::fuzz_target;
use manabi::persistence::LoadOptions;
use manabi::{Activation, Affine, CrossEntropy, Normalizer, Scalar, Sequential, Softmax, Swish};

fuzz_target!(|bytes: &[u8]| {
    whole::<f32>(bytes);
    whole::<f64>(bytes);
    weights(bytes);
    let _ = Normalizer::from_bytes(bytes);
});

/// Checks that a loaded model can be saved and loaded again.
fn whole<A: Scalar>(bytes: &[u8]) {
    let Ok(model) = Sequential::<A>::from_bytes(bytes) else { return };
    // A value of 16 bits in a file becomes one of 32 or 64 bits.
    assert!(model.parameter_values().len() <= bytes.len() / 2);
    let saved = model.to_bytes().expect("a loaded model can be saved");
    let again = Sequential::<A>::from_bytes(&saved).expect("a saved model can be loaded");
    assert_eq!(again.parameter_values(), model.parameter_values());
    assert_eq!(again.to_string(), model.to_string());
}

fn weights(bytes: &[u8]) {
    // The model of the seed `small`.
    let mut model = Sequential::<f32>::builder(3)
        .add_layer("a", Affine::new(2))
        .add_layer("s", Activation::new(Swish::default()))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()
        .expect("the layers fit");
    let before = model.parameter_values().to_vec();
    match model.weights_from_bytes(bytes) {
        Ok(()) => assert!(model.parameter_values().iter().all(|value| value.is_finite())),
        Err(_) => assert_eq!(model.parameter_values(), before),
    }
    let before = model.parameter_values().to_vec();
    let options = LoadOptions::new().strip_prefix("x.").rename("b", "a").convert(true).partial(true);
    match options.bytes_into(&mut model, bytes) {
        Ok(_) => assert!(model.parameter_values().iter().all(|value| value.is_finite())),
        Err(_) => assert_eq!(model.parameter_values(), before),
    }
}
