//! `onnx-manabi FILE first` prints a prediction, and `onnx-manabi FILE repeat` the seconds of one.

#[path = "../../time.rs"]
mod time;

use std::env::args;

use manabi::Sequential;
use manabi::ndarray::Array2;

fn main() -> manabi::Result<()> {
    let words: Vec<String> = args().collect();
    let model = Sequential::<f32>::load_onnx(&words[1])?;
    let x = Array2::from_shape_vec((1, 784), time::row()).expect("the row has 784 pixels");
    let (mut ws, mut y) = (model.workspace(1)?.threads(1), Array2::zeros((1, 10)));
    model.predict_into(x.view(), &mut ws, y.view_mut())?;
    if words[2] == "repeat" {
        let mut predict = || model.predict_into(x.view(), &mut ws, y.view_mut());
        println!("{}", time::best(|| predict().expect("the shapes are right")));
    } else {
        y.iter().for_each(|value| println!("{value}"));
    }
    Ok(())
}
