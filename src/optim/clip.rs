use crate::error::Result;
use crate::lanes::{LANES, Lanes, SHRINK};
use crate::scalar::Scalar;
use crate::settings::check_positive;
use crate::simd::dispatch;

/// Gradient clipping: a bound on each element of the gradient, or on its norm.
///
/// | variant | formula | range |
/// |---|---|---|
/// | `Value(c)` | gᵢ ← min(max(gᵢ, −c), c) | above 0, finite |
/// | `Norm(c)` | g ← g·min(1, c/(‖g‖ + 10⁻⁶)) | above 0, finite |
///
/// Numerics: ‖g‖ is the root of a sum in `f64` in a fixed order. NaN elements stay NaN. If ‖g‖ is infinite or NaN, `Norm` leaves
/// the gradient unchanged, and the checks of the loss and the parameters report the consequences.
///
/// # Errors
///
/// Training fails with [`Error::Setting`](crate::Error::Setting) before the first step if the bound is out of range.
///
/// # Source
///
/// Pascanu, Mikolov and Bengio, *On the difficulty of training recurrent neural networks*, 2013. PyTorch:
/// `clip_grad_value_`, `clip_grad_norm_`.
///
/// # Examples
///
/// ```
/// use manabi::optim::Clip;
///
/// let mut gradient = [3.0, -4.0];
/// Clip::Norm(1.0).apply(&mut gradient)?;
/// assert!((gradient[0] - 0.6_f64).abs() < 1e-6);
/// Clip::Value(0.5).apply(&mut gradient)?;
/// assert_eq!(gradient, [0.5, -0.5]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[doc(alias("clip_grad_norm_", "gradient clipping", "clipnorm", "clipvalue"))]
pub enum Clip {
    /// The greatest absolute value of an element.
    Value(f64),
    /// The greatest Euclidean norm of the gradient with respect to all parameters. Clipping keeps its direction.
    Norm(f64),
}

impl Clip {
    /// Clips the gradient.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`](crate::Error::Setting) and leaves the gradient unchanged if the bound is not finite or not
    /// above 0.
    #[inline(never)]
    pub fn apply<A: Scalar>(&self, gradient: &mut [A]) -> Result<()> {
        self.check::<A>()?;
        match *self {
            Self::Value(bound) => {
                let bound = A::of(bound);
                dispatch(
                    #[inline(always)]
                    || {
                        for g in &mut *gradient {
                            // Unlike `min` and `max`, these comparisons keep a NaN.
                            *g = if *g > bound { bound } else { *g };
                            *g = if *g < -bound { -bound } else { *g };
                        }
                    },
                );
            }
            Self::Norm(bound) => {
                let factor = factor(gradient, bound);
                if factor < 1.0 {
                    let factor = A::of(factor);
                    dispatch(
                        #[inline(always)]
                        || {
                            for g in &mut *gradient {
                                *g *= factor;
                            }
                        },
                    );
                }
            }
        }
        Ok(())
    }

    pub(super) fn check<A: Scalar>(&self) -> Result<()> {
        match *self {
            Self::Value(bound) => check_positive::<A>("clip by value", bound),
            Self::Norm(bound) => check_positive::<A>("clip by norm", bound),
        }
    }
}

/// Returns the factor that scales the gradient to the bound, or 1 if an element is not finite.
fn factor<A: Scalar>(gradient: &[A], bound: f64) -> f64 {
    // The squares of finite values may overflow.
    for scale in [1.0, SHRINK] {
        let norm = norm(gradient, scale);
        if norm.is_finite() {
            return bound * scale / (norm + 1e-6 * scale);
        }
    }
    1.0
}

/// Returns √Σ (scale·gᵢ)².
fn norm<A: Scalar>(gradient: &[A], scale: f64) -> f64 {
    let (whole, rest) = gradient.split_at(gradient.len() - gradient.len() % LANES);
    let sum = dispatch(
        #[inline(always)]
        || {
            let mut lanes = Lanes::new();
            lanes.add([whole], |[g]| square(scale * g.widen()));
            lanes.total()
        },
    );
    rest.iter().fold(sum, |sum, &g| sum + square(scale * g.widen())).sqrt()
}

#[inline(always)]
fn square(x: f64) -> f64 {
    x * x
}
