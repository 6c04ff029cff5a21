//! Random numbers: one seed, one stream, the same on every machine. Normal draws agree up to the last bit of the system's
//! logarithm, which NumPy takes too.

use std::fmt::{self, Debug};

use ndarray::Array2;
use rand::Rng;
use rand::seq::SliceRandom;
use rand_distr::{StandardNormal, StandardUniform};
use rand_mt::Mt;

use crate::delegate::delegate;
use crate::error::{Error, Result};

/// A stream of random numbers: what initial weights and the order of samples are drawn from.
///
/// [`RandomState`] is the crate's own; [`FromRng`] makes one of any [`rand::Rng`].
pub trait Random: Debug + Send {
    /// Independent draws from the uniform distribution on [`low`, `high`), row by row; where the two are nearly the same,
    /// rounding may give `high` itself.
    fn uniform(&mut self, shape: (usize, usize), low: f64, high: f64) -> Array2<f64>;

    /// Independent draws from the normal distribution with this mean and standard deviation, row by row.
    fn normal(&mut self, shape: (usize, usize), mean: f64, std: f64) -> Array2<f64>;

    /// The numbers 0..n in random order, every order as likely as another.
    fn permutation(&mut self, n: usize) -> Vec<usize>;

    /// All that the next numbers depend on, for a checkpoint; `None`, as is the default, if the stream cannot tell.
    fn state(&self) -> Option<Vec<u32>> {
        None
    }

    /// Puts back a [`state`](Random::state) of such a stream; an error, and nothing changed, if it is none.
    fn set_state(&mut self, _state: &[u32]) -> Result<()> {
        Err(Error::setting("random", "a stream whose state can be set", "another"))
    }
}

delegate!([R: Random + ?Sized] Random, for [&mut R, Box<R>], {
    fn state(&self) -> Option<Vec<u32>>;
    mut:
    fn uniform(&mut self, shape: (usize, usize), low: f64, high: f64) -> Array2<f64>;
    fn normal(&mut self, shape: (usize, usize), mean: f64, std: f64) -> Array2<f64>;
    fn permutation(&mut self, n: usize) -> Vec<usize>;
    fn set_state(&mut self, state: &[u32]) -> Result<()>;
});

/// NumPy's legacy generator `numpy.random.RandomState`, bit for bit: MT19937, polar normals, masked shuffles.
///
/// NumPy froze this stream in 2019, so a seed means the same numbers for good. Normal draws go through the system's
/// logarithm, as NumPy's do: where it rounds otherwise than the C library of Linux, as on `wasm32-unknown-unknown`, some
/// differ in the last bit. Uniform draws and permutations have the same bits everywhere. It also implements
/// [`rand::RngCore`], which gives the raw 32-bit outputs.
///
/// Source: Matsumoto and Nishimura, *Mersenne Twister*, 1998; Marsaglia and Bray, *A convenient method for
/// generating normal variables*, 1964; NumPy NEP 19.
///
/// ```
/// use manabi::random::RandomState;
///
/// let mut random = RandomState::new(10); // np.random.RandomState(10)
/// assert_eq!(random.standard_normal(), 1.331586504129518);
/// assert_eq!(RandomState::new(10).permutation(10), [8, 2, 5, 6, 3, 1, 0, 7, 4, 9]);
/// ```
#[derive(Clone)]
#[doc(alias("numpy.random.RandomState", "MT19937", "Mersenne Twister"))]
pub struct RandomState {
    /// The generator's outputs in blocks of as many words as its state has. A block determines all that follow, so that it is
    /// the state too.
    block: [u32; WORDS],
    /// How many words of the block are drawn.
    drawn: usize,
    /// The polar method makes two normals at a time; the second one waits here.
    spare: Option<f64>,
}

/// The words of the generator's state.
const WORDS: usize = 624;

impl RandomState {
    /// `numpy.random.RandomState(seed)` for an integer seed.
    pub fn new(seed: u32) -> Self {
        Self { block: block(Mt::new(seed)), drawn: 0, spare: None }
    }

