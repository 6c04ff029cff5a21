use std::fmt::Debug;

use ndarray::{ArrayView2, ArrayViewMut2};

use super::Loss;
use crate::error::Result;
use crate::lanes::Lanes;
use crate::output::{Output, OutputFunction};
use crate::scalar::{Dual, Real, Scalar};
use crate::settings::Settings;
use crate::simd::{dispatch, in_blocks};

/// A loss f(y, t) of one prediction and one target. By default, its derivative is computed from `f` by automatic differentiation.
///
/// [`ElementwiseLoss`] turns it into a [`Loss`]. Use only arithmetic, comparisons and the functions of [`Real`], and mark the
/// methods `#[inline(always)]`, as for an [`ActFn`](crate::ActFn).
///
/// # Examples
///
/// ```
/// use manabi::loss::{ElementwiseLoss, LossFn};
/// use manabi::activation::Identity;
/// use manabi::{Affine, Real, Sequential};
///
/// /// ln cosh(y − t), a compromise between the squared and the absolute error.
/// #[derive(Clone, Debug)]
/// struct LogCosh;
///
/// impl LossFn for LogCosh {
///     const KIND: &'static str = "log_cosh";
///     #[inline(always)]
///     fn f<R: Real>(&self, y: R, t: R) -> R {
///         let d = (y - t).abs();
///         // cosh would overflow for large d.
///         d + (R::of(-2.0) * d).exp().ln_1p() - R::of(std::f64::consts::LN_2)
///     }
/// }
///
/// assert!((LogCosh.df(3.0_f64, 1.0) - 2.0_f64.tanh()).abs() < 1e-15);
/// let builder = Sequential::<f32>::builder(4).add_layer("affine1", Affine::new(1));
/// let model = builder.set_output(Identity).set_error(ElementwiseLoss::new(LogCosh)).build()?;
/// # assert_eq!(model.output_dim(), 1);
/// # Ok::<(), manabi::Error>(())
/// ```
pub trait LossFn: Clone + Debug + Send + Sync + 'static {
    /// The kind: the unique name of the loss in a model's table and in files.
    const KIND: &'static str;

    /// Returns f(y, t).
    fn f<R: Real>(&self, y: R, t: R) -> R;

    /// Returns ∂f/∂y. The default implementation evaluates `f` on [dual numbers](crate::scalar::Dual).
    #[inline(always)]
    fn df<R: Real>(&self, y: R, t: R) -> R {
        self.f(Dual::variable(y), Dual::constant(t)).derivative()
    }

    /// Checks the settings of the loss. This method is called when a model is built.
    ///
    /// # Errors
    ///
    /// Returns an error, usually [`Error::Setting`](crate::Error::Setting), if a setting is out of range. The default
    /// implementation returns `Ok`.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Returns the settings that a saved model stores, from which a registry recreates the loss. Returns [`Settings::new`] if the
    /// loss has no settings. Returns `None`, the default, if the loss cannot be saved.
    fn settings(&self) -> Option<Settings> {
        None
    }
}

/// The loss that applies a function to every prediction and its target.
///
/// Formula: L = mean of f(y, t) over rows and outputs.
///
/// Derivative: (∂f/∂y)/(n·outputs) with respect to y. The output function turns it into the gradient with respect to the logits.
///
/// Shapes: predictions and targets (batch, outputs).
///
/// Numerics: f is computed in the precision of the model and summed in `f64`, in an order that does not depend on the
/// instruction set.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `function` | the function to apply | none | any [`LossFn`] |
///
/// # Errors
///
/// Building a model returns [`Error::Setting`](crate::Error::Setting) if [`LossFn::check`] finds a setting out of range.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[doc(alias("custom loss"))]
pub struct ElementwiseLoss<F> {
    function: F,
}

impl<F: LossFn> ElementwiseLoss<F> {
    /// Creates a loss that applies this function.
    pub fn new(function: F) -> Self {
        Self { function }
    }
}

impl<A: Scalar, F: LossFn> Loss<A> for ElementwiseLoss<F> {
    fn kind(&self) -> &str {
        F::KIND
    }

    fn accepts(&self, _: OutputFunction) -> bool {
        true
    }

    fn check_outputs(&self, _: usize) -> Result<()> {
        self.function.check()?;
        self.function.settings().map_or(Ok(()), |settings| settings.check_range::<A>())
    }

    fn settings(&self) -> Option<Settings> {
        self.function.settings()
    }

    #[inline(never)]
    fn sum(&self, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64 {
        let outputs = y.ncols() as f64;
        let (y, t) = (y.as_standard_layout(), t.as_standard_layout());
        let slice = "the array is in standard layout";
        let (y, t) = (y.as_slice().expect(slice), t.as_slice().expect(slice));
        dispatch(
            #[inline(always)]
            || {
                let mut sum = Lanes::new();
                sum.add([y, t], |[y, t]| self.function.f(y, t).widen());
                sum.total() / outputs
            },
        )
    }

    #[inline(never)]
    fn gradient(
        &self,
        output: &dyn Output<A>,
        u: ArrayView2<'_, A>,
        y: ArrayView2<'_, A>,
        t: ArrayView2<'_, A>,
        mut du: ArrayViewMut2<'_, A>,
    ) {
        let count = A::of(y.len() as f64);
        let slice = "the array is in standard layout";
        let (from, targets) = (y.as_slice().expect(slice), t.as_slice().expect(slice));
        let to = du.as_slice_mut().expect(slice);
        dispatch(
            #[inline(always)]
            || {
                in_blocks(
                    &mut *to,
                    #[inline(always)]
                    |start, to| {
                        for ((du, &y), &t) in to.iter_mut().zip(&from[start..]).zip(&targets[start..]) {
                            *du = self.function.df(y, t) / count;
                        }
                    },
                );
            },
        );
        output.backward(u, y, du);
    }
}
