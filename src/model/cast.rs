use super::Sequential;
use crate::error::Result;
use crate::persistence::registry::Registry;
use crate::scalar::Scalar;

/// Conversion to another precision (feature `persistence`).
impl<A: Scalar> Sequential<A> {
    /// Returns this model in another precision, for example to train in `f64` and predict in `f32`.
    ///
    /// The new model has the same layers with their names and settings, the same output and loss, the parameters, the buffers,
    /// the normalisers and the notes. The layers are created again from their settings, as if the model were saved and loaded,
    /// which is why the method is part of the feature `persistence`. A model with custom parts needs
    /// [`cast_with_registry`](Sequential::cast_with_registry).
    ///
    /// Numerics: from `f32` to `f64` and back, all values keep their bits. From `f64` to `f32`, every parameter and buffer is
    /// rounded once, to the nearest value. The normalisers are not rounded.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Mismatch`](crate::Error::Mismatch) if a part is not built in,
    /// - [`Error::Setting`](crate::Error::Setting) if a parameter or buffer is not finite in the new precision, or if a custom
    ///   part has the kind of a built-in part (inside [`Error::Layer`](crate::Error::Layer) for a layer),
    /// - [`Error::OutOfMemory`](crate::Error::OutOfMemory) if the new model does not fit in memory.
    ///
    /// # Examples
    ///
    /// ```
    /// use manabi::prelude::*;
    ///
    /// let model = Sequential::<f64>::builder(2)
    ///     .add_layer("affine1", Affine::new(8))
    ///     .add_layer("swish1", Activation::new(Swish::new(1.5)))
    ///     .add_layer("affine2", Affine::new(1))
    ///     .set_output(Identity)
    ///     .set_error(MeanSquaredError)
    ///     .build()?;
    /// let single = model.cast::<f32>()?;
    /// assert_eq!(single.to_string(), model.to_string());
    /// assert_eq!(single.parameter_values()[0], model.parameter_values()[0] as f32);
    /// let (y, of_single) = (model.predict_row(&[0.5, -1.0])?[0], single.predict_row(&[0.5, -1.0])?[0]);
    /// assert!((y - f64::from(of_single)).abs() < 1e-6);
    /// # Ok::<(), manabi::Error>(())
    /// ```
    #[doc(alias("to", "float", "double", "dtype", "astype", "convert"))]
    pub fn cast<B: Scalar>(&self) -> Result<Sequential<B>> {
        self.cast_with_registry(&Registry::new())
    }

    /// Returns this model in another precision. The registry creates the layers, the output and the loss.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`cast`](Sequential::cast), but parts need only be in the registry.
    #[inline(never)]
    pub fn cast_with_registry<B: Scalar>(&self, registry: &Registry<B>) -> Result<Sequential<B>> {
        let mut cast = Sequential::planned("model".as_ref(), self.description()?, registry)?.with_zeros()?;
        cast.copy_matching(self)?;
        Ok(cast)
    }
}
