//! Products of all shapes: the choice of the kernel, and the division of the work among threads.

use super::block::{Copied, lanes};
use super::few::{few, few_room};
use super::job::{FEW, Job, Packs, Product, THIN, depth, halves, room};
use super::kernel::STRIP;
use super::pack::Panels;
use super::row::add;
use super::thin::thin;
use super::weights::Finder;
use crate::parallel::{least, parts, shares};
use crate::scalar::Element;
use crate::simd;

/// The size in bytes from which a packed copy of a matrix serves a single row faster than the matrix itself.
const LARGE: usize = 1 << 20;

impl<T: Element> Job<'_, T> {
    /// Computes the product as it is. The copies of weights serve as packed right operands.
    pub fn run_as_is(self, c: &mut [T], packs: &mut Packs<T>, weights: &mut Finder<T>, threads: usize) {
        let Self { op, m, k, n, b, .. } = self;
        let arch = simd::arch();
        let are_few = match op {
            Product::AB => m <= FEW,
            Product::AtB => m == 1,
            Product::ABt => false,
        };
        let small = k.saturating_mul(n) < LARGE / size_of::<T>();
        if k == 0 || n == 0 || (m == 1 && op == Product::AB && small) {
            return few(self, arch, c, &mut packs.sums, threads);
        }
        let lanes = lanes::<T>(arch);
        let packs_right = op == Product::AB && !(self.may_stay(lanes) && Panels::new(n, lanes).are_full());
        let copy = if packs_right { weights.find(b, k, n) } else { None };
        let copy = copy.map(|values| Copied { values, panels: Panels::new(n, lanes), col: 0 });
        if are_few && copy.is_none() {
            return few(self, arch, c, &mut packs.sums, threads);
        }
        // Grows even if this product does not use it, because a batch of fewer rows, which does, may follow.
        let thin_room = if threads > 1 && packs_right { THIN * n } else { 0 };
        room(&mut packs.sums, few_room::<T>(k, n, threads).max(thin_room));
        let work = m.saturating_mul(k).saturating_mul(n);
        let threads = shares(threads, work, least::MULTIPLICATIONS);
        if let (Some(copy), 2.., ..=THIN) = (copy, threads, m) {
            return thin(self, arch, c, &mut packs.sums, copy, threads);
        }
        let threads = threads.min(m.div_ceil(STRIP)).max(1);
        if threads > 1 && op == Product::AB && halves(m, k) {
            let Packs { first, second, sums, .. } = packs;
            let (mid, sums) = (depth(k), room(sums, m * n));
            rayon_core::join(
                || self.blocks(0..mid, arch, c, first, copy, threads / 2),
                || self.blocks(mid..k, arch, sums, second, copy, threads - threads / 2),
            );
            let sums = &*sums;
            return parts(threads, c, 1, &|at, c| add(arch, &sums[at..][..c.len()], c));
        }
        self.blocks(0..k, arch, c, &mut packs.first, copy, threads);
    }
}
