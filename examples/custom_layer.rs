//! A custom layer: radial basis functions with learned centres, checked with the tests for built-in layers, then trained.
//!
//! `cargo run --release --example custom_layer`

use manabi::init::Initializer;
use manabi::layer::{Backward, Forward, TensorSpec};
use manabi::ndarray::Array2;
use manabi::optim::Adam;
use manabi::random::{Random, RandomState};
use manabi::{
    Affine, CrossEntropy, Layer, Result, Samples, Scalar, Sequential, Shape, Softmax, Trainer, conformance,
    simd,
};

/// y = exp(−‖x − c‖²), with one centre c per unit.
#[derive(Debug)]
struct RadialBasis(usize);

impl<A: Scalar> Layer<A> for RadialBasis {
    fn kind(&self) -> &str {
        "radial_basis"
    }
    fn output_shape(&self, _input: Shape) -> Result<Shape> {
        Ok(self.0.into())
    }
    fn parameters(&self, input: Shape) -> Vec<TensorSpec> {
        let centre = TensorSpec::new("centre", &[self.0, input.size()], Initializer::LECUN_NORMAL);
        vec![centre.fan(input.size(), self.0)]
    }
    fn row_wise(&self, _training: bool) -> bool {
        true // allows a batch to be divided among threads
    }
    fn forward(&self, pass: Forward<'_, A>) {
        let Forward { params, x, mut y, .. } = pass;
        // Compiles `exp` for the best instruction set of the machine.
        simd::dispatch(
            #[inline(always)]
            || {
                for (x, mut y) in x.rows().into_iter().zip(y.rows_mut()) {
                    for (centre, y) in params.chunks(x.len()).zip(&mut y) {
                        let squares = x.iter().zip(centre).map(|(&x, &c)| (x - c) * (x - c));
                        *y = (-squares.fold(A::zero(), |sum, square| sum + square)).exp();
                    }
                }
            },
        );
    }
    fn backward(&self, pass: Backward<'_, A>) {
        // ∂y/∂c = 2(x − c)·y, and ∂y/∂x = −∂y/∂c.
        let Backward { params, x, y, dy, mut dx, mut grad, .. } = pass;
        let width = x.ncols();
        dx.iter_mut().for_each(|dx| dx.fill(A::zero()));
        grad.iter_mut().for_each(|grad| grad.fill(A::zero()));
        for ((row, unit), &y) in y.indexed_iter() {
            for i in 0..width {
                let d = A::of(2.0) * (x[[row, i]] - params[unit * width + i]) * y * dy[[row, unit]];
                if let Some(grad) = &mut grad {
                    grad[unit * width + i] += d;
                }
                if let Some(dx) = &mut dx {
                    dx[[row, i]] -= d;
                }
            }
        }
    }
}

pub fn main() -> Result<()> {
    let mut random = RandomState::new(1);
    let x = random.normal((5, 3), 0.0, 0.5);
    // Check the gradients against finite differences, and the rest of the layer contract.
    let report = conformance::layer(&RadialBasis(4), x.view(), 0)?;
    println!("{report}");
    assert!(report.passed());

    // The classes are the inside of a ring and the ring: no straight line separates them.
    let labels: Vec<usize> = (0..400).map(|row| row % 2).collect();
    let draws = random.uniform((400, 2), 0.0, 1.0);
    let x = Array2::from_shape_fn((400, 2), |(row, i)| {
        let (angle, radius) =
            (std::f64::consts::TAU * draws[[row, 0]], labels[row] as f64 + 0.5 * draws[[row, 1]]);
        radius * if i == 0 { angle.cos() } else { angle.sin() }
    });
    let data = Samples::labeled(x, &labels, 2)?;
    let mut model = Sequential::builder(2)
        .add_layer("basis1", RadialBasis(8))
        .add_layer("affine1", Affine::new(2))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()?;
    Trainer::new().batch_size(40).epochs(60).optimizer(Adam::new(0.05)).fit(&mut model, &data)?;
    let accuracy = model.evaluate(&data)?.accuracy.expect("the data have classes");
    println!("{model}\naccuracy {:.1} %", 100.0 * accuracy);
    println!("centres\n{:.2}", model.parameter("basis1.centre")?);
    assert!(accuracy > 0.98);
    Ok(())
}
