//! candle: the loop gathers and normalises u8 pixels, and records the loss.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{
    Activation, AdamW, BatchNorm, Conv2d, Conv2dConfig, Dropout, Linear, Module, Optimizer, ParamsAdamW, SGD,
    VarBuilder, VarMap, batch_norm, conv2d, linear, loss,
};
use measure::{SIDE, Task};

struct Network {
    /// Each with the size of its pooling.
    convolutions: Vec<(Conv2d, usize)>,
    dropout: [f32; 2],
    hidden: Vec<(Linear, Option<BatchNorm>)>,
    activation: Activation,
    last: Linear,
}

impl Network {
    fn new(task: &Task, vb: VarBuilder) -> Result<Self> {
        let (&classes, hidden) = task.widths[1..].split_last().expect("a network has a layer");
        let (mut convolutions, mut channels) = (Vec::new(), 1);
        for (i, &[filters, kernel, padding, pool]) in task.convolutions.iter().enumerate() {
            let config = Conv2dConfig { padding, ..Default::default() };
            convolutions.push((conv2d(channels, filters, kernel, config, vb.pp(format!("conv{i}")))?, pool));
            channels = filters;
        }
        let layer = |(i, &width): (usize, &usize)| {
            let affine = linear(task.widths[i], width, vb.pp(format!("affine{i}")))?;
            let norm =
                task.normalised.then(|| batch_norm(width, 1e-5, vb.pp(format!("norm{i}")))).transpose()?;
            Ok((affine, norm))
        };
        Ok(Self {
            convolutions,
            dropout: task.dropout.map(|rate| rate as f32),
            hidden: hidden.iter().enumerate().map(layer).collect::<Result<_>>()?,
            activation: if task.activation == "relu" { Activation::Relu } else { Activation::Silu },
            last: linear(task.widths[hidden.len()], classes, vb.pp("last"))?,
        })
    }

    /// Returns the logits. A normalised network is always in training.
    fn forward(&self, x: &Tensor, training: bool) -> Result<Tensor> {
        let drop = |x: Tensor, rate: f32| {
            if training && rate > 0.0 { Dropout::new(rate).forward(&x, true) } else { Ok(x) }
        };
        let mut x = x.clone();
        if !self.convolutions.is_empty() {
            x = x.reshape(((), 1, SIDE, SIDE))?;
            for (convolution, pool) in &self.convolutions {
                x = self.activation.forward(&convolution.forward(&x)?)?;
                if *pool > 1 {
                    x = x.max_pool2d(*pool)?;
                }
            }
            x = drop(x, self.dropout[0])?.flatten_from(1)?;
        }
        for (affine, norm) in &self.hidden {
            x = affine.forward(&x)?;
            if let Some(norm) = norm {
                x = norm.forward_train(&x)?;
            }
            x = self.activation.forward(&x)?;
        }
        self.last.forward(&drop(x, self.dropout[1])?)
    }
}

fn train(task: &mut Task, model: &Network, mut optimizer: impl Optimizer) {
    task.train(|task, rows| {
        let mut step = || {
            let x = Tensor::from_vec(task.images(rows), (task.batch, SIDE * SIDE), &Device::Cpu)?;
            let t = Tensor::from_vec(task.classes::<u32>(rows), task.batch, &Device::Cpu)?;
            let loss = loss::cross_entropy(&model.forward(&x, true)?, &t)?;
            optimizer.backward_step(&loss)?;
            loss.to_scalar::<f32>()
        };
        f64::from(step().expect("the step succeeds"))
    });
}

fn main() -> Result<()> {
    let mut task = Task::read();
    let parameters = VarMap::new();
    let model = Network::new(&task, VarBuilder::from_varmap(&parameters, DType::F32, &Device::Cpu))?;
    if task.optimizer == "adam" {
        let settings = ParamsAdamW { lr: task.rate, weight_decay: 0.0, ..Default::default() };
        train(&mut task, &model, AdamW::new(parameters.all_vars(), settings)?);
    } else {
        let optimizer = SGD::new(parameters.all_vars(), task.rate)?;
        train(&mut task, &model, optimizer);
    }

    // Detach the variables' values, so that prediction computes no gradients.
    let tensors = parameters.data().lock().expect("no thread panics").clone();
    let tensors = tensors.into_iter().map(|(name, var)| (name, var.as_detached_tensor())).collect();
    let model = &Network::new(&task, VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu))?;
    task.predict(|rows, x| {
        let x = Tensor::from_vec(x, (rows, SIDE * SIDE), &Device::Cpu).expect("the pixels fill the rows");
        move || candle_nn::ops::softmax(&model.forward(&x, false)?, 1)?.flatten_all()?.to_vec1::<f32>()
    });
    Ok(())
}
