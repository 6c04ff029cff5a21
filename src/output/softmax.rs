use ndarray::{ArrayView2, ArrayViewMut2};

use super::{Output, OutputFunction};
use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::simd::dispatch;

/// The softmax output, for mutually exclusive classes.
///
/// Formula: yᵢ = exp(uᵢ) / Σⱼ exp(uⱼ).
///
/// Derivative: du = y·(dy − Σⱼ yⱼ·dyⱼ). [`CrossEntropy`](crate::CrossEntropy) computes the gradient with respect to u directly.
///
/// Shapes: u and y (batch, classes).
///
/// Numerics: the maximum of each row is subtracted first, so nothing overflows. Rows sum to 1 up to rounding.
///
/// # Errors
///
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if it has fewer than 2 outputs.
///
/// # Source
///
/// Bridle, *Probabilistic interpretation of feedforward classification network outputs*, 1990.
///
/// # Examples
///
/// ```
/// use manabi::output::Output;
/// use manabi::Softmax;
/// use ndarray::array;
///
/// let mut y = array![[0.0, 0.0]];
/// Softmax.forward(array![[1e300, 1e300]].view(), y.view_mut());
/// assert_eq!(y, array![[0.5, 0.5]]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Softmax;

impl<A: Scalar> Output<A> for Softmax {
    fn kind(&self) -> &str {
        "softmax"
    }

    fn function(&self) -> OutputFunction {
        OutputFunction::Softmax
    }

    fn check_outputs(&self, outputs: usize) -> Result<()> {
        if outputs < 2 { Err(Error::setting("softmax", "at least 2 classes", outputs)) } else { Ok(()) }
    }

    #[inline(never)]
    fn forward(&self, u: ArrayView2<'_, A>, mut y: ArrayViewMut2<'_, A>) {
        let classes = u.ncols().max(1);
        y.assign(&u);
        let y = y.as_slice_mut().expect("the array is in standard layout");
        dispatch(
            #[inline(always)]
            || {
                for u in y.chunks_exact_mut(classes) {
                    let max = u.iter().fold(A::neg_infinity(), |max, &u| max.max(u));
                    for u in u {
                        *u -= max;
                    }
                }
                // All rows in one loop, because a row may be too short to fill a SIMD register.
                for y in &mut *y {
                    *y = y.exp();
                }
                for y in y.chunks_exact_mut(classes) {
                    let sum = y.iter().fold(A::zero(), |sum, &y| sum + y);
                    for y in y {
                        *y /= sum;
                    }
                }
            },
        );
    }

    #[inline(never)]
    fn backward(&self, _u: ArrayView2<'_, A>, y: ArrayView2<'_, A>, mut d: ArrayViewMut2<'_, A>) {
        for (y, mut d) in y.rows().into_iter().zip(d.rows_mut()) {
            // Not `dot`, because another crate can enable BLAS for it.
            let mean = y.iter().zip(&d).fold(A::zero(), |sum, (&y, &d)| sum + y * d);
            d.iter_mut().zip(y).for_each(|(d, &y)| *d = y * (*d - mean));
        }
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
}
