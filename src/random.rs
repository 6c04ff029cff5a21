//! Random numbers. A seed determines the stream, which is the same on every machine, except that the last bit of normal draws
//! depends on the system's logarithm, as in NumPy.

use std::fmt::{self, Debug};

use ndarray::Array2;
use rand::Rng;
use rand::seq::SliceRandom;
use rand_distr::{StandardNormal, StandardUniform};
use rand_mt::Mt;

use crate::delegate::delegate;
use crate::error::{Error, Result};

/// A stream of random numbers, from which the initial weights and the order of samples are drawn.
///
/// The default stream is [`RandomState`]. [`FromRng`] turns any [`rand::Rng`] into a stream.
pub trait Random: Debug + Send {
    /// Returns independent draws from the uniform distribution on [`low`, `high`), row by row. If `low` and `high` are nearly
    /// equal, rounding can produce `high` itself.
    ///
    /// # Panics
    ///
    /// Panics if the array is too large for memory.
    fn uniform(&mut self, shape: (usize, usize), low: f64, high: f64) -> Array2<f64>;

    /// Returns independent draws from the normal distribution with this mean and standard deviation, row by row.
    ///
    /// # Panics
    ///
    /// Panics if the array is too large for memory.
    fn normal(&mut self, shape: (usize, usize), mean: f64, std: f64) -> Array2<f64>;

    /// Returns the integers 0..n in random order. All orders have the same probability.
    fn permutation(&mut self, n: usize) -> Vec<usize>;

    /// Returns the complete state of the stream, for a checkpoint. Returns `None`, the default, if the stream does not expose its
    /// state.
    fn state(&self) -> Option<Vec<u32>> {
        None
    }

    /// Restores a state that [`state`](Random::state) returned.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Shape`] or [`Error::Setting`] and leaves the stream unchanged if `state` is not a valid state. The
    /// default implementation always returns [`Error::Setting`].
    fn set_state(&mut self, _state: &[u32]) -> Result<()> {
        Err(Error::setting("random stream", "one that supports set_state", "another"))
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

/// NumPy's legacy generator `numpy.random.RandomState`, bit for bit: MT19937, the polar method for normal draws, and shuffles by
/// masked rejection.
///
/// NumPy froze this stream in 2019, so a seed always produces the same numbers. Normal draws use the system's logarithm, as in
/// NumPy. If it rounds differently from the C library of Linux, as on `wasm32-unknown-unknown`, some draws differ in the last
/// bit. Uniform draws and permutations have the same bits on every system. The type also implements [`rand::RngCore`], which
/// returns the raw 32-bit outputs.
///
/// # Source
///
/// Matsumoto and Nishimura, *Mersenne Twister*, 1998; Marsaglia and Bray, *A convenient method for
/// generating normal variables*, 1964; NumPy NEP 19.
///
/// # Examples
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
    /// The current block of outputs, which has the length of the generator's state. A block determines all later blocks, so it
    /// also serves as the state.
    block: [u32; WORDS],
    /// The number of words of the block that have been drawn.
    drawn: usize,
    /// The second of the two normal draws that the polar method produces at a time, until it is used.
    spare: Option<f64>,
}

/// The number of words in the generator's state.
const WORDS: usize = 624;

impl RandomState {
    /// Creates the generator for an integer seed, like `numpy.random.RandomState(seed)`.
    pub fn new(seed: u32) -> Self {
        Self { block: block(Mt::new(seed)), drawn: 0, spare: None }
    }

    /// Returns the next 32 bits.
    fn draw(&mut self) -> u32 {
        if self.drawn == WORDS {
            (self.block, self.drawn) = (block(Mt::from(self.block)), 0);
        }
        self.drawn += 1;
        self.block[self.drawn - 1]
    }

    /// Returns a uniform draw from [0, 1) with 53 random bits, like NumPy's `random_sample()`.
    pub fn random_sample(&mut self) -> f64 {
        let high = f64::from(self.draw() >> 5);
        let low = f64::from(self.draw() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }

    /// Returns a normal draw with mean 0 and standard deviation 1, like NumPy's `standard_normal()`.
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

    /// Returns the integers 0..n in random order, like NumPy's `permutation(n)`.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, self.below_or_at(i));
        }
        order
    }

    /// Returns a uniform integer in 0..=max, by masked rejection.
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
        // From a state of zeros, the generator returns only zeros, and a normal draw would loop forever. Of the first word, the
        // generator uses only the highest bit.
        let zeros = block[0] >> 31 == 0 && block[1..].iter().all(|&word| word == 0);
        if zeros || !spare.is_finite() {
            let expected = "one that Random::state returned";
            return Err(Error::setting("state of a RandomState", expected, "an invalid state"));
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

/// Random bits that depend on the position in a batch instead of on the order of draws, for layers that use randomness in
/// training.
///
/// Each element of a batch has its own random bits. They do not depend on the thread or on the order of calls, so a backward
/// pass gets the same bits as the forward pass.
///
/// Formula: half of the output of SplitMix64 for the state key + place·φ. The key is mixed from the seed, the number of the batch
/// and the index of the layer. φ consists of the first 64 fractional bits of the golden ratio. Columns 2k and 2k + 1 of a row
/// share a place.
///
/// # Source
///
/// Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, 2014.
///
/// # Examples
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
    /// The number of rows before the first row.
    rows: u32,
}

impl Noise {
    /// Creates the noise of a batch from a seed and a number that is unique to the batch.
    pub fn new(seed: u32, batch: u64) -> Self {
        Self { key: mix(mix(u64::from(seed)) ^ batch), rows: 0 }
    }

    /// Returns the noise of one layer, given its index in the model, from 0.
    pub fn layer(self, index: usize) -> Self {
        Self { key: mix(self.key ^ index as u64), ..self }
    }

    /// Returns the noise of the part of the batch that starts at `row`.
    ///
    /// # Examples
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

    /// Returns the random bits for a row and a column of the batch.
    #[inline(always)]
    pub fn bits(self, row: usize, column: usize) -> u32 {
        self.pair(row, column / 2)[column % 2]
    }

    /// Returns the random bits for columns 2·`pair` and 2·`pair` + 1 of a row. This takes half the work of two calls of
    /// [`bits`](Noise::bits).
    ///
    /// # Examples
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

/// Returns the output of one SplitMix64 step.
#[inline(always)]
fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(GOLDEN);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// An adapter that turns any generator of the `rand` ecosystem into a [`Random`] stream. The draws have the same bits as in
/// `ndarray-rand`.
///
/// # Examples
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
