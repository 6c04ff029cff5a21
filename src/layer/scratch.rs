use std::array;
use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2};

use crate::buffer::lengthen;
use crate::buffer::{matrix, matrix_mut};
use crate::error::Result;
use crate::scalar::Scalar;

/// The memory that a layer asks for: a workspace owns it and lends it with every pass.
///
/// | field | what it asks for | lent to |
/// |---|---|---|
/// | `kept` | the widths of arrays with a row per sample | the forward pass, which writes them, and the backward passes, which read them |
/// | `gradients` | the widths of arrays with a row per sample | the backward pass that computes dx, which writes them, and the later one for the parameters, which reads them |
/// | `temporary` | a number of values for each thread | every pass; nothing is kept in it |
///
/// A pass must write before it reads: memory holds whatever the last pass left in it.
///
/// ```
/// use manabi::layer::Scratch;
///
/// // For each sample, two arrays of 100 values that the backward pass will need.
/// let scratch = Scratch::NONE.kept([100, 100]);
/// assert_eq!(scratch, Scratch { kept: vec![100, 100], gradients: vec![], temporary: 0 });
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "the setters return the changed request"]
pub struct Scratch {
    /// The widths of arrays that are kept from the forward pass to the backward passes.
    pub kept: Vec<usize>,
    /// The widths of arrays that are kept from the backward pass that computes dx to the one for the parameters.
    pub gradients: Vec<usize>,
    /// The values that each thread needs for the time of one pass.
    pub temporary: usize,
}

impl Scratch {
    /// No memory.
    pub const NONE: Self = Self { kept: Vec::new(), gradients: Vec::new(), temporary: 0 };

    /// Asks for arrays of these widths that are kept from the forward pass to the backward passes.
    pub fn kept(self, widths: impl Into<Vec<usize>>) -> Self {
        Self { kept: widths.into(), ..self }
    }

    /// Asks for arrays of these widths that are kept from the backward pass that computes dx to the one for the parameters.
    pub fn gradients(self, widths: impl Into<Vec<usize>>) -> Self {
        Self { gradients: widths.into(), ..self }
    }

    /// Asks for this many values for each thread, for the time of one pass.
    pub fn temporary(self, values: usize) -> Self {
        Self { temporary: values, ..self }
    }
}

/// The memory behind a [`Scratch`], for batches of up to `capacity` rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory<A> {
    capacity: usize,
    kept: Vec<Vec<A>>,
    gradients: Vec<Vec<A>>,
    temporary: Vec<A>,
}

impl<A: Scalar> Memory<A> {
    /// Allocates memory for forward passes; an error if it does not fit.
    pub fn new(scratch: &Scratch, capacity: usize, threads: usize) -> Result<Self> {
        let mut memory = Self { capacity, ..Self::default() };
        grow(&mut memory.kept, &scratch.kept, capacity)?;
        lengthen("temporary values", &mut memory.temporary, scratch.temporary.saturating_mul(threads))?;
        Ok(memory)
    }

    /// Allocates what backward passes need besides, the first time.
    pub fn grow_for_training(&mut self, scratch: &Scratch) -> Result<()> {
        grow(&mut self.gradients, &scratch.gradients, self.capacity)
    }

    /// Returns the same memory for another number of threads.
    pub fn for_threads(mut self, scratch: &Scratch, threads: usize) -> Self {
        self.temporary.resize(scratch.temporary.saturating_mul(threads), A::zero());
        self
    }

    /// Fills everything with this value.
    pub fn fill(&mut self, value: A) {
        self.kept.iter_mut().chain(&mut self.gradients).for_each(|array| array.fill(value));
        self.temporary.fill(value);
    }

    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Lends to a forward pass of this many rows.
    pub fn forward(&mut self, rows: usize) -> (KeptMut<'_, A>, &mut [A]) {
        (KeptMut::new(&mut self.kept, self.capacity, rows), &mut self.temporary)
    }

