//! The benchmark in candle: the loop gathers and normalises u8 pixels, and records the loss.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Activation, Module, Optimizer, SGD, Sequential, VarBuilder, VarMap, linear, loss, seq};
use measure::{BATCH, CLASSES, PIXELS, RATE, Task};

fn network(vb: VarBuilder) -> Result<Sequential> {
    Ok(seq()
        .add(linear(PIXELS, 100, vb.pp("1"))?)
        .add(Activation::Silu)
        .add(linear(100, 50, vb.pp("2"))?)
        .add(Activation::Silu)
        .add(linear(50, CLASSES, vb.pp("3"))?))
}

fn main() -> Result<()> {
    let mut task = Task::read();
    let device = Device::Cpu;
    let parameters = VarMap::new();
    let model = network(VarBuilder::from_varmap(&parameters, DType::F32, &device))?;
    let mut optimizer = SGD::new(parameters.all_vars(), f64::from(RATE))?;
    task.train(|task, rows| {
        let mut step = || {
            let x = Tensor::from_vec(task.images(rows), (BATCH, PIXELS), &device)?;
            let t = Tensor::from_vec(task.classes::<u32>(rows), BATCH, &device)?;
            let loss = loss::cross_entropy(&model.forward(&x)?, &t)?;
            optimizer.backward_step(&loss)?;
            loss.to_scalar::<f32>()
        };
        f64::from(step().expect("the step succeeds"))
    });

    // Detach the variables' values, so that prediction computes no gradients.
    let tensors = parameters.data().lock().expect("no thread panics").clone();
    let tensors = tensors.into_iter().map(|(name, var)| (name, var.as_detached_tensor())).collect();
    let model = network(VarBuilder::from_tensors(tensors, DType::F32, &device))?;
    let image = task.image();
    task.predict(|| {
        let x = Tensor::from_slice(&image, (1, PIXELS), &device)?;
        candle_nn::ops::softmax(&model.forward(&x)?, 1)?.to_vec2::<f32>()
    });
    Ok(())
}
