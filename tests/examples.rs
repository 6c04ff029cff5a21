//! Runs the short examples, which assert their own results.

#[path = "../examples/autoencoder.rs"]
mod autoencoder;
#[path = "../examples/binary_classification.rs"]
mod binary_classification;
#[path = "../examples/custom_layer.rs"]
mod custom_layer;
#[path = "../examples/custom_loop.rs"]
mod custom_loop;
#[path = "../examples/diabetes/main.rs"]
mod diabetes;
#[path = "../examples/flats.rs"]
mod flats;
#[path = "../examples/forecasting.rs"]
mod forecasting;
#[path = "../examples/forecasting_gru.rs"]
mod forecasting_gru;
#[path = "../examples/gan.rs"]
mod gan;
#[path = "../examples/imbalanced.rs"]
mod imbalanced;
#[path = "../examples/onnx.rs"]
mod onnx;
#[path = "../examples/prediction_server.rs"]
mod prediction_server;
#[path = "../examples/regression.rs"]
mod regression;
#[path = "../examples/transfer.rs"]
mod transfer;
#[path = "../examples/two_heads.rs"]
mod two_heads;

#[test]
fn autoencoder() {
    autoencoder::main().unwrap();
}

#[test]
fn binary_classification() {
    binary_classification::main().unwrap();
}

#[test]
fn custom_layer() {
    custom_layer::main().unwrap();
}

#[test]
fn custom_loop() {
    custom_loop::main().unwrap();
}

#[test]
fn diabetes() {
    diabetes::main().unwrap();
}

#[test]
fn flats() {
    flats::main().unwrap();
}

#[test]
fn forecasting() {
    forecasting::main().unwrap();
}

#[test]
fn forecasting_gru() {
    forecasting_gru::main().unwrap();
}

#[test]
fn gan() {
    gan::main().unwrap();
}

#[test]
fn imbalanced() {
    imbalanced::main().unwrap();
}

#[test]
fn onnx() {
    onnx::main().unwrap();
}

#[test]
fn prediction_server() {
    prediction_server::main().unwrap();
}

#[test]
fn regression() {
    regression::main().unwrap();
}

#[test]
fn transfer() {
    transfer::main().unwrap();
}

#[test]
fn two_heads() {
    two_heads::main().unwrap();
}
