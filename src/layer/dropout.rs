use super::{Backward, Forward, Layer, flat, flat_mut};
use crate::error::Result;
use crate::parallel::parts;
use crate::random::Noise;
use crate::scalar::Scalar;
use crate::settings::{Settings, check};
use crate::shape::Shape;
use crate::simd::dispatch;

/// Dropout, which in training sets each value to 0 with probability p and scales the others so that the mean is preserved.
///
/// Formula: Y = M·X, element by element, where an element of M is 0 with probability p and 1/(1 − p) otherwise. In prediction,
/// Y = X.
///
/// Derivative: dX = M·dY, with M from the forward pass.
///
/// Shapes: any; the output has the shape of the input.
///
/// Numerics: a value is dropped if its bits in the [`Noise`] of the pass are below p·2³². The probability is therefore p to
/// within 2⁻³², and M depends only on the seed, the batch and the position, not on the number of threads. M is not stored, but
/// computed again for dX.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `p` | the probability that a value is set to 0 | none | at least 0 and below 1 |
///
/// # Errors
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if p is out of range.
///
/// Source: Srivastava et al., *Dropout: a simple way to prevent neural networks from overfitting*, 2014; scaled in training
/// as in `torch.nn.Dropout`.
///
/// # Examples
/// ```
/// use manabi::layer::{Dropout, Forward, LayerWorkspace, Training};
/// use manabi::random::Noise;
/// use manabi::Layer;
/// use ndarray::Array2;
///
/// let dropout = Dropout::new(0.25);
/// let (x, mut y) = (Array2::<f64>::ones((100, 100)), Array2::zeros((100, 100)));
/// let mut ws = LayerWorkspace::new(&dropout, 100, 100)?;
/// let pass = Forward::new(&mut ws, &[], &[], x.view(), y.view_mut())?;
/// dropout.forward(pass.training(Training::new(Noise::new(10, 1), &mut []))?);
/// assert!(y.iter().all(|&y| y == 0.0 || y == 4.0 / 3.0));
/// assert!((y.sum() / 10_000.0 - 1.0).abs() < 0.02);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    p: f64,
}

impl Dropout {
    /// Creates a dropout layer that drops each value with probability `p`.
    pub fn new(p: f64) -> Self {
        Self { p }
    }
}

impl<A: Scalar> Layer<A> for Dropout {
    fn kind(&self) -> &str {
        "dropout"
    }

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        Mask::<A>::check(self.p)?;
        Ok(input)
    }

    fn row_wise(&self, _training: bool) -> bool {
        true
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new().with("p", self.p))
    }

    #[inline(never)]
    fn forward(&self, pass: Forward<'_, A>) {
        Mask::new(self.p, 1).forward(pass);
    }

    #[inline(never)]
    fn backward(&self, pass: Backward<'_, A>) {
        Mask::new(self.p, 1).backward(pass);
    }
}

/// The matrix M. Each of its elements belongs to some consecutive values of a row.
#[derive(Clone, Copy)]
pub(super) struct Mask<A> {
    /// An element is 0 if its bits are below this number.
    threshold: u32,
    /// The other elements.
    scale: A,
    /// The number of values of an element.
    size: usize,
}

impl<A: Scalar> Mask<A> {
    /// Creates a mask whose elements are 0 with probability `p` and belong to `size` values each.
    pub fn new(p: f64, size: usize) -> Self {
        Self { threshold: (p * 4_294_967_296.0) as u32, scale: A::of(1.0 / (1.0 - p)), size }
    }

    /// Returns an error if the probability is out of range.
    pub fn check(p: f64) -> Result<()> {
        check((0.0..1.0).contains(&p), "p", "at least 0 and below 1", p)
    }

    /// Writes Y.
    #[inline(always)]
    pub fn forward(self, mut pass: Forward<'_, A>) {
        let (threads, width) = (pass.engine.thread_count(), pass.x.ncols());
        let (x, y) = (flat(&pass.x), flat_mut(&mut pass.y));
        match pass.training {
            Some(training) => self.apply(training.noise, threads, width, x, y),
            None => y.copy_from_slice(x),
        }
    }

    /// Writes dX.
    #[inline(always)]
    pub fn backward(self, mut pass: Backward<'_, A>) {
        let Some(dx) = &mut pass.dx else { return };
        let (threads, width) = (pass.engine.thread_count(), pass.x.ncols());
        self.apply(pass.noise, threads, width, flat(&pass.dy), flat_mut(dx));
    }

    /// Writes M·`from` to `to`, for rows of `width` values.
    #[inline(always)]
    fn apply(self, noise: Noise, threads: usize, width: usize, from: &[A], to: &mut [A]) {
        parts(threads, to, width, &|start, to| {
            let (from, noise) = (&from[start..][..to.len()], noise.rows_from(start / width));
            dispatch(
                #[inline(always)]
                || {
                    let rows = to.chunks_exact_mut(width).zip(from.chunks_exact(width));
                    for (row, (to, from)) in rows.enumerate() {
                        if self.size == 1 {
                            self.apply_to_values(noise, row, from, to);
                        } else {
                            self.apply_to_groups(noise, row, from, to);
                        }
                    }
                },
            );
        });
    }

    /// Writes a row if each element of M belongs to one value.
    #[inline(always)]
    fn apply_to_values(self, noise: Noise, row: usize, from: &[A], to: &mut [A]) {
        let width = to.len();
        let ((to, last), (from, last_from)) = (to.as_chunks_mut::<2>(), from.as_chunks::<2>());
        for (pair, (to, from)) in to.iter_mut().zip(from).enumerate() {
            let bits = noise.pair(row, pair);
            *to = [self.product(from[0], bits[0]), self.product(from[1], bits[1])];
        }
        for (to, &from) in last.iter_mut().zip(last_from) {
            *to = self.product(from, noise.bits(row, width - 1));
        }
    }

    /// Writes a row if each element of M belongs to several values.
    #[inline(always)]
    fn apply_to_groups(self, noise: Noise, row: usize, from: &[A], to: &mut [A]) {
        let groups = to.chunks_exact_mut(self.size).zip(from.chunks_exact(self.size));
        for (group, (to, from)) in groups.enumerate() {
            let bits = noise.bits(row, group);
            for (to, &from) in to.iter_mut().zip(from) {
                *to = self.product(from, bits);
            }
        }
    }

    /// Returns a value times its element of M. This is a product rather than a selection, so that NaN remains NaN.
    #[inline(always)]
    fn product(self, from: A, bits: u32) -> A {
        from * if bits >= self.threshold { self.scale } else { A::zero() }
    }
}
