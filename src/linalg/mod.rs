//! Matrix products: the [`Engine`] that all layers use.

mod block;
mod convolution;
mod convolve;
mod convolve_back;
mod convolve_weights;
mod dots;
mod few;
mod flipped;
mod job;
mod kernel;
mod layout;
mod pack;
mod product;
mod row;
mod stacks;
mod thin;
mod weights;

use ndarray::{ArrayView2, ArrayViewMut2};

pub(crate) use convolution::{Axis, Convolution};
pub(crate) use convolve::Kernel;
use job::{Job, Packs, Product};
pub(crate) use job::{THIN, halves};
use row::Row;
pub(crate) use weights::Copies;
use weights::Finder;

use crate::parallel::MOST_THREADS;
use crate::scalar::{Element, Scalar};
use crate::simd::arch;

/// The matrix engine of one workspace: buffers for packed operands, and the number of threads.
///
/// Formula: C = A·B. If a row is given, it is added to every row of C.
///
/// Shapes: A (m, k), B (k, n), C (m, n), the row (n).
///
/// Numerics: every element of C is one chain of fused multiply-adds, which starts from the element of the row (or 0) and runs
/// through k in order. If k is above 512, it is divided into the fewest equal blocks of at most 512. Each block has its own
/// chain, the later ones start from 0, and their sums are added in order. The bits of an element depend neither on the number
/// of threads nor on the other rows.
///
/// # Examples
///
/// ```
/// use manabi::linalg::Engine;
/// use ndarray::array;
///
/// let (a, b, mut c) = (array![[1.0, 2.0]], array![[3.0], [4.0]], array![[0.0]]);
/// Engine::new(1).matmul(a.view(), b.view(), Some(&[0.5]), c.view_mut());
/// assert_eq!(c, array![[11.5]]);
/// ```
#[derive(Clone, Debug)]
#[doc(alias("gemm", "GEMM", "BLAS", "matmul"))]
pub struct Engine<A> {
    packs: Packs<A>,
    /// Finds the packed copies of the weights that the current pass uses.
    weights: Finder<A>,
    /// The number of threads in use, at most the number of parts.
    threads: usize,
    /// One single-threaded engine for each part of a batch that is divided by rows.
    parts: Vec<Self>,
}

impl<A: Scalar> Engine<A> {
    /// Creates an engine that divides sufficiently large products among `threads` threads. The number is clamped to the range
    /// from 1 to 1024. On targets that cannot create threads, such as `wasm32-unknown-unknown`, it is 1. Each thread has its
    /// own memory.
    #[inline(never)]
    pub fn new(threads: usize) -> Self {
        let threads = threads.clamp(1, MOST_THREADS);
        let parts = if threads > 1 { vec![Self::new(1); threads] } else { Vec::new() };
        Self { packs: Packs::default(), weights: Finder::default(), threads, parts }
    }

    /// Returns `count` single-threaded engines, at most [`thread_count`](Engine::thread_count).
    pub(crate) fn parts(&mut self, count: usize) -> &mut [Self] {
        &mut self.parts[..count]
    }

    /// Returns a single-threaded engine for each of `count` threads, at most [`thread_count`](Engine::thread_count).
    pub(crate) fn team(&mut self, count: usize) -> &mut [Self] {
        if self.parts.is_empty() { std::slice::from_mut(self) } else { self.parts(count) }
    }

    /// Begins a pass whose right operands may lie in `parameters`. Its products use packed copies of these operands, if there are
    /// copies.
    pub(crate) fn use_weights(&mut self, parameters: &[A], copies: Option<&Copies<A>>) {
        self.parts.iter_mut().for_each(|part| self.weights.take_wanted(&mut part.weights));
        match copies {
            Some(copies) => self.weights.begin(parameters, copies, self.threads),
            None => self.weights.begin_without(),
        }
        self.parts.iter_mut().for_each(|part| self.weights.lend(&mut part.weights));
    }

    /// Sets the number of threads in use, at most the number that the engine was created for.
    pub(crate) fn use_threads(&mut self, threads: usize) {
        self.threads = threads.clamp(1, self.parts.len().max(1));
    }

    /// Returns the maximum number of threads that work is divided among.
    pub fn thread_count(&self) -> usize {
        self.threads
    }

    /// Writes A·B to `c`. If `row` is given, it is added to every row.
    ///
    /// The product is fastest if A and B are in standard layout, or if one of them is and the other is the transpose of such
    /// an array. Other operands are copied first.
    ///
    /// # Panics
    ///
    /// Panics if the shapes do not match, or if `c` is not in standard layout. The message contains the shapes or the
    /// strides, and the location of the caller.
    #[track_caller]
    #[inline(never)]
    pub fn matmul(
        &mut self,
        a: ArrayView2<'_, A>,
        b: ArrayView2<'_, A>,
        row: Option<&[A]>,
        mut c: ArrayViewMut2<'_, A>,
    ) {
        let (m, k, n) = (a.nrows(), a.ncols(), b.ncols());
        let row_length = row.map(<[A]>::len);
        assert!(
            b.nrows() == k && c.dim() == (m, n) && row_length.is_none_or(|length| length == n),
            "matmul: expected a (m, k), b (k, n), row (n) and c (m, n), \
             got a {:?}, b {:?}, row {row_length:?} and c {:?}",
            a.dim(),
            b.dim(),
            c.dim(),
        );
        assert!(
            c.is_standard_layout(),
            "matmul: expected c in standard layout, got strides {:?}",
            c.strides()
        );
        let (at, bt) = (a.reversed_axes(), b.reversed_axes());
        let (op, a, b) = match (a.to_slice(), b.to_slice(), at.to_slice(), bt.to_slice()) {
            (Some(a), Some(b), ..) => (Product::AB, a, b),
            (_, Some(b), Some(a), _) => (Product::AtB, a, b),
            (Some(a), _, _, Some(b)) => (Product::ABt, a, b),
            _ => return self.matmul(a.as_standard_layout().view(), b.as_standard_layout().view(), row, c),
        };
        let c = c.as_slice_mut().expect("c is in standard layout");
        Job { op, m, k, n, a, b, start: row }.run(c, &mut self.packs, &mut self.weights, self.threads);
    }
}

/// The number of rows that are added at a time.
const ROWS: usize = 64;

/// Writes the sums of the columns of `a` to `sums`, adding the rows from first to last.
///
/// Shapes: `a` (m, n), `sums` (n).
pub(crate) fn column_sums<A: Element>(a: ArrayView2<'_, A>, sums: &mut [A]) {
    let a = a.to_slice().expect("passes hold arrays in standard layout");
    sums.fill(A::ZERO);
    for b in a.chunks(ROWS * sums.len()) {
        arch().dispatch(Row { x: &[A::ONE; ROWS][..b.len() / sums.len()], b, y: &mut *sums });
    }
}
