//! The product of some rows and a packed matrix, divided among threads by columns, so that each thread reads only its part of the
//! matrix.

use std::array;

use pulp::Arch;

use super::block::Copied;
use super::job::{Job, Pack, THIN, room};
use crate::parallel::{Divide, divide};
use crate::scalar::Element;

/// Computes a product of at most [`THIN`] rows. The threads write their columns to parts of `sums` first.
pub(super) fn thin<T: Element>(
    job: Job<'_, T>,
    arch: Arch,
    c: &mut [T],
    sums: &mut Vec<T>,
    copy: Copied<'_, T>,
    threads: usize,
) {
    let mut c = c.chunks_exact_mut(job.n);
    let rows = array::from_fn(|_| c.next().unwrap_or_default());
    let sums = room(sums, job.m * job.n);
    let all = Part { job, arch, copy, from: 0, to: copy.panels.count, rows, sums };
    divide(all, threads, &|part| part.compute());
}

/// A range of the panels of a product.
struct Part<'a, 'b, T> {
    job: Job<'b, T>,
    arch: Arch,
    copy: Copied<'b, T>,
    from: usize,
    to: usize,
    /// The columns of the output that belong to the panels, row by row. Rows that the product does not have are empty.
    rows: [&'a mut [T]; THIN],
    /// The sums, row by row.
    sums: &'a mut [T],
}

impl<T> Part<'_, '_, T> {
    /// Returns the number of columns before a panel.
    fn column(&self, panel: usize) -> usize {
        if panel == self.copy.panels.count { self.job.n } else { self.copy.panels.span(panel).col }
    }
}

impl<T: Element> Divide for Part<'_, '_, T> {
    fn len(&self) -> usize {
        self.to - self.from
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let mid = self.from + at;
        let cols = self.column(mid) - self.column(self.from);
        let Self { job, arch, copy, from, to, rows, sums } = self;
        let mut others = array::from_fn(|_| <&mut [T]>::default());
        let mut others_mut = others.iter_mut();
        let rows = rows.map(|row| {
            let (row, other) = row.split_at_mut(cols.min(row.len()));
            *others_mut.next().expect("the arrays are equally long") = other;
            row
        });
        let (sums, other_sums) = sums.split_at_mut(job.m * cols);
        let other = Self { job, arch, copy, from: mid, to, rows: others, sums: other_sums };
        (Self { job, arch, copy, from, to: mid, rows, sums }, other)
    }
}

impl<T: Element> Part<'_, '_, T> {
    fn compute(self) {
        let (col, cols) = (self.column(self.from), self.column(self.to) - self.column(self.from));
        let Self { job, arch, copy, rows, sums, .. } = self;
        let start = job.start.map(|row| &row[col..][..cols]);
        let copy = Copied { col, ..copy };
        Job { n: cols, start, ..job }.blocks(0..job.k, arch, sums, &mut Pack::new(), Some(copy), 1);
        for (row, sums) in rows.into_iter().zip(sums.chunks_exact(cols)) {
            row.copy_from_slice(sums);
        }
    }
}
