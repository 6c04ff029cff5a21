//! A pool of threads that answers prediction requests with one shared model. Each thread has its own workspace.
//!
//! `cargo run --release --example prediction_server`

use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Instant;

use manabi::model::Workspace;
use manabi::ndarray::{Array1, Array2, Axis};
use manabi::random::{Random, RandomState};
use manabi::{Activation, Affine, CrossEntropy, Result, Sequential, Softmax, Swish};

const WORKERS: usize = 4;
const REQUESTS: usize = 2000;

/// A sample and the channel for its prediction.
struct Request {
    x: Array1<f32>,
    answer: mpsc::Sender<Result<Array1<f32>>>,
}

/// Answers requests until the queue is closed.
fn work(model: &Sequential<f32>, mut ws: Workspace<f32>, queue: &Mutex<mpsc::Receiver<Request>>) {
    let mut y = Array2::zeros((1, model.output_dim()));
    loop {
        // A separate statement releases the lock before the prediction.
        let request = queue.lock().expect("no worker panics").recv();
        let Ok(Request { x, answer }) = request else { return };
        let result = model.predict_into(x.view().insert_axis(Axis(0)), &mut ws, y.view_mut());
        // Sending fails if the client has gone, which is no error here. An invalid sample is answered with its error.
        _ = answer.send(result.map(|()| y.row(0).to_owned()));
    }
}

/// Sends a request and returns the channel for its prediction.
fn ask(requests: &mpsc::Sender<Request>, x: Array1<f32>) -> mpsc::Receiver<Result<Array1<f32>>> {
    let (answer, receiver) = mpsc::channel();
    requests.send(Request { x, answer }).expect("the queue outlives the requests");
    receiver
}

pub fn main() -> Result<()> {
    let model = Sequential::builder(784)
        .add_layer("affine1", Affine::new(100))
        .add_layer("swish1", Activation::new(Swish::default()))
        .add_layer("affine2", Affine::new(10))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()?;
    let x = RandomState::new(1).uniform((REQUESTS, 784), 0.0, 1.0).mapv(|x| x as f32);
    let workspaces = (0..WORKERS).map(|_| model.workspace(1)).collect::<Result<Vec<_>>>()?;
    let (requests, queue) = mpsc::channel();
    let queue = Mutex::new(queue);

    let start = Instant::now();
    let answers = thread::scope(|scope| {
        for ws in workspaces {
            scope.spawn(|| work(&model, ws, &queue));
        }
        let answers: Vec<_> = x.rows().into_iter().map(|x| ask(&requests, x.to_owned())).collect();
        let bad = ask(&requests, Array1::from_elem(784, f32::NAN)).recv().expect("every request is answered");
        println!("invalid request: {}", bad.expect_err("NaN is rejected"));
        let answers: Vec<_> =
            answers.iter().map(|answer| answer.recv().expect("every request is answered")).collect();
        drop(requests); // ends the workers
        answers
    });
    let rate = REQUESTS as f64 / start.elapsed().as_secs_f64();
    println!("{WORKERS} workers answered {rate:.0} requests per second");

    let alone = model.predict(x.view())?;
    for (answer, alone) in answers.into_iter().zip(alone.rows()) {
        assert_eq!(answer?, alone);
    }
    println!("all predictions are bit-identical to predictions on one thread");
    Ok(())
}
