//! Splitting a data set in two: the selected rows, and the rejected arguments.

use manabi::data::{Dataset, Images, Split, Subset};
use manabi::{Mnist, Result, Samples, Scalar};
use ndarray::{Array2, ArrayViewMut2, array};
use proptest::prelude::*;

fn labeled(labels: &[usize], classes: usize) -> Samples<f64> {
    let x = Array2::from_shape_fn((labels.len(), 2), |(row, column)| (10 * row + column) as f64);
    Samples::labeled(x, labels, classes).unwrap()
}

fn rows<A: Scalar>(split: Split, data: &dyn Dataset<A>) -> [Vec<usize>; 2] {
    let (train, held_out) = split.split(data).unwrap();
    [train, held_out].map(|part| part.rows().to_vec())
}

#[test]
fn a_seed_means_the_same_rows_for_good() {
    let data = labeled(&[0; 10], 1);
    // numpy.random.RandomState(10).permutation(10)[:3] is [8, 2, 5].
    assert_eq!(rows(Split::count(3).seed(10), &data), [vec![0, 1, 3, 4, 6, 7, 9], vec![2, 5, 8]]);
    assert_eq!(rows(Split::fraction(0.3).seed(10), &data), rows(Split::count(3).seed(10), &data));
    assert_ne!(rows(Split::count(3).seed(11), &data), rows(Split::count(3).seed(10), &data));
}

#[test]
fn stratified_parts_have_every_class_in_its_share() {
    let labels: Vec<usize> = (0..100).map(|row| if row < 90 { 0 } else { 1 }).collect();
    let data = labeled(&labels, 2);
    for seed in 0..20 {
        let [train, held_out] = rows(Split::fraction(0.2).stratified(true).seed(seed), &data);
        assert_eq!((train.len(), train.iter().filter(|&&row| labels[row] == 1).count()), (80, 8));
        assert_eq!((held_out.len(), held_out.iter().filter(|&&row| labels[row] == 1).count()), (20, 2));
    }
    // One column of zeros and ones also counts as two classes.
    let t = Array2::from_shape_fn((100, 1), |(row, _)| labels[row] as f64);
    let column = Samples::new(Array2::zeros((100, 2)), t).unwrap();
    assert_eq!(
        rows(Split::count(20).stratified(true), &column),
        rows(Split::count(20).stratified(true), &data)
    );
}

/// Returns the number of held-out samples of each class.
fn held_out_of_each(split: Split, labels: &[usize], classes: usize) -> Vec<usize> {
    let [_, held_out] = rows(split, &labeled(labels, classes));
    (0..classes).map(|class| held_out.iter().filter(|&&row| labels[row] == class).count()).collect()
}

#[test]
fn of_equal_claims_the_seed_decides() {
    let labels: Vec<usize> = (0..50).map(|row| row % 10).collect();
    let mut times = [0.0; 10];
    for seed in 0..200 {
        let held = held_out_of_each(Split::fraction(0.1).stratified(true).seed(seed), &labels, 10);
        // The share of each class is half a sample, so the counts are as even as whole samples permit.
        assert!(held.iter().all(|&count| count <= 1) && held.iter().sum::<usize>() == 5, "{held:?}");
        times.iter_mut().zip(held).for_each(|(times, held)| *times += held as f64);
    }
    // 5 of 10 classes, drawn 200 times without replacement: chi-squared with 9 degrees of freedom, which exceeds 27.9 with
    // probability 0.001.
    let variance = 200.0 * 0.25 * 10.0 / 9.0;
    let chi_squared: f64 = times.iter().map(|times| (times - 100.0) * (times - 100.0) / variance).sum();
    assert!(chi_squared < 27.9, "{chi_squared}: {times:?}");
}

