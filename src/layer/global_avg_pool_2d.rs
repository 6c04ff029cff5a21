use super::pool::image;
use super::{Backward, Forward, Layer, flat, flat_mut};
use crate::error::Result;
use crate::lanes::Lanes;
use crate::parallel::parts;
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::shape::Shape;
use crate::simd::dispatch;

/// Global average pooling, which replaces each channel of an image by the mean of its pixels.
///
/// Formula: y = Σ xₘₙ / (H·W), channel by channel.
///
/// Derivative: dxₘₙ = dy / (H·W).
///
/// Shapes: (C, H, W) to (C).
///
/// Numerics: sums are computed in `f64`. Their order depends only on the size of the image.
///
/// # Errors
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if the input does not have three dimensions.
///
/// Source: Lin, Chen and Yan, *Network in network*, 2014; `torch.nn.AdaptiveAvgPool2d(1)`, followed by `torch.nn.Flatten`.
///
/// # Examples
/// ```
/// use manabi::layer::{Forward, GlobalAvgPool2d, LayerWorkspace};
/// use manabi::Layer;
/// use ndarray::array;
///
/// let (x, mut y) = (array![[1.0, 2.0, 3.0, 6.0]], array![[0.0, 0.0]]);
/// let mut ws = LayerWorkspace::new(&GlobalAvgPool2d, [2, 1, 2], 1)?;
/// GlobalAvgPool2d.forward(Forward::new(&mut ws, &[], &[], x.view(), y.view_mut())?);
/// assert_eq!(y, array![[1.5, 4.5]]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[doc(alias = "adaptive_avg_pool")]
pub struct GlobalAvgPool2d;

impl<A: Scalar> Layer<A> for GlobalAvgPool2d {
    fn kind(&self) -> &str {
        "global_avg_pool_2d"
    }

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        image(input).map(|[channels, _]| channels.into())
    }

    fn row_wise(&self, _training: bool) -> bool {
        true
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }

    #[inline(never)]
    fn forward(&self, mut pass: Forward<'_, A>) {
        let (x, size) = (flat(&pass.x), pass.input.size() / pass.output.size());
        parts(pass.engine.thread_count(), flat_mut(&mut pass.y), 1, &|start, y| {
            let x = &x[start * size..];
            dispatch(
                #[inline(always)]
                || {
                    for (y, x) in y.iter_mut().zip(x.chunks_exact(size)) {
                        let mut sum = Lanes::new();
                        sum.add(
                            [x],
                            #[inline(always)]
                            |[x]| x.widen(),
                        );
                        *y = A::of(sum.total() / size as f64);
                    }
                },
            );
        });
    }

    #[inline(never)]
    fn backward(&self, mut pass: Backward<'_, A>) {
        let Some(dx) = &mut pass.dx else { return };
        let (dy, size) = (flat(&pass.dy), pass.input.size() / pass.output.size());
        parts(pass.engine.thread_count(), flat_mut(dx), size, &|start, dx| {
            for (dx, &dy) in dx.chunks_exact_mut(size).zip(&dy[start / size..]) {
                dx.fill(A::of(dy.widen() / size as f64));
            }
        });
    }
}
