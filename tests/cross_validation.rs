//! Divisions for cross-validation, and folds that train side by side.

use std::collections::BTreeSet;

use manabi::activation::Identity;
use manabi::data::{Dataset, KFold, Subset, TimeSeriesSplit};
use manabi::layer::Dropout;
use manabi::loss::MeanSquaredError;
use manabi::random::{Random, RandomState};
use manabi::train::cross_validate;
use manabi::{Affine, Error, Samples, Sequential, Trainer};
use ndarray::Array2;
use proptest::prelude::*;

fn labeled(labels: &[usize]) -> Samples<f64> {
    Samples::labeled(Array2::zeros((labels.len(), 1)), labels, 4).unwrap()
}

type Folds<'a> = [(Subset<'a, f64>, Subset<'a, f64>)];

/// Checks that every sample is held out exactly once, and that the two parts of a fold complement each other.
fn check_partition(folds: &Folds<'_>, samples: usize) {
    let mut held_out: Vec<usize> =
        folds.iter().flat_map(|(_, validation)| validation.rows().to_vec()).collect();
    held_out.sort_unstable();
    assert_eq!(held_out, (0..samples).collect::<Vec<_>>());
    for (train, validation) in folds {
        let all: BTreeSet<_> = train.rows().iter().chain(validation.rows()).collect();
        assert_eq!((all.len(), train.len() + validation.len()), (samples, samples));
    }
}

proptest! {
    #[test]
    fn folds_partition_the_samples(samples in 2_usize..60, folds in 2_usize..10, seed in any::<u32>()) {
        prop_assume!(folds <= samples);
        let data = labeled(&vec![0; samples]);
        let all = KFold::new(folds).seed(seed).split(&data).unwrap();
        check_partition(&all, samples);
        prop_assert!(all.iter().all(|(_, part)| part.len().abs_diff(samples / folds) <= 1));
        prop_assert_eq!(all.len(), folds);
    }

    #[test]
    fn stratified_folds_have_the_same_proportions(
        labels in proptest::collection::vec(0_usize..4, 6..60),
        folds in 2_usize..6,
        seed in any::<u32>(),
    ) {
        let data = labeled(&labels);
        let all = KFold::new(folds).stratified(true).seed(seed).split(&data).unwrap();
        check_partition(&all, labels.len());
        for class in 0..4 {
            let total = labels.iter().filter(|&&label| label == class).count();
            for (_, part) in &all {
                let own = part.rows().iter().filter(|&&row| labels[row] == class).count();
                prop_assert!(own == total / folds || own == total.div_ceil(folds));
            }
        }
        prop_assert!(all.iter().all(|(_, part)| part.len().abs_diff(labels.len() / folds) <= 1));
    }

    #[test]
    fn groups_stay_together(groups in proptest::collection::vec(0_usize..9, 12..60), seed in any::<u32>()) {
        let distinct: BTreeSet<_> = groups.iter().collect();
        prop_assume!(distinct.len() >= 3);
        let data = labeled(&vec![0; groups.len()]);
        let all = KFold::new(3).groups(groups.clone()).seed(seed).split(&data).unwrap();
        check_partition(&all, groups.len());
        for (train, validation) in &all {
            let of = |part: &Subset<'_, f64>| part.rows().iter().map(|&row| groups[row]).collect::<BTreeSet<_>>();
            prop_assert!(of(train).is_disjoint(&of(validation)));
            prop_assert!(!validation.rows().is_empty());
        }
    }
}

#[test]
fn seeds_and_repetitions_give_other_folds() {
    let data = labeled(&[0; 20]);
    let rows = |folds: &Folds<'_>| folds.iter().map(|(_, part)| part.rows().to_vec()).collect::<Vec<_>>();
    let twice = KFold::new(4).repeats(2).split(&data).unwrap();
    assert_eq!(twice.len(), 8);
    check_partition(&twice[..4], 20);
    check_partition(&twice[4..], 20);
    assert_ne!(rows(&twice[..4]), rows(&twice[4..]));
    assert_eq!(rows(&KFold::new(4).split(&data).unwrap()), rows(&twice[..4]));
    assert_ne!(rows(&KFold::new(4).seed(1).split(&data).unwrap()), rows(&twice[..4]));
}

