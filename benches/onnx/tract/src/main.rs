//! `onnx-tract FILE first` prints a prediction, and `onnx-tract FILE repeat` the seconds of one.

#[path = "../../time.rs"]
mod time;

use std::env::args;

use tract_onnx::prelude::*;

fn main() -> TractResult<()> {
    let words: Vec<String> = args().collect();
    let model = tract_onnx::onnx().model_for_path(&words[1])?;
    // With a known number of rows, tract optimises more.
    let model = model.with_input_fact(0, f32::fact([1, 784]).into())?.into_optimized()?.into_runnable()?;
    let x: TValue = Tensor::from_shape(&[1, 784], &time::row())?.into();
    // The state keeps its memory between predictions.
    let mut state = model.spawn()?;
    let y = state.run(tvec!(x.clone()))?;
    if words[2] == "repeat" {
        println!("{}", time::best(|| drop(state.run(tvec!(x.clone())).expect("the shapes are right"))));
    } else {
        y[0].to_plain_array_view::<f32>()?.iter().for_each(|value| println!("{value}"));
    }
    Ok(())
}