    /// The next 32 bits.
    fn draw(&mut self) -> u32 {
        if self.drawn == WORDS {
            (self.block, self.drawn) = (block(Mt::from(self.block)), 0);
        }
        self.drawn += 1;
        self.block[self.drawn - 1]
    }

    /// A uniform double in [0, 1) with 53 random bits: `random_sample()`.
    pub fn random_sample(&mut self) -> f64 {
        let high = f64::from(self.draw() >> 5);
        let low = f64::from(self.draw() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }

    /// A normal double with mean 0 and standard deviation 1: `standard_normal()`.
    pub fn standard_normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let x1 = 2.0 * self.random_sample() - 1.0;
            let x2 = 2.0 * self.random_sample() - 1.0;
            let r2 = x1 * x1 + x2 * x2;
            if r2 < 1.0 && r2 != 0.0 {
                let f = (-2.0 * r2.ln() / r2).sqrt();
                self.spare = Some(f * x1);
                return f * x2;
            }
        }
    }

    /// The numbers 0..n in random order: `permutation(n)`.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, self.below_or_at(i));
        }
        order
    }

    /// A uniform integer in 0..=max, by masking and redrawing.
    fn below_or_at(&mut self, max: usize) -> usize {
        let mask = max.next_power_of_two().wrapping_sub(1) | max;
        loop {
            let draw = if max <= u32::MAX as usize {
                self.draw() as usize
            } else {
                (u64::from(self.draw()) << 32 | u64::from(self.draw())) as usize
            };
            if draw & mask <= max {
                return draw & mask;
            }
        }
    }
}

fn block(mut mt: Mt) -> [u32; WORDS] {
    std::array::from_fn(|_| mt.next_u32())
}

impl Debug for RandomState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RandomState").finish_non_exhaustive()
    }
}

impl Random for RandomState {
    fn uniform(&mut self, shape: (usize, usize), low: f64, high: f64) -> Array2<f64> {
        Array2::from_shape_simple_fn(shape, || low + (high - low) * self.random_sample())
    }

    fn normal(&mut self, shape: (usize, usize), mean: f64, std: f64) -> Array2<f64> {
        Array2::from_shape_simple_fn(shape, || mean + std * self.standard_normal())
    }

    fn permutation(&mut self, n: usize) -> Vec<usize> {
        RandomState::permutation(self, n)
    }

    fn state(&self) -> Option<Vec<u32>> {
        let spare = self.spare.map_or([0; 3], |spare| {
            let bits = spare.to_bits();
            [1, (bits >> 32) as u32, bits as u32]
        });
        Some([&self.block[..], &[self.drawn as u32], &spare].concat())
    }

    fn set_state(&mut self, state: &[u32]) -> Result<()> {
        let wrong = || Error::shape("state of a RandomState", format!("[{}]", WORDS + 4), &[state.len()]);
        let (block, rest) = state.split_first_chunk::<WORDS>().ok_or_else(wrong)?;
        let &[drawn, has_spare, high, low] = rest else { return Err(wrong()) };
        if drawn as usize > WORDS {
            return Err(Error::setting("drawn words of a RandomState", format!("at most {WORDS}"), drawn));
        }
        let spare = f64::from_bits(u64::from(high) << 32 | u64::from(low));
        // From zeros alone the generator never gets away, and normal draws would never end; of the first word it goes on with
        // one bit.
        let zeros = block[0] >> 31 == 0 && block[1..].iter().all(|&word| word == 0);
        if zeros || !spare.is_finite() {
            let expected = "one that a RandomState has been in";
            return Err(Error::setting("state of a RandomState", expected, "another"));
        }
        *self = Self { block: *block, drawn: drawn as usize, spare: (has_spare != 0).then_some(spare) };
        Ok(())
    }
}

impl rand::RngCore for RandomState {
    fn next_u32(&mut self) -> u32 {
        self.draw()
    }

