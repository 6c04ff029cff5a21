use std::array;
use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2};

use crate::buffer::lengthen;
use crate::buffer::{matrix, matrix_mut};
use crate::error::Result;
use crate::scalar::Scalar;

/// The memory that a layer requests. A workspace owns this memory and lends it to every pass.
///
/// | field | request | use |
/// |---|---|---|
/// | `kept` | the widths of arrays with a row per sample | written by the forward pass, read by the backward passes |
/// | `gradients` | the widths of arrays with a row per sample | written by the backward pass that computes dx, read by the later pass for the parameters |
/// | `temporary` | a number of values for each thread | used within a pass, not kept between passes |
///
/// A pass must write a value before it reads it, because the memory contains values of earlier passes.
///
/// # Examples
/// ```
/// use manabi::layer::Scratch;
///
/// // Two arrays with 100 values per sample, which the backward pass needs.
/// let scratch = Scratch::NONE.kept([100, 100]);
/// assert_eq!(scratch, Scratch { kept: vec![100, 100], gradients: vec![], temporary: 0 });
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "the setters return the changed request"]
pub struct Scratch {
    /// The widths of the arrays that the forward pass keeps for the backward passes.
    pub kept: Vec<usize>,
    /// The widths of the arrays that the backward pass for dx keeps for the pass for the parameters.
    pub gradients: Vec<usize>,
    /// The number of values that each thread needs during a pass.
    pub temporary: usize,
}

impl Scratch {
    /// A request for no memory.
    pub const NONE: Self = Self { kept: Vec::new(), gradients: Vec::new(), temporary: 0 };

    /// Sets the widths of the arrays that the forward pass keeps for the backward passes.
    pub fn kept(self, widths: impl Into<Vec<usize>>) -> Self {
        Self { kept: widths.into(), ..self }
    }

    /// Sets the widths of the arrays that the backward pass for dx keeps for the pass for the parameters.
    pub fn gradients(self, widths: impl Into<Vec<usize>>) -> Self {
        Self { gradients: widths.into(), ..self }
    }

    /// Sets the number of values that each thread needs during a pass.
    pub fn temporary(self, values: usize) -> Self {
        Self { temporary: values, ..self }
    }
}

/// The memory that a [`Scratch`] requests, for batches of up to `capacity` rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory<A> {
    capacity: usize,
    kept: Vec<Vec<A>>,
    gradients: Vec<Vec<A>>,
    temporary: Vec<A>,
}

impl<A: Scalar> Memory<A> {
    /// Allocates the memory for forward passes.
    pub fn new(scratch: &Scratch, capacity: usize, threads: usize) -> Result<Self> {
        let mut memory = Self { capacity, ..Self::default() };
        grow(&mut memory.kept, &scratch.kept, capacity)?;
        lengthen("temporary values", &mut memory.temporary, scratch.temporary.saturating_mul(threads))?;
        Ok(memory)
    }

    /// Allocates the additional memory for backward passes, unless it is already allocated.
    pub fn grow_for_training(&mut self, scratch: &Scratch) -> Result<()> {
        grow(&mut self.gradients, &scratch.gradients, self.capacity)
    }

    /// Returns the same memory for another number of threads.
    pub fn for_threads(mut self, scratch: &Scratch, threads: usize) -> Self {
        self.temporary.resize(scratch.temporary.saturating_mul(threads), A::zero());
        self
    }

    /// Fills all memory with this value.
    pub fn fill(&mut self, value: A) {
        self.kept.iter_mut().chain(&mut self.gradients).for_each(|array| array.fill(value));
        self.temporary.fill(value);
    }

    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Lends memory to a forward pass of `rows` rows.
    pub fn forward(&mut self, rows: usize) -> (KeptMut<'_, A>, &mut [A]) {
        (KeptMut::new(&mut self.kept, self.capacity, rows), &mut self.temporary)
    }

    /// Lends memory to a backward pass of `rows` rows.
    pub fn backward(&mut self, rows: usize) -> (Kept<'_, A>, KeptMut<'_, A>, &mut [A]) {
        let Self { capacity, kept, gradients, temporary } = self;
        let kept = Kept { arrays: kept, capacity: *capacity, start: 0, rows };
        (kept, KeptMut::new(gradients, *capacity, rows), temporary)
    }

