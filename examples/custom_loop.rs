//! A custom training loop with explicit batches, gradients and steps. Its results are bit-identical to those of `Trainer`.
//!
//! `cargo run --release --example custom_loop`

use manabi::optim::{AdamW, Clip, CosineDecay, Stepper, WarmUp};
use manabi::random::RandomState;
use manabi::{
    Activation, Affine, CrossEntropy, Mish, Mnist, Normalizer, Result, Sequential, Softmax, Trainer,
};

const BATCH: usize = 50;
const EPOCHS: usize = 4;

fn stepper(steps: u64) -> Stepper<f32> {
    let schedule = WarmUp::new(steps / 10, CosineDecay::new(steps - steps / 10));
    Stepper::new(AdamW::new(3e-3)).schedule(schedule).clip(Clip::Norm(1.0))
}

pub fn main() -> Result<()> {
    let Mnist { train, test } = Mnist::synthetic(2000, 500, 0)?;
    let normalizer = Normalizer::min_max(train.pixels())?;
    let (train, test) = (train.normalize(&normalizer)?, test.normalize(&normalizer)?);
    let untrained = Sequential::<f32>::builder(784)
        .add_layer("affine1", Affine::new(40))
        .add_layer("mish1", Activation::new(Mish))
        .add_layer("affine2", Affine::new(10))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()?;

    let steps = (EPOCHS * train.len().div_ceil(BATCH)) as u64;
    let (mut model, mut stepper_of_mine) = (untrained.clone(), stepper(steps));
    let mut ws = model.workspace(BATCH)?.threads(2);
    let mut random = RandomState::new(1);
    for epoch in 1..=EPOCHS {
        let mut sum = 0.0;
        for rows in random.permutation(train.len()).chunks(BATCH) {
            ws.load(&train, rows)?;
            sum += model.gradient(&mut ws)?.loss * rows.len() as f64;
            // Insert custom code here: `ws.gradient_mut()` can be modified until the step.
            stepper_of_mine.step(&mut model, &mut ws)?;
        }
        let (loss, metrics) = (sum / train.len() as f64, model.evaluate(&test)?);
        let accuracy = metrics.accuracy.expect("the data have classes");
        let rate = stepper_of_mine.learning_rate()?;
        println!("epoch {epoch}: loss {loss:.4}, test accuracy {accuracy:.3}, next learning rate {rate:.6}");
    }
    assert!(model.evaluate(&test)?.accuracy > Some(0.6));

    let mut by_trainer = untrained;
    let mut trainer = Trainer::new().batch_size(BATCH).epochs(EPOCHS).seed(1).stepper(stepper(steps));
    trainer.fit(&mut by_trainer, &train)?;
    assert_eq!(model.parameter_values(), by_trainer.parameter_values());
    println!("Trainer produces bit-identical parameters");
    Ok(())
}
