//! User-defined activations, layers and other parts that manabi does not provide.

pub mod parts;

use manabi::activation::TrainableActFn;
use manabi::init::Initializer;
use manabi::layer::{Backward, Forward, Scratch, TensorSpec};
use manabi::ndarray::{ArrayView2, ArrayViewMut2, Axis, Zip};
use manabi::{ActFn, Error, Layer, Real, Result, Scalar, Shape, simd};

/// z = (u + √(u² + 4)) / 2, a smooth ReLU.
#[derive(Clone, Debug)]
pub struct Squareplus;

impl ActFn for Squareplus {
    const KIND: &'static str = "squareplus";
    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        let root = (u * u + A::of(4.0)).sqrt();
        // For negative u the sum would cancel, unlike its conjugate.
        if u < A::zero() { A::of(2.0) / (root - u) } else { (u + root) / A::of(2.0) }
    }
    #[inline(always)]
    fn df<A: Real>(&self, u: A, z: A) -> A {
        z / (u * u + A::of(4.0)).sqrt()
    }
}

/// z = u·erf(softplus(u)).
#[derive(Clone, Debug)]
pub struct Serf;

impl ActFn for Serf {
    const KIND: &'static str = "serf";
    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        u * u.softplus().erf()
    }
    #[inline(always)]
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        let s = u.softplus();
        let near = if u < A::of(10.0) { u } else { A::of(10.0) };
        let bell = A::of(std::f64::consts::FRAC_2_SQRT_PI) * (-s * s).exp();
        s.erf() + near * bell * u.sigmoid()
    }
}

/// z = u + sin²(αu)/α for periodic functions, with a fixed frequency α. Only f is given, and the derivative is computed from it.
#[derive(Clone, Debug)]
pub struct Snake(pub f64);

impl ActFn for Snake {
    const KIND: &'static str = "snake";
    #[inline(always)]
    fn f<R: Real>(&self, u: R) -> R {
        LearnedSnake::z(u, R::of(self.0))
    }
    fn check(&self) -> Result<()> {
        match self.0 {
            alpha if alpha != 0.0 && alpha.is_finite() => Ok(()),
            alpha => Err(Error::setting("alpha", "a finite number other than 0", alpha)),
        }
    }
}

/// The same function with a learned frequency. Only f is given, and both derivatives are computed from it.
#[derive(Clone, Debug)]
pub struct LearnedSnake(pub f64);

impl TrainableActFn for LearnedSnake {
    const KIND: &'static str = "learned_snake";
    const PARAMETER: &'static str = "frequency";
    fn start(&self) -> f64 {
        self.0
    }
    #[inline(always)]
    fn z<R: Real>(u: R, p: R) -> R {
        let sin = (p * u).sin();
        u + sin * sin / p
    }
}

/// A custom swish, to compare its time with the built-in one.
#[derive(Clone, Debug)]
pub struct MySwish;

impl ActFn for MySwish {
    const KIND: &'static str = "my_swish";
    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        u * u.sigmoid()
    }
    #[inline(always)]
    fn df<A: Real>(&self, u: A, z: A) -> A {
        let s = u.sigmoid();
        s + z * (A::one() - s)
    }
}

/// The gated linear unit: y = a·σ(b), where a is the left half of the input and b the right half.
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

/// A gated residual block: y = x + σ(a)·h, with the gate a = x·A and the candidate h = x·H, both kept for the backward pass.
#[derive(Debug)]
pub struct GatedResidual;

impl<A: Scalar> Layer<A> for GatedResidual {
    fn kind(&self) -> &str {
        "gated_residual"
    }
    fn output_shape(&self, input: Shape) -> Result<Shape> {
        Ok(input)
    }
    fn parameters(&self, input: Shape) -> Vec<TensorSpec> {
        let n = input.size();
        ["gate", "candidate"].map(|name| TensorSpec::new(name, &[n, n], Initializer::GLOROT_NORMAL)).into()
    }
    fn scratch(&self, input: Shape) -> Scratch {
        let n = input.size();
        Scratch::NONE.kept([n, n]).gradients([n, n, n])
    }
    fn row_wise(&self, _training: bool) -> bool {
        true
    }
    fn forward(&self, pass: Forward<'_, A>) {
        let Forward { params, x, mut y, kept, engine, .. } = pass;
        let ([mut a, mut h], [gate, candidate]) = (kept.arrays(), halves(params, x.ncols()));
        engine.matmul(x, gate, None, a.view_mut());
        engine.matmul(x, candidate, None, h.view_mut());
        Zip::from(&mut y).and(x).and(&a).and(&h).for_each(|y, &x, &a, &h| *y = x + a.sigmoid() * h);
    }
    fn backward(&self, pass: Backward<'_, A>) {
        let Backward { params, x, dy, dx, grad, kept, gradients, after_dx, engine, .. } = pass;
        let ([a, h], [mut da, mut dh, mut part]) = (kept.arrays(), gradients.arrays());
        if !after_dx {
            Zip::from(&mut da)
                .and(dy)
                .and(a)
                .and(h)
                .for_each(|d, &dy, &a, &h| *d = dy * h * a.sigmoid_derivative());
            Zip::from(&mut dh).and(dy).and(a).for_each(|d, &dy, &a| *d = dy * a.sigmoid());
        }
        if let Some(grad) = grad {
            let (to_gate, to_candidate) = grad.split_at_mut(params.len() / 2);
            for (to, d) in [(to_gate, &da), (to_candidate, &dh)] {
                let to = ArrayViewMut2::from_shape((x.ncols(), x.ncols()), to).expect("as declared");
                engine.matmul(x.reversed_axes(), d.view(), None, to);
            }
        }
        if let Some(mut dx) = dx {
            let [gate, candidate] = halves(params, x.ncols());
            dx.assign(&dy);
            for (d, weight) in [(&da, gate), (&dh, candidate)] {
                engine.matmul(d.view(), weight.reversed_axes(), None, part.view_mut());
                dx += &part;
            }
        }
    }
}

/// Returns the two parameter matrices.
fn halves<A>(params: &[A], n: usize) -> [ArrayView2<'_, A>; 2] {
    let (first, second) = params.split_at(n * n);
    [first, second].map(|half| ArrayView2::from_shape((n, n), half).expect("as declared"))
}
