use super::dropout::Mask;
use super::pool::image;
use super::{Backward, Forward, Layer};
use crate::error::Result;
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::shape::Shape;

/// Dropout of channels, which in training sets each channel of an image to 0 with probability p and scales the others so that the
/// mean is preserved.
///
/// Neighbouring pixels of a channel are similar, so that [`Dropout`](crate::layer::Dropout) of single pixels has little effect.
///
/// Formula: Y = M·X, where an element of M belongs to a channel of a sample. It is 0 with probability p and 1/(1 − p) otherwise.
/// In prediction, Y = X.
///
/// Derivative: dX = M·dY, with M from the forward pass.
///
/// Shapes: (C, H, W); the output has the shape of the input.
///
/// Numerics: a channel is dropped if its bits in the [`Noise`](crate::random::Noise) of the pass are below p·2³². The row of the
/// noise is the row of the sample, and its column is the index of the channel. M is not stored, but computed again for dX.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `p` | the probability that a channel is set to 0 | none | at least 0 and below 1 |
///
/// # Errors
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if p is out of range or if the input does not have three
/// dimensions.
///
/// Source: Tompson et al., *Efficient object localization using convolutional networks*, 2015; scaled in training as in
/// `torch.nn.Dropout2d`.
///
/// # Examples
/// ```
/// use manabi::layer::{Dropout2d, Forward, LayerWorkspace, Training};
/// use manabi::random::Noise;
/// use manabi::Layer;
/// use ndarray::Array2;
///
/// let dropout = Dropout2d::new(0.25);
/// let (x, mut y) = (Array2::<f64>::ones((100, 400)), Array2::zeros((100, 400)));
/// let mut ws = LayerWorkspace::new(&dropout, [100, 2, 2], 100)?;
/// let pass = Forward::new(&mut ws, &[], &[], x.view(), y.view_mut())?;
/// dropout.forward(pass.training(Training::new(Noise::new(10, 1), &mut []))?);
/// for channel in y.as_slice().unwrap().chunks(4) {
///     assert!(channel == [0.0; 4] || channel == [4.0 / 3.0; 4]);
/// }
/// assert!((y.sum() / 40_000.0 - 1.0).abs() < 0.02);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[doc(alias = "spatial_dropout")]
pub struct Dropout2d {
    p: f64,
}

impl Dropout2d {
    /// Creates a dropout layer that drops each channel with probability `p`.
    pub fn new(p: f64) -> Self {
        Self { p }
    }

    /// Returns M for images of this shape.
    fn mask<A: Scalar>(&self, input: Shape) -> Mask<A> {
        Mask::new(self.p, input.size() / input.dims()[0])
    }
}

impl<A: Scalar> Layer<A> for Dropout2d {
    fn kind(&self) -> &str {
        "dropout_2d"
    }

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        image(input)?;
        Mask::<A>::check(self.p)?;
        Ok(input)
    }

    fn row_wise(&self, _training: bool) -> bool {
        true
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new().with("p", self.p))
    }

    #[inline(never)]
    fn forward(&self, pass: Forward<'_, A>) {
        self.mask(pass.input).forward(pass);
    }

    #[inline(never)]
    fn backward(&self, pass: Backward<'_, A>) {
        self.mask(pass.input).backward(pass);
    }
}
