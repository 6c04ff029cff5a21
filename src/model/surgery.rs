//! Changes of a model's layers that keep its weights.

use std::sync::Arc;

use ndarray::ArrayView2;

use super::builder::Trunk;
use super::{Sequential, SequentialBuilder};
use crate::copy_report::CopyReport;
use crate::error::{Error, Result};
use crate::layer::Layer;
use crate::scalar::Scalar;

/// Layers, and changes of layers that keep the weights of the others.
///
/// # Examples
///
/// Transfer: a new head on a trained trunk, of which only the head is trained:
///
/// ```
/// use manabi::optim::Stepper;
/// use manabi::prelude::*;
///
/// let builder = Sequential::<f32>::builder(4)
///     .add_layer("affine1", Affine::new(8))
///     .add_layer("swish1", Activation::new(Swish::default()))
///     .add_layer("affine2", Affine::new(3));
/// let trained = builder.set_output(Softmax).set_error(CrossEntropy).build()?;
/// let model = trained
///     .cut_after("swish1")?
///     .add_layer("head", Affine::new(5))
///     .set_output(Softmax)
///     .set_error(CrossEntropy)
///     .build()?;
/// assert_eq!(model.parameter("affine1.weight")?, trained.parameter("affine1.weight")?);
/// let stepper = Stepper::<f32>::new(Sgd::new(0.1)).freeze("affine1");
/// # let _ = stepper;
/// # Ok::<(), manabi::Error>(())
/// ```
impl<A: Scalar> Sequential<A> {
    /// Returns the name of every layer and the layer, in order.
    pub fn layers(&self) -> impl Iterator<Item = (&str, &(dyn Layer<A> + 'static))> {
        self.slots().iter().map(|slot| (slot.name.as_str(), slot.layer.as_ref()))
    }

    /// Returns a builder with the layers up to the one with this name. The model that it builds has their parameters and buffers,
    /// to which new layers, an output and a loss are added.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`], with a list of the valid names, if no layer has this name.
    #[doc(alias("transfer learning", "feature extractor", "head"))]
    pub fn cut_after(&self, layer: &str) -> Result<SequentialBuilder<A>> {
        let slots = &self.slots()[..=self.layer_index(layer)?];
        let layers = slots.iter().map(|slot| (slot.name.clone(), Arc::clone(&slot.layer))).collect();
        let end = slots.last().map_or((0, 0), |slot| (slot.range.end, slot.buffer_range.end));
        let trunk = Trunk { params: self.params[..end.0].to_vec(), buffers: self.buffers[..end.1].to_vec() };
        Ok(SequentialBuilder::of_trunk(self.input_shape(), layers, trunk))
    }

    /// Copies every parameter and buffer of another model that has the same name and shape here, and reports the others. The
    /// other model may have another precision. With the feature `persistence`, `cast` converts a whole model.
    ///
    /// # Errors
    ///
    /// Returns the following errors and leaves the model unchanged:
    ///
    /// - [`Error::Setting`] if a value is not finite after the conversion to this precision,
    /// - [`Error::Layer`] if a buffer is invalid for a layer, such as a negative variance.
    ///
    /// # Examples
    ///
    /// ```
    /// use manabi::prelude::*;
    ///
    /// fn model<A: Scalar>(classes: usize) -> manabi::Result<Sequential<A>> {
    ///     let builder = Sequential::builder(4)
    ///         .add_layer("affine1", Affine::new(8))
    ///         .add_layer("affine2", Affine::new(classes));
    ///     builder.set_output(Softmax).set_error(CrossEntropy).build()
    /// }
    /// let (trained, mut other) = (model::<f64>(3)?, model::<f32>(5)?);
    /// let report = other.copy_matching(&trained)?;
    /// assert_eq!(report.copied, ["affine1.weight", "affine1.bias"]);
    /// assert_eq!(report.mismatched[0], ("affine2.weight".into(), vec![8, 5], vec![8, 3]));
    /// # Ok::<(), manabi::Error>(())
    /// ```
    #[inline(never)]
    #[doc(alias("load_state_dict", "strict"))]
    pub fn copy_matching<B: Scalar>(&mut self, other: &Sequential<B>) -> Result<CopyReport> {
        let (mut params, mut buffers) = (self.params.to_vec(), self.buffers.clone());
        let mut report = CopyReport::default();
        let own = self.places().map(|place| (place, true));
        let own: Vec<_> = own.chain(self.buffer_places().map(|place| (place, false))).collect();
        let theirs: Vec<_> = other.parameters().chain(other.buffers()).collect();
        for (name, _) in &theirs {
            if !own.iter().any(|(place, _)| place.full_name() == *name) {
                report.unexpected.push(name.clone());
            }
        }
        for (place, is_parameter) in own {
            let name = place.full_name();
            let to = if is_parameter { &mut params } else { &mut buffers };
            match theirs.iter().find(|(other, _)| *other == name) {
                None => report.missing.push(name),
                Some((_, values)) if values.shape() != &place.spec.shape[..] => {
                    report.mismatched.push((name, place.spec.shape.to_vec(), values.shape().to_vec()));
                }
                Some((_, values)) => {
                    for (to, &from) in to[place.range.clone()].iter_mut().zip(values) {
                        *to = A::of(from.widen());
                        if !to.is_finite() {
                            return Err(Error::setting(name, "values in the range of the precision", from));
                        }
                    }
                    report.copied.push(name);
                }
            }
        }
        self.check_buffers(&buffers)?;
        self.params.copy_from_slice(&params);
        self.buffers.copy_from_slice(&buffers);
        Ok(report)
    }

    /// Returns the prediction for one sample.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`predict`](Sequential::predict).
    ///
    /// # Examples
    ///
    /// ```
    /// use manabi::prelude::*;
    ///
    /// let builder = Sequential::<f64>::builder(2).add_layer("affine1", Affine::new(1));
    /// let model = builder.set_output(Identity).set_error(MeanSquaredError).build()?;
    /// assert_eq!(model.predict_row(&[0.0, 0.0])?, [0.0]);
    /// # Ok::<(), manabi::Error>(())
    /// ```
    pub fn predict_row(&self, x: &[A]) -> Result<Vec<A>> {
        let x =
            ArrayView2::from_shape((1, x.len()), x).map_err(|_| Error::shape("x", "one row", &[x.len()]))?;
        Ok(self.predict(x)?.into_raw_vec_and_offset().0)
    }
}
