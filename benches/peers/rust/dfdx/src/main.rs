//! dfdx with ReLU, because it has no swish: the loop gathers and normalises u8 pixels, and records the loss.

use dfdx::optim::{Sgd, SgdConfig};
use dfdx::prelude::*;
use measure::Task;

// The shapes are part of the types.
const PIXELS: usize = 784;
const CLASSES: usize = 10;
const BATCH: usize = 100;

type Network = ((Linear<PIXELS, 100>, ReLU), (Linear<100, 50>, ReLU), Linear<50, CLASSES>);

fn main() {
    let mut task = Task::read();
    dfdx::flush_denormals_to_zero();
    let device = Cpu::default();
    let mut model = device.build_module::<Network, f32>();
    let mut optimizer = Sgd::new(&model, SgdConfig { lr: task.rate, ..Default::default() });
    let mut gradients = Some(model.alloc_grads());
    task.train(|task, rows| {
        let x = device.tensor_from_vec(task.images(rows), (Const::<BATCH>, Const::<PIXELS>));
        let t = device.tensor_from_vec(task.one_hot(rows), (Const::<BATCH>, Const::<CLASSES>));
        let logits = model.forward_mut(x.traced(gradients.take().expect("the previous gradients")));
        let loss = cross_entropy_with_logits_loss(logits, t);
        let value = loss.array();
        let mut given = loss.backward();
        optimizer.update(&mut model, &given).expect("every parameter has a gradient");
        model.zero_grads(&mut given);
        gradients = Some(given);
        f64::from(value)
    });

    let (device, model) = (&device, &model);
    task.predict(|_, image| {
        let x = device.tensor_from_vec(image, (Const::<PIXELS>,));
        move || model.forward(x.clone()).softmax().array()
    });
}
