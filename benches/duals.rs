//! Compares derivatives by dual numbers with derivatives by hand and with the built-in functions. Measures alternately and prints
//! ratios.
//!
//! `cargo bench --bench duals`; with `MANABI_SIMD=avx2`, on a smaller instruction set.

use std::f64::consts::{FRAC_2_SQRT_PI, PI};
use std::time::Instant;

use manabi::activation::{Gelu, GeluTanh};
use manabi::layer::{Backward, Forward, LayerWorkspace};
use manabi::random::{Random, RandomState};
use manabi::{ActFn, Activation, Layer, Mish, Real, Scalar, Swish, simd};
use ndarray::Array2;

const SLOPE: f64 = 0.797_884_560_802_865_4;
const CUBE: f64 = 0.044_715;

/// Defines a function twice: with its derivative by dual numbers and by hand.
macro_rules! pair {
    ($($dual:ident $hand:ident($u:ident, $z:pat) = $f:expr, $df:expr;)+) => {
        $(
            #[derive(Clone, Debug)]
            struct $dual;
            impl ActFn for $dual {
                const KIND: &'static str = stringify!($dual);
                #[inline(always)]
                fn f<R: Real>(&self, $u: R) -> R {
                    $f
                }
            }
            #[derive(Clone, Debug)]
            struct $hand;
            impl ActFn for $hand {
                const KIND: &'static str = stringify!($hand);
                #[inline(always)]
                fn f<R: Real>(&self, $u: R) -> R {
                    $f
                }
                #[inline(always)]
                fn df<R: Real>(&self, $u: R, $z: R) -> R {
                    $df
                }
            }
        )+
    };
}

pair! {
    DualSwish HandSwish(u, _) = u * u.sigmoid(), u.sigmoid() + u * u.sigmoid_derivative();
    DualMish HandMish(u, _) = u * u.softplus().tanh(),
        u.softplus().tanh() + u * u.softplus().tanh_derivative() * u.sigmoid();
    DualGeluTanh HandGeluTanh(u, _) = u * inner(u).sigmoid(),
        inner(u).sigmoid()
            + u * inner(u).sigmoid_derivative() * R::of(2.0 * SLOPE) * (R::one() + R::of(3.0 * CUBE) * u * u);
    DualSnake HandSnake(u, _) = u + u.sin() * u.sin(), R::one() + R::of(2.0) * u.sin() * u.cos();
    DualSerf HandSerf(u, _) = u * u.softplus().erf(),
        u.softplus().erf()
            + u * R::of(FRAC_2_SQRT_PI) * (-u.softplus() * u.softplus()).exp() * u.sigmoid();
    DualWave HandWave(u, _) = (u * R::of(PI)).sin() * (-u * u).exp(),
        ((u * R::of(PI)).cos() * R::of(PI) - R::of(2.0) * u * (u * R::of(PI)).sin()) * (-u * u).exp();
}

#[inline(always)]
fn inner<R: Real>(u: R) -> R {
    R::of(2.0 * SLOPE) * (u + R::of(CUBE) * u * u * u)
}

/// Returns the minimum times of each layer's forward and backward passes, in nanoseconds per value, measured alternately.
fn times<A: Scalar>(layers: &[&dyn Layer<A>]) -> Vec<[f64; 2]> {
    let x = RandomState::new(1).normal((100, 100), 0.0, 2.0).mapv(A::of);
    let dy = x.mapv(|x| x - A::of(0.5));
    let (mut y, mut dx) = (Array2::zeros(x.dim()), Array2::zeros(x.dim()));
    let mut best = vec![[f64::INFINITY; 2]; layers.len()];
    for _ in 0..400 {
        for (layer, best) in layers.iter().zip(&mut best) {
            let mut ws = LayerWorkspace::<A>::new(*layer, 100, 100).expect("the layer accepts 100 values");
            for _ in 0..3 {
                let pass = Forward::new(&mut ws, &[], &[], x.view(), y.view_mut()).expect("the shapes fit");
                let start = Instant::now();
                layer.forward(pass);
                best[0] = best[0].min(start.elapsed().as_secs_f64());
                let pass = Backward::new(&mut ws, &[], &[], [x.view(), y.view(), dy.view()]);
                let pass = pass.and_then(|pass| pass.dx(dx.view_mut())).expect("the shapes fit");
                let start = Instant::now();
                layer.backward(pass);
                best[1] = best[1].min(start.elapsed().as_secs_f64());
            }
        }
    }
    best.into_iter().map(|best| best.map(|time| 1e9 * time / x.len() as f64)).collect()
}

fn row<A: Scalar>(name: &str, dual: impl ActFn, hand: impl ActFn, built_in: Option<&dyn Layer<A>>) {
    let (dual, hand) = (Activation::new(dual), Activation::new(hand));
    let mut layers: Vec<&dyn Layer<A>> = vec![&dual, &hand];
    layers.extend(built_in);
    let best = times(&layers);
    let own = best
        .get(2)
        .map_or("| |".into(), |own| format!("{:.2} | {:.2}", best[0][0] / own[0], best[0][1] / own[1]));
    println!(
        "| {name}, {} | {:.2} | {:.2} | {:.2} | {own} |",
        std::any::type_name::<A>(),
        best[0][0],
        best[0][1],
        best[0][1] / best[1][1],
    );
}

fn rows<A: Scalar>() {
    row::<A>("swish", DualSwish, HandSwish, Some(&Activation::new(Swish::default())));
    row::<A>("mish", DualMish, HandMish, Some(&Activation::new(Mish)));
    row::<A>("gelu_tanh", DualGeluTanh, HandGeluTanh, Some(&Activation::new(GeluTanh)));
    row::<A>("snake", DualSnake, HandSnake, None);
    row::<A>("serf", DualSerf, HandSerf, None);
    row::<A>("wave", DualWave, HandWave, None);
    row::<A>("gelu", Gelu, Gelu, Some(&Activation::new(Gelu)));
}

fn main() {
    println!("instruction set: {}", simd::instruction_set());
    println!(
        "| function | forward, ns | backward by duals, ns | / by hand | forward / built in | backward / built in |"
    );
    println!("|---|---|---|---|---|---|");
    rows::<f32>();
    rows::<f64>();
}
