//! Edge cases of normalisers: features that hardly vary, and values whose squares overflow or underflow.

use manabi::Normalizer;
use manabi::data::{Dataset, Images};
use ndarray::{Array2, Array3, ArrayView2, array};

/// The four ways to fit a normaliser.
fn all<T: Copy + Into<f64> + 'static>(x: ArrayView2<'_, T>) -> [Normalizer; 4] {
    [
        Normalizer::min_max,
        Normalizer::min_max_per_feature,
        Normalizer::z_score,
        Normalizer::z_score_per_feature,
    ]
    .map(|fit| fit(x).unwrap())
}

fn column<T: Clone>(values: &[T]) -> Array2<T> {
    Array2::from_shape_vec((values.len(), 1), values.to_vec()).unwrap()
}

fn apply(normalizer: &Normalizer, x: f64) -> f64 {
    let mut x = array![[x]];
    normalizer.apply(x.view_mut()).unwrap();
    x[[0, 0]]
}

#[test]
fn values_that_differ_by_rounding_alone_have_no_spread() {
    for normalizer in all(array![[0.3], [0.1 + 0.2]].view()) {
        assert_eq!(normalizer.statistics()[0].1, 1.0, "{normalizer:?}");
        assert!((apply(&normalizer, 0.31) - 0.01).abs() < 1e-15);
    }
    for rows in [2, 100, 10_000, 100_000] {
        for mean in [1e-10, -0.3, 1.0, 1e10, -7e160, 3e-200] {
            let spread = |ulps: f64, row: usize| 1.0 + (row % 2) as f64 * ulps;
            let x = Array2::from_shape_fn((rows, 1), |(row, _)| mean * spread(4.0 * f64::EPSILON, row));
            assert!(
                all(x.view()).iter().all(|fit| fit.statistics()[0].1 == 1.0),
                "{rows} rows around {mean}"
            );
            // A million times this variation counts as a spread.
            let x = Array2::from_shape_fn((rows, 1), |(row, _)| mean * spread(4e6 * f64::EPSILON, row));
            for (fit, half) in all(x.view()).iter().zip([1.0, 1.0, 2.0, 2.0]) {
                let exact = 4e6 * f64::EPSILON * mean.abs() / half;
                assert!(
                    (fit.statistics()[0].1 / exact - 1.0).abs() < 1e-6,
                    "{rows} rows around {mean}: {fit:?}"
                );
            }
        }
    }
}

#[test]
fn the_rounding_is_that_of_the_data() {
    // 0.3 and the next `f32`. As `f64`, these values differ by far more than a rounding error.
    let single = [0.3_f32, 0.3_f32.next_up(), 0.3, 0.3_f32.next_down()];
    assert!(all(column(&single).view()).iter().all(|fit| fit.statistics()[0].1 == 1.0));
    let double = single.map(f64::from);
    assert!(all(column(&double).view()).iter().all(|fit| fit.statistics()[0].1 < 1e-7));
    // A spread of thousands of units in the last place, such as between two years, exceeds rounding for any number of samples.
    let years = Array2::from_shape_fn((200_000, 1), |(row, _)| 2010.0 + (row % 2) as f32);
    let spreads = all(years.view()).map(|fit| fit.statistics()[0].1);
    assert_eq!(spreads, [1.0, 1.0, 0.5, 0.5]);
    // Integers are exact.
    let integers = column(&[2_000_000_000, 2_000_000_001, 2_000_000_002_i32]);
    let [min_max, _, z_score, _] = all(integers.view()).map(|fit| fit.statistics()[0].1);
    assert_eq!((min_max, z_score), (2.0, (2.0_f64 / 3.0).sqrt()));
}