    fn next_u64(&mut self) -> u64 {
        u64::from(self.draw()) | u64::from(self.draw()) << 32
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(4) {
            chunk.copy_from_slice(&self.draw().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Random numbers by their place instead of by their order: what a layer draws in training.
///
/// Every number of a batch has random bits of its own, whatever thread asks for them and in whatever order, and a backward
/// pass finds those of the forward pass again.
///
/// Formula: half of the output of SplitMix64 for the state key + place·φ, where the key is mixed from a seed, the number of the
/// batch and that of the layer, and φ is the golden ratio's 64 bits. Two columns beside each other have a place together.
///
/// Source: Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, 2014.
///
/// ```
/// use manabi::random::Noise;
///
/// let noise = Noise::new(10, 1);
/// assert_eq!(noise.bits(3, 5), Noise::new(10, 1).bits(3, 5));
/// assert_ne!(noise.bits(3, 5), noise.bits(5, 3));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noise {
    key: u64,
    /// What stands before the first row.
    rows: u32,
}

impl Noise {
    /// The noise of a batch: of a seed, and a number that no other batch has.
    pub fn new(seed: u32, batch: u64) -> Self {
        Self { key: mix(mix(u64::from(seed)) ^ batch), rows: 0 }
    }

    /// The noise of one layer in it, by the layer's place in the model, from 0.
    pub fn layer(self, index: usize) -> Self {
        Self { key: mix(self.key ^ index as u64), ..self }
    }

    /// The same noise from a row on: that of a part of the batch.
    ///
    /// ```
    /// use manabi::random::Noise;
    ///
    /// let noise = Noise::new(10, 1);
    /// assert_eq!(noise.rows_from(3).bits(4, 5), noise.bits(7, 5));
    /// ```
    pub fn rows_from(self, row: usize) -> Self {
        Self { rows: self.rows.wrapping_add(row as u32), ..self }
    }

    /// The random bits of a place in the batch.
    #[inline(always)]
    pub fn bits(self, row: usize, column: usize) -> u32 {
        self.pair(row, column / 2)[column % 2]
    }

    /// The random bits of columns 2·`pair` and 2·`pair` + 1, for half the work.
    ///
    /// ```
    /// use manabi::random::Noise;
    ///
    /// let noise = Noise::new(10, 1);
    /// assert_eq!(noise.pair(3, 2), [noise.bits(3, 4), noise.bits(3, 5)]);
    /// ```
    #[inline(always)]
    pub fn pair(self, row: usize, pair: usize) -> [u32; 2] {
        let place = (u64::from(self.rows.wrapping_add(row as u32)) << 32) | pair as u64;
        let bits = mix(self.key.wrapping_add(place.wrapping_mul(GOLDEN)));
        [bits as u32, (bits >> 32) as u32]
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A step of SplitMix64.
#[inline(always)]
fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(GOLDEN);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Any generator of the `rand` ecosystem as a [`Random`]. The draws have the same bits as those of `ndarray-rand`.
///
/// ```
/// use manabi::random::{FromRng, Random};
/// use rand::SeedableRng;
///
/// let mut random = FromRng(rand::rngs::SmallRng::seed_from_u64(10));
/// let w = random.normal((3, 2), 0.0, 0.1);
/// assert_eq!(w.dim(), (3, 2));
/// ```
#[derive(Clone, Debug)]
pub struct FromRng<R>(pub R);

impl<R: Rng + Debug + Send> Random for FromRng<R> {
    fn uniform(&mut self, shape: (usize, usize), low: f64, high: f64) -> Array2<f64> {
        Array2::from_shape_simple_fn(shape, || low + (high - low) * self.0.sample::<f64, _>(StandardUniform))
    }

    fn normal(&mut self, shape: (usize, usize), mean: f64, std: f64) -> Array2<f64> {
        Array2::from_shape_simple_fn(shape, || mean + std * self.0.sample::<f64, _>(StandardNormal))
    }

    fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        order.shuffle(&mut self.0);
        order
    }
}
