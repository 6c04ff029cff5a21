//! The derivatives of σ, tanh, swish and mish.

use super::exp::Exp;
use super::kernel::Kernel;

/// `factor`·σ′(x) = `factor`·e/(1 + e)², e = e^−|x|.
#[inline(always)]
pub fn sigmoid_derivative<A: Kernel>(x: A, factor: A) -> A {
    let e = Decay::new(x.abs());
    let value = e.large + e.large * e.m;
    factor * value / (A::LARGE * square_one_plus(e.power, e.rest).0)
}

/// e⁻ʷ = 2ᵏ(1 + m), w ≥ 0.
pub struct Decay<A> {
    /// w, or the end of the range if that is less.
    pub w: A,
    /// 2ᵏ times `LARGE`, exact where 2ᵏ has become 0.
    pub large: A,
    /// 2ᵏ
    pub power: A,
    /// 2ᵏ·m
    pub rest: A,
    pub m: A,
}

impl<A: Kernel> Decay<A> {
    #[inline(always)]
    pub fn new(w: A) -> Self {
        let w = w.at_most(A::DECAY_END);
        let e = Exp::new(-w);
        let large = e.power(A::LARGE);
        let power = large * (A::ONE / A::LARGE);
        Self { w, large, power, rest: power * e.m, m: e.m }
    }
}

/// (1 + p + r)² for a power of two p and a small r, and what rounding took from it.
#[inline(always)]
pub fn square_one_plus<A: Kernel>(p: A, r: A) -> (A, A) {
    let main = A::ONE + (p + p);
    let tail = p * p + r * ((main + A::ONE) + r);
    let sum = main + tail;
    (sum, (main - sum) + tail)
}

pub trait SwishMish {
    fn swish_derivative(self) -> Self;
    fn mish_derivative(self) -> Self;
}

/// Through `f64`, where the shortest formulas will do.
impl SwishMish for f32 {
    #[inline(always)]
    fn swish_derivative(self) -> f32 {
        let v = f64::from(self.within((-Self::DECAY_END, Self::DECAY_END)));
        let e = exp_single(-v, 0.0);
        let s = 1.0 + e;
        ((s + e * v) / (s * s)) as f32
    }
    #[inline(always)]
    fn mish_derivative(self) -> f32 {
        let u = f64::from(self.within((-Self::DECAY_END, Self::DECAY_END)));
        let e = exp_single(-u, 1.0); // 2 e⁻ᵘ
        let s = 1.0 + e;
        let g = s * s + 1.0;
        let ue = u * e;
        let r = 1.0 / g;
        (r * ((2.0 + ((ue + e) + (ue + e))) - 4.0 * ue * r)) as f32
    }
}

#[inline(always)]
fn exp_single(x: f64, shift: f64) -> f64 {
    let round = f64::ROUND + shift;
    let t = x * f64::LOG2_E + round;
    let r = x - (t - round) * std::f64::consts::LN_2;
    let r2 = r * r;
    let low = (1.0 + r) + r2 * (0.5 + 0.166_665_464_639_663_7 * r);
    let high = (0.041_666_444_391_012_19 + 0.008_366_263_471_543_789 * r) + r2 * 0.001_393_700_251_355_767_3;
    f64::shifted(low + (r2 * r2) * high, t)
}

impl SwishMish for f64 {
    #[inline(always)]
    fn swish_derivative(self) -> f64 {
        swish_derivative(self)
    }
    #[inline(always)]
    fn mish_derivative(self) -> f64 {
        mish_derivative(self)
    }
}

#[inline(always)]
fn swish_derivative(v: f64) -> f64 {
    let e = Decay::new(v.abs());
    let (d, _) = square_one_plus(e.power, e.rest);
    let n = (1.0 + e.power) - e.w;
    let g = n + e.m * ((e.power + e.rest) + n);
    let q = (e.large * g) / (d * f64::LARGE);
    if v < 0.0 { q } else { 1.0 - q }
}

#[inline(always)]
fn mish_derivative(u: f64) -> f64 {
    let neg = u < 0.0;
    let e = Decay::new(u.abs());
    let (a, am, m, w) = (e.power, e.rest, e.m, e.w);
    let (a0, a1) = if neg { (2.0, 1.0) } else { (1.0, 2.0) };
    let ev = a + am;
    let y = ev / ((a0 + a1 * a) + a1 * am);
    let h = if neg { 0.5 * a } else { 0.0 };
    let s = if neg { 0.5 * am + 0.5 * ev * y } else { 2.0 * ev * y };
    let (d, _) = square_one_plus(h, s);
    let nx = (1.0 + h) - w;
    let nu = 0.5 * am + y * (0.5 * ev + w * y);
    let mn = nx + (nu + m * (nx + nu));
    let mp = -(y + y) * ((1.0 + s) - (w + w) * (1.0 - y));
    let mp = mp + m * mp;
    let q = (e.large * (if neg { mn } else { mp })) / (d * f64::LARGE);
    let main = if neg { q } else { 1.0 + q };
    let x = (u + 1.192_431_214_515_495_2) + 4.848_482_984_803_104e-17;
    let near = x * mish_near(x);
    if x.abs() < 0.25 { near } else { main }
}

#[inline(always)]
fn mish_near(x: f64) -> f64 {
    let x2 = x * x;
    let x4 = x2 * x2;
    let a = (0.266_947_914_049_534_5 + x * 0.204_731_264_080_105_3)
        + x2 * (0.041_907_821_043_617_23 - x * 0.020_271_822_716_435_73);
    let b = (-0.015_821_126_562_677_5 - x * 0.003_360_684_958_738_736)
        + x2 * (0.001_092_405_589_007_082_5 + x * 0.000_989_819_839_162_526_9);
    let c = (0.000_254_128_344_655_505_8 - x * 4.200_776_696_536_300_4e-5)
        + x2 * (-5.582_394_670_693_925e-5 - x * 1.670_756_262_154_757_4e-5);
    a + x4 * (b + x4 * (c + x4 * 1.048_080_940_096_496_8e-6))
}
