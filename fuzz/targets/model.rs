//! Bytes as a model, as weights and as a normaliser: right or an error, and then nothing is changed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use manabi::{Activation, Affine, CrossEntropy, Normalizer, Scalar, Sequential, Softmax, Swish};

fuzz_target!(|bytes: &[u8]| {
    whole::<f32>(bytes);
    whole::<f64>(bytes);
    weights(bytes);
    let _ = Normalizer::from_bytes(bytes);
});

/// What loads is saved and loads again.
fn whole<A: Scalar>(bytes: &[u8]) {
    let Ok(model) = Sequential::<A>::from_bytes(bytes) else { return };
    assert!(size_of_val(model.parameter_values()) <= 2 * bytes.len());
    let saved = model.to_bytes().expect("what was loaded can be saved");
    let again = Sequential::<A>::from_bytes(&saved).expect("what was saved can be loaded");
    assert_eq!(again.parameter_values(), model.parameter_values());
    assert_eq!(again.to_string(), model.to_string());
}

fn weights(bytes: &[u8]) {
    // The first of the seeds.
    let mut model = Sequential::<f32>::builder(3)
        .add_layer("a", Affine::new(2))
        .add_layer("s", Activation::new(Swish::default()))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()
        .expect("it makes sense");
    let before = model.parameter_values().to_vec();
    match model.weights_from_bytes(bytes) {
        Ok(()) => assert!(model.parameter_values().iter().all(|value| value.is_finite())),
        Err(_) => assert_eq!(model.parameter_values(), before),
    }
}
