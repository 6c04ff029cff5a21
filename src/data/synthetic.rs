use std::array;
use std::iter::once;

use ndarray::{Array3, ArrayView3, ArrayViewMut2, Axis};

use super::{Images, Mnist};
use crate::buffer::zero_matrix;
use crate::error::{Error, Result};
use crate::random::RandomState;

/// Height and width of an image.
const SIZE: usize = 28;

/// The styles of each digit: strokes of points `xy` on a 10 × 10 grid, with x to the right and y down.
///
/// A stroke runs from its first point to its last point and bends towards the points between them. A point that occurs twice in a
/// row makes a corner.
const STYLES: [&[&str]; 10] = [
    &["50 20 04 05 29 59 95 93 80 40", "61 30 03 08 49 98 93 80 40 31 42", "40 10 03 19 69 97 91 50 30"],
    &["50 55 59", "50 55 49", "32 50 50 59", "23 50 50 59, 29 59 89"],
    &["12 20 80 93 46 09 09 99", "13 20 80 94 48 19 07 36 58 79 98", "12 20 80 93 37 09 18 49 99 97"],
    &["11 40 90 84 44 44 95 99 49 08", "00 90 90 44 44 95 98 39 08", "11 50 92 65 34 35 65 97 69 08"],
    &["20 05 05 95, 80 74 69", "60 06 06 96, 60 64 69", "10 04 36 84, 81 75 69", "30 05 05 95, 62 55 59"],
    &["80 20 20 14 14 63 94 98 49 08", "20 14 14 53 93 97 59 08, 20 50 90", "80 30 13 44 85 89 39 08"],
    &["80 20 07 29 89 96 64 34 07", "60 14 09 59 98 75 44 17", "40 03 08 49 89 95 64 27"],
    &["00 90 90 59", "00 90 90 49, 25 55 85", "02 00 00 90 90 59", "10 50 90 84 49"],
    &[
        "82 60 20 12 44 86 99 49 09 06 44 83 81 50",
        "50 10 13 54 93 90 50, 54 05 09 59 99 95 54",
        "90 20 02 34 76 99 39 08 36 74 90",
    ],
    &["82 60 10 03 25 74 81 81 79", "82 60 10 03 25 84 81 86 59 18", "80 10 03 35 84 80, 80 74 69"],
];

/// A point on the path of the pen: x, y, and half the width of the line in pixels.
type Point = [f64; 3];

/// The coefficients of x, y, x², xy, y², x³, x²y, xy² and y³ in the new x and in the new y.
type Polynomials = [[f64; 9]; 2];

/// Generates images that look like handwritten digits, and their labels. They replace MNIST on machines without its files.
///
/// Each digit is drawn with strokes of a pen. The function chooses one of several styles and moves its points slightly. Random
/// polynomials then stretch, slant, rotate and bend the strokes, which are drawn as lines of random width and softness. Most
/// digits are neat, and some are hard to read.
///
/// Formula: pixel = 255 · min(1, intensity · noise · clip(1/2 + (r − d) / softness, 0, 1)), where r is half the width of the line
/// and d is the distance of the pixel from the centre of the line. The noise is uniform in 0.9 … 1.
///
/// Shapes: images (`count`, 28, 28), with ink up to 255 on a background of 0, and `count` labels from 0 to 9, all with the same
/// probability. As in MNIST, the longer side of a digit is about 20 pixels, and its centre of mass is near the centre of the
/// image.
///
/// Numerics: the computation uses only arithmetic and square roots, so a `seed` produces the same bytes on every machine. The
/// digits for a smaller `count` are the first digits for a larger `count`. The training set and the test set can be two parts of
/// one result, or can come from two seeds.
///
/// # Errors
///
/// Returns [`Error::OutOfMemory`] if the images do not fit in memory.
///
/// # Source
///
/// LeCun, Cortes and Burges, *The MNIST database of handwritten digits*, 1998, for size and centring.
///
/// # Examples
///
/// ```
/// use manabi::data::synthetic_digits;
///
/// let (images, labels) = synthetic_digits(100, 1)?;
/// assert_eq!((images.dim(), labels.len()), ((100, 28, 28), 100));
/// assert!(labels.iter().all(|&label| label < 10));
/// # Ok::<(), manabi::Error>(())
/// ```
#[expect(clippy::missing_panics_doc, reason = "the images are in standard layout")]
pub fn synthetic_digits(count: usize, seed: u32) -> Result<(Array3<u8>, Vec<u8>)> {
    let too_many = |_| Error::out_of_memory::<u8>("the images", &[count, SIZE, SIZE]);
    let mut random = RandomState::new(seed);
    let mut images = zero_matrix("the images", (count, SIZE * SIZE))?
        .into_shape_with_order((count, SIZE, SIZE))
        .map_err(too_many)?;
    let fill = |mut image: ArrayViewMut2<'_, u8>| {
        let digit = below(&mut random, STYLES.len());
        draw(digit, &mut random, image.as_slice_mut().expect("images are in standard layout"));
        digit as u8
    };
    let labels = images.outer_iter_mut().map(fill).collect();
    Ok((images, labels))
}

