//! Transfer: a network learns three classes from many samples. Its first layers then help to learn three other classes from sixty
//! samples: they stay as they are, and only a new last layer is trained.
//!
//! `cargo run --release --example transfer`; the reference is `reference/transfer.py`.

use manabi::data::Subset;
use manabi::ndarray::Array2;
use manabi::random::{Random, RandomState};
use manabi::{Activation, Affine, CrossEntropy, Result, Samples, Sequential, Sgd, Softmax, Swish, Trainer};

pub fn main() -> Result<()> {
    let mut random = RandomState::new(5);
    let (centres, noise) = (random.normal((6, 12), 0.0, 1.0), random.normal((3000, 12), 0.0, 1.0));
    let x =
        Array2::from_shape_fn((3000, 12), |(row, column)| centres[[row % 6, column]] + noise[[row, column]]);
    let labels: Vec<usize> = (0..3000).map(|row| row % 3).collect();
    let data = Samples::labeled(x, &labels, 3)?;
    // Rows 0, 1, 2, 6, 7, 8, … have the old classes, the others the new ones.
    let is_new = |row: &usize| row % 6 >= 3;
    let old = Subset::new(&data, (0..1500).filter(|row| !is_new(row)).collect())?;
    let few = Subset::new(&data, (0..600).filter(is_new).take(60).collect())?;
    let test = Subset::new(&data, (1500..3000).filter(is_new).collect())?;

    let mut first = Sequential::<f64>::builder(12)
        .add_layer("affine1", Affine::new(24))
        .add_layer("swish1", Activation::new(Swish::default()))
        .add_layer("affine2", Affine::new(3))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()?;
    Trainer::new().batch_size(50).epochs(20).optimizer(Sgd::new(0.1)).fit(&mut first, &old)?;

    let trunk = first.cut_after("swish1")?;
    let head = trunk.add_layer("head", Affine::new(3)).set_output(Softmax).set_error(CrossEntropy);
    let mut model = head.seed(1).build()?;
    let mut trainer = Trainer::new().batch_size(10).epochs(20).optimizer(Sgd::new(0.1)).freeze("affine1");
    trainer.fit(&mut model, &few)?;
    assert_eq!(model.parameter("affine1.weight")?, first.parameter("affine1.weight")?);

    let accuracy = model.evaluate(&test)?.accuracy.unwrap_or(0.0);
    println!("accuracy {accuracy:.4}");
    // The accuracy of the reference.
    assert!((accuracy - 0.876).abs() < 1e-9);
    Ok(())
}
