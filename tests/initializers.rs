//! Initial weights have the right spread and range, and are the same for the same seed.

use manabi::activation::Identity;
use manabi::init::{Distribution, Fan, Initializer};
use manabi::loss::MeanSquaredError;
use manabi::random::{FromRng, Random, RandomState};
use manabi::{Affine, Sequential};
use ndarray::Array2;
use rand::SeedableRng;
use rand::rngs::SmallRng;

const FANS: (usize, usize) = (300, 100);

fn variance(w: &Array2<f64>) -> f64 {
    w.mapv(|w| w * w).mean().unwrap()
}

/// Large weight matrices are drawn in groups of rows, with the same values as in one draw.
#[test]
fn a_large_layer_has_the_numbers_of_one_draw() {
    let build = |random: &mut RandomState| {
        let builder = Sequential::<f32>::builder(2_100).add_layer("affine1", Affine::new(1_001));
        builder.set_output(Identity).set_error(MeanSquaredError).build_with_random(random).unwrap()
    };
    let (mut random, mut whole) = (RandomState::new(3), RandomState::new(3));
    let model = build(&mut random);
    let w = Initializer::HE_NORMAL.draw((2_100, 1_001), (2_100, 1_001), &mut whole);
    assert_eq!(model.parameter("affine1.weight").unwrap(), w.mapv(|w| w as f32).into_dyn());
    assert_eq!(random.state(), whole.state());
}

fn check(random: &mut dyn Random) {
    let draws = [
        (Initializer::HE_NORMAL, 2.0 / 300.0, false),
        (Initializer::HE_UNIFORM, 2.0 / 300.0, true),
        (Initializer::GLOROT_NORMAL, 2.0 / 400.0, false),
        (Initializer::GLOROT_UNIFORM, 2.0 / 400.0, true),
        (Initializer::LECUN_NORMAL, 1.0 / 300.0, false),
        (Initializer::LECUN_UNIFORM, 1.0 / 300.0, true),
    ];
    for (initializer, expected, is_bounded) in draws {
        let w = initializer.draw(FANS, FANS, random);
        // 30,000 draws determine the variance to about 1 %.
        approx::assert_relative_eq!(variance(&w), expected, max_relative = 0.05);
        assert!(w.mean().unwrap().abs() < 5.0 * (expected / 30_000.0).sqrt());
        let limit = (3.0 * expected).sqrt();
        assert_eq!(w.iter().all(|w| w.abs() <= limit), is_bounded, "{initializer:?}");
    }
}

#[test]
fn variances_are_as_the_formulas_say_whatever_the_generator() {
    check(&mut RandomState::new(3));
    check(&mut FromRng(SmallRng::seed_from_u64(3)));
}

#[test]
fn constants_draw_nothing() {
    let mut random = RandomState::new(3);
    assert_eq!(Initializer::ZEROS.draw((2, 3), FANS, &mut random), Array2::<f64>::zeros((2, 3)));
    assert_eq!(Initializer::Constant(0.5).draw((1, 2), FANS, &mut random), Array2::from_elem((1, 2), 0.5));
    assert_eq!(random.random_sample(), RandomState::new(3).random_sample());
}

#[test]
fn weights_by_their_outputs_and_a_bias_by_the_inputs_of_its_weights() {
    let out = Initializer::VarianceScaling { scale: 2.0, fan: Fan::Out, distribution: Distribution::Normal };
    let w = out.draw(FANS, FANS, &mut RandomState::new(1));
    approx::assert_relative_eq!(variance(&w), 2.0 / 100.0, max_relative = 0.05);
    let affine = Affine::new(5000).bias_initializer(Initializer::HE_NORMAL);
    let builder = Sequential::<f64>::builder(20).add_layer("affine1", affine);
    let model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    let bias = model.parameter("affine1.bias").unwrap().mapv(|b| b * b).mean().unwrap();
    approx::assert_relative_eq!(bias, 2.0 / 20.0, max_relative = 0.1);
}

#[test]
fn permutations_hold_every_number_once() {
    for random in [&mut RandomState::new(3) as &mut dyn Random, &mut FromRng(SmallRng::seed_from_u64(3))] {
        let (first, second) = (random.permutation(1000), random.permutation(1000));
        assert_ne!(first, second);
        for mut order in [first, second] {
            order.sort_unstable();
            assert!(order.into_iter().eq(0..1000));
        }
        assert!(random.permutation(0).is_empty());
    }
}

#[test]
fn a_model_takes_any_generator() {
    let build = |seed| {
        let builder = Sequential::<f64>::builder(5)
            .add_layer("affine1", Affine::new(4).bias_initializer(Initializer::Constant(0.25)))
            .set_output(Identity)
            .set_error(MeanSquaredError);
        builder.build_with_random(&mut FromRng(SmallRng::seed_from_u64(seed))).unwrap()
    };
    assert_eq!(build(1).parameter_values(), build(1).parameter_values());
    assert_ne!(build(1).parameter_values(), build(2).parameter_values());
    assert_eq!(build(1).parameter_values()[20..], [0.25; 4]);
}
