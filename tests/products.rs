//! Every matrix product has the same bits as simple fused loops, one for each block of k, for any shape and number of threads.

use manabi::Scalar;
use manabi::linalg::Engine;
use ndarray::{ArrayView2, ArrayViewMut2};

/// The operand that is stored transposed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Product {
    AB,
    AtB,
    ABt,
}

/// Returns the product of row-major matrices.
fn matmul<A: Scalar>(
    op: Product,
    (m, k, n): (usize, usize, usize),
    a: &[A],
    b: &[A],
    start: Option<&[A]>,
    c: &mut [A],
    threads: usize,
) {
    let view = |rows, columns, values| ArrayView2::from_shape((rows, columns), values).unwrap();
    let a = if op == Product::AtB { view(k, m, a).reversed_axes() } else { view(m, k, a) };
    let b = if op == Product::ABt { view(n, k, b).reversed_axes() } else { view(k, n, b) };
    let c = ArrayViewMut2::from_shape((m, n), c).unwrap();
    Engine::new(threads).matmul(a, b, start, c);
}

/// Returns values in `-1..1`, drawn by xorshift.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
    fn take<A: Fused>(&mut self, len: usize) -> Vec<A> {
        (0..len).map(|_| A::of((self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0)).collect()
    }
}

trait Fused: Scalar {
    fn fused(self, b: Self, c: Self) -> Self;
}

impl Fused for f32 {
    fn fused(self, b: Self, c: Self) -> Self {
        self.mul_add(b, c)
    }
}

impl Fused for f64 {
    fn fused(self, b: Self, c: Self) -> Self {
        self.mul_add(b, c)
    }
}

const OPS: [Product; 3] = [Product::AB, Product::AtB, Product::ABt];

/// Returns the product, the product in `f64`, and the sum of magnitudes.
fn plain<A: Fused>(
    op: Product,
    (m, k, n): (usize, usize, usize),
    a: &[A],
    b: &[A],
    start: Option<&[A]>,
) -> Vec<(A, f64, f64)> {
    let depth = k.div_ceil(k.div_ceil(512).max(1)).max(1);
    let one = |i: usize, j: usize| {
        let first = start.map_or(A::zero(), |row| row[j]);
        let (mut sum, mut wide, mut size) = (first, first.widen(), first.widen().abs());
        let mut before = None;
        for q in 0..k {
            if q > 0 && q % depth == 0 {
                before = Some(before.map_or(sum, |before: A| before + sum));
                sum = A::zero();
            }
            let x = if op == Product::AtB { a[q * m + i] } else { a[i * k + q] };
            let y = if op == Product::ABt { b[j * k + q] } else { b[q * n + j] };
            sum = x.fused(y, sum);
            wide += x.widen() * y.widen();
            size += (x.widen() * y.widen()).abs();
        }
        (before.map_or(sum, |before| before + sum), wide, size)
    };
    (0..m * n).map(|at| one(at / n, at % n)).collect()
}

fn check<A: Fused>(numbers: &mut Numbers, size: (usize, usize, usize)) {
    let (m, k, n) = size;
    let (a, b, row) = (numbers.take::<A>(m * k), numbers.take::<A>(k * n), numbers.take::<A>(n));
    for op in OPS {
        for start in [None, Some(&row[..])] {
            let want = plain(op, size, &a, &b, start);
            for threads in 1..=4 {
                let mut c = vec![A::of(f64::NAN); m * n];
                matmul(op, size, &a, &b, start, &mut c, threads);
                for (&got, &(bits, wide, magnitude)) in c.iter().zip(&want) {
                    assert_eq!(
                        got.widen().to_bits(),
                        bits.widen().to_bits(),
                        "{op:?} {size:?} on {threads} threads"
                    );
                    let epsilon = if size_of::<A>() == 4 { f32::EPSILON as f64 } else { f64::EPSILON };
                    assert!((got.widen() - wide).abs() <= (k + 1) as f64 * epsilon * magnitude);
                }
            }
        }
    }
}

