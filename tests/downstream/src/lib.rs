//! What a user writes: activations and a layer that manabi does not have.

use manabi::ndarray::Axis;
use manabi::{ActFn, Backward, Error, Forward, Layer, Result, Scalar, Shape, simd};

/// z = (u + √(u² + 4)) / 2, a ReLU with a rounded corner.
#[derive(Clone, Debug)]
pub struct Squareplus;

impl ActFn for Squareplus {
    const NAME: &'static str = "squareplus";
    #[inline(always)]
    fn f<A: Scalar>(&self, u: A) -> A {
        let root = (u * u + A::of(4.0)).sqrt();
        // For negative u the sum would cancel; its conjugate does not.
        if u < A::zero() { A::of(2.0) / (root - u) } else { (u + root) / A::of(2.0) }
    }
    #[inline(always)]
    fn df<A: Scalar>(&self, u: A, z: A) -> A {
        z / (u * u + A::of(4.0)).sqrt()
    }
}

/// z = u·erf(softplus(u)).
#[derive(Clone, Debug)]
pub struct Serf;

impl ActFn for Serf {
    const NAME: &'static str = "serf";
    #[inline(always)]
    fn f<A: Scalar>(&self, u: A) -> A {
        u * u.softplus().erf()
    }
    #[inline(always)]
    fn df<A: Scalar>(&self, u: A, _z: A) -> A {
        let s = u.softplus();
        let near = if u < A::of(10.0) { u } else { A::of(10.0) };
        let bell = A::of(std::f64::consts::FRAC_2_SQRT_PI) * (-s * s).exp();
        s.erf() + near * bell * u.sigmoid()
    }
}

/// z = u + sin²(αu)/α, for what is periodic.
#[derive(Clone, Debug)]
pub struct Snake(pub f64);

impl ActFn for Snake {
    const NAME: &'static str = "snake";
    #[inline(always)]
    fn f<A: Scalar>(&self, u: A) -> A {
        let sin = A::of((self.0 * u.widen()).sin());
        u + sin * sin / A::of(self.0)
    }
    #[inline(always)]
    fn df<A: Scalar>(&self, u: A, _z: A) -> A {
        A::one() + A::of((2.0 * self.0 * u.widen()).sin())
    }
    fn check(&self) -> Result<()> {
        match self.0 {
            alpha if alpha != 0.0 && alpha.is_finite() => Ok(()),
            alpha => Err(Error::setting("alpha", "a finite number other than 0", alpha)),
        }
    }
}

/// Swish once more, to be timed beside the built-in one.
#[derive(Clone, Debug)]
pub struct MySwish;

impl ActFn for MySwish {
    const NAME: &'static str = "my_swish";
    #[inline(always)]
    fn f<A: Scalar>(&self, u: A) -> A {
        u * u.sigmoid()
    }
    #[inline(always)]
    fn df<A: Scalar>(&self, u: A, z: A) -> A {
        let s = u.sigmoid();
        s + z * (A::one() - s)
    }
}

/// The gated linear unit: y = a·σ(b), where a is the left half of the input and b the right one.
#[derive(Debug)]
pub struct Glu;

impl<A: Scalar> Layer<A> for Glu {
    fn kind(&self) -> &str {
        "glu"
    }
    fn output_shape(&self, input: Shape) -> Result<Shape> {
        match input.size() % 2 {
            0 => Ok((input.size() / 2).into()),
            _ => Err(Error::setting("input width", "an even number", input)),
        }
    }
    fn forward(&self, pass: Forward<'_, A>) {
        let Forward { x, mut y, .. } = pass;
        simd::dispatch(
            #[inline(always)]
            || {
                for (mut y, x) in y.rows_mut().into_iter().zip(x.rows()) {
                    let (a, b) = x.split_at(Axis(0), y.len());
                    for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
                        *y = a * b.sigmoid();
                    }
                }
            },
        );
    }
    fn backward(&self, pass: Backward<'_, A>) {
        let Backward { x, dy, dx, .. } = pass;
        let Some(mut dx) = dx else { return };
        simd::dispatch(
            #[inline(always)]
            || {
                for ((dx, x), dy) in dx.rows_mut().into_iter().zip(x.rows()).zip(dy.rows()) {
                    let (a, b) = x.split_at(Axis(0), dy.len());
                    let (da, db) = dx.split_at(Axis(0), dy.len());
                    for ((((da, db), &a), &b), &dy) in da.into_iter().zip(db).zip(a).zip(b).zip(dy) {
                        *da = dy * b.sigmoid();
                        *db = dy * a * b.sigmoid_derivative();
                    }
                }
            },
        );
    }
}
