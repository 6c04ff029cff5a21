//! The choice between all threads and one, by the time that steps take.

use super::clock::Clock;

/// The number of steps on all threads between two decisions.
const STEPS: u32 = 32;
/// The number of steps of a trial.
const TRIAL: u32 = 8;
/// The maximum number of steps on one thread between two trials of all threads.
const MOST_BETWEEN: u32 = 1024;

/// Decides on how many threads the next steps run.
///
/// Threads wait for each other in every step. If another process keeps one of their cores busy, a step on all threads can take
/// longer than on a single one. Results do not depend on the number of threads, so the decision can follow the clock.
pub(super) struct Pace {
    threads: usize,
    /// Whether the steps run on one thread.
    alone: bool,
    /// Whether the last steps on all threads were slower than steps on one thread. A single pause of the machine is no reason to
    /// change.
    slow: bool,
    /// The seconds of a step on one thread, once they are known.
    one: Option<f64>,
    /// The number of steps on one thread before the next trial of all threads.
    between: u32,
    /// The number of steps since the last decision, and the number until the next.
    done: u32,
    left: u32,
    clock: Clock,
}

impl Pace {
    pub fn new(threads: usize) -> Self {
        let (between, clock) = (STEPS, Clock::start());
        Self { threads, alone: false, slow: false, one: None, between, done: 0, left: STEPS, clock }
    }

    /// Returns the number of threads of the next step.
    pub fn threads(&self) -> usize {
        if self.alone { 1 } else { self.threads }
    }

    /// Counts a step, and decides after some of them.
    pub fn step(&mut self) {
        (self.done, self.left) = (self.done + 1, self.left.saturating_sub(1));
        if self.left == 0 && self.threads > 1 {
            self.decide(self.clock.elapsed().as_secs_f64() / f64::from(self.done));
            (self.done, self.clock) = (0, Clock::start());
        }
    }

    /// Decides on the next steps, given the seconds of each of the last ones.
    fn decide(&mut self, seconds: f64) {
        if self.alone {
            let first = self.one.replace(seconds).is_none();
            (self.alone, self.left) = (false, if first { STEPS } else { TRIAL });
            return;
        }
        match self.one {
            None => (self.alone, self.left) = (true, TRIAL),
            Some(one) if seconds > one && self.slow => {
                (self.alone, self.left) = (true, self.between);
                self.between = (2 * self.between).min(MOST_BETWEEN);
            }
            Some(one) => {
                self.slow = seconds > one;
                self.left = STEPS;
                if !self.slow {
                    self.between = STEPS;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the numbers of threads of `steps` steps that take the seconds that `time` returns for their number of threads.
    fn run(pace: &mut Pace, steps: usize, time: impl Fn(usize) -> f64) -> Vec<usize> {
        let mut threads = Vec::new();
        for _ in 0..steps {
            threads.push(pace.threads());
            (pace.done, pace.left) = (pace.done + 1, pace.left - 1);
            if pace.left == 0 {
                pace.decide(time(pace.threads()));
            }
        }
        threads
    }

    #[test]
    fn threads_that_pay_are_used_but_for_one_trial() {
        let mut pace = Pace::new(2);
        let threads = run(&mut pace, 10_000, |threads| if threads == 1 { 2.0 } else { 1.2 });
        assert_eq!(threads.iter().filter(|&&threads| threads == 1).count(), TRIAL as usize);
        assert_eq!(threads[..33], [&[2; 32][..], &[1]].concat());
    }

    #[test]
    fn a_single_pause_changes_nothing() {
        let mut pace = Pace::new(2);
        let mut time = |seconds: f64| {
            pace.decide(seconds);
            pace.alone
        };
        assert_eq!([1.2, 2.0, 9.0, 1.2, 9.0, 1.2].map(&mut time), [true, false, false, false, false, false]);
        assert_eq!([9.0, 9.0, 2.0, 9.0, 2.0, 1.2].map(&mut time), [false, true, false, true, false, false]);
    }

    #[test]
    fn threads_that_wait_are_tried_rarely_until_they_pay_again() {
        let mut pace = Pace::new(4);
        let busy = run(&mut pace, 50_000, |threads| if threads == 1 { 2.0 } else { 3.0 });
        let tried = busy.iter().filter(|&&threads| threads == 4).count();
        assert!(tried < 600, "{tried} of 50,000 steps");
        let quiet = run(&mut pace, 10_000, |threads| if threads == 1 { 2.0 } else { 1.0 });
        assert!(quiet[MOST_BETWEEN as usize + 1..].iter().all(|&threads| threads == 4));
    }

    #[test]
    fn a_single_thread_is_never_timed() {
        let mut pace = Pace::new(1);
        for _ in 0..1000 {
            pace.step();
            assert_eq!((pace.threads(), pace.one), (1, None));
        }
    }

    #[test]
    fn steps_are_timed() {
        let mut pace = Pace::new(2);
        for _ in 0..STEPS + TRIAL {
            pace.step();
        }
        assert!(pace.one.is_some_and(|seconds| seconds < 1.0) && !pace.alone);
    }
}
