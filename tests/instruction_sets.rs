//! Every activation, matrix product and training returns the same bits with every instruction set of this machine.
//!
//! The set is chosen once per process, so this test runs itself again with `MANABI_SIMD` set.

use std::process::Command;
use std::sync::Arc;

use manabi::activation::{PRelu, Softplus};
use manabi::data::{Dataset, ImageTransform, Images, Place};
use manabi::layer::{
    Backward, BatchNorm, Conv2d, ConvTranspose2d, Dropout, Forward, LayerWorkspace, TensorSpec,
    TrainableActivation, Training, built_in_layers,
};
use manabi::linalg::Engine;
use manabi::loss::built_in_losses;
use manabi::optim::{Clip, Stepper, built_in_optimizers};
use manabi::output::{Output, built_in_outputs};
use manabi::random::{Noise, Random, RandomState};
use manabi::{
    Activation, Affine, Layer, Mish, Mnist, Normalizer, Scalar, Sequential, Sgd, Shape, Swish, Trainer, simd,
};
use ndarray::{Array2, ArrayView2};

/// The FNV-1a digest of the bits.
#[derive(Clone, Copy)]
struct Digest(u64);

impl Digest {
    fn of<A: Scalar>(numbers: &[A]) -> Self {
        numbers.iter().fold(Self(0xcbf2_9ce4_8422_2325), |digest, &x| {
            let bits = if x.is_nan() { 0x7ff8 << 48 } else { x.widen().to_bits() };
            bits.to_le_bytes().iter().fold(digest, |Self(hash), &byte| {
                Self((hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
            })
        })
    }
}

fn print<A: Scalar>(what: &str, numbers: &[A]) {
    println!("digest {what} {} {:016x}", std::any::type_name::<A>(), Digest::of(numbers).0);
}

/// Returns an odd number of values of every magnitude and sign, including infinities and NaN.
fn inputs<A: Scalar>() -> Array2<A> {
    let mut random = RandomState::new(5);
    // Computed without `exp2`, whose bits differ between systems.
    let exponents =
        random.uniform((1, 8190), -140.0, 120.0).mapv(|x| (1.0 + x.fract().abs()) * 2_f64.powi(x as i32));
    let dense = random.uniform((1, 8193), -20.0, 20.0);
    let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, f64::MAX, f64::MIN_POSITIVE];
    let all: Vec<A> = exponents
        .iter()
        .enumerate()
        .map(|(i, &x)| if i % 2 == 0 { x } else { -x })
        .chain(dense)
        .chain(special)
        .map(A::of)
        .collect();
    Array2::from_shape_vec((1, all.len()), all).expect("the shape has the length of the values")
}

fn layer<A: Scalar>(what: &str, layer: &dyn Layer<A>, shape: Shape, x: ArrayView2<'_, A>) {
    let outputs = layer.output_shape(shape).expect("the layer accepts the samples").size();
    let (dy, mut dx) = (Array2::from_elem((x.nrows(), outputs), A::of(0.7)), x.to_owned());
    let mut y = dy.clone();
    let values = |specs: Vec<TensorSpec>| {
        let count = specs.iter().map(|spec| spec.shape.iter().product::<usize>()).sum();
        (0..count).map(|i| A::of(0.8 + 0.01 * (i % 7) as f64)).collect::<Vec<A>>()
    };
    let (params, buffers) = (values(layer.parameters(shape)), values(layer.buffers(shape)));
    let (mut grad, mut next) = (params.clone(), buffers.clone());
    let mut ws = LayerWorkspace::new(layer, shape, x.nrows()).expect("the layer accepts the samples");
    let forward = Forward::new(&mut ws, &params, &buffers, x, y.view_mut());
    layer.forward(forward.expect("the shapes fit"));
    print(&format!("{what}-prediction"), y.as_slice().expect("standard layout"));
    let forward = Forward::new(&mut ws, &params, &buffers, x, y.view_mut());
    let training = Training::new(Noise::new(1, 2), &mut next);
    layer.forward(forward.and_then(|pass| pass.training(training)).expect("the shapes fit"));
    print(&format!("{what}-buffers"), &next);
    let backward = Backward::new(&mut ws, &params, &buffers, [x, y.view(), dy.view()]);
    let backward = backward.and_then(|pass| pass.noise(Noise::new(1, 2)).dx(dx.view_mut())?.grad(&mut grad));
    layer.backward(backward.expect("the shapes fit"));
    print(&format!("{what}-forward"), y.as_slice().expect("standard layout"));
    print(&format!("{what}-backward"), dx.as_slice().expect("standard layout"));
    print(&format!("{what}-gradient"), &grad);
}

fn layers<A: Scalar>() {
    let (all, normal) = (inputs::<A>(), RandomState::new(7).normal((41, 77), 0.5, 2.0).mapv(A::of));
    for (special, plain) in built_in_layers(all.len()).into_iter().zip(built_in_layers(normal.ncols())) {
        let inputs = [special.input, plain.input];
        for (special, plain) in special.examples.iter().zip(&plain.examples) {
            // A layer without parameters processes each value separately.
            if special.parameters(inputs[0]).is_empty() {
                layer(special.kind(), special, inputs[0], all.view());
            }
            layer(plain.kind(), plain, inputs[1], normal.view());
        }
    }
    let row = all.ncols().into();
    let finite = all.mapv(|u| if u.is_finite() && u.abs() < A::of(1e9) { u } else { A::one() });
    layer("prelu", &TrainableActivation::new(PRelu::default()), row, finite.view());
    layer("trainable_swish", &TrainableActivation::new(Swish::default()), row, finite.view());
    layer("swish_per_unit", &TrainableActivation::new(Swish::default()).per_unit(true), row, finite.view());
    layer("softplus", &Activation::new(Softplus::new(2.0)), row, all.view());
    layer("swish", &Activation::new(Swish::new(1.5)), row, all.view());
}

fn products<A: Scalar>() {
    for (m, k, n) in [(1, 784, 100), (2, 3, 5), (7, 50, 10), (100, 784, 100), (33, 900, 71)] {
        let mut random = RandomState::new(6);
        let mut draw = |rows, columns| random.normal((rows, columns), 0.0, 1.0).mapv(A::of);
        let (a, b, row) = (draw(m, k), draw(k, n), draw(1, n));
        let (at, bt) = (a.t().as_standard_layout().to_owned(), b.t().as_standard_layout().to_owned());
        let mut c = Array2::zeros((m, n));
        for (a, b) in [(a.view(), b.view()), (at.t(), b.view()), (a.view(), bt.t())] {
            Engine::new(1).matmul(a, b, row.as_slice(), c.view_mut());
            print(&format!("{m}x{k}x{n}"), c.as_slice().expect("standard layout"));
        }
    }
}

/// Convolutions of few and of many channels and filters, and of several blocks.
fn convolutions<A: Scalar>() {
    let convolutions: [(&str, &dyn Layer<A>, [usize; 3]); 7] = [
        ("first", &Conv2d::new(7, 5).padding(2), [1, 13, 12]),
        ("wide", &Conv2d::new(37, 3).padding(1), [3, 9, 11]),
        ("many", &Conv2d::new(19, 3).stride(2), [61, 8, 9]),
        ("grouped", &Conv2d::new(27, 3).padding(1).groups(3), [15, 7, 6]),
        ("depthwise", &Conv2d::new(5, 3).padding(1).dilation(2).groups(5), [5, 14, 9]),
        ("transposed", &ConvTranspose2d::new(13, 4).stride(3), [58, 5, 4]),
        ("transposed depthwise", &ConvTranspose2d::new(6, 2).stride(2).groups(6), [6, 5, 7]),
    ];
    for (what, convolution, shape) in convolutions {
        let x = RandomState::new(8).normal((11, shape.iter().product()), 0.0, 1.0).mapv(A::of);
        layer(&what.replace(' ', "-"), convolution, shape.into(), x.view());
    }
}

/// Changes digits at random.
fn images<A: Scalar>() {
    let Mnist { train, .. } = Mnist::synthetic(50, 1, 0).expect("the counts are valid");
    let transform = ImageTransform::new().horizontal_flip(0.5).scale(0.8..=1.2).rotation(30.0).shift(2);
    let augmented = transform.erasing(0.5).fill(0.3).augment::<A>(&train).expect("the settings are valid");
    let (mut x, mut t) = (Array2::zeros((50, 784)), Array2::zeros((50, 10)));
    let rows: Vec<usize> = (0..50).collect();
    augmented.gather_at(Place::training(1, 1), &rows, x.view_mut(), t.view_mut()).expect("the shapes fit");
    print("images", x.as_slice().expect("standard layout"));
}

/// Trains on digits with every loss that accepts the output.
fn trainings<A: Scalar>(train: &Images, output: &Arc<dyn Output<A>>) {
    let losses = built_in_losses::<A>(10).into_iter().flat_map(|(examples, _)| examples);
    for loss in losses.filter(|loss| loss.accepts(output.function())) {
        let mut model = Sequential::<A>::builder(784)
            .add_layer("affine1", Affine::new(30))
            .add_layer("norm1", BatchNorm::new())
            .add_layer("mish1", Activation::new(Mish))
            .add_layer("dropout1", Dropout::new(0.1))
            .add_layer("affine2", Affine::new(20))
            .add_layer("swish2", TrainableActivation::new(Swish::default()).per_unit(true))
            .add_layer("affine3", Affine::new(10))
            .set_output(output.clone())
            .set_error(loss.clone())
            .build()
            .expect("the layers fit");
        let mut trainer = Trainer::new().epochs(2).batch_size(50).optimizer(Sgd::new(0.1));
        let history = trainer.fit(&mut model, train).expect("the training succeeds");
        let what = format!("training-{}-{}", output.kind(), loss.kind());
        print(&what, model.parameter_values());
        // A cross entropy uses the system's logarithm.
        if !loss.kind().contains("cross_entropy") {
            let losses = history.epochs.iter().map(|epoch| A::of(epoch.train.loss)).collect::<Vec<_>>();
            print(&format!("{what}-losses"), &losses);
        }
    }
}

fn training<A: Scalar>() {
    let Mnist { train, .. } = Mnist::synthetic(230, 1, 0).expect("the counts are valid");
    let normalizer = Normalizer::min_max(train.pixels()).expect("the images have pixels");
    let train = train.normalize(&normalizer).expect("the normaliser fits");
    // One output with an activation function represents all of them.
    let is_asked = |kind: &str| ["softmax", "sigmoid", "identity", "softplus"].contains(&kind);
    for (output, _) in built_in_outputs().into_iter().filter(|(output, _)| is_asked(output.kind())) {
        trainings::<A>(&train, &output);
    }
}

/// Steps with every optimizer and both kinds of clipping.
fn optimizers<A: Scalar>() {
    let mut random = RandomState::new(11);
    for rule in built_in_optimizers::<A>() {
        let mut params: Vec<A> = random.normal((1, 1003), 0.0, 1.0).iter().map(|&p| A::of(p)).collect();
        let mut stepper = Stepper::new(rule);
        for clip in [Clip::Norm(10.0), Clip::Value(0.5)] {
            stepper = stepper.clip(clip);
            for _ in 0..5 {
                let mut gradient: Vec<A> =
                    random.normal((1, 1003), 0.0, 1.0).iter().map(|&g| A::of(g)).collect();
                stepper.step_slices(&mut params, &mut gradient).expect("the slices fit");
            }
        }
        print(stepper.rule().kind(), &params);
    }
}

#[test]
#[ignore = "run by the other test, once per instruction set"]
fn digests() {
    println!("digest set {}", simd::instruction_set());
    layers::<f32>();
    layers::<f64>();
    products::<f32>();
    products::<f64>();
    convolutions::<f32>();
    convolutions::<f64>();
    optimizers::<f32>();
    optimizers::<f64>();
    images::<f32>();
    images::<f64>();
    training::<f32>();
    training::<f64>();
}

/// Returns the digests printed with this instruction set, and the name of the set in use.
fn with_set(name: &str) -> (String, Vec<String>) {
    let program = std::env::current_exe().expect("the path of this test");
    let mut command = Command::new(program);
    command
        .args(["--exact", "digests", "--ignored", "--nocapture", "--test-threads=1"])
        .env("MANABI_SIMD", name);
    let output = command.output().expect("this test runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("the output is UTF-8");
    // The test harness may print the test's name before the first line.
    let lines = text.lines().filter_map(|line| line.find("digest ").map(|at| &line[at + 7..]));
    let mut lines = lines.map(str::to_owned);
    let set = lines.next().expect("a line with the set").trim_start_matches("set ").to_owned();
    (set, lines.collect())
}

#[test]
fn every_set_gives_the_same_bits() {
    let (best, expected) = with_set("");
    assert!(expected.len() > 150, "{} digests", expected.len());
    for name in ["baseline", "avx2"] {
        let (set, digests) = with_set(name);
        // The baseline of x86-64 is always available.
        assert!(set == name || name != "baseline" || !cfg!(target_arch = "x86_64"), "{set}");
        if set != name {
            println!("skipped: this machine does not support {name}");
            continue;
        }
        for (digest, expected) in digests.iter().zip(&expected) {
            assert_eq!(digest, expected, "{name} and {best} differ");
        }
        assert_eq!(digests.len(), expected.len());
        println!("{name} and {best}: {} digests agree", digests.len());
    }
}
