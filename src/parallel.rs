//! Work split over what it writes, never over a sum: the bits do not depend on the number of threads.

/// The greatest number of threads that work is divided among; just one where no thread can be made, as on
/// `wasm32-unknown-unknown`.
pub const MOST_THREADS: usize =
    if cfg!(all(target_family = "wasm", not(target_feature = "atomics"))) { 1 } else { 1024 };

/// The numbers of an elementwise pass that make a thread worth its while.
pub const PART: usize = 4096;

/// Calls `work` with parts of `out` and where each begins, side by side on up to `threads` threads; a part holds whole
/// groups of `unit` numbers, and at least `least` numbers.
pub fn parts<T: Send>(
    threads: usize,
    out: &mut [T],
    unit: usize,
    least: usize,
    work: &(impl Fn(usize, &mut [T]) + Sync),
) {
    split(threads, 0, out, unit, least, work);
}

fn split<T: Send>(
    threads: usize,
    start: usize,
    out: &mut [T],
    unit: usize,
    least: usize,
    work: &(impl Fn(usize, &mut [T]) + Sync),
) {
    let units = out.len() / unit.max(1);
    if threads < 2 || units < 2 || out.len() < 2 * least {
        return work(start, out);
    }
    let middle = units * (threads / 2) / threads * unit;
    let (left, right) = out.split_at_mut(middle);
    rayon_core::join(
        || split(threads / 2, start, left, unit, least, work),
        || split(threads - threads / 2, start + middle, right, unit, least, work),
    );
}

/// Runs `work` on a thread of the pool, from where splitting is cheapest, or right here if there is nothing to split or
/// this is such a thread.
pub fn enter<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    let here = threads.min(MOST_THREADS) < 2 || rayon_core::current_thread_index().is_some();
    if here { work() } else { rayon_core::scope(|_| work()) }
}

/// The number of threads that the machine runs at once.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
