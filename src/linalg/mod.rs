//! Matrix products: [`Engine`], which all layers use.

mod kernel;
mod pack;
mod product;
mod row;

use ndarray::{ArrayView2, ArrayViewMut2};

pub(crate) use product::halves;
use product::{Job, Packs, Product};
use row::Row;

use crate::parallel::MOST_THREADS;
use crate::scalar::{Element, Scalar};
use crate::simd::arch;

/// The matrix engine of one workspace: room for packed operands, and the number of threads.
///
/// Formula: C = A·B, plus a row in every row of C where it is given.
///
/// Shapes: A (m, k), B (k, n), C (m, n), the row (n).
///
/// Numerics: every number of C is one chain of fused multiply-adds, which begins with the row's number (or 0) and runs
/// through k in order. A k above 512 is cut into the fewest equal blocks of at most 512; each has a chain of its own, the
/// later ones from 0, and their sums are added in order. A number has the same bits for any number of threads, and alone or
/// among other rows.
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
    threads: usize,
    /// An engine of one thread for each part of a batch that is divided by rows.
    parts: Vec<Self>,
}

impl<A: Scalar> Engine<A> {
    /// An engine that divides products which are large enough among this many threads (at least 1, at most 1024; 1 where no
    /// thread can be made, as on `wasm32-unknown-unknown`). Each has memory of its own.
    #[inline(never)]
    pub fn new(threads: usize) -> Self {
        let threads = threads.clamp(1, MOST_THREADS);
        let parts = if threads > 1 { vec![Self::new(1); threads] } else { Vec::new() };
        Self { packs: Packs::default(), threads, parts }
    }

    /// Returns engines of one thread each, up to [`threads`](Engine::thread_count) of them.
    pub(crate) fn parts(&mut self, count: usize) -> &mut [Self] {
        &mut self.parts[..count]
    }

    /// The greatest number of threads that work is divided among.
    pub fn thread_count(&self) -> usize {
        self.threads
    }

    /// Writes A·B, plus `row` in every row where it is given, to `c`.
    ///
    /// Fastest where A and B are in standard layout, or one of them the transpose of such an array; any other operand is
    /// copied first.
    ///
    /// # Panics
    /// If the shapes do not fit, or `c` is not in standard layout. The message tells all shapes and points at the caller.
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
        Job { op, m, k, n, a, b, start: row }.run(c, &mut self.packs, self.threads);
    }
}

/// The rows that are added up at a time.
const ROWS: usize = 64;

/// The sums of the columns of `a`, added from the first row to the last.
///
/// Shapes: `a` (m, n), `sums` (n).
pub(crate) fn column_sums<A: Element>(a: ArrayView2<'_, A>, sums: &mut [A]) {
    let a = a.to_slice().expect("passes hold arrays in standard layout");
    sums.fill(A::ZERO);
    for b in a.chunks(ROWS * sums.len()) {
        arch().dispatch(Row { x: &[A::ONE; ROWS][..b.len() / sums.len()], b, y: &mut *sums });
    }
}