    /// Lends to a backward pass of this many rows.
    pub fn backward(&mut self, rows: usize) -> (Kept<'_, A>, KeptMut<'_, A>, &mut [A]) {
        let Self { capacity, kept, gradients, temporary } = self;
        let kept = Kept { arrays: kept, capacity: *capacity, start: 0, rows };
        (kept, KeptMut::new(gradients, *capacity, rows), temporary)
    }

    /// Returns what a forward pass of this many rows kept.
    pub fn kept(&self, rows: usize) -> Kept<'_, A> {
        Kept { arrays: &self.kept, capacity: self.capacity, start: 0, rows }
    }

    /// Returns what a backward pass of this many rows kept.
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

/// Arrays that a forward pass kept, to be read.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a, A> {
    arrays: &'a [Vec<A>],
    capacity: usize,
    start: usize,
    rows: usize,
}

impl<'a, A: Scalar> Kept<'a, A> {
    /// Returns all arrays, each with a row per sample, in standard layout.
    ///
    /// # Panics
    /// If the layer did not ask for `N` arrays.
    pub fn arrays<const N: usize>(self) -> [ArrayView2<'a, A>; N] {
        assert_eq!(N, self.arrays.len(), "arrays kept: expected as many as the layer's scratch asks for");
        array::from_fn(|index| self.array(index))
    }

    pub(crate) fn array(self, index: usize) -> ArrayView2<'a, A> {
        let array = &self.arrays[index];
        let width = array.len() / self.capacity.max(1);
        matrix(&array[self.start * width..], self.rows, width)
    }

    /// Returns some of the arrays.
    pub(super) fn part(self, place: Range<usize>) -> Self {
        Self { arrays: &self.arrays[place], ..self }
    }

    /// Cuts before this row.
    pub(super) fn split_at(self, row: usize) -> (Self, Self) {
        (Self { rows: row, ..self }, Self { start: self.start + row, rows: self.rows - row, ..self })
    }
}

/// Arrays that a pass keeps for a later one, to be written.
#[derive(Debug)]
pub struct KeptMut<'a, A> {
    arrays: Arrays<'a, A>,
    /// The rows that there is room for.
    capacity: usize,
    rows: usize,
}

/// Where the arrays are: all in one place, or some rows of each while a batch is divided.
#[derive(Debug)]
enum Arrays<'a, A> {
    Whole(&'a mut [Vec<A>]),
    Rows(&'a mut [&'a mut [A]]),
}

impl<'a, A> KeptMut<'a, A> {
    fn new(arrays: &'a mut [Vec<A>], capacity: usize, rows: usize) -> Self {
        Self { arrays: Arrays::Whole(arrays), capacity, rows }
    }

    /// Returns all arrays, each with a row per sample, in standard layout.
    ///
    /// # Panics
    /// If the layer did not ask for `N` arrays.
    pub fn arrays<const N: usize>(mut self) -> [ArrayViewMut2<'a, A>; N] {
        assert_eq!(N, self.len(), "arrays kept: expected as many as the layer's scratch asks for");
        array::from_fn(|_| self.take_first())
    }

    pub(super) fn len(&self) -> usize {
        match &self.arrays {
            Arrays::Whole(arrays) => arrays.len(),
            Arrays::Rows(arrays) => arrays.len(),
        }
    }

