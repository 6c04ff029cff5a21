//! burn, for both backends: the loop gathers and normalises u8 pixels, and records the loss.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Initializer, Linear, LinearConfig, PaddingConfig2d,
};
use burn::optim::{AdamConfig, GradientsParams, SgdConfig};
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use measure::{SIDE, Task};

#[derive(Module, Debug)]
struct Network {
    convolutions: Vec<Conv2d>,
    pools: Vec<Option<MaxPool2d>>,
    dropout: Vec<Dropout>,
    relu: bool,
    hidden: Vec<Linear>,
    norms: Vec<BatchNorm>,
    last: Linear,
}

impl Network {
    fn new(task: &Task, device: &Device) -> Self {
        // He normal, as in the other libraries. With the default, the deep network does not learn.
        let initializer = Initializer::KaimingNormal { gain: 2f64.sqrt(), fan_out_only: false };
        let (mut convolutions, mut pools, mut channels) = (Vec::new(), Vec::new(), 1);
        for &[filters, kernel, padding, pool] in &task.convolutions {
            let config = Conv2dConfig::new([channels, filters], [kernel; 2])
                .with_padding(PaddingConfig2d::Explicit(padding, padding, padding, padding))
                .with_initializer(initializer.clone());
            convolutions.push(config.init(device));
            pools.push((pool > 1).then(|| MaxPool2dConfig::new([pool; 2]).init()));
            channels = filters;
        }
        let dropout = task.dropout.iter().map(|&prob| DropoutConfig::new(prob).init()).collect();
        let layer = |pair: &[usize]| {
            LinearConfig::new(pair[0], pair[1]).with_initializer(initializer.clone()).init(device)
        };
        let mut affine: Vec<Linear> = task.widths.windows(2).map(layer).collect();
        let last = affine.pop().expect("a network has a layer");
        let normalised = if task.normalised { &task.widths[1..=affine.len()] } else { &[] };
        let norms = normalised.iter().map(|&width| BatchNormConfig::new(width).init(device)).collect();
        let relu = task.activation == "relu";
        Self { convolutions, pools, dropout, relu, hidden: affine, norms, last }
    }

    fn activate<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        if self.relu { activation::relu(x) } else { activation::silu(x) }
    }

    fn forward(&self, mut x: Tensor<2>) -> Tensor<2> {
        if !self.convolutions.is_empty() {
            let mut images: Tensor<4> = x.reshape([-1, 1, SIDE as i32, SIDE as i32]);
            for (convolution, pool) in self.convolutions.iter().zip(&self.pools) {
                images = self.activate(convolution.forward(images));
                if let Some(pool) = pool {
                    images = pool.forward(images);
                }
            }
            x = self.dropout[0].forward(images).flatten(1, 3);
        }
        for (i, affine) in self.hidden.iter().enumerate() {
            x = affine.forward(x);
            if let Some(norm) = self.norms.get(i) {
                x = norm.forward(x);
            }
            x = self.activate(x);
        }
        self.last.forward(self.dropout[1].forward(x))
    }
}

/// Trains and predicts on a device.
pub fn run(inner: Device) {
    let mut task = Task::read();
    let (pixels, batch, rate) = (SIDE * SIDE, task.batch, task.rate);
    let device = inner.clone().autodiff();
    let mut optimizer = match task.optimizer.as_str() {
        "adam" => AdamConfig::new().with_epsilon(1e-8).init(),
        _ => SgdConfig::new().init(),
    };
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);
    let mut network = Some(Network::new(&task, &device));
    task.train(|task, rows| {
        let model = network.take().expect("the network is returned after each step");
        let x = Tensor::<2>::from_data(TensorData::new(task.images(rows), [batch, pixels]), &device);
        let t = Tensor::<1, Int>::from_data(TensorData::new(task.classes::<i32>(rows), [batch]), &device);
        let loss = cross_entropy.forward(model.forward(x), t);
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        network = Some(optimizer.step(rate, model, gradients));
        f64::from(loss.into_scalar::<f32>())
    });

    let model = &network.expect("the network is returned after each step").valid();
    task.predict(|rows, x| {
        let x = Tensor::<2>::from_data(TensorData::new(x, [rows, pixels]), &inner);
        move || activation::softmax(model.forward(x.clone()), 1).into_data()
    });
}