    /// Returns the arrays that a forward pass of `rows` rows kept.
    pub fn kept(&self, rows: usize) -> Kept<'_, A> {
        Kept { arrays: &self.kept, capacity: self.capacity, start: 0, rows }
    }

    /// Returns the arrays that a backward pass of `rows` rows kept.
    pub fn gradients(&self, rows: usize) -> Kept<'_, A> {
        Kept { arrays: &self.gradients, capacity: self.capacity, start: 0, rows }
    }
}

fn grow<A: Scalar>(arrays: &mut Vec<Vec<A>>, widths: &[usize], capacity: usize) -> Result<()> {
    arrays.resize_with(widths.len(), Vec::new);
    arrays
        .iter_mut()
        .zip(widths)
        .try_for_each(|(array, width)| lengthen("kept values", array, capacity.saturating_mul(*width)))
}

/// The arrays that a forward pass kept, for reading.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a, A> {
    arrays: &'a [Vec<A>],
    capacity: usize,
    start: usize,
    rows: usize,
}

impl<'a, A: Scalar> Kept<'a, A> {
    /// Returns all arrays, each in standard layout with a row per sample.
    ///
    /// # Panics
    /// Panics if the layer's [`Scratch`] does not request exactly `N` arrays.
    pub fn arrays<const N: usize>(self) -> [ArrayView2<'a, A>; N] {
        assert_eq!(N, self.arrays.len(), "kept arrays: expected the number requested by the scratch");
        array::from_fn(|index| self.array(index))
    }

    pub(crate) fn array(self, index: usize) -> ArrayView2<'a, A> {
        let array = &self.arrays[index];
        let width = array.len() / self.capacity.max(1);
        matrix(&array[self.start * width..], self.rows, width)
    }

    /// Returns a range of the arrays.
    pub(super) fn part(self, place: Range<usize>) -> Self {
        Self { arrays: &self.arrays[place], ..self }
    }

    /// Splits the arrays before this row.
    pub(super) fn split_at(self, row: usize) -> (Self, Self) {
        (Self { rows: row, ..self }, Self { start: self.start + row, rows: self.rows - row, ..self })
    }
}

/// The arrays that a pass keeps for a later pass, for writing.
#[derive(Debug)]
pub struct KeptMut<'a, A> {
    arrays: Arrays<'a, A>,
    /// The number of rows for which the arrays have room.
    capacity: usize,
    rows: usize,
}

/// Whole arrays, or some rows of each array while a batch is divided.
#[derive(Debug)]
enum Arrays<'a, A> {
    Whole(&'a mut [Vec<A>]),
    Rows(&'a mut [&'a mut [A]]),
}

impl<'a, A> KeptMut<'a, A> {
    fn new(arrays: &'a mut [Vec<A>], capacity: usize, rows: usize) -> Self {
        Self { arrays: Arrays::Whole(arrays), capacity, rows }
    }

    /// Returns all arrays, each in standard layout with a row per sample.
    ///
    /// # Panics
    /// Panics if the layer's [`Scratch`] does not request exactly `N` arrays.
    pub fn arrays<const N: usize>(mut self) -> [ArrayViewMut2<'a, A>; N] {
        assert_eq!(N, self.len(), "kept arrays: expected the number requested by the scratch");
        array::from_fn(|_| self.take_first())
    }

    pub(super) fn len(&self) -> usize {
        match &self.arrays {
            Arrays::Whole(arrays) => arrays.len(),
            Arrays::Rows(arrays) => arrays.len(),
        }
    }

