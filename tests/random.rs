//! `RandomState` compared with NumPy's draws, bit for bit.

use manabi::random::{FromRng, Random, RandomState};
use ndarray::Array2;
use ndarray_rand::RandomExt;
use ndarray_rand::rand_distr::{StandardNormal, StandardUniform};
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{RngCore, SeedableRng};

#[path = "golden/random.rs"]
mod golden;

#[test]
fn every_draw_is_numpys() {
    for want in golden::STREAMS {
        let new = || RandomState::new(want.seed);
        let row = |values: ndarray::Array2<f64>| values.into_raw_vec_and_offset().0;

        let mut random = new();
        assert_eq!(want.raw.map(|_| random.next_u32()), want.raw);
        let mut random = new();
        assert_eq!(want.random_sample.map(|_| random.random_sample()), want.random_sample);
        let mut random = new();
        assert_eq!(want.standard_normal.map(|_| random.standard_normal()), want.standard_normal);

        assert_eq!(row(new().normal((1, 5), 1.5, 0.25)), want.normal);
        assert_eq!(row(new().uniform((1, 5), -2.0, 3.0)), want.uniform);
        assert_eq!(row(new().normal((3, 2), 0.0, (2.0_f64 / 3.0).sqrt())), want.he_normal_3x2);

        assert_eq!(new().permutation(1), want.permutation_1);
        assert_eq!(new().permutation(10), want.permutation_10);
        let thousand = new().permutation(1000);
        assert_eq!(thousand[..8], want.permutation_1000_head);
        assert_eq!(thousand[992..], want.permutation_1000_tail);
    }
}

#[test]
fn the_spare_normal_waits_while_other_draws_pass() {
    for want in golden::STREAMS {
        let mut random = RandomState::new(want.seed);
        let (before, permutation, after) = want.mixed;
        assert_eq!(before.map(|_| random.standard_normal()), before);
        assert_eq!(random.permutation(7), permutation);
        assert_eq!(after.map(|_| random.standard_normal()), after);

        let mut random = RandomState::new(want.seed);
        let draws = [
            random.random_sample(),
            random.standard_normal(),
            random.random_sample(),
            random.standard_normal(),
            random.uniform((1, 1), -1.0, 1.0)[[0, 0]],
            random.standard_normal(),
        ];
        assert_eq!(draws, want.spare);
    }
}

#[test]
fn a_state_at_the_end_of_a_block_is_one() {
    let mut random = RandomState::new(1);
    (0..624).for_each(|_| _ = random.next_u32());
    let mut other = RandomState::new(2);
    other.set_state(&random.state().unwrap()).unwrap();
    assert_eq!(
        (0..700).map(|_| other.next_u32()).collect::<Vec<_>>(),
        (0..700).map(|_| random.next_u32()).collect::<Vec<_>>()
    );
}

#[test]
fn what_is_no_state_is_refused() {
    let mut random = RandomState::new(1);
    let state = random.state().unwrap();
    let mut expected = random.clone();
    let mut not_finite = state.clone();
    not_finite[625..].copy_from_slice(&[1, 0x7ff0_0000, 0]);
    // The generator never leaves an all-zero state.
    let mut zeros_but_for_what_is_not_used = vec![0; 628];
    (zeros_but_for_what_is_not_used[0], zeros_but_for_what_is_not_used[624]) = (0x7fff_ffff, 624);
    for wrong in [vec![0; 628], zeros_but_for_what_is_not_used, state[1..].to_vec(), not_finite] {
        assert!(random.set_state(&wrong).is_err());
        assert_eq!(random.next_u32(), expected.next_u32());
    }
    random.set_state(&state).unwrap();
    assert_eq!(random.next_u32(), RandomState::new(1).next_u32());
}

#[test]
fn a_permutation_of_none_or_one_draws_nothing() {
    let mut random = RandomState::new(10);
    assert!(random.permutation(0).is_empty());
    assert_eq!(random.permutation(1), [0]);
    assert_eq!(random.next_u32(), RandomState::new(10).next_u32());
}

#[test]
fn any_generators_draws_are_those_of_ndarray_rand() {
    let (shape, mut rng) = ((300, 70), SmallRng::seed_from_u64(10));
    let mut random = FromRng(rng.clone());
    let uniform: Array2<f64> = Array2::random_using(shape, StandardUniform, &mut rng);
    assert_eq!(random.uniform(shape, -2.0, 3.0), uniform.mapv(|u| -2.0 + 5.0 * u));
    let normal: Array2<f64> = Array2::random_using(shape, StandardNormal, &mut rng);
    assert_eq!(random.normal(shape, 1.5, 0.25), normal.mapv(|n| 1.5 + 0.25 * n));
    let mut order: Vec<usize> = (0..1000).collect();
    order.shuffle(&mut rng);
    assert_eq!(random.permutation(1000), order);
}