#[test]
fn of_equal_claims_of_unequal_classes_every_choice_is_as_likely() {
    // A tenth of each class is 0, 1, 2 and 0 samples plus one half, so two of the four classes get one more.
    let sizes = [5, 15, 25, 5];
    let labels: Vec<usize> = (0..4).flat_map(|class| vec![class; sizes[class]]).collect();
    let mut choices = std::collections::BTreeMap::new();
    for seed in 0..600 {
        let held = held_out_of_each(Split::count(5).stratified(true).seed(seed), &labels, 4);
        let more: Vec<usize> = held.iter().zip([0, 1, 2, 0]).map(|(held, least)| held - least).collect();
        assert!(more.iter().all(|&more| more <= 1), "{held:?}");
        *choices.entry(more).or_insert(0.0) += 1.0;
    }
    // Six choices: chi-squared with 5 degrees of freedom, which exceeds 20.5 with probability 0.001.
    assert_eq!(choices.len(), 6);
    let chi_squared: f64 = choices.values().map(|times| (times - 100.0) * (times - 100.0) / 100.0).sum();
    assert!(chi_squared < 20.5, "{chi_squared}: {choices:?}");
}

#[test]
fn a_greater_claim_comes_before_any_seed() {
    // For 4 of 10 samples, the shares of the classes of 6, 3 and 1 samples are 2.4, 1.2 and 0.4, and the first and last class
    // tie for the remaining sample. For 5, the shares are 3, 1.5 and 0.5, and for 3, they are 1.8, 0.9 and 0.3.
    let labels = [0, 0, 0, 0, 0, 0, 1, 1, 1, 2];
    for seed in 0..50 {
        let held = |count| held_out_of_each(Split::count(count).stratified(true).seed(seed), &labels, 3);
        assert_eq!(held(3), [2, 1, 0]);
        assert!([[3, 1, 0], [2, 1, 1]].map(Vec::from).contains(&held(4)));
        assert!([[3, 2, 0], [3, 1, 1]].map(Vec::from).contains(&held(5)));
    }
}

proptest! {
    #[test]
    fn every_row_is_in_one_part_and_no_class_is_off_by_a_sample(
        labels in prop::collection::vec(0_usize..5, 2..200), share in 0.0..1.0_f64, seed: u32, stratified: bool,
    ) {
        let n = labels.len();
        let count = ((share * n as f64) as usize).clamp(1, n - 1);
        let split = Split::count(count).seed(seed);
        let [train, held_out] = rows(if stratified { split.stratified(true) } else { split }, &labeled(&labels, 5));
        prop_assert_eq!(held_out.len(), count);
        prop_assert!(train.is_sorted() && held_out.is_sorted());
        let mut all = [train, held_out.clone()].concat();
        all.sort();
        prop_assert_eq!(all, (0..n).collect::<Vec<_>>());
        for class in 0..5 {
            let size = labels.iter().filter(|&&label| label == class).count();
            let held = held_out.iter().filter(|&&row| labels[row] == class).count();
            let exact = (count * size) as f64 / n as f64;
            prop_assert!(!stratified || (held as f64 - exact).abs() < 1.0, "{} of {}", held, exact);
        }
    }
}

#[test]
fn a_view_gathers_what_the_data_set_has() {
    let labels: Vec<usize> = (0..300).map(|row| row % 3).collect();
    let data = labeled(&labels, 3);
    let some = Subset::new(&data, (0..300).rev().collect()).unwrap();
    let wanted: Vec<usize> = (0..200).map(|i| (7 * i) % 300).collect();
    let gather = |data: &dyn Dataset<f64>, rows: &[usize]| {
        let (mut x, mut t) = (Array2::zeros((rows.len(), 2)), Array2::zeros((rows.len(), 3)));
        data.gather(rows, x.view_mut(), t.view_mut()).unwrap();
        (x, t)
    };
    let theirs: Vec<usize> = wanted.iter().map(|row| 299 - row).collect();
    assert_eq!(gather(&some, &wanted), gather(&data, &theirs));
    assert_eq!(some.to_samples().unwrap().x().row(1), array![2980.0, 2981.0]);
    assert_eq!((some.class(0), some.class(1)), (Some(2), Some(1)));
}

