//! Random flips, scaling, rotation, shifts and erasing of images.

use std::collections::BTreeMap;

use manabi::data::{Augment, Dataset, ImageTransform, Place, Split};
use manabi::random::{Noise, Random, RandomState};
use manabi::{Affine, CrossEntropy, Result, Samples, Scalar, Sequential, Shape, Softmax, Trainer};
use ndarray::{Array2, Array3};
use proptest::prelude::*;

/// Returns a data set of `rows` copies of an image.
fn copies<A: Scalar>(image: &Array3<f64>, rows: usize) -> Samples<A> {
    let (channels, height, width) = image.dim();
    let x: Vec<A> = image.iter().map(|&x| A::of(x)).collect();
    let x = Array2::from_shape_fn((rows, x.len()), |(_, column)| x[column]);
    Samples::new(x, Array2::zeros((rows, 1))).unwrap().with_shape([channels, height, width]).unwrap()
}

fn random_image(shape: [usize; 3]) -> Array3<f64> {
    let x = RandomState::new(1).normal((1, shape.iter().product()), 0.0, 1.0);
    // Such values have the same bits as `f32`.
    x.mapv(|x| f64::from(x as f32)).into_shape_with_order(shape).unwrap()
}

fn place() -> Place {
    Place::training(3, 1).seed(7)
}

/// Returns the images of the first rows of a data set as they are in training.
fn gathered<A: Scalar>(data: &dyn Dataset<A>, rows: usize) -> Vec<Array3<A>> {
    let (mut x, mut t) = (Array2::zeros((rows, data.input_dim())), Array2::zeros((rows, 1)));
    let all: Vec<usize> = (0..rows).collect();
    data.gather_at(place(), &all, x.view_mut(), t.view_mut()).unwrap();
    let &[channels, height, width] = data.input_shape().dims() else { panic!("expected images") };
    let image = |row: usize| {
        x.row(row).to_owned().into_shape_with_order((channels, height, width)).expect("the size of an image")
    };
    (0..rows).map(image).collect()
}

/// Returns the images that a transformation makes of `rows` copies of an image.
fn transformed<A: Scalar>(transform: ImageTransform, image: &Array3<f64>, rows: usize) -> Vec<Array3<A>> {
    gathered(&transform.augment::<A>(&copies(image, rows)).unwrap(), rows)
}

/// Returns an image whose pixel (y, x) is the pixel source(y, x) of the original, or `fill` if there is no such pixel.
fn picked(image: &Array3<f64>, fill: f64, source: impl Fn(isize, isize) -> (isize, isize)) -> Array3<f64> {
    Array3::from_shape_fn(image.dim(), |(channel, y, x)| {
        let (y, x) = source(y as isize, x as isize);
        *image.get((channel, y as usize, x as usize)).unwrap_or(&fill)
    })
}

/// Asserts that counts have the same expected value, by Pearson's test with a probability of about 0.1 % for a false alarm.
fn assert_uniform(counts: &[usize]) {
    let mean = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
    let chi2: f64 = counts.iter().map(|&n| (n as f64 - mean) * (n as f64 - mean) / mean).sum();
    let freedom = (counts.len() - 1) as f64;
    // The approximation of Wilson and Hilferty.
    let spread = 2.0 / (9.0 * freedom);
    let limit = freedom * (1.0 - spread + 3.09 * spread.sqrt()).powi(3);
    assert!(chi2 < limit, "{chi2} of at most {limit}: {counts:?}");
}

/// Asserts that the count of an event agrees with its probability, to within four standard deviations.
fn assert_share(count: usize, of: usize, probability: f64) {
    let (count, of) = (count as f64, of as f64);
    let limit = 4.0 * (of * probability * (1.0 - probability)).sqrt();
    assert!((count - of * probability).abs() <= limit, "{count} of {of}, expected {probability}");
}

