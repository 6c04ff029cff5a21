//! The benchmark in burn, for both backends: the loop gathers and normalises u8 pixels, and records the loss.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig};
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use measure::{BATCH, CLASSES, PIXELS, RATE, Task};

#[derive(Module, Debug)]
struct Network {
    affine1: Linear,
    affine2: Linear,
    affine3: Linear,
}

impl Network {
    fn new(device: &Device) -> Self {
        let affine = |fan_in, fan_out| LinearConfig::new(fan_in, fan_out).init(device);
        Self { affine1: affine(PIXELS, 100), affine2: affine(100, 50), affine3: affine(50, CLASSES) }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let z = activation::silu(self.affine1.forward(x));
        let z = activation::silu(self.affine2.forward(z));
        self.affine3.forward(z)
    }
}

/// Trains and predicts on a device.
pub fn run(inner: Device) {
    let mut task = Task::read();
    let device = inner.clone().autodiff();
    let mut optimizer = SgdConfig::new().init();
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);
    let mut network = Some(Network::new(&device));
    task.train(|task, rows| {
        let model = network.take().expect("the network is returned after each step");
        let x = Tensor::<2>::from_data(TensorData::new(task.images(rows), [BATCH, PIXELS]), &device);
        let t = Tensor::<1, Int>::from_data(TensorData::new(task.classes::<i32>(rows), [BATCH]), &device);
        let loss = cross_entropy.forward(model.forward(x), t);
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        network = Some(optimizer.step(f64::from(RATE), model, gradients));
        f64::from(loss.into_scalar::<f32>())
    });

    let model = network.expect("the network is returned after each step").valid();
    let image = task.image();
    task.predict(|| {
        let x = Tensor::<2>::from_data(TensorData::new(image.clone(), [1, PIXELS]), &inner);
        activation::softmax(model.forward(x), 1).into_data()
    });
}
