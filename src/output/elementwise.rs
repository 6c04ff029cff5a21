//! The activation functions that also serve as outputs.

use ndarray::{ArrayView2, ArrayViewMut2, Zip};

use super::{Output, OutputFunction};
use crate::activation::{ActFn, Identity, Sigmoid};
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::simd::dispatch;

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
            fn forward(&self, u: ArrayView2<'_, A>, mut y: ArrayViewMut2<'_, A>) {
                y.assign(&u);
                let all = y.as_slice_mut().expect("a workspace is in standard layout");
                dispatch(
                    #[inline(always)]
                    || {
                        for y in &mut *all {
                            *y = self.f(*y);
                        }
                    },
                );
            }

            #[inline(never)]
            fn backward(&self, y: ArrayView2<'_, A>, d: ArrayViewMut2<'_, A>) {
                Zip::from(d).and(y).for_each(|d, &y| *d *= $derivative(y));
            }
        }
    };
}

// Both derivatives are functions of y alone, so that u need not be kept.
elementwise!(Identity, one);
elementwise!(Sigmoid, logistic);

fn one<A: Scalar>(_y: A) -> A {
    A::one()
}

fn logistic<A: Scalar>(y: A) -> A {
    y * (A::one() - y)
}
