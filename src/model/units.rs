use ndarray::{Array2, ArrayView2};

use super::Sequential;
use crate::buffer::zero_matrix;
use crate::data::Normalizer;
use crate::error::{Error, Result};
use crate::scalar::Scalar;

/// The normalisers of the inputs and the targets of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Units {
    pub inputs: Option<Normalizer>,
    pub targets: Option<Normalizer>,
}

/// Normalisation of inputs and targets. A model that was trained on normalised samples can store the normalisers. Then
/// [`predict_raw`](Sequential::predict_raw) takes raw features and returns predictions in the units of the raw targets. Files
/// and checkpoints store both normalisers.
///
/// Training, evaluation and [`predict`](Sequential::predict) ignore the normalisers and expect normalised data.
///
/// # Examples
///
/// ```
/// use manabi::activation::Identity;
/// use manabi::loss::MeanSquaredError;
/// use manabi::optim::Adam;
/// use manabi::{Affine, Normalizer, Samples, Sequential, Trainer};
/// use ndarray::array;
///
/// // Prices of flats by area (m²) and age (years).
/// let x = array![[30.0, 10.0], [50.0, 60.0], [80.0, 20.0], [120.0, 40.0]];
/// let t = array![[150_000.0], [210_000.0], [400_000.0], [590_000.0]];
/// let inputs = Normalizer::z_score_per_feature(x.view())?;
/// let targets = Normalizer::z_score(t.view())?;
/// let data = Samples::new(x, t)?.normalize(&inputs)?.normalize_targets(&targets)?;
///
/// let builder = Sequential::<f64>::builder(2).add_layer("affine1", Affine::new(1));
/// let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build()?;
/// Trainer::new().batch_size(4).epochs(200).optimizer(Adam::new(0.05)).fit(&mut model, &data)?;
/// model.set_input_normalizer(inputs)?;
/// model.set_target_normalizer(targets)?;
///
/// let price = model.predict_raw(array![[80.0, 20.0]].view())?[[0, 0]];
/// assert!((price - 400_000.0).abs() < 10_000.0);
/// # Ok::<(), manabi::Error>(())
/// ```
impl<A: Scalar> Sequential<A> {
    /// Returns the predictions for raw features, in the units of the raw targets. The method normalises the features with the
    /// normaliser of the inputs, and reverses the normalisation of the targets in the predictions. Without normalisers, it is
    /// the same as [`predict`](Sequential::predict).
    ///
    /// Shapes: x (samples, input_dim), result (samples, output_dim).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`predict`](Sequential::predict), [`Normalizer::apply`] and [`Normalizer::invert`].
    pub fn predict_raw(&self, x: ArrayView2<'_, A>) -> Result<Array2<A>> {
        self.check_width(x)?;
        let Units { inputs, targets } = &self.units;
        let mut y = match inputs {
            Some(normalizer) => {
                let mut normalised = zero_matrix("the normalised rows", x.dim())?;
                normalised.assign(&x);
                normalizer.apply(normalised.view_mut())?;
                self.predict(normalised.view())?
            }
            None => self.predict(x)?,
        };
        targets.as_ref().map_or(Ok(()), |normalizer| normalizer.invert(y.view_mut()))?;
        Ok(y)
    }

    /// Returns the normaliser of the inputs, if the model has one.
    pub fn input_normalizer(&self) -> Option<&Normalizer> {
        self.units.inputs.as_ref()
    }

    /// Sets or removes the normaliser that turns raw features into inputs. Use the normaliser that was fitted on the features of
    /// the training set.
    ///
    /// # Errors
    ///
    /// Returns the following errors and leaves the model unchanged:
    ///
    /// - [`Error::Shape`] if the number of features of the normaliser is not the number of inputs,
    /// - [`Error::Setting`] if a statistic is outside the range of the model's precision.
    pub fn set_input_normalizer(&mut self, normalizer: impl Into<Option<Normalizer>>) -> Result<()> {
        self.units.inputs = checked::<A>("inputs", normalizer.into(), self.input_dim())?;
        Ok(())
    }

    /// Returns the normaliser of the targets, if the model has one.
    pub fn target_normalizer(&self) -> Option<&Normalizer> {
        self.units.targets.as_ref()
    }

    /// Sets or removes the normaliser of the targets, which [`predict_raw`](Sequential::predict_raw) reverses.
    ///
    /// # Errors
    ///
    /// Returns the following errors and leaves the model unchanged:
    ///
    /// - [`Error::Shape`] if the number of features of the normaliser is not the number of outputs,
    /// - [`Error::Setting`] if a statistic is outside the range of the model's precision.
    pub fn set_target_normalizer(&mut self, normalizer: impl Into<Option<Normalizer>>) -> Result<()> {
        self.units.targets = checked::<A>("targets", normalizer.into(), self.output_dim())?;
        Ok(())
    }
}

/// Returns the normaliser of `arrays` after checking that it fits the width of the model.
fn checked<A: Scalar>(
    arrays: &str,
    normalizer: Option<Normalizer>,
    width: usize,
) -> Result<Option<Normalizer>> {
    if let Some(normalizer) = &normalizer {
        let got = normalizer.statistics().len();
        if normalizer.is_per_feature() && got != width {
            let what = format!("normaliser of the {arrays}");
            return Err(Error::shape(what, format!("[{width}], the width of the model's {arrays}"), &[got]));
        }
        normalizer.columns::<A>(width)?;
    }
    Ok(normalizer)
}
