//! Packed copies of a model's weights, for predictions that use the same weights again.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, TryLockError};

use super::block::{pack_whole, packed_len};
use super::job::room;
use crate::buffer::{LINE, line};
use crate::scalar::Element;

/// The packed copies of right operands that lie in the parameters of a model. All workspaces of the model share them.
#[derive(Debug)]
pub(crate) struct Copies<T> {
    /// Differs from the number of the copies of any other parameters.
    version: u64,
    list: Mutex<List<T>>,
}

type List<T> = Arc<Vec<(Place, Arc<Vec<T>>)>>;

/// The position of a right operand in the parameters, in bytes, and its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    offset: usize,
    k: usize,
    n: usize,
}

impl<T> Copies<T> {
    /// Forgets all copies, because the parameters may change.
    pub fn clear(&mut self) {
        self.version = next();
        let list = self.list.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner());
        if !list.is_empty() {
            *list = Arc::default();
        }
    }
}

impl<T> Default for Copies<T> {
    fn default() -> Self {
        Self { version: next(), list: Mutex::default() }
    }
}

fn next() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The part of an engine that finds the copies.
///
/// The first pass with certain parameters only notes its products. The next pass packs their right operands as a whole, and later
/// passes find the copies. A workspace that sees new parameters in every pass therefore packs nothing in vain.
#[derive(Clone, Debug)]
pub(super) struct Finder<T> {
    /// The version of the copies that the noted products belong to.
    version: Option<u64>,
    /// The products of earlier passes for which there is no copy.
    wanted: Vec<Place>,
    /// The addresses of the parameters in the current pass, or an empty range if the pass uses no copies.
    parameters: Range<usize>,
    copies: Option<List<T>>,
}

impl<T> Default for Finder<T> {
    fn default() -> Self {
        Self { version: None, wanted: Vec::new(), parameters: 0..0, copies: None }
    }
}

impl<T: Element> Finder<T> {
    /// Begins a pass with these parameters and their copies. Packs the operands that an earlier pass noted.
    pub fn begin(&mut self, parameters: &[T], copies: &Copies<T>, threads: usize) {
        let bytes = parameters.as_ptr_range();
        self.parameters = bytes.start.addr()..bytes.end.addr();
        if self.version != Some(copies.version) {
            self.version = Some(copies.version);
            self.wanted.clear();
            self.copies = None;
        }
        // Nothing is wanted, so the copies of the last pass serve again, without a lock.
        if self.copies.is_some() && self.wanted.is_empty() {
            return;
        }
        // If another thread is packing, this pass goes on with the copies of the last one, if any.
        let mut list = match copies.list.try_lock() {
            Ok(list) => list,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        for place in self.wanted.drain(..) {
            if !list.iter().any(|(copied, _)| *copied == place) {
                pack(&mut list, place, parameters, threads);
            }
        }
        self.copies = Some(list.clone());
    }

    /// Begins a pass without copies.
    pub fn begin_without(&mut self) {
        self.parameters = 0..0;
        self.copies = None;
    }

    /// Takes over the products that another thread's engine noted.
    pub fn take_wanted(&mut self, other: &mut Self) {
        self.wanted.append(&mut other.wanted);
    }

    /// Lends the copies of the current pass to another thread's engine.
    pub fn lend(&self, other: &mut Self) {
        (other.parameters, other.copies) = (self.parameters.clone(), self.copies.clone());
    }

    /// Returns the packed copy of a right operand of shape (k, n), or `None` for the first pass, after which it is packed.
    pub fn find(&mut self, b: &[T], k: usize, n: usize) -> Option<&[T]> {
        let bytes = b.as_ptr_range();
        let (start, end) = (bytes.start.addr(), bytes.end.addr());
        if start < self.parameters.start || end > self.parameters.end {
            return None;
        }
        let place = Place { offset: start - self.parameters.start, k, n };
        let copy = self.copies.iter().flat_map(|list| list.iter()).find(|(copied, _)| *copied == place);
        if copy.is_none() && !self.wanted.contains(&place) {
            self.wanted.push(place);
        }
        copy.map(|(_, copy)| &copy[line(copy)..])
    }
}

/// Packs an operand, unless there is too little memory: then the passes go on without a copy.
fn pack<T: Element>(list: &mut List<T>, place: Place, parameters: &[T], threads: usize) {
    let Place { offset, k, n } = place;
    let b = &parameters[offset / size_of::<T>()..][..k * n];
    let (mut copy, len) = (Vec::new(), packed_len::<T>(k, n));
    if copy.try_reserve_exact(len + LINE / size_of::<T>()).is_ok() {
        pack_whole(b, k, n, room(&mut copy, len), threads);
        let mut longer = list.to_vec();
        longer.push((place, Arc::new(copy)));
        *list = Arc::new(longer);
    }
}