    /// Removes and returns the first array.
    pub(super) fn take_first(&mut self) -> ArrayViewMut2<'a, A> {
        let array: &'a mut [A] = match &mut self.arrays {
            Arrays::Whole(arrays) => arrays.split_off_first_mut().expect("the plan provides enough arrays"),
            Arrays::Rows(arrays) => arrays.split_off_first_mut().expect("the plan provides enough arrays"),
        };
        self.view(array)
    }

    /// Removes and returns the last array.
    pub(crate) fn take_last(&mut self) -> ArrayViewMut2<'a, A> {
        let array: &'a mut [A] = match &mut self.arrays {
            Arrays::Whole(arrays) => arrays.split_off_last_mut().expect("the plan provides enough arrays"),
            Arrays::Rows(arrays) => arrays.split_off_last_mut().expect("the plan provides enough arrays"),
        };
        self.view(array)
    }

    fn view(&self, array: &'a mut [A]) -> ArrayViewMut2<'a, A> {
        let width = array.len() / self.capacity.max(1);
        matrix_mut(array, self.rows, width)
    }

    /// Removes and returns the first `count` arrays.
    pub(super) fn take(&mut self, count: usize) -> Self {
        let arrays = match &mut self.arrays {
            Arrays::Whole(arrays) => {
                Arrays::Whole(arrays.split_off_mut(..count).expect("the plan provides enough arrays"))
            }
            Arrays::Rows(arrays) => {
                Arrays::Rows(arrays.split_off_mut(..count).expect("the plan provides enough arrays"))
            }
        };
        Self { arrays, ..*self }
    }

    /// Removes and returns the last `count` arrays.
    pub(super) fn take_end(&mut self, count: usize) -> Self {
        let rest = self.take(self.len() - count);
        std::mem::replace(self, rest)
    }

    /// Lends the arrays for a shorter lifetime. `room` stores the references to their rows.
    pub(super) fn lend<'b>(self, room: &'b mut Option<[&'b mut [A]; MOST]>) -> KeptMut<'b, A>
    where
        'a: 'b,
    {
        let Self { arrays, capacity, rows } = self;
        let arrays = match arrays {
            Arrays::Whole(arrays) => Arrays::Whole(arrays),
            Arrays::Rows([]) => Arrays::Whole(&mut []),
            Arrays::Rows(arrays) => {
                let (count, mut arrays) = (arrays.len(), arrays.iter_mut());
                let room = room.insert(array::from_fn(|_| arrays.next().map_or(&mut [][..], |array| array)));
                Arrays::Rows(&mut room[..count])
            }
        };
        KeptMut { arrays, capacity, rows }
    }

    /// Returns whether [`rows`](KeptMut::rows) returns the arrays.
    pub(super) fn can_be_divided(&self) -> bool {
        matches!(&self.arrays, Arrays::Whole(arrays) if arrays.len() <= MOST)
    }

    /// Returns the arrays in a form that can be split by rows. Returns `None` if they are already split, or if there are more
    /// than [`MOST`].
    pub(super) fn rows(&mut self) -> Option<RowsOf<'_, A>> {
        let Arrays::Whole(arrays) = &mut self.arrays else { return None };
        let (count, capacity, rows) = (arrays.len(), self.capacity, self.rows);
        let mut arrays = arrays.iter_mut();
        let room = [(); MOST].map(|()| arrays.next().map_or(&mut [][..], |array| &mut array[..]));
        (count <= MOST).then_some(RowsOf { arrays: room, count, capacity, rows })
    }
}

/// The maximum number of arrays with which a batch can be divided. The references to their rows are on the stack.
pub(super) const MOST: usize = 64;

/// The arrays of a part of a batch.
pub(super) struct RowsOf<'a, A> {
    arrays: [&'a mut [A]; MOST],
    count: usize,
    capacity: usize,
    rows: usize,
}

impl<'a, A> RowsOf<'a, A> {
    /// Returns the number of arrays and the number of rows for which they have room.
    pub fn room(&self) -> (usize, usize) {
        (self.count, self.capacity)
    }

    /// Splits the rows before `row`, and the room between the two halves of `threads` threads.
    pub fn split_at(mut self, row: usize, threads: usize) -> (Self, Self) {
        let Self { count, capacity, rows, .. } = self;
        // If all rows fit, each row keeps its place in the arrays. Otherwise, the rows pass in several chunks, and the threads
        // share the room.
        let at = if rows > capacity { capacity * (threads / 2) / threads } else { row };
        let mut others = [(); MOST].map(|()| &mut [][..]);
        for (array, other) in self.arrays[..count].iter_mut().zip(&mut others) {
            let width = array.len() / capacity;
            (*array, *other) = std::mem::take(array).split_at_mut(at * width);
        }
        let part = |arrays, capacity, rows| Self { arrays, count, capacity, rows };
        (part(self.arrays, at, row), part(others, capacity - at, rows - row))
    }

    /// Returns the same arrays for a shorter lifetime.
    pub fn reborrow(&mut self) -> [&mut [A]; MOST] {
        self.arrays.each_mut().map(|array| &mut array[..])
    }

    /// Lends arrays that [`reborrow`](RowsOf::reborrow) returned to a pass of `rows` rows.
    pub fn lend<'b>(
        arrays: &'b mut [&'b mut [A]; MOST],
        (count, capacity): (usize, usize),
        rows: usize,
    ) -> KeptMut<'b, A> {
        KeptMut { arrays: Arrays::Rows(&mut arrays[..count]), capacity, rows }
    }
}