/// Returns the rows of both parts of every fold.
fn ranges(split: TimeSeriesSplit, samples: usize) -> Vec<[Vec<usize>; 2]> {
    let data = labeled(&vec![0; samples]);
    let folds = split.split(&data).unwrap();
    folds.iter().map(|(train, part)| [train.rows().to_vec(), part.rows().to_vec()]).collect()
}

/// From scikit-learn 1.7: `list(TimeSeriesSplit(n_splits=3).split(range(11)))`, and the same with `gap=1, max_train_size=3`.
#[test]
fn chronological_folds_are_those_of_scikit_learn() {
    let expected = |list: [(std::ops::Range<usize>, std::ops::Range<usize>); 3]| {
        list.map(|(train, part)| [train.collect::<Vec<_>>(), part.collect()]).to_vec()
    };
    assert_eq!(ranges(TimeSeriesSplit::new(3), 11), expected([(0..5, 5..7), (0..7, 7..9), (0..9, 9..11)]));
    let split = TimeSeriesSplit::new(3).gap(1).most(3);
    assert_eq!(ranges(split, 11), expected([(1..4, 5..7), (3..6, 7..9), (5..8, 9..11)]));
}

#[test]
fn impossible_divisions_are_errors() {
    let data = labeled(&[0, 1, 2, 3]);
    let message = |fold: KFold| fold.split(&data).unwrap_err().to_string();
    assert_eq!(message(KFold::new(1)), "folds: expected 2 to 4, the number of samples, got 1");
    assert_eq!(message(KFold::new(5)), "folds: expected 2 to 4, the number of samples, got 5");
    assert_eq!(message(KFold::new(2).repeats(0)), "repeats: expected at least 1, got 0");
    assert_eq!(message(KFold::new(2).groups([0, 1])), "groups: expected shape [4], one per sample, got [2]");
    assert_eq!(
        message(KFold::new(3).groups([7, 7, 9, 9])),
        "folds: expected 2 to 2, the number of groups, got 3"
    );
    let both = KFold::new(2).groups([0, 1, 0, 1]).stratified(true);
    assert_eq!(message(both), "groups: expected none in a stratified division, got some");
    let message = |split: TimeSeriesSplit| split.split(&data).unwrap_err().to_string();
    assert_eq!(message(TimeSeriesSplit::new(0)), "folds: expected 1 to 3, got 0");
    assert_eq!(message(TimeSeriesSplit::new(4)), "folds: expected 1 to 3, got 4");
    let gap = "gap: expected below 2, the samples before the first fold, got 2";
    assert_eq!(message(TimeSeriesSplit::new(1).gap(2)), gap);
    assert_eq!(message(TimeSeriesSplit::new(1).most(0)), "most: expected at least 1, got 0");
}

fn regression() -> Samples<f64> {
    let x = RandomState::new(1).normal((50, 3), 0.0, 1.0);
    let t = Array2::from_shape_fn((50, 1), |(row, _)| x[[row, 0]] - 2.0 * x[[row, 1]] + 0.5);
    Samples::new(x, t).unwrap()
}

/// Trains a model with dropout on one fold. Returns everything that it learned, and its score.
fn fit(
    fold: usize,
    (train, validation): &(Subset<'_, f64>, Subset<'_, f64>),
) -> manabi::Result<(Vec<f64>, f64)> {
    let builder = Sequential::builder(3).add_layer("d", Dropout::new(0.1)).add_layer("a", Affine::new(1));
    let mut model = builder.set_output(Identity).set_error(MeanSquaredError).seed(fold as u32).build()?;
    Trainer::new().batch_size(7).epochs(5).threads(1).fit(&mut model, train)?;
    Ok((model.parameter_values().to_vec(), model.evaluate(validation)?.loss))
}

#[test]
fn folds_side_by_side_have_the_bits_of_folds_one_after_another() {
    let data = regression();
    let folds = KFold::new(7).split(&data).unwrap();
    let one_by_one: Vec<_> = folds.iter().enumerate().map(|(i, fold)| fit(i, fold).unwrap()).collect();
    assert_eq!(cross_validate(&folds, fit).unwrap(), one_by_one);
}

#[test]
fn the_error_of_the_first_fold_that_fails_is_returned() {
    let data = regression();
    let folds = KFold::new(5).split(&data).unwrap();
    let error = cross_validate(&folds, |fold, _| match fold {
        0 | 1 => Ok(()),
        fold => Err(Error::setting("fold", "an even number", fold)),
    });
    assert_eq!(error.unwrap_err().to_string(), "fold 2: fold: expected an even number, got 2");
}
