//! The gradient of a convolution with respect to the weights of few filters: for each weight and filter, the dot product of the
//! pixels that the weight meets and of the gradient of the output. The terms are divided between [`LANES`] sums, whatever the
//! width of the registers, so that the bits do not depend on it.

use pulp::{Arch, Simd, WithSimd};

use crate::lanes::LANES;
use crate::scalar::Element;

/// The number of weights of a tile.
const HIGH: usize = 2;

/// The sums of the dot products of all weights and of some filters.
pub struct Dots<'a, T> {
    /// The planes of the image.
    pub planes: &'a [T],
    /// The offsets of the weights, which are even in number.
    pub offsets: &'a [usize],
    /// The gradient of the output, with zeros in the gaps: a row of `span` values for each filter.
    pub dy: &'a [T],
    /// A multiple of [`LANES`].
    pub span: usize,
    /// The sums, [`LANES`] for each filter, and a row for each weight.
    pub sums: &'a mut [T],
    /// The number of sums of a row.
    pub width: usize,
}

impl<T: Element> Dots<'_, T> {
    /// Adds the terms of `filters` filters to their sums.
    pub fn compute(self, arch: Arch, filters: usize) {
        let Self { planes, offsets, dy, span, sums, width } = self;
        let mut first = 0;
        while first < filters {
            let (dy, sums) = (&dy[first * span..], &mut sums[first * LANES..]);
            let some = Dots { planes, offsets, dy, span, sums, width };
            first += match filters - first {
                6.. => arch.dispatch(Tile::<_, 6>(some)),
                4.. => arch.dispatch(Tile::<_, 4>(some)),
                2.. => arch.dispatch(Tile::<_, 2>(some)),
                _ => arch.dispatch(Tile::<_, 1>(some)),
            };
        }
    }
}

/// The dot products of `W` filters.
struct Tile<'a, T, const W: usize>(Dots<'a, T>);

impl<T: Element, const W: usize> WithSimd for Tile<'_, T, W> {
    type Output = usize;

    /// Returns the number of filters.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> usize {
        let Dots { planes, offsets, dy, span, sums: to, width } = self.0;
        let mut filters = [&dy.as_chunks::<LANES>().0[..0]; W];
        for (i, filter) in filters.iter_mut().enumerate() {
            *filter = dy[i * span..][..span].as_chunks().0;
        }
        for (offsets, to) in offsets.as_chunks::<HIGH>().0.iter().zip(to.chunks_mut(HIGH * width)) {
            let pixels = offsets.map(|offset| planes[offset..][..span].as_chunks::<LANES>().0);
            for lane in (0..LANES).step_by(T::lanes::<S>()) {
                let mut sums = [[T::splat(simd, T::ZERO); W]; HIGH];
                for step in 0..span / LANES {
                    let mut line = [T::splat(simd, T::ZERO); W];
                    for j in 0..W {
                        line[j] = T::vectors::<S>(&filters[j][step][lane..]).0[0];
                    }
                    for i in 0..HIGH {
                        let pixels = T::vectors::<S>(&pixels[i][step][lane..]).0[0];
                        for j in 0..W {
                            sums[i][j] = T::mul_add(simd, pixels, line[j], sums[i][j]);
                        }
                    }
                }
                let one = T::splat(simd, T::ONE);
                for i in 0..HIGH {
                    for j in 0..W {
                        let to = &mut to[i * width + j * LANES + lane..][..T::lanes::<S>()];
                        let to = &mut T::vectors_mut::<S>(to).0[0];
                        *to = T::mul_add(simd, one, sums[i][j], *to);
                    }
                }
            }
        }
        W
    }
}
