use super::{Backward, Forward, Layer, flat, flat_mut};
use crate::activation::ActFn;
use crate::error::Result;
use crate::scalar::Scalar;
use crate::simd::dispatch;

/// The layer that applies an activation function to every number.
///
/// Formula: z = f(u).
///
/// Derivative: du = dz · f′(u, z).
///
/// Shapes: all (batch, width).
///
/// Numerics: those of the function; the loops run on the best instruction set of the machine, with the same bits on
/// all of them.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `function` | none | any [`ActFn`], built-in or your own |
///
/// Errors: when the model is built, if [`ActFn::check`] finds a parameter out of range.
///
/// ```
/// use manabi::{Activation, Engine, Forward, Layer, Swish};
/// use ndarray::array;
///
/// let swish = Activation::new(Swish::default());
/// let (x, mut y) = (array![[0.0, 800.0]], array![[9.0, 9.0]]);
/// swish.forward(Forward::new(&swish, &[], x.view(), y.view_mut(), &mut Engine::new(1))?);
/// assert_eq!(y, array![[0.0, 800.0]]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Activation<F> {
    function: F,
}

impl<F: ActFn> Activation<F> {
    /// A layer of this function.
    pub fn new(function: F) -> Self {
        Self { function }
    }
}

impl<A: Scalar, F: ActFn> Layer<A> for Activation<F> {
    fn kind(&self) -> &str {
        F::NAME
    }

    fn output_dim(&self, input_dim: usize) -> Result<usize> {
        self.function.check().map(|()| input_dim)
    }

    fn forward(&self, mut pass: Forward<'_, A>) {
        let (u, z) = (flat(&pass.x), flat_mut(&mut pass.y));
        dispatch(
            #[inline(always)]
            || u.iter().zip(&mut *z).for_each(|(&u, z)| *z = self.function.f(u)),
        );
    }

    fn backward(&self, mut pass: Backward<'_, A>) {
        let Some(du) = &mut pass.dx else { return };
        let (u, z, dz) = (flat(&pass.x), flat(&pass.y), flat(&pass.dy));
        let du = flat_mut(du);
        dispatch(
            #[inline(always)]
            || {
                for (((du, &dz), &u), &z) in du.iter_mut().zip(dz).zip(u).zip(z) {
                    *du = dz * self.function.df(u, z);
                }
            },
        );
    }
}
