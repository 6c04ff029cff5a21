//! The activation functions that also serve as outputs.

use ndarray::{ArrayView2, ArrayViewMut2, Zip};

use super::{Link, Output};
use crate::activation::{ActFn, Identity, Sigmoid};
use crate::scalar::Scalar;

macro_rules! elementwise {
    ($function:ident, $derivative:expr) => {
        impl<A: Scalar> Output<A> for $function {
            fn name(&self) -> &str {
                Self::NAME
            }

            fn link(&self) -> Link {
                Link::$function
            }

            fn forward(&self, u: ArrayView2<'_, A>, y: ArrayViewMut2<'_, A>) {
                Zip::from(y).and(u).for_each(|y, &u| *y = self.f(u));
            }

            fn backward(&self, y: ArrayView2<'_, A>, d: ArrayViewMut2<'_, A>) {
                let derivative: fn(A) -> A = $derivative;
                Zip::from(d).and(y).for_each(|d, &y| *d *= derivative(y));
            }
        }
    };
}

// Both derivatives are functions of y alone, so that u need not be kept.
elementwise!(Identity, |_| A::one());
elementwise!(Sigmoid, |y| y * (A::one() - y));
