//! tract: prediction with the ONNX file that manabi writes, without training.

#[path = "../../manabi/src/network.rs"]
mod network;

use measure::{SIDE, Task};
use network::network;
use tract_onnx::prelude::*;

fn main() {
    let task = Task::read();
    let file = network(&task).and_then(|model| model.to_onnx_bytes()).expect("the network can be exported");
    task.predict(|rows, x| {
        let shape =
            if task.convolutions.is_empty() { vec![rows, SIDE * SIDE] } else { vec![rows, 1, SIDE, SIDE] };
        // With a known number of rows, tract optimises more.
        let build = || -> TractResult<_> {
            let model = tract_onnx::onnx().model_for_read(&mut file.as_slice())?;
            let model = model.with_input_fact(0, f32::fact(&shape).into())?.into_optimized()?;
            // The state keeps its memory between predictions.
            Ok((model.into_runnable()?.spawn()?, Tensor::from_shape(&shape, &x)?.into_tvalue()))
        };
        let (mut state, x) = build().expect("tract reads the file");
        move || state.run(tvec!(x.clone())).expect("the shapes are right")
    });
}
