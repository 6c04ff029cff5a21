//! A residual network for images of digits: flatten, two residual blocks, softmax.
//!
//! `cargo run --release --example residual_mlp -- [FOLDER [EPOCHS]]` prints the loss and accuracy of every epoch. Without a
//! folder that contains MNIST, it trains on synthetic digits.

use std::error::Error;
use std::ops::ControlFlow::Continue;

use manabi::layer::{Chain, Flatten, LayerNorm, Residual};
use manabi::optim::Adam;
use manabi::{Activation, Affine, CrossEntropy, Mish, Mnist, Normalizer, Sequential, Softmax, Trainer};

/// y = x + W₂·mish(W₁·norm(x)).
fn block(width: usize) -> Residual<f32> {
    Residual::new(
        Chain::new()
            .add_layer("norm", LayerNorm::new())
            .add_layer("affine1", Affine::new(width))
            .add_layer("mish", Activation::new(Mish))
            .add_layer("affine2", Affine::new(width)),
    )
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let Mnist { train, test } = match args.next() {
        Some(folder) => Mnist::load(folder)?,
        None => Mnist::synthetic(20_000, 2000, 0)?,
    };
    let epochs = args.next().map_or(Ok(3), |n| n.parse())?;
    let normalizer = Normalizer::min_max(train.pixels())?;
    let (train, test) = (train.normalize(&normalizer)?, test.normalize(&normalizer)?);
    let (height, width) = train.size();
    let mut model = Sequential::<f32>::builder([1, height, width])
        .add_layer("flatten", Flatten)
        .add_layer("stem", Affine::new(64))
        .add_layer("block1", block(64))
        .add_layer("block2", block(64))
        .add_layer("head", Affine::new(10))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()?;
    println!("{}", model.summary());
    let mut trainer =
        Trainer::new().epochs(epochs).optimizer(Adam::new(1e-3)).test(&test).on_epoch(|epoch| {
            let test = epoch.test.expect("the trainer has a test set");
            println!(
                "{}: loss {:.4}, test accuracy {:.4}",
                epoch.number,
                epoch.train.loss,
                test.accuracy.unwrap_or(0.0)
            );
            Continue(())
        });
    let history = trainer.fit(&mut model, &train)?;
    let last = history.epochs.last().and_then(|epoch| epoch.test).and_then(|test| test.accuracy);
    assert!(last > Some(0.9), "expected a test accuracy above 0.9, got {last:?}");
    Ok(())
}