impl Mnist {
    /// Generates a data set of [`synthetic_digits`] in the form of MNIST, with `train` training digits and `test` test digits.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if `train` or `test` is 0, and [`Error::OutOfMemory`] if the images do not fit in memory.
    ///
    /// # Examples
    ///
    /// ```
    /// let mnist = manabi::Mnist::synthetic(100, 20, 1)?;
    /// assert_eq!((mnist.train.labels().len(), mnist.test.labels().len()), (100, 20));
    /// # Ok::<(), manabi::Error>(())
    /// ```
    pub fn synthetic(train: usize, test: usize, seed: u32) -> Result<Self> {
        if train == 0 || test == 0 {
            return Err(Error::setting("number of digits", "at least 1 in each part", train.min(test)));
        }
        let (images, labels) = synthetic_digits(train.saturating_add(test), seed)?;
        let (train_images, test_images) = images.view().split_at(Axis(0), train);
        let (train_labels, test_labels) = labels.split_at(train);
        let part = |images: ArrayView3<'_, u8>, labels: &[u8]| {
            Images::new(images.to_owned(), labels.to_vec(), Self::CLASSES)
        };
        Ok(Self { train: part(train_images, train_labels)?, test: part(test_images, test_labels)? })
    }
}

fn draw(digit: usize, random: &mut RandomState, image: &mut [u8]) {
    let style = STYLES[digit][below(random, STYLES[digit].len())];
    // The square makes most digits neat and a few hard to read.
    let haste = 0.5 + square(between(random, 0.0, 1.0));
    let radius = between(random, 0.8, 1.9);
    let polynomials = distortion(random, haste);
    let stroke = |stroke| trace(&points(stroke, radius, haste, random), &polynomials);
    let mut strokes: Vec<Vec<Point>> = style.split(", ").map(stroke).collect();
    fit(&mut strokes, random);
    let ink = render(&strokes, between(random, 0.8, 1.6));
    let intensity = between(random, 0.9, 1.4);
    for (pixel, ink) in image.iter_mut().zip(ink).filter(|&(_, ink)| ink > 0.0) {
        *pixel = (255.0 * (intensity * between(random, 0.9, 1.0) * ink).min(1.0)).round() as u8;
    }
}

/// Returns the slightly moved points of a stroke, in a box around 0 that is taller than wide, like a digit.
fn points(stroke: &str, radius: f64, haste: f64, random: &mut RandomState) -> Vec<Point> {
    let mut moved = |value: f64, by: f64| value + by * haste * spread(random);
    let grid = |digit: u8| f64::from(digit - b'0') / 4.5 - 1.0;
    let point = |xy: &str| {
        let (x, y) = (grid(xy.as_bytes()[0]), grid(xy.as_bytes()[1]));
        [0.65 * moved(x, 0.25), moved(y, 0.2), radius * moved(1.0, 0.35)]
    };
    stroke.split(' ').map(point).collect()
}

/// Returns polynomials with width, slant and rotation in the linear terms and some distortion in all terms.
fn distortion(random: &mut RandomState, haste: f64) -> Polynomials {
    let (width, slant) = (between(random, 0.65, 1.35), 0.5 * spread(random) - 0.15);
    // With t = tan(angle / 2), the cosine and the sine are fractions, which have the same bits on every machine.
    let t = 0.2 * spread(random);
    let (cos, sin) = ((1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t));
    let linear = [[width * cos, slant * cos - sin], [width * sin, slant * sin + cos]];
    linear.map(|linear| {
        array::from_fn(|k| {
            let strength = if k < 5 { 0.2 } else { 0.12 };
            linear.get(k).unwrap_or(&0.0) + strength * haste * spread(random)
        })
    })
}

fn distort([x, y, radius]: Point, polynomials: &Polynomials) -> Point {
    let monomials = [x, y, x * x, x * y, y * y, x * x * x, x * x * y, x * y * y, y * y * y];
    let [x, y] = polynomials.map(|factors| factors.iter().zip(monomials).map(|(f, m)| f * m).sum());
    [x, y, radius]
}

