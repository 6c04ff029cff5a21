//! Division of work among threads. The division never changes the order of a sum, so the bits do not depend on the number of
//! threads.

/// The minimum amount of each kind of work that justifies another thread.
pub mod least {
    /// Values in an elementwise loop.
    pub const ELEMENTS: usize = 1 << 12;
    /// Values gathered from a data set.
    pub const GATHERED: usize = 1 << 14;
    /// Values of an operand that is packed for a product.
    pub const PACKED: usize = 1 << 14;
    /// Parameters that an optimizer updates.
    pub const PARAMETERS: usize = 1 << 13;
    /// Multiplications in one product.
    pub const MULTIPLICATIONS: usize = 1 << 17;
    /// Multiplications for rows that pass through several layers.
    pub const STRETCH: usize = 1 << 18;
    /// Multiplications in a prediction. Waking the threads of the pool takes as long as half a million multiplications.
    pub const PREDICTED: usize = 1 << 20;
    /// Values of samples that are checked before a prediction. Waking the threads takes as long as checking many of them.
    pub const CHECKED: usize = 1 << 20;
    /// Rows of a training batch.
    pub const ROWS: usize = 8;
}

/// The maximum number of threads that work is divided among; 1 on targets that cannot create threads, such as
/// `wasm32-unknown-unknown`.
pub const MOST_THREADS: usize =
    if cfg!(all(target_family = "wasm", not(target_feature = "atomics"))) { 1 } else { 1024 };

/// Work that can be split in two.
pub trait Divide: Sized + Send {
    /// Returns the number of units. The work can be split between any two units.
    fn len(&self) -> usize;
    /// Splits the work before unit `at`.
    fn split_at(self, at: usize) -> (Self, Self);
}

/// The result of a part of the work.
pub trait Outcome: Send {
    /// Combines the results of two parts. `later` is the result of the later part.
    fn and(self, later: Self) -> Self;
}

impl Outcome for () {
    fn and(self, (): Self) {}
}

impl<E: Send> Outcome for Result<(), E> {
    fn and(self, later: Self) -> Self {
        self.and(later)
    }
}

/// Splits `work` into up to `threads` parts and runs them in parallel.
pub fn divide<W: Divide, R: Outcome>(work: W, threads: usize, run: &(impl Fn(W) -> R + Sync)) -> R {
    let units = work.len();
    if threads < 2 || units < 2 {
        return run(work);
    }
    let (left, right) = work.split_at(units * (threads / 2) / threads);
    let (first, second) =
        rayon_core::join(|| divide(left, threads / 2, run), || divide(right, threads - threads / 2, run));
    first.and(second)
}

/// Returns the number of threads that `amount` of work justifies.
pub fn shares(threads: usize, amount: usize, least: usize) -> usize {
    threads.min(amount / least).max(1)
}

/// A slice in groups of `unit` values, and the index of its first value in the whole slice.
struct Groups<'a, T> {
    start: usize,
    values: &'a mut [T],
    unit: usize,
}

impl<T: Send> Divide for Groups<'_, T> {
    fn len(&self) -> usize {
        self.values.len() / self.unit
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let Self { start, values, unit } = self;
        let (left, right) = values.split_at_mut(at * unit);
        (Self { start, values: left, unit }, Self { start: start + at * unit, values: right, unit })
    }
}

/// Calls `work` with parts of `out`, each made of whole groups of `unit` values, and with the index at which the part begins.
pub fn parts<T: Send>(threads: usize, out: &mut [T], unit: usize, work: &(dyn Fn(usize, &mut [T]) + Sync)) {
    let threads = shares(threads, out.len(), least::ELEMENTS);
    let groups = Groups { start: 0, values: out, unit: unit.max(1) };
    divide(groups, threads, &|part| work(part.start, part.values));
}

/// Runs `work` on a thread of the pool, where dividing work is cheapest. Runs it on the current thread if there is nothing to
/// divide or if the current thread belongs to the pool.
pub fn enter<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    let here = threads.min(MOST_THREADS) < 2 || rayon_core::current_thread_index().is_some();
    if here { work() } else { rayon_core::scope(|_| work()) }
}

/// Returns the number of threads that the machine can run at once.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
