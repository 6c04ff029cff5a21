use ndarray::Dimension;

use super::Report;
use super::difference::Slope;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::model::{Sequential, Workspace};

/// Checks the gradient of a model's training loss on a whole data set, with respect to every parameter. The report contains the
/// parameter with the largest error.
///
/// Each parameter value requires 29 forward passes, so use models with up to some thousand parameters and data sets with few
/// samples. No prediction may be below the floor of [`CrossEntropy`](crate::CrossEntropy). Below the floor, the loss is constant,
/// but its gradient deliberately ignores the floor.
///
/// # Errors
/// Returns [`Error::Setting`] if the data set is empty. Returns the errors of [`Sequential::workspace`], [`Workspace::load`] and
/// [`Sequential::gradient`], for example if the data set does not fit the model.
///
/// # Examples
/// ```
/// use manabi::random::{Random, RandomState};
/// use manabi::{Activation, Affine, CrossEntropy, Mish, Samples, Sequential, Softmax, gradcheck};
///
/// let model = Sequential::<f64>::builder(4)
///     .add_layer("affine1", Affine::new(5))
///     .add_layer("mish1", Activation::new(Mish))
///     .add_layer("affine2", Affine::new(3))
///     .set_output(Softmax)
///     .set_error(CrossEntropy)
///     .build()?;
/// let data = Samples::labeled(RandomState::new(1).normal((3, 4), 0.0, 1.0), &[0_u8, 2, 1], 3)?;
/// gradcheck::model(&model, &data)?.assert();
/// # Ok::<(), manabi::Error>(())
/// ```
pub fn model(model: &Sequential<f64>, data: &dyn Dataset<f64>) -> Result<Report> {
    if data.len() == 0 {
        return Err(Error::setting("data set", "at least 1 sample", 0));
    }
    let mut ws = model.workspace(data.len())?;
    ws.load(data, &(0..data.len()).collect::<Vec<_>>())?;
    // Computes the gradient twice, to detect values that are added to the first gradient instead of replacing it.
    model.gradient(&mut ws)?;
    model.gradient(&mut ws)?;
    let gradient = ws.gradient().to_vec();
    let mut probe = model.clone();
    let mut report = Report::new();
    let mut i = 0;
    for (name, values) in model.parameters() {
        for (index, &at) in values.indexed_iter() {
            // Even if the loss is small, it compares predictions with targets, whose rounding errors are relative to about 1.
            let slope = Slope::of(|value| loss_with(&mut probe, &mut ws, i, value), at, 1.0);
            report.compare(|| format!("{name}{:?}", index.slice()), at, gradient[i], &slope);
            i += 1;
        }
    }
    Ok(report)
}

/// Returns the loss with a changed value of one parameter, and restores the parameter.
fn loss_with(model: &mut Sequential<f64>, ws: &mut Workspace<f64>, i: usize, value: f64) -> f64 {
    let before = std::mem::replace(&mut model.parameter_values_mut()[i], value);
    let loss = model.training_tally(ws).map_or(f64::NAN, |tally| tally.mean().loss);
    model.parameter_values_mut()[i] = before;
    loss
}
