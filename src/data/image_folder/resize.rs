//! The resizing of images, bit for bit as by Pillow's `resize` with the filter `BILINEAR`.

/// The number of fractional bits of a weight.
const BITS: u32 = 22;

/// The pixels of the input that contribute to one pixel of the output along an axis.
struct Window {
    start: usize,
    /// The weights in units of 2⁻²², whose sum is 1 up to rounding.
    weights: Vec<u32>,
}

/// Resizes an image with the shape (height, width, channels). Enlarges by linear interpolation, and reduces by an average with
/// the weights of a triangle.
pub(super) fn resize(pixels: Vec<u8>, from: [usize; 2], to: [usize; 2], channels: usize) -> Vec<u8> {
    let pixels = resample(pixels, from[1], to[1], channels);
    resample(pixels, from[0], to[0], to[1] * channels)
}

/// Resizes the middle axis of an array with the shape (any, from, inner).
fn resample(pixels: Vec<u8>, from: usize, to: usize, inner: usize) -> Vec<u8> {
    if from == to {
        return pixels;
    }
    let windows = windows(from, to);
    let mut out = vec![0; pixels.len() / from * to];
    let mut sums = vec![0; inner];
    for (pixels, out) in pixels.chunks_exact(from * inner).zip(out.chunks_exact_mut(to * inner)) {
        for (window, out) in windows.iter().zip(out.chunks_exact_mut(inner)) {
            sums.fill(1 << (BITS - 1));
            for (weight, pixels) in
                window.weights.iter().zip(pixels[window.start * inner..].chunks_exact(inner))
            {
                sums.iter_mut().zip(pixels).for_each(|(sum, &pixel)| *sum += weight * u32::from(pixel));
            }
            // A sum of rounded weights may exceed 1.
            out.iter_mut().zip(&sums).for_each(|(out, sum)| *out = (sum >> BITS).min(255) as u8);
        }
    }
    out
}

/// Returns the window of every pixel of the output. The order of the operations is Pillow's.
fn windows(from: usize, to: usize) -> Vec<Window> {
    let scale = from as f64 / to as f64;
    let support = scale.max(1.0);
    let window = |pixel| {
        let centre = (pixel as f64 + 0.5) * scale;
        let start = (centre - support + 0.5).max(0.0) as usize;
        let end = from.min((centre + support + 0.5) as usize);
        let triangle = |at| 1.0 - ((at as f64 - centre + 0.5) * (1.0 / support)).abs();
        let weights: Vec<f64> = (start..end).map(|at| triangle(at).max(0.0)).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |weight| (0.5 + weight / sum * f64::from(1 << BITS)) as u32;
        Window { start, weights: weights.into_iter().map(fixed).collect() }
    };
    (0..to).map(window).collect()
}