#[test]
fn a_column_without_a_spread_leaves_the_others_theirs() {
    let x = array![[0.3, 1e-200, 5.0], [0.1 + 0.2, 3e-200, 5.0]];
    let fit = Normalizer::min_max_per_feature(x.view()).unwrap();
    assert_eq!(fit.statistics(), [(0.3, 1.0), (1e-200, 2e-200), (5.0, 1.0)]);
    let fit = Normalizer::z_score_per_feature(x.view()).unwrap();
    let [(_, nearly), (mean, small), none] = fit.statistics() else { panic!("{fit:?}") };
    assert_eq!((*nearly, *none), (1.0, (5.0, 1.0)));
    assert!((mean / 2e-200 - 1.0).abs() < 1e-15 && (small / 1e-200 - 1.0).abs() < 1e-15, "{fit:?}");
}

#[test]
fn a_spread_is_found_wherever_its_square_would_be() {
    for unit in [0.0_f64.next_up() * 1e10, 1e-300, 1e-200, 1e-100, 1.0, 1e100, 7e160, 2e307] {
        let x = column(&[-unit, 3.0 * unit, unit, 5.0 * unit]);
        let (mean, std) = Normalizer::z_score(x.view()).unwrap().statistics()[0];
        // Deviations −3, 1, −1 and 3: their mean square is 5.
        assert!(
            (mean / unit - 2.0).abs() < 1e-9 && (std / unit - 5.0_f64.sqrt()).abs() < 1e-9,
            "{unit}: {mean} {std}"
        );
        let (min, spread) = Normalizer::min_max(x.view()).unwrap().statistics()[0];
        assert!(
            (min / unit + 1.0).abs() < 1e-9 && (spread / unit - 6.0).abs() < 1e-9,
            "{unit}: {min} {spread}"
        );
    }
    // Scaling by a power of two does not change the digits.
    let values = [0.1, 0.7, -0.35, 1.3, 0.2];
    let of = |unit: f64| {
        Normalizer::z_score(column(&values.map(|value| unit * value)).view()).unwrap().statistics()[0]
    };
    let (mean, std) = of(1.0);
    for unit in [2.0_f64.powi(600), 2.0_f64.powi(-600), 2.0_f64.powi(1020), 2.0_f64.powi(-900)] {
        assert_eq!(of(unit), (unit * mean, unit * std));
    }
    // The spread overflows.
    let x = column(&[-1.7e308, 1.7e308]);
    let error = Normalizer::min_max(x.view()).unwrap_err().to_string();
    assert_eq!(error, "spread of the training set: expected a finite number, got inf");
    assert_eq!(Normalizer::z_score(x.view()).unwrap().statistics()[0], (0.0, 1.7e308));
}

/// Pixels become (pixel − shift)/scale, rounded after each operation, however they are computed.
#[test]
fn pixels_are_normalised_as_the_formula_says() {
    for spread in 1..60_u8 {
        let pixels = Array3::from_shape_fn((2, 16, 8), |(k, i, j)| {
            ((k * 128 + i * 8 + j) as u8).wrapping_mul(spread).wrapping_add(spread)
        });
        let images = Images::new(pixels.clone(), vec![0, 1], 2).unwrap();
        for normalizer in
            [Normalizer::z_score(images.pixels()), Normalizer::min_max_per_feature(images.pixels())]
        {
            let normalizer = normalizer.unwrap();
            let images = images.clone().normalize(&normalizer).unwrap();
            assert_eq!((images.len(), images.classes()), (2, 2));
            let (mut x, mut t) = (Array2::<f32>::zeros((2, 128)), Array2::zeros((2, 2)));
            images.gather(&[0, 1], x.view_mut(), t.view_mut()).unwrap();
            let statistics = normalizer.statistics();
            for ((row, column), &x) in x.indexed_iter() {
                let (shift, scale) = statistics[column % statistics.len()];
                let pixel = f32::from(pixels[[row, column / 8, column % 8]]);
                assert_eq!(x.to_bits(), ((pixel - shift as f32) / scale as f32).to_bits(), "{shift} {scale}");
            }
        }
    }
}