#[test]
fn images_split_and_a_part_splits_again() {
    let images: Images = Mnist::synthetic(500, 10, 1).unwrap().train;
    let (train, test) = Split::fraction(0.2).stratified(true).split::<f32>(&images).unwrap();
    let (train, validation) = Split::count(100).stratified(true).split(&train).unwrap();
    assert_eq!((train.len(), validation.len(), test.len()), (300, 100, 100));
    let count =
        |part: &Subset<'_, f32>, class| (0..part.len()).filter(|&row| part.class(row) == Some(class)).count();
    for class in 0..10 {
        let all = images.labels().iter().filter(|&&label| usize::from(label) == class).count();
        let exact = all as f64 / 5.0;
        assert!((count(&test, class) as f64 - exact).abs() < 1.0);
        assert!((count(&validation, class) as f64 - exact).abs() < 2.0);
    }
}

#[test]
fn a_class_may_be_any_number() {
    /// The class numbers are the ends of the range.
    #[derive(Debug)]
    struct Ends;

    impl Dataset<f64> for Ends {
        fn len(&self) -> usize {
            8
        }
        fn input_dim(&self) -> usize {
            1
        }
        fn target_dim(&self) -> usize {
            1
        }
        fn gather(&self, _: &[usize], _: ArrayViewMut2<'_, f64>, _: ArrayViewMut2<'_, f64>) -> Result<()> {
            Ok(())
        }
        fn class(&self, row: usize) -> Option<usize> {
            Some(if row.is_multiple_of(4) { usize::MAX } else { 0 })
        }
    }

    let [train, validation] = rows(Split::count(4).stratified(true), &Ends);
    for part in [train, validation] {
        assert_eq!((part.len(), part.iter().filter(|&row| row.is_multiple_of(4)).count()), (4, 1));
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let data = labeled(&[0, 1, 0, 1], 2);
    let message = |split: Split, data: &dyn Dataset<f64>| split.split(data).unwrap_err().to_string();
    for fraction in [0.0, 1.0, -0.5, 1.5, f64::NAN, f64::INFINITY] {
        assert_eq!(
            message(Split::fraction(fraction), &data),
            format!("fraction: expected above 0 and below 1, got {fraction}")
        );
    }
    let range = "expected at least 1 and below 4, the number of samples";
    for count in [0, 4, 5, usize::MAX] {
        assert_eq!(message(Split::count(count), &data), format!("count: {range}, got {count}"));
    }
    assert_eq!(message(Split::fraction(0.1), &data), format!("number of held-out samples: {range}, got 0"));
    assert_eq!(message(Split::fraction(0.9), &data), format!("number of held-out samples: {range}, got 4"));

    let t = array![[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.5, 0.5]];
    let soft = Samples::new(Array2::zeros((4, 1)), t).unwrap();
    assert_eq!(
        message(Split::count(1).stratified(true), &soft),
        "row 2: expected a class for the stratified split, got none"
    );
    assert!(Split::count(1).split(&soft).is_ok());
    assert_eq!(
        message(Split::count(1).stratified(true), &Plain),
        "row 0: expected a class for the stratified split, got none"
    );

    let message = |rows| Subset::new(&data, rows).unwrap_err().to_string();
    assert_eq!(message(vec![]), "rows: expected at least 1, got 0");
    assert_eq!(message(vec![0, 4]), "row: expected an index below 4, got 4");
}

/// A data set without classes.
#[derive(Debug)]
struct Plain;

impl Dataset<f64> for Plain {
    fn len(&self) -> usize {
        3
    }
    fn input_dim(&self) -> usize {
        1
    }
    fn target_dim(&self) -> usize {
        1
    }
    fn gather(&self, _: &[usize], _: ArrayViewMut2<'_, f64>, _: ArrayViewMut2<'_, f64>) -> Result<()> {
        Ok(())
    }
}

#[test]
fn a_row_of_zeros_has_no_class() {
    let data =
        Samples::new(Array2::<f64>::zeros((4, 1)), array![[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 1.0]]);
    let data = data.unwrap();
    assert_eq!(
        (0..4).map(|row| Dataset::class(&data, row)).collect::<Vec<_>>(),
        [Some(0), Some(1), None, Some(1)]
    );
    let single = Samples::new(Array2::<f64>::zeros((2, 1)), array![[0.0], [1.0]]).unwrap();
    assert_eq!([0, 1].map(|row| Dataset::class(&single, row)), [Some(0), Some(1)]);
}