fn shapes<A: Fused>() {
    let mut numbers = Numbers(88172645463325252);
    for end in [8, 24, 60, 130].repeat(25) {
        let size = (1 + numbers.below(end), 1 + numbers.below(end), 1 + numbers.below(end));
        check::<A>(&mut numbers, size);
    }
    // Several blocks of rows, depth and columns, a few columns besides full registers, rows that are flipped, and empty products
    // and results.
    for size in [
        (300, 801, 20),
        (13, 3000, 430),
        (1, 1700, 50),
        (2, 90, 401),
        (601, 30, 20),
        (300, 700, 36),
        (70, 1025, 52),
        (13, 1030, 1300),
        (8, 513, 37),
        (7, 1100, 700),
        (37, 180, 420),
        (40, 60, 412),
        (33, 20, 420),
        (5, 0, 7),
        (0, 4, 4),
        (4, 4, 0),
    ] {
        check::<A>(&mut numbers, size);
    }
}

#[test]
fn all_shapes_have_the_bits_of_the_plain_loop() {
    shapes::<f32>();
    shapes::<f64>();
}

#[test]
fn the_layers_of_a_network() {
    let mut numbers = Numbers(1);
    for size in
        [(100, 784, 100), (784, 100, 100), (100, 100, 50), (100, 50, 10), (50, 100, 10), (100, 10, 50)]
    {
        check::<f32>(&mut numbers, size);
        check::<f64>(&mut numbers, size);
    }
}

#[test]
fn one_row_has_the_bits_of_its_row_in_a_batch() {
    let mut numbers = Numbers(2);
    let (a, b) = (numbers.take::<f32>(100 * 784), numbers.take::<f32>(784 * 100));
    let (mut batch, mut row) = (vec![0.0; 100 * 100], vec![0.0; 100]);
    matmul(Product::AB, (100, 784, 100), &a, &b, None, &mut batch, 2);
    for (a, batch) in a.chunks(784).zip(batch.chunks(100)) {
        matmul(Product::AB, (1, 784, 100), a, &b, None, &mut row, 1);
        assert_eq!(row, batch);
    }
}

#[test]
fn what_is_not_a_number_stays_in_its_row_and_column() {
    let (m, k, n) = (13, 21, 27);
    let mut numbers = Numbers(3);
    let mut c = vec![0.0; m * n];
    for op in OPS {
        for bad in [f64::NAN, f64::INFINITY] {
            let (mut a, mut b) = (numbers.take::<f64>(m * k), numbers.take::<f64>(k * n));
            a[if op == Product::AtB { 4 * m + 12 } else { 12 * k + 4 }] = bad;
            b[if op == Product::ABt { 26 * k + 7 } else { 7 * n + 26 }] = bad;
            matmul(op, (m, k, n), &a, &b, None, &mut c, 1);
            for (at, c) in c.iter().enumerate() {
                assert_eq!(c.is_finite(), at / n != 12 && at % n != 26, "{op:?} {at}");
            }
        }
    }
    // 0·∞ is NaN, so no term may be skipped.
    matmul(Product::AB, (1, 1, 1), &[0.0], &[f64::INFINITY], None, &mut c[..1], 1);
    assert!(c[0].is_nan());
}

#[test]
fn operands_in_any_other_layout_are_copied() {
    let a = ndarray::Array2::from_shape_fn((6, 8), |(i, j)| (3 * i + j) as f64);
    let (every_other, columns) = (a.slice(ndarray::s![..;2, ..;2]), a.slice(ndarray::s![.., 1..4]));
    let mut c = ndarray::Array2::zeros((3, 3));
    let b = columns.slice(ndarray::s![..4, ..]);
    Engine::new(1).matmul(every_other, b, None, c.view_mut());
    assert_eq!(c, every_other.dot(&b));
}

#[test]
#[should_panic(expected = "matmul: expected a (m, k)")]
fn shapes_that_do_not_fit_are_refused() {
    let (a, b, mut c) = (
        ndarray::Array2::zeros((2, 3)),
        ndarray::Array2::zeros((4, 4)),
        ndarray::Array2::<f32>::zeros((2, 4)),
    );
    Engine::new(1).matmul(a.view(), b.view(), None, c.view_mut());
}