/// Returns a stroke as short straight lines: the quadratic B-spline of its points, distorted.
fn trace(points: &[Point], polynomials: &Polynomials) -> Vec<Point> {
    const STEPS: usize = 5;
    let last = points.len() - 1;
    let joint = |i: usize| match i {
        0 => points[0],
        _ if i == last - 1 => points[last],
        _ => mix(points[i], points[i + 1], 0.5),
    };
    let bend = |i: usize, t: f64| mix(mix(joint(i - 1), points[i], t), mix(points[i], joint(i), t), t);
    let bends = (STEPS..STEPS * last).map(|k| bend(k / STEPS, (k % STEPS) as f64 / STEPS as f64));
    bends.chain(once(points[last])).map(|point| distort(point, polynomials)).collect()
}

/// Scales the digit to about 20 pixels, including the line width, and moves its centre of mass near the centre of the image.
fn fit(strokes: &mut [Vec<Point>], random: &mut RandomState) {
    let greatest = |of: &dyn Fn(&Point) -> f64| strokes.iter().flatten().map(of).fold(f64::MIN, f64::max);
    let side = |axis: usize| greatest(&|p| p[axis]) + greatest(&|p| -p[axis]);
    let scale = (between(random, 16.0, 20.0) - 2.0 * greatest(&|p| p[2])) / side(0).max(side(1));
    let centre = centre_of_mass(strokes);
    let middle = [0, 1].map(|_| 0.5 * SIZE as f64 + 1.5 * spread(random));
    for point in strokes.iter_mut().flatten() {
        for axis in 0..2 {
            point[axis] = scale * (point[axis] - centre[axis]) + middle[axis];
        }
    }
}

fn centre_of_mass(strokes: &[Vec<Point>]) -> [f64; 2] {
    let (mut mass, mut moment) = (0.0, [0.0; 2]);
    for [a, b] in lines(strokes) {
        let length = (square(b[0] - a[0]) + square(b[1] - a[1])).sqrt();
        mass += length;
        for axis in 0..2 {
            moment[axis] += length * 0.5 * (a[axis] + b[axis]);
        }
    }
    moment.map(|moment| moment / mass)
}

/// Returns the amount of ink in every pixel, from 0 to 1.
fn render(strokes: &[Vec<Point>], softness: f64) -> [f64; SIZE * SIZE] {
    let mut ink = [0.0_f64; SIZE * SIZE];
    for [a, b] in lines(strokes) {
        let reach = a[2].max(b[2]) + 0.5 * softness;
        // `as` turns negative values into 0, so lines are cut off at the edge of the image.
        let near = |axis: usize| {
            let (low, high) = (a[axis].min(b[axis]) - reach, a[axis].max(b[axis]) + reach);
            (low as usize)..(high as usize + 1).min(SIZE)
        };
        for y in near(1) {
            for x in near(0) {
                let covered = 0.5 + depth([x as f64 + 0.5, y as f64 + 0.5], a, b) / softness;
                ink[SIZE * y + x] = ink[SIZE * y + x].max(covered.min(1.0));
            }
        }
    }
    ink
}

/// Returns the depth of a position inside the line from `a` to `b`. Outside the line, the depth is negative.
fn depth([x, y]: [f64; 2], a: Point, b: Point) -> f64 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let along = ((x - a[0]) * dx + (y - a[1]) * dy) / (dx * dx + dy * dy).max(1e-12);
    let nearest = mix(a, b, along.clamp(0.0, 1.0));
    nearest[2] - (square(x - nearest[0]) + square(y - nearest[1])).sqrt()
}

fn lines(strokes: &[Vec<Point>]) -> impl Iterator<Item = [Point; 2]> {
    strokes.iter().flat_map(|stroke| stroke.windows(2)).map(|line| [line[0], line[1]])
}

fn mix(a: Point, b: Point, t: f64) -> Point {
    array::from_fn(|k| a[k] + t * (b[k] - a[k]))
}

fn square(x: f64) -> f64 {
    x * x
}

fn between(random: &mut RandomState, low: f64, high: f64) -> f64 {
    low + (high - low) * random.random_sample()
}

/// Returns a draw from a triangular distribution around 0, between −1 and 1.
fn spread(random: &mut RandomState) -> f64 {
    0.5 * (between(random, -1.0, 1.0) + between(random, -1.0, 1.0))
}

fn below(random: &mut RandomState, n: usize) -> usize {
    between(random, 0.0, n as f64) as usize
}
