use super::{Backward, Forward, Layer, TensorSpec, flat, flat_mut};
use crate::activation::TrainableActFn;
use crate::error::Result;
use crate::init::Initializer;
use crate::lanes::Lanes;
use crate::parallel::parts;
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::shape::Shape;
use crate::simd::{dispatch, in_blocks};

/// A layer that applies an activation function and learns the parameter of the function, either one parameter for the whole
/// layer or one per unit.
///
/// Formula: z = z(u, p).
///
/// Derivative: du = dz·∂z/∂u; dp = Σ dz·∂z/∂p over the batch, and over the units if they share p.
///
/// Shapes: any; the output has the shape of the input. p has the shape (1), or the shape of a sample if each unit has its own.
///
/// Numerics: as in the function; sums have a fixed order, the same for every instruction set and any number of threads.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `function` | the activation function | none | any [`TrainableActFn`]: [`PRelu`](crate::activation::PRelu), [`Swish`](crate::Swish) or a custom one |
/// | `per_unit` | whether each unit has its own parameter | false | true or false |
///
/// # Errors
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if the initial value of the parameter is out of range.
///
/// Source: He, Zhang, Ren and Sun, *Delving deep into rectifiers*, 2015, which learns the slope of a leaky ReLU in this way.
///
/// # Examples
/// ```
/// use manabi::activation::PRelu;
/// use manabi::layer::TrainableActivation;
/// use manabi::{Layer, Swish};
///
/// let one = TrainableActivation::new(Swish::new(1.0));
/// let many = TrainableActivation::new(PRelu::new(0.25)).per_unit(true);
/// assert_eq!(Layer::<f32>::parameters(&one, 100.into())[0].shape, [1]);
/// assert_eq!(Layer::<f32>::parameters(&many, 100.into())[0].shape, [100]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
pub struct TrainableActivation<F> {
    function: F,
    per_unit: bool,
}

impl<F: TrainableActFn> TrainableActivation<F> {
    /// Creates a layer that applies this function, with one parameter for all units.
    pub fn new(function: F) -> Self {
        Self { function, per_unit: false }
    }

    /// Sets whether each unit has its own parameter.
    pub fn per_unit(self, per_unit: bool) -> Self {
        Self { per_unit, ..self }
    }
}

impl<A: Scalar, F: TrainableActFn> Layer<A> for TrainableActivation<F> {
    fn kind(&self) -> &str {
        F::KIND
    }

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        self.function.check()?;
        Layer::<A>::settings(self).map_or(Ok(()), |settings| settings.check_range::<A>())?;
        Ok(input)
    }

    fn parameters(&self, input: Shape) -> Vec<TensorSpec> {
        let shape = if self.per_unit { input.dims() } else { &[1] };
        let parameter = TensorSpec::new(F::PARAMETER, shape, Initializer::Constant(self.function.start()));
        vec![parameter.saved_as(F::SAVED_AS)]
    }

    fn row_wise(&self, _training: bool) -> bool {
        true
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new().with(F::PARAMETER, self.function.start()).with("per_unit", self.per_unit))
    }

    #[inline(never)]
    fn forward(&self, mut pass: Forward<'_, A>) {
        let (params, width, u) = (pass.params, pass.x.ncols(), flat(&pass.x));
        parts(pass.engine.thread_count(), flat_mut(&mut pass.y), width, &|start, z| {
            let u = &u[start..][..z.len()];
            dispatch(
                #[inline(always)]
                || {
                    if let &[p] = params {
                        in_blocks(
                            z,
                            #[inline(always)]
                            |start, z| {
                                for (z, &u) in z.iter_mut().zip(&u[start..]) {
                                    *z = F::z(u, p);
                                }
                            },
                        );
                        return;
                    }
                    for (u, z) in u.chunks_exact(width).zip(z.chunks_exact_mut(width)) {
                        for ((z, &u), &p) in z.iter_mut().zip(u).zip(params) {
                            *z = F::z(u, p);
                        }
                    }
                },
            );
        });
    }

    #[inline(never)]
    fn backward(&self, mut pass: Backward<'_, A>) {
        let (params, width) = (pass.params, pass.x.ncols());
        let (u, z, dz) = (flat(&pass.x), flat(&pass.y), flat(&pass.dy));
        if let Some(grad) = pass.grad {
            dispatch(
                #[inline(always)]
                || match (params, &mut *grad) {
                    (&[p], [sum]) => *sum = total::<A, F>(u, z, dz, p),
                    (_, sums) => unit_totals::<A, F>(u, z, dz, params, sums),
                },
            );
        }
        let Some(du) = &mut pass.dx else { return };
        parts(pass.engine.thread_count(), flat_mut(du), width, &|start, du| {
            let [u, z, dz] = [u, z, dz].map(|all| &all[start..][..du.len()]);
            dispatch(
                #[inline(always)]
                || {
                    if let &[p] = params {
                        in_blocks(
                            du,
                            #[inline(always)]
                            |start, du| {
                                let [u, z, dz] = [u, z, dz].map(|all| &all[start..]);
                                for (((du, &u), &z), &dz) in du.iter_mut().zip(u).zip(z).zip(dz) {
                                    *du = dz * F::dz_du(u, p, z);
                                }
                            },
                        );
                        return;
                    }
                    let rows = u.chunks_exact(width).zip(z.chunks_exact(width)).zip(dz.chunks_exact(width));
                    for (du, ((u, z), dz)) in du.chunks_exact_mut(width).zip(rows) {
                        for ((((du, &u), &z), &dz), &p) in du.iter_mut().zip(u).zip(z).zip(dz).zip(params) {
                            *du = dz * F::dz_du(u, p, z);
                        }
                    }
                },
            );
        });
    }
}

/// Returns Σ dz·∂z/∂p over all values.
#[inline(always)]
fn total<A: Scalar, F: TrainableActFn>(u: &[A], z: &[A], dz: &[A], p: A) -> A {
    let mut lanes = Lanes::new();
    lanes.add([u, z, dz], |[u, z, dz]| dz * F::dz_dp(u, p, z));
    lanes.total()
}

/// Writes Σ dz·∂z/∂p over the rows to `sums`, for every unit.
#[inline(always)]
fn unit_totals<A: Scalar, F: TrainableActFn>(u: &[A], z: &[A], dz: &[A], params: &[A], sums: &mut [A]) {
    let width = params.len();
    sums.fill(A::zero());
    for ((u, z), dz) in u.chunks_exact(width).zip(z.chunks_exact(width)).zip(dz.chunks_exact(width)) {
        for ((((sum, &p), &u), &z), &dz) in sums.iter_mut().zip(params).zip(u).zip(z).zip(dz) {
            *sum += dz * F::dz_dp(u, p, z);
        }
    }
}