    /// Takes the first array out.
    pub(super) fn take_first(&mut self) -> ArrayViewMut2<'a, A> {
        let array: &'a mut [A] = match &mut self.arrays {
            Arrays::Whole(arrays) => arrays.split_off_first_mut().expect("the plan counted the arrays"),
            Arrays::Rows(arrays) => arrays.split_off_first_mut().expect("the plan counted the arrays"),
        };
        self.view(array)
    }

    /// Takes the last array out.
    pub(crate) fn take_last(&mut self) -> ArrayViewMut2<'a, A> {
        let array: &'a mut [A] = match &mut self.arrays {
            Arrays::Whole(arrays) => arrays.split_off_last_mut().expect("the plan counted the arrays"),
            Arrays::Rows(arrays) => arrays.split_off_last_mut().expect("the plan counted the arrays"),
        };
        self.view(array)
    }

    fn view(&self, array: &'a mut [A]) -> ArrayViewMut2<'a, A> {
        let width = array.len() / self.capacity.max(1);
        matrix_mut(array, self.rows, width)
    }

    /// Takes the first `count` arrays out.
    pub(super) fn take(&mut self, count: usize) -> Self {
        let arrays = match &mut self.arrays {
            Arrays::Whole(arrays) => {
                Arrays::Whole(arrays.split_off_mut(..count).expect("the plan counted the arrays"))
            }
            Arrays::Rows(arrays) => {
                Arrays::Rows(arrays.split_off_mut(..count).expect("the plan counted the arrays"))
            }
        };
        Self { arrays, ..*self }
    }

    /// Takes the last `count` arrays out.
    pub(super) fn take_end(&mut self, count: usize) -> Self {
        let rest = self.take(self.len() - count);
        std::mem::replace(self, rest)
    }

    /// Lends the arrays for a shorter time; `room` is to hold them.
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

    /// Returns the arrays to be cut by rows; `None` if they are cut already, or more than [`MOST`].
    pub(super) fn rows(&mut self) -> Option<RowsOf<'_, A>> {
        let Arrays::Whole(arrays) = &mut self.arrays else { return None };
        let (count, capacity, rows) = (arrays.len(), self.capacity, self.rows);
        let mut arrays = arrays.iter_mut();
        let room = [(); MOST].map(|()| arrays.next().map_or(&mut [][..], |array| &mut array[..]));
        (count <= MOST).then_some(RowsOf { arrays: room, count, capacity, rows })
    }
}

/// The most arrays that a batch can be divided with: their rows are told apart on the stack.
pub(super) const MOST: usize = 64;

/// The arrays of a part of a batch.
pub(super) struct RowsOf<'a, A> {
    arrays: [&'a mut [A]; MOST],
    count: usize,
    capacity: usize,
    rows: usize,
}

impl<'a, A> RowsOf<'a, A> {
    /// The number of arrays, and of rows that there is room for.
    pub fn room(&self) -> (usize, usize) {
        (self.count, self.capacity)
    }

    /// Cuts the rows before `row`, and the room for `threads` threads between their two halves.
    pub fn split_at(mut self, row: usize, threads: usize) -> (Self, Self) {
        let Self { count, capacity, rows, .. } = self;
        // A batch that passes at once has its rows in their places; more samples than there is room for pass in turns.
        let at = if rows > capacity { capacity * (threads / 2) / threads } else { row };
        let mut others = [(); MOST].map(|()| &mut [][..]);
        for (array, other) in self.arrays[..count].iter_mut().zip(&mut others) {
            let width = array.len() / capacity;
            (*array, *other) = std::mem::take(array).split_at_mut(at * width);
        }
        let part = |arrays, capacity, rows| Self { arrays, count, capacity, rows };
        (part(self.arrays, at, row), part(others, capacity - at, rows - row))
    }

    /// Returns the same arrays for a while.
    pub fn reborrow(&mut self) -> [&mut [A]; MOST] {
        self.arrays.each_mut().map(|array| &mut array[..])
    }

    /// Lends arrays that [`reborrow`](RowsOf::reborrow) returned to a pass of this many rows.
    pub fn lend<'b>(
        arrays: &'b mut [&'b mut [A]; MOST],
        (count, capacity): (usize, usize),
        rows: usize,
    ) -> KeptMut<'b, A> {
        KeptMut { arrays: Arrays::Rows(&mut arrays[..count]), capacity, rows }
    }
}
