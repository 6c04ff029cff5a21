use super::{Backward, Forward, Layer, flat, flat_mut};
use crate::activation::ActFn;
use crate::error::Result;
use crate::parallel::parts;
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::shape::Shape;
use crate::simd::{dispatch, in_blocks};

/// A layer that applies an activation function to every value.
///
/// Formula: z = f(u).
///
/// Derivative: du = dz · f′(u, z).
///
/// Shapes: any; the output has the shape of the input.
///
/// Numerics: as in the function; loops use the best instruction set of the machine and compute the same bits with every
/// instruction set.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `function` | the activation function | none | any [`ActFn`], built-in or custom |
///
/// # Errors
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if a parameter of the function is out of range.
///
/// Source: the activation layers of the article.
///
/// # Examples
/// ```
/// use manabi::layer::{Forward, LayerWorkspace};
/// use manabi::{Activation, Layer, Swish};
/// use ndarray::array;
///
/// let swish = Activation::new(Swish::default());
/// let (x, mut y) = (array![[0.0, 800.0]], array![[9.0, 9.0]]);
/// let mut ws = LayerWorkspace::new(&swish, 2, 1)?;
/// swish.forward(Forward::new(&mut ws, &[], &[], x.view(), y.view_mut())?);
/// assert_eq!(y, array![[0.0, 800.0]]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[doc(alias = "nonlinearity")]
pub struct Activation<F> {
    function: F,
}

impl<F: ActFn> Activation<F> {
    /// Creates a layer that applies this function.
    pub fn new(function: F) -> Self {
        Self { function }
    }
}

impl<A: Scalar, F: ActFn> Layer<A> for Activation<F> {
    fn kind(&self) -> &str {
        F::KIND
    }

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        self.function.check()?;
        self.function.settings().map_or(Ok(()), |settings| settings.check_range::<A>())?;
        Ok(input)
    }

    fn row_wise(&self, _training: bool) -> bool {
        true
    }

    fn settings(&self) -> Option<Settings> {
        self.function.settings()
    }

    #[inline(never)]
    fn forward(&self, mut pass: Forward<'_, A>) {
        let u = flat(&pass.x);
        parts(pass.engine.thread_count(), flat_mut(&mut pass.y), 1, &|start, z| {
            let u = &u[start..][..z.len()];
            dispatch(
                #[inline(always)]
                || {
                    // A local copy stays in a register.
                    let function = self.function.clone();
                    in_blocks(
                        z,
                        #[inline(always)]
                        |start, block| {
                            for (z, &u) in block.iter_mut().zip(&u[start..]) {
                                *z = function.f(u);
                            }
                        },
                    );
                },
            );
        });
    }

    #[inline(never)]
    fn backward(&self, mut pass: Backward<'_, A>) {
        let Some(du) = &mut pass.dx else { return };
        let (u, z, dz) = (flat(&pass.x), flat(&pass.y), flat(&pass.dy));
        parts(pass.engine.thread_count(), flat_mut(du), 1, &|start, du| {
            let [u, z, dz] = [u, z, dz].map(|all| &all[start..][..du.len()]);
            dispatch(
                #[inline(always)]
                || {
                    let function = self.function.clone();
                    in_blocks(
                        du,
                        #[inline(always)]
                        |start, block| {
                            let [u, z, dz] = [u, z, dz].map(|all| &all[start..]);
                            for (((du, &dz), &u), &z) in block.iter_mut().zip(dz).zip(u).zip(z) {
                                *du = dz * function.df(u, z);
                            }
                        },
                    );
                },
            );
        });
    }
}
