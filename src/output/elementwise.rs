//! Activation functions as outputs.

use ndarray::{ArrayView2, ArrayViewMut2, Zip};

use super::{Output, OutputFunction};
use crate::activation::{ActFn, Identity, Sigmoid};
use crate::error::Result;
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::simd::dispatch;

/// The output that applies an activation function to every logit.
///
/// Formula: y = f(u).
///
/// Derivative: du = dy·f′(u, y).
///
/// Shapes: (batch, outputs).
///
/// Numerics: the same as the function's.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `function` | the function to apply | none | any [`ActFn`], built-in or custom; for sigmoid and identity, use [`Sigmoid`] and [`Identity`] directly |
///
/// # Errors
///
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if [`ActFn::check`] finds a setting out of range.
///
/// # Examples
///
/// ```
/// use manabi::activation::Softplus;
/// use manabi::loss::MeanSquaredError;
/// use manabi::output::ElementwiseOutput;
/// use manabi::{Affine, Sequential};
///
/// let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
/// let output = ElementwiseOutput::new(Softplus::default());
/// let model = builder.set_output(output).set_error(MeanSquaredError).build()?;
/// assert!(model.predict(ndarray::array![[-30.0]].view())?[[0, 0]] > 0.0);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ElementwiseOutput<F> {
    function: F,
}

impl<F: ActFn> ElementwiseOutput<F> {
    /// Creates an output that applies this function.
    pub fn new(function: F) -> Self {
        Self { function }
    }
}

impl<A: Scalar, F: ActFn> Output<A> for ElementwiseOutput<F> {
    fn kind(&self) -> &str {
        F::KIND
    }

    fn function(&self) -> OutputFunction {
        OutputFunction::Other
    }

    fn check_outputs(&self, _: usize) -> Result<()> {
        self.function.check()?;
        self.function.settings().map_or(Ok(()), |settings| settings.check_range::<A>())
    }

    fn settings(&self) -> Option<Settings> {
        self.function.settings()
    }

    #[inline(never)]
    fn forward(&self, u: ArrayView2<'_, A>, y: ArrayViewMut2<'_, A>) {
        apply(&self.function, u, y);
    }

    #[inline(never)]
    fn backward(&self, u: ArrayView2<'_, A>, y: ArrayView2<'_, A>, mut d: ArrayViewMut2<'_, A>) {
        let slice = "the array is in standard layout";
        let (u, y) = (u.as_slice().expect(slice), y.as_slice().expect(slice));
        let d = d.as_slice_mut().expect(slice);
        dispatch(
            #[inline(always)]
            || {
                for ((d, &u), &y) in d.iter_mut().zip(u).zip(y) {
                    *d *= self.function.df(u, y);
                }
            },
        );
    }
}

/// Writes f(u) to y.
#[inline(always)]
fn apply<A: Scalar>(function: &impl ActFn, u: ArrayView2<'_, A>, mut y: ArrayViewMut2<'_, A>) {
    y.assign(&u);
    let all = y.as_slice_mut().expect("the array is in standard layout");
    dispatch(
        #[inline(always)]
        || {
            for y in &mut *all {
                *y = function.f(*y);
            }
        },
    );
}

macro_rules! elementwise {
    ($function:ident, $derivative:path) => {
        impl<A: Scalar> Output<A> for $function {
            fn kind(&self) -> &str {
                Self::KIND
            }

            fn function(&self) -> OutputFunction {
                OutputFunction::$function
            }

            fn settings(&self) -> Option<Settings> {
                Some(Settings::new())
            }

            #[inline(never)]
            fn forward(&self, u: ArrayView2<'_, A>, y: ArrayViewMut2<'_, A>) {
                apply(self, u, y);
            }

            #[inline(never)]
            fn backward(&self, _u: ArrayView2<'_, A>, y: ArrayView2<'_, A>, d: ArrayViewMut2<'_, A>) {
                Zip::from(d).and(y).for_each(|d, &y| *d *= $derivative(y));
            }
        }
    };
}

// Both derivatives depend on y alone, so `backward` does not need u.
elementwise!(Identity, one);
elementwise!(Sigmoid, logistic);

fn one<A: Scalar>(_y: A) -> A {
    A::one()
}

fn logistic<A: Scalar>(y: A) -> A {
    y * (A::one() - y)
}
