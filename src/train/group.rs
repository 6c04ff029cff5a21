//! Agreement between the processes of a run. Without other processes, everything is agreed at once.

use super::processes::{Processes, share};
use super::shards::cut;
use crate::error::{Error, Result};
use std::ops::Range;

/// The processes of a run. Every process of the group calls the same methods in the same order. A process that fails leaves
/// through [`end`](Group::end), where the others learn of its error in their next call.
pub(super) struct Group<'a> {
    processes: Option<&'a dyn Processes>,
    pub rank: usize,
    pub size: usize,
    /// Whether all processes know that the run ends.
    ended: bool,
}

impl<'a> Group<'a> {
    pub fn new(processes: Option<&'a dyn Processes>) -> Self {
        let processes = processes.filter(|processes| processes.size() > 1);
        let (rank, size) = processes.map_or((0, 1), |processes| (processes.rank(), processes.size()));
        Self { processes, rank, size, ended: false }
    }

    /// Returns the processes, or `None` if there is only one.
    pub fn processes(&self) -> Option<&'a dyn Processes> {
        self.processes
    }

    /// Returns the bytes of all processes, or the first error of any process.
    pub fn share(&mut self, own: Result<&[u8]>) -> Result<Vec<Vec<u8>>> {
        let Some(processes) = self.processes else { return own.map(|own| vec![own.to_vec()]) };
        let shared = share(processes, own);
        self.ended |= shared.is_err();
        shared
    }

    /// Exchanges slices as in [`Processes::exchange`].
    pub fn exchange(&mut self, send: &[&[u8]], receive: &mut [&mut [u8]]) -> Result<()> {
        let exchanged = self.processes.map_or(Ok(()), |processes| processes.exchange(send, receive));
        self.ended |= exchanged.is_err();
        exchanged
    }

    /// Returns the error of any process on all processes.
    pub fn agree<T>(&mut self, own: Result<T>) -> Result<T> {
        if self.processes.is_none() {
            return own;
        }
        match own {
            Ok(own) => self.share(Ok(&[])).map(|_| own),
            Err(error) => {
                Err(self.share(Err(error)).expect_err("an error of this process is always returned"))
            }
        }
    }

    /// Returns whether `own` is true on at least one process.
    pub fn any(&mut self, own: bool) -> Result<bool> {
        match self.processes {
            Some(_) => Ok(self.share(Ok(&[own.into()]))?.iter().any(|flag| flag[0] > 0)),
            None => Ok(own),
        }
    }

    /// Ends the run with the result of this process, unless all processes have already agreed on an error.
    pub fn end<T>(&mut self, own: Result<T>) -> Result<T> {
        if self.ended { own } else { self.agree(own) }
    }

    /// Returns the part of `units` units of work that belongs to this process.
    pub fn part(&self, units: usize) -> Range<usize> {
        self.part_of(units, self.rank)
    }

    /// Returns the part of `units` units of work that belongs to the process with this rank.
    pub fn part_of(&self, units: usize, rank: usize) -> Range<usize> {
        cut(units, self.size, rank)
    }

    /// Compares a list of names and values with the list of process 0. The error names the first difference.
    pub fn compare(&mut self, place: &str, own: &[(String, String)]) -> Result<()> {
        if self.processes.is_none() {
            return Ok(());
        }
        let lines = |list: &[(String, String)]| -> Vec<u8> {
            list.iter().flat_map(|(name, value)| [name, "\0", value, "\0"].concat().into_bytes()).collect()
        };
        let all = self.share(Ok(&lines(own)))?;
        let first = String::from_utf8_lossy(&all[0]);
        let mut expected = first.split('\0');
        let difference = own.iter().find_map(|(name, value)| {
            let (other, then) = (expected.next().unwrap_or_default(), expected.next().unwrap_or_default());
            let then = if other == name { then } else { "no such entry" };
            (value != then).then(|| {
                let expected = format!("{then}, as on process 0");
                Error::setting(format!("{name} of process {}", self.rank), expected, value)
            })
        });
        let rest = expected.next().filter(|name| !name.is_empty());
        let missing = rest.map(|name| {
            Error::setting(format!("{name} of process {}", self.rank), "an entry, as on process 0", "none")
        });
        let result = difference.or(missing).map_or(Ok(()), Err);
        self.agree(result.map_err(|error| if place.is_empty() { error } else { error.in_place(place) }))
    }
}