#[test]
fn nothing_changes_by_default() {
    let mut image = random_image([2, 5, 4]);
    image[[0, 2, 2]] = -0.0;
    let still = ImageTransform::new().rotation(0.0).scale(1.0..=1.0).shift(0).horizontal_flip(0.0).fill(3.0);
    for transform in [ImageTransform::new(), ImageTransform::default(), still] {
        for got in transformed::<f64>(transform, &image, 20) {
            assert!(got.iter().zip(&image).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
    }
}

#[test]
fn shifts_are_uniform_and_move_whole_pixels() {
    let image = random_image([2, 9, 11]);
    let reach = -3..=3;
    let offsets: Vec<(isize, isize)> =
        reach.clone().flat_map(|dy| reach.clone().map(move |dx| (dy, dx))).collect();
    let shifted: Vec<_> =
        offsets.iter().map(|(dy, dx)| picked(&image, 7.0, |y, x| (y - dy, x - dx))).collect();
    let mut counts = vec![0; offsets.len()];
    for got in transformed::<f64>(ImageTransform::new().shift(3).fill(7.0), &image, 10_000) {
        counts[shifted.iter().position(|shifted| *shifted == got).expect("a shift by whole pixels")] += 1;
    }
    assert_uniform(&counts);
}

#[test]
fn flips_have_their_probabilities() {
    let image = random_image([3, 4, 5]);
    let mirrored = [false, true].map(|down| {
        [false, true].map(|right| {
            picked(&image, 0.0, |y, x| (if down { 3 - y } else { y }, if right { 4 - x } else { x }))
        })
    });
    let rows = 10_000;
    let count = |transform: ImageTransform| {
        let mut counts = [[0; 2]; 2];
        for got in transformed::<f64>(transform, &image, rows) {
            let is = |down: usize, right: usize| mirrored[down][right] == got;
            let [down, right] = [[0, 0], [0, 1], [1, 0], [1, 1]]
                .into_iter()
                .find(|&[a, b]| is(a, b))
                .expect("a mirror image");
            counts[down][right] += 1;
        }
        counts
    };
    let counts = count(ImageTransform::new().horizontal_flip(0.3).vertical_flip(0.6));
    for (down, p) in [0.4, 0.6].into_iter().enumerate() {
        for (right, q) in [0.7, 0.3].into_iter().enumerate() {
            assert_share(counts[down][right], rows, p * q);
        }
    }
    assert_eq!(count(ImageTransform::new().horizontal_flip(1.0)), [[0, rows], [0, 0]]);
    assert_eq!(count(ImageTransform::new().vertical_flip(1.0)), [[0, 0], [rows, 0]]);
}

/// A movement of an image, with axes in the order (y, x).
#[derive(Clone, Copy, Debug)]
struct Movement {
    mirrored: [bool; 2],
    scale: f64,
    degrees: f64,
    shift: [f64; 2],
}

/// The side of the images whose movement is measured.
const SIDE: usize = 41;

/// Measures the movements that a transformation makes.
///
/// In these images, the values of a pixel are its own coordinates. The interpolation is exact for such values, so the changed
/// image shows where each pixel came from. Angles must be below 90 degrees.
fn movements(transform: ImageTransform, rows: usize) -> Vec<Movement> {
    let image = Array3::from_shape_fn((2, SIDE, SIDE), |(axis, y, x)| [y, x][axis] as f64);
    transformed::<f64>(transform, &image, rows).iter().map(movement).collect()
}

fn movement(image: &Array3<f64>) -> Movement {
    let middle = SIDE / 2;
    let source = |y: usize, x: usize| [image[[0, y, x]], image[[1, y, x]]];
    let (here, down, right) =
        (source(middle, middle), source(middle + 1, middle), source(middle, middle + 1));
    let [[a, b], [c, d]] = [0, 1].map(|axis| [down[axis] - here[axis], right[axis] - here[axis]]);
    let determinant = a * d - b * c;
    let [y, x] = here.map(|source| source - middle as f64);
    Movement {
        mirrored: [a < 0.0, d < 0.0],
        scale: 1.0 / determinant.abs().sqrt(),
        degrees: (b / a).atan().to_degrees(),
        shift: [(b * x - d * y) / determinant, (c * y - a * x) / determinant],
    }
}

/// Returns in which of `bins` equal parts of a range a value is.
fn bin(value: f64, low: f64, high: f64, bins: usize) -> usize {
    assert!((low - 1e-9..=high + 1e-9).contains(&value), "{value} is not in {low}..={high}");
    (((value - low) / (high - low) * bins as f64) as usize).min(bins - 1)
}

#[test]
fn angles_and_scales_are_uniform() {
    let (mut angles, mut scales) = ([0; 12], [0; 12]);
    for movement in movements(ImageTransform::new().rotation(25.0).scale(0.8..=1.4), 3000) {
        angles[bin(movement.degrees, -25.0, 25.0, 12)] += 1;
        scales[bin(movement.scale, 0.8, 1.4, 12)] += 1;
        assert_eq!(movement.mirrored, [false; 2]);
        assert!(movement.shift.iter().all(|shift| shift.abs() < 1e-9));
    }
    assert_uniform(&angles);
    assert_uniform(&scales);
}

#[test]
fn a_change_does_not_alter_the_draws_of_another() {
    let flip = |transform: ImageTransform| transform.horizontal_flip(0.5).vertical_flip(0.3);
    let new = ImageTransform::new;
    let all = flip(new()).scale(0.9..=1.2).rotation(40.0).shift(3);
    let rows = 50;
    let alone = [flip(new()), new().scale(0.9..=1.2), new().rotation(40.0), new().shift(3)];
    let [flipped, scaled, rotated, shifted] = alone.map(|transform| movements(transform, rows));
    for (row, all) in movements(all, rows).iter().enumerate() {
        assert_eq!(all.mirrored, flipped[row].mirrored);
        assert!((all.scale - scaled[row].scale).abs() < 1e-9);
        assert!((all.degrees - rotated[row].degrees).abs() < 1e-9);
        assert!((0..2).all(|axis| (all.shift[axis] - shifted[row].shift[axis]).abs() < 1e-9));
    }
    // Erasing changes nothing outside its rectangle, which does not depend on the other changes.
    let image = random_image([1, 12, 12]);
    let erasing = |transform: ImageTransform| transform.erasing(0.7).erasing_fill(1e9);
    let moved = transformed::<f64>(new().rotation(30.0), &image, rows);
    let erased = transformed::<f64>(erasing(new()), &image, rows);
    for (row, both) in transformed::<f64>(erasing(new().rotation(30.0)), &image, rows).iter().enumerate() {
        for ((both, moved), erased) in both.iter().zip(&moved[row]).zip(&erased[row]) {
            assert_eq!(both, if *erased == 1e9 { erased } else { moved });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn movements_are_within_their_limits(
        degrees in 0.0..60.0,
        low in 0.6..1.5,
        wider in 0.0..0.5,
        shift in 0_usize..4,
    ) {
        let transform = ImageTransform::new().rotation(degrees).scale(low..=low + wider).shift(shift);
        for movement in movements(transform.horizontal_flip(0.5), 20) {
            prop_assert!(movement.degrees.abs() <= degrees + 1e-9);
            prop_assert!(movement.scale >= low - 1e-9 && movement.scale <= low + wider + 1e-9);
            prop_assert!(!movement.mirrored[0]);
            for by in movement.shift {
                prop_assert!(by.abs() <= shift as f64 + 1e-9 && (by - by.round()).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn erased_rectangles_are_within_their_limits(
        size in (1_usize..30, 1_usize..30),
        area in 0.01..1.0,
        larger in 0.0..1.0,
        aspect in 0.1..3.0,
        higher in 1.0..4.0,
    ) {
        let areas = area..=f64::min(area + larger, 1.0);
        let transform = ImageTransform::new().erasing(1.0).erasing_fill(9.0).erasing_area(areas.clone());
        let image = Array3::zeros((2, size.0, size.1));
        let pixels = (size.0 * size.1) as f64;
        for image in transformed::<f64>(transform.erasing_aspect(aspect..=aspect * higher), &image, 20) {
            let [_, _, height, width] = rectangle(&image).expect("a rectangle");
            // The width is rounded by half a pixel, unless the rectangle is at its minimum width or fills the image.
            let rounding = 0.5 * height as f64 + 1e-9;
            let erased = (height * width) as f64;
            prop_assert!(erased >= areas.start() * pixels - rounding || width == size.1);
            prop_assert!(erased <= areas.end() * pixels + rounding || width == 1);
        }
    }
}

/// Returns the top, left, height and width of the rectangle of nines, which is the same in all channels, or `None` if there are
/// no nines.
fn rectangle(image: &Array3<f64>) -> Option<[usize; 4]> {
    let nines = image.indexed_iter().filter(|(_, value)| **value == 9.0).map(|(at, _)| at);
    let nines: Vec<(usize, usize, usize)> = nines.collect();
    let &(_, top, left) = nines.first()?;
    let &(_, bottom, right) = nines.last().unwrap();
    let (height, width) = (bottom + 1 - top, right + 1 - left);
    assert_eq!(nines.len(), image.dim().0 * height * width, "{nines:?}");
    let is_within = |y: usize, x: usize| (top..=bottom).contains(&y) && (left..=right).contains(&x);
    assert!(nines.iter().all(|&(_, y, x)| is_within(y, x)));
    Some([top, left, height, width])
}

#[test]
fn erased_rectangles_have_their_distribution() {
    let image = random_image([3, 40, 50]);
    let (rows, erasing) = (4000, ImageTransform::new().erasing(0.25).erasing_fill(9.0));
    let images = transformed::<f64>(erasing, &image, rows);
    let rectangles: Vec<_> = images.iter().filter_map(rectangle).collect();
    assert_share(rectangles.len(), rows, 0.25);
    // The pixels outside of a rectangle do not change.
    assert!(images.iter().flatten().zip(image.iter().cycle()).all(|(&got, &x)| got == x || got == 9.0));

    let rectangles = |transform: ImageTransform, rows| -> Vec<_> {
        transformed::<f64>(transform.erasing(1.0), &image, rows).iter().filter_map(rectangle).collect()
    };
    // The areas from 0.1 to 0.3 are uniform, and wide and high rectangles have the same probability.
    let varied = rectangles(erasing.erasing_area(0.1..=0.3).erasing_aspect(0.5..=2.0), 2000);
    let (mut areas, mut aspects) = ([0; 8], [0; 8]);
    for &[_, _, height, width] in &varied {
        areas[bin(((height * width) as f64 / 2000.0).clamp(0.1, 0.3), 0.1, 0.3, 8)] += 1;
        let aspect = (height as f64 / width as f64).ln() / 2_f64.ln();
        aspects[bin(aspect.clamp(-1.0, 1.0), -1.0, 1.0, 8)] += 1;
    }
    assert_uniform(&areas);
    assert_share(aspects[..4].iter().sum(), 2000, 0.5);
    assert_share(aspects[..2].iter().sum(), 2000, 0.25);

    // A square of 20 by 20 pixels has 21 · 31 places.
    let (mut tops, mut lefts) = ([0; 21], [0; 31]);
    for [top, left, height, width] in
        rectangles(erasing.erasing_area(0.2..=0.2).erasing_aspect(1.0..=1.0), 6000)
    {
        assert_eq!((height, width), (20, 20));
        tops[top] += 1;
        lefts[left] += 1;
    }
    assert_uniform(&tops);
    assert_uniform(&lefts);
}

#[test]
fn the_shape_of_an_erased_rectangle_fits_in_the_image() {
    let erasing = ImageTransform::new().erasing(1.0).erasing_fill(9.0);
    let sizes = |transform: ImageTransform, size: [usize; 2]| -> Vec<[usize; 2]> {
        let image = Array3::zeros((1, size[0], size[1]));
        let images = transformed::<f64>(transform, &image, 20);
        images.iter().filter_map(rectangle).map(|[_, _, height, width]| [height, width]).collect()
    };
    // A rectangle of 4 rows needs 40 columns, although its ratio is then below the limit of 0.3.
    let fixed = erasing.erasing_area(0.4..=0.4);
    assert_eq!(sizes(fixed, [4, 100]), [[4, 40]; 20]);
    assert_eq!(sizes(fixed, [100, 4]), [[40, 4]; 20]);
    assert_eq!(sizes(erasing.erasing_area(1.0..=1.0), [6, 7]), [[6, 7]; 20]);
    assert_eq!(sizes(erasing.erasing_area(1e-6..=1e-6), [6, 7]), [[1, 1]; 20]);
}

#[test]
fn fill_and_erasing_fill_differ() {
    let image = Array3::ones((1, 8, 8));
    let transform = ImageTransform::new().shift(2).erasing(1.0).fill(-0.5);
    let values = |transform| -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        let images = transformed::<f64>(transform, &image, 30);
        images.iter().flatten().for_each(|value| *counts.entry(value.to_string()).or_default() += 1);
        counts
    };
    let (same, other) = (values(transform), values(transform.erasing_fill(4.0)));
    assert_eq!(same.keys().collect::<Vec<_>>(), ["-0.5", "1"]);
    assert_eq!(other.keys().collect::<Vec<_>>(), ["-0.5", "1", "4"]);
    assert_eq!(other["-0.5"] + other["4"], same["-0.5"]);
    // Nothing remains of images that the same thread changed before, whatever their size.
    for (size, fill) in [(8, 0.25), (5, -3.0), (11, 0.75)] {
        let image = Array3::ones((2, size, size));
        let images = transformed::<f64>(ImageTransform::new().shift(2).rotation(45.0).fill(fill), &image, 30);
        let (low, high) = (fill.min(1.0) - 1e-12, fill.max(1.0) + 1e-12);
        assert!(images.iter().flatten().all(|value| (low..=high).contains(value)));
        assert!(images.iter().flatten().any(|value| *value == fill));
    }
}

/// A transformation with all changes.
fn everything() -> ImageTransform {
    let flips = ImageTransform::new().horizontal_flip(0.5).vertical_flip(0.5);
    flips.scale(0.8..=1.2).rotation(30.0).shift(2).erasing(0.5).fill(0.25).erasing_fill(-1.5)
}

#[test]
fn f32_is_the_rounded_result_in_f64() {
    let image = random_image([2, 9, 7]);
    let (single, double) =
        (transformed::<f32>(everything(), &image, 50), transformed::<f64>(everything(), &image, 50));
    for (single, double) in single.iter().flatten().zip(double.iter().flatten()) {
        assert_eq!(single.to_bits(), (*double as f32).to_bits());
    }
}

#[test]
fn draws_depend_on_seed_epoch_and_row_only() {
    let image = random_image([1, 6, 6]);
    let data = copies::<f64>(&image, 10);
    let augmented = everything().augment(&data).unwrap();
    let one = |place: Place, row: usize| {
        let (mut x, mut t) = (Array2::zeros((1, 36)), Array2::zeros((1, 1)));
        augmented.gather_at(place, &[row], x.view_mut(), t.view_mut()).unwrap();
        x
    };
    let first = one(Place::training(1, 1).seed(5), 4);
    assert_eq!(one(Place::training(1, 9).seed(5).rows_from(3), 4), first);
    for (place, row) in [
        (Place::training(2, 1).seed(5), 4),
        (Place::training(1, 1).seed(6), 4),
        (Place::training(1, 1).seed(5), 5),
        (Place::evaluation(), 4),
    ] {
        assert_ne!(one(place, row), first);
    }
    assert!(one(Place::evaluation(), 4).iter().eq(&image));
    // A change of one's own around the transformation.
    let negate = |image: &mut [f64], _: Noise| image.iter_mut().for_each(|x| *x = -*x);
    let negated = gathered(&Augment::new(&data, negate), 3);
    assert_eq!(negated[2], -&image);
}

/// The draws of the first version, which every version must repeat.
#[test]
fn the_same_seed_gives_the_same_changes_in_every_version() {
    let transform = ImageTransform::new().horizontal_flip(0.5).vertical_flip(0.8).rotation(45.0).shift(3);
    let told = movements(transform.scale(0.9..=1.3), 4)
        .iter()
        .map(|movement| {
            let [down, right] = movement.mirrored;
            let [dy, dx] = movement.shift.map(|by| by.round() as i32);
            format!("{down} {right} {:.3} {:.2} {dy} {dx}", movement.scale, movement.degrees)
        })
        .collect::<Vec<_>>();
    let expected = [
        "true false 1.036 -1.69 1 0",
        "true true 1.160 -19.92 2 1",
        "false true 1.252 -13.33 3 2",
        "true true 1.148 9.85 -2 2",
    ];
    assert_eq!(told, expected);
    let erased = ImageTransform::new().erasing(1.0).erasing_fill(9.0);
    let erased: Vec<_> =
        transformed::<f64>(erased, &Array3::zeros((1, 28, 28)), 3).iter().filter_map(rectangle).collect();
    assert_eq!(erased, [[6, 15, 17, 8], [13, 16, 5, 10], [1, 18, 27, 10]]);
}

/// The shape of images large enough that several threads gather a batch.
const SHAPE: [usize; 3] = [1, 25, 28];
const BATCH: usize = 50;

fn labelled(rows: usize) -> Samples<f64> {
    let x = RandomState::new(1).normal((rows, SHAPE.iter().product()), 0.0, 1.0);
    let labels: Vec<usize> = (0..rows).map(|row| row % 3).collect();
    Samples::labeled(x, &labels, 3).unwrap().with_shape(SHAPE).unwrap()
}

/// Returns the parameters after some epochs.
fn trained<'a>(trainer: Trainer<'a, f64>, data: &dyn Dataset<f64>) -> Vec<f64> {
    let builder = Sequential::builder(700).add_layer("affine1", Affine::new(3));
    let mut model = builder.set_output(Softmax).set_error(CrossEntropy).seed(3).build().unwrap();
    trainer.batch_size(BATCH).fit(&mut model, data).unwrap();
    model.parameter_values().to_vec()
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let data = labelled(220);
    let augmented = everything().augment(&data).unwrap();
    let run = |threads| trained(Trainer::new().epochs(3).threads(threads), &augmented);
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(3));
    assert_ne!(one, trained(Trainer::new().epochs(3), &data));
}

#[cfg(feature = "persistence")]
#[test]
fn a_resumed_run_changes_the_same_images() {
    use manabi::train::Checkpoints;
    let data = labelled(120);
    let augmented = everything().augment(&data).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = || Checkpoints::new(folder.path()).resume(true);
    trained(Trainer::new().epochs(2).checkpoints(checkpoints()), &augmented);
    let resumed = trained(Trainer::new().epochs(5).checkpoints(checkpoints()), &augmented);
    assert_eq!(resumed, trained(Trainer::new().epochs(5), &augmented));
}

fn error(transform: ImageTransform, data: &dyn Dataset<f32>) -> String {
    transform.augment(data).unwrap_err().to_string()
}

#[test]
fn invalid_settings_are_errors_that_name_the_setting() {
    let data = copies::<f32>(&Array3::zeros((1, 5, 8)), 3);
    let new = ImageTransform::new;
    let share = "expected a value from 0 to 1, got";
    let scale = "scale: expected an ascending range of values from 0.01 to 100, got";
    let area = "erasing_area: expected an ascending range of values above 0 and up to 1, got";
    let aspect = "erasing_aspect: expected an ascending range of values from 0.01 to 100, got";
    for (transform, expected) in [
        (new().horizontal_flip(1.5), format!("horizontal_flip: {share} 1.5")),
        (new().horizontal_flip(f64::NAN), format!("horizontal_flip: {share} NaN")),
        (new().vertical_flip(-0.1), format!("vertical_flip: {share} -0.1")),
        (new().erasing(2.0), format!("erasing: {share} 2")),
        (new().rotation(-1.0), "rotation: expected a value from 0 to 180, got -1".into()),
        (new().rotation(180.5), "rotation: expected a value from 0 to 180, got 180.5".into()),
        (new().shift(5), "shift: expected below 5, the smaller side of the images, got 5".into()),
        (new().scale(0.0..=1.0), format!("{scale} 0..=1")),
        (new().scale(1.0..=101.0), format!("{scale} 1..=101")),
        (new().scale(1.2..=0.8), format!("{scale} 1.2..=0.8")),
        (new().erasing_area(0.0..=0.5), format!("{area} 0..=0.5")),
        (new().erasing_area(0.5..=1.1), format!("{area} 0.5..=1.1")),
        (new().erasing_area(0.5..=0.4), format!("{area} 0.5..=0.4")),
        (new().erasing_aspect(0.001..=1.0), format!("{aspect} 0.001..=1")),
        (new().erasing_aspect(2.0..=f64::NAN), format!("{aspect} 2..=NaN")),
        (new().fill(f64::INFINITY), "fill: expected a finite number within the range of f32, got inf".into()),
        (new().fill(1e300), "fill: expected a finite number within the range of f32, got 1e300".into()),
        (
            new().erasing_fill(f64::NAN),
            "erasing_fill: expected a finite number within the range of f32, got NaN".into(),
        ),
    ] {
        assert_eq!(error(transform, &data), expected);
    }
    // The limits themselves are valid.
    let limits = new().horizontal_flip(1.0).vertical_flip(0.0).erasing(1.0).rotation(180.0).shift(4);
    let limits = limits.scale(0.01..=100.0).erasing_area(1.0..=1.0).erasing_aspect(0.01..=100.0);
    assert!(limits.augment(&data).is_ok());
}

#[test]
fn only_images_can_be_transformed() {
    let data = copies::<f32>(&Array3::zeros((1, 5, 8)), 3);
    let expected = "samples to transform: expected shape (channels, height, width), each at least 1, got";
    for shape in [Shape::from(40), Shape::from([5, 8])] {
        let data = data.clone().with_shape(shape).unwrap();
        assert_eq!(error(ImageTransform::new(), &data), format!("{expected} {:?}", shape.dims()));
    }
    // A part of a data set has the shape of the data set.
    let (part, _) = Split::fraction(0.4).split(&data).unwrap();
    let whole: Result<()> = ImageTransform::new().augment(&part).map(|_| ());
    assert!(whole.is_ok());
}
