//! A user-defined loss, optimizer, data set, observer and training loop.

use std::ops::ControlFlow;

use manabi::data::{Dataset, Place};
use manabi::loss::{Loss, LossFn};
use manabi::ndarray::{ArrayView2, ArrayViewMut2, Zip};
use manabi::optim::{Optimizer, Step, Stepper};
use manabi::output::{Output, OutputFunction};
use manabi::settings::Settings;
use manabi::train::{BatchProgress, Epoch, Observer};
use manabi::{Error, Real, Result, Scalar, Sequential};

/// The quantile loss: targets above the prediction have weight `quantile`, targets below it 1 − `quantile`. The loss is minimal
/// if the prediction is that quantile of the targets.
#[derive(Clone, Debug)]
pub struct Quantile(pub f64);

impl LossFn for Quantile {
    const KIND: &'static str = "quantile";
    #[inline(always)]
    fn f<R: Real>(&self, y: R, t: R) -> R {
        let above = t - y;
        if above > R::zero() { R::of(self.0) * above } else { R::of(self.0 - 1.0) * above }
    }
    fn check(&self) -> Result<()> {
        match self.0 {
            quantile if quantile > 0.0 && quantile < 1.0 => Ok(()),
            quantile => Err(Error::setting("quantile", "above 0 and below 1", quantile)),
        }
    }
    fn settings(&self) -> Option<Settings> {
        Some(Settings::new().with("quantile", self.0))
    }
}

/// (y − t)⁴, a loss that implements the `Loss` trait directly, with its gradient.
#[derive(Debug)]
pub struct FourthPower;

impl<A: Scalar> Loss<A> for FourthPower {
    fn kind(&self) -> &str {
        "fourth_power"
    }
    fn accepts(&self, function: OutputFunction) -> bool {
        function == OutputFunction::Identity
    }
    fn sum(&self, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64 {
        y.iter().zip(t).map(|(&y, &t)| (y - t).widen().powi(4)).sum()
    }
    fn gradient(
        &self,
        output: &dyn Output<A>,
        u: ArrayView2<'_, A>,
        y: ArrayView2<'_, A>,
        t: ArrayView2<'_, A>,
        mut du: ArrayViewMut2<'_, A>,
    ) {
        let rows = A::of(y.nrows() as f64);
        Zip::from(&mut du).and(y).and(t).for_each(|du, &y, &t| *du = A::of(4.0) * (y - t).powi(3) / rows);
        output.backward(u, y, du);
    }
}

/// Sign descent with decreasing steps: θ ← θ − η/√n·sign(g).
#[derive(Debug)]
pub struct SignDescent(pub f64);

impl<A: Scalar> Optimizer<A> for SignDescent {
    fn kind(&self) -> &str {
        "sign_descent"
    }
    fn learning_rate(&self) -> f64 {
        self.0
    }
    fn scalars(&self) -> &'static [(&'static str, f64)] {
        &[("shrink", 1.0)]
    }
    fn advance(&self, number: u64, scalars: &mut [f64]) {
        scalars[0] = 1.0 / (number as f64).sqrt();
    }
    fn update(&self, step: Step<'_, A>) {
        let rate = A::of(step.learning_rate * step.scalars[0]);
        step.each(|p, g, []| *p -= if g == A::zero() { g } else { rate * g.signum() });
    }
}

/// Points of a noisy line, generated on demand with different noise in every epoch.
#[derive(Debug)]
pub struct NoisyLine(pub usize);

impl NoisyLine {
    fn write<A: Scalar>(
        &self,
        rows: &[usize],
        noise: impl Fn(usize) -> f64,
        x: ArrayViewMut2<'_, A>,
        t: ArrayViewMut2<'_, A>,
    ) {
        for ((x, t), (i, &row)) in x.into_iter().zip(t).zip(rows.iter().enumerate()) {
            let at = row as f64 / self.0 as f64;
            (*x, *t) = (A::of(at), A::of(2.0 * at - 1.0 + noise(i)));
        }
    }
}

impl<A: Scalar> Dataset<A> for NoisyLine {
    fn len(&self) -> usize {
        self.0
    }
    fn input_dim(&self) -> usize {
        1
    }
    fn target_dim(&self) -> usize {
        1
    }
    fn gather(&self, rows: &[usize], x: ArrayViewMut2<'_, A>, t: ArrayViewMut2<'_, A>) -> Result<()> {
        self.write(rows, |_| 0.0, x, t);
        Ok(())
    }
    fn gather_at(
        &self,
        place: Place,
        rows: &[usize],
        x: ArrayViewMut2<'_, A>,
        t: ArrayViewMut2<'_, A>,
    ) -> Result<()> {
        // Between −0.5 and 0.5, independent of the row's position in the batch.
        let noise = |i: usize| f64::from(place.noise(rows[i]).bits(0, 0)) / 4_294_967_296.0 - 0.5;
        self.write(rows, noise, x, t);
        Ok(())
    }
}

/// An observer that counts batches and stops the run after an epoch with a small loss.
#[derive(Debug, Default)]
pub struct Watch {
    pub batches: usize,
    pub epochs: Vec<f64>,
}

impl<A: Scalar> Observer<A> for Watch {
    fn on_batch(&mut self, _: BatchProgress) -> ControlFlow<()> {
        self.batches += 1;
        ControlFlow::Continue(())
    }
    fn on_epoch(&mut self, epoch: &Epoch, _: &Sequential<A>) -> ControlFlow<()> {
        self.epochs.push(epoch.train.loss);
        if epoch.train.loss < 0.001 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Trains with full batches, in order, until the gradient is small.
pub fn descend<A: Scalar>(
    model: &mut Sequential<A>,
    data: &dyn Dataset<A>,
    mut stepper: Stepper<A>,
    least: f64,
) -> Result<usize> {
    let rows: Vec<usize> = (0..data.len()).collect();
    let mut ws = model.workspace(rows.len())?;
    for step in 0..10_000 {
        ws.load(data, &rows)?;
        model.gradient(&mut ws)?;
        let norm = ws.gradient().iter().map(|g| g.widen().powi(2)).sum::<f64>().sqrt();
        if norm < least {
            return Ok(step);
        }
        stepper.step(model, &mut ws)?;
    }
    Err(Error::setting("steps", "a small gradient within 10,000", "a larger one"))
}
