//! Convolutions of random geometry against plain loops over the definition, and their bits for any number of threads and rows.

use manabi::data::Subset;
use manabi::layer::{
    Backward, Chain, Conv2d, ConvTranspose2d, Dropout2d, Flatten, Forward, LayerWorkspace, MaxPool2d,
    Padding, Residual,
};
use manabi::ndarray::{Array2, s};
use manabi::random::{Random, RandomState};
use manabi::{
    Activation, Affine, CrossEntropy, Error, Layer, Mish, Mnist, Normalizer, Relu, Scalar, Sequential, Sgd,
    Shape, Softmax, Swish, Trainer,
};
use proptest::prelude::*;

/// A convolution and a batch.
#[derive(Clone, Debug)]
struct Case {
    groups: usize,
    channels: usize,
    filters: usize,
    image: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: Option<[usize; 2]>,
    bias: bool,
    rows: usize,
}

impl Case {
    fn layer(&self) -> Conv2d {
        let padding = self.padding.map_or(Padding::Same, Padding::from);
        let layer =
            Conv2d::new(self.groups * self.filters, self.kernel).stride(self.stride).dilation(self.dilation);
        layer.padding(padding).groups(self.groups).bias(self.bias)
    }

    fn input(&self) -> Shape {
        [self.groups * self.channels, self.image[0], self.image[1]].into()
    }

    /// Calls `visit` with the indices of the output, the input and the weight of every product in a sample, and of every bias.
    fn each_product(&self, mut visit: impl FnMut(usize, Option<usize>, usize)) {
        let output: Shape = Layer::<f64>::output_shape(&self.layer(), self.input()).unwrap();
        let (high, wide) = (output.dims()[1], output.dims()[2]);
        let before = |axis: usize| match self.padding {
            Some(padding) => padding[axis],
            None => (self.kernel[axis] - 1) * self.dilation[axis] / 2,
        };
        let weights = self.groups * self.filters * self.channels * self.kernel[0] * self.kernel[1];
        for filter in 0..self.groups * self.filters {
            for (row, col) in (0..high).flat_map(|row| (0..wide).map(move |col| (row, col))) {
                let y = (filter * high + row) * wide + col;
                if self.bias {
                    visit(y, None, weights + filter);
                }
                for (c, i, j) in (0..self.channels).flat_map(|c| {
                    (0..self.kernel[0]).flat_map(move |i| (0..self.kernel[1]).map(move |j| (c, i, j)))
                }) {
                    let at = |axis: usize, out: usize, k: usize| {
                        let pixel =
                            (out * self.stride[axis] + k * self.dilation[axis]).checked_sub(before(axis));
                        pixel.filter(|&pixel| pixel < self.image[axis])
                    };
                    if let (Some(r), Some(s)) = (at(0, row, i), at(1, col, j)) {
                        let channel = filter / self.filters * self.channels + c;
                        let x = (channel * self.image[0] + r) * self.image[1] + s;
                        let w = ((filter * self.channels + c) * self.kernel[0] + i) * self.kernel[1] + j;
                        visit(y, Some(x), w);
                    }
                }
            }
        }
    }
}

prop_compose! {
    fn cases()(
        groups in prop_oneof![4 => Just(1_usize), 1 => 2..4_usize],
        channels in prop_oneof![1..10_usize, 50..70_usize],
        filters in prop_oneof![1..20_usize, 30..40_usize],
        image in [1..12_usize, 1..20_usize],
        kernel in [1..5_usize, 1..5_usize],
        stride in [1..4_usize, 1..4_usize],
        dilation in [1..4_usize, 1..4_usize],
        padding in prop_oneof![2 => [0..4_usize, 0..4_usize].prop_map(Some), 1 => Just(None)],
        bias in any::<bool>(),
        rows in 1..20_usize,
    ) -> Case {
        let channels = if groups > 1 { channels.min(5) } else { channels };
        let stride = if padding.is_none() { [1, 1] } else { stride };
        Case { groups, channels, filters, image, kernel, stride, dilation, padding, bias, rows }
    }
}

/// The results of both passes.
#[derive(Debug, PartialEq)]
struct Results<A> {
    y: Array2<A>,
    dx: Array2<A>,
    grad: Vec<A>,
}

fn run<A: Scalar>(case: &Case, params: &[A], x: &Array2<A>, dy: &Array2<A>, threads: usize) -> Results<A> {
    let layer = case.layer();
    let mut ws = LayerWorkspace::new(&layer, case.input(), x.nrows()).unwrap().threads(threads).unwrap();
    ws.fill(A::nan()).unwrap();
    let nan = |(rows, cols)| Array2::from_elem((rows, cols), A::nan());
    let (mut y, mut dx, mut grad) = (nan(dy.dim()), nan(x.dim()), vec![A::nan(); params.len()]);
    layer.forward(Forward::new(&mut ws, params, &[], x.view(), y.view_mut()).unwrap());
    let pass = Backward::new(&mut ws, params, &[], [x.view(), y.view(), dy.view()]).unwrap();
    layer.backward(pass.dx(dx.view_mut()).unwrap().grad(&mut grad).unwrap());
    Results { y, dx, grad }
}

fn operands<A: Scalar>(case: &Case, seed: u32) -> (Vec<A>, Array2<A>, Array2<A>) {
    let layer = case.layer();
    let (input, output) = (case.input(), Layer::<A>::output_shape(&layer, case.input()).unwrap());
    let size =
        Layer::<A>::parameters(&layer, input).iter().map(|spec| spec.shape.iter().product::<usize>()).sum();
    let mut random = RandomState::new(seed);
    let mut matrix = |rows, columns| random.uniform((rows, columns), -1.0, 1.0).mapv(A::of);
    let params = matrix(1, size).into_raw_vec_and_offset().0;
    (params, matrix(case.rows, input.size()), matrix(case.rows, output.size()))
}

fn close(name: &str, got: &[f64], expected: &[f64]) -> Result<(), TestCaseError> {
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        prop_assert!(
            (got - expected).abs() < 1e-12 * (1.0 + expected.abs()),
            "{name} {i}: {got} is not {expected}"
        );
    }
    prop_assert_eq!(got.len(), expected.len());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn agrees_with_the_definition(case in cases(), seed in 0..1000_u32) {
        prop_assume!(Layer::<f64>::output_shape(&case.layer(), case.input()).is_ok());
        let (params, x, dy) = operands::<f64>(&case, seed);
        let (mut y, mut dx) = (Array2::zeros(dy.dim()), Array2::<f64>::zeros(x.dim()));
        let mut grad = vec![0.0; params.len()];
        for row in 0..case.rows {
            case.each_product(|out, input, weight| {
                let value = input.map_or(1.0, |input| x[[row, input]]);
                y[[row, out]] += params[weight] * value;
                grad[weight] += dy[[row, out]] * value;
                if let Some(input) = input {
                    dx[[row, input]] += params[weight] * dy[[row, out]];
                }
            });
        }
        let results = run(&case, &params, &x, &dy, 1);
        close("y", results.y.as_slice().unwrap(), y.as_slice().unwrap())?;
        close("dx", results.dx.as_slice().unwrap(), dx.as_slice().unwrap())?;
        close("gradient", &results.grad, &grad)?;
    }

    #[test]
    fn threads_and_other_rows_change_no_bit(case in cases(), seed in 0..1000_u32) {
        prop_assume!(Layer::<f32>::output_shape(&case.layer(), case.input()).is_ok());
        let (params, x, dy) = operands::<f32>(&case, seed);
        let results = run(&case, &params, &x, &dy, 1);
        prop_assert_eq!(&run(&case, &params, &x, &dy, 3), &results);
        let last = |all: &Array2<f32>| all.slice(s![case.rows - 1.., ..]).to_owned();
        let alone = run(&case, &params, &last(&x), &last(&dy), 1);
        prop_assert_eq!((alone.y, alone.dx), (last(&results.y), last(&results.dx)));
    }
}

/// Returns a network whose first layers have so many values that only a few rows pass them at a time.
fn network() -> Sequential<f32> {
    let inner = Chain::new()
        .add_layer("conv", Conv2d::new(16, 3).padding(1))
        .add_layer("mish", Activation::new(Mish));
    let inner = inner.add_layer("back", ConvTranspose2d::new(8, 3).padding(1));
    Sequential::builder([1, 28, 28])
        .add_layer("conv1", Conv2d::new(8, 3).padding(1))
        .add_layer("swish1", Activation::new(Swish::default()))
        .add_layer("residual1", Residual::new(inner))
        .add_layer("dropout1", Dropout2d::new(0.2))
        .add_layer("conv2", Conv2d::new(12, 3).stride(2))
        .add_layer("relu2", Activation::new(Relu))
        .add_layer("pool2", MaxPool2d::new(2))
        .add_layer("flatten", Flatten)
        .add_layer("affine1", Affine::new(10))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()
        .unwrap()
}

#[test]
fn a_network_has_the_same_bits_for_any_threads_and_any_batch() {
    let Mnist { train, test } = Mnist::synthetic(300, 150, 3).unwrap();
    let normalizer = Normalizer::min_max(train.pixels()).unwrap();
    let (train, test) = (train.normalize(&normalizer).unwrap(), test.normalize(&normalizer).unwrap());
    let trained = [1, 2, 3].map(|threads| {
        let mut model = network();
        let mut trainer = Trainer::new().epochs(4).batch_size(130).threads(threads).optimizer(Sgd::new(0.1));
        let history = trainer.fit(&mut model, &train).unwrap();
        assert!(history.epochs[4].train.loss < history.epochs[1].train.loss);
        model
    });
    let x = Subset::new(&test, (0..150).collect()).unwrap().to_samples().unwrap();
    let whole = trained[0].predict(x.x()).unwrap();
    for (threads, model) in (1..).zip(&trained) {
        assert_eq!(model.parameter_values(), trained[0].parameter_values(), "{threads} threads");
        let mut ws = model.workspace(61).unwrap().threads(threads);
        let mut y = Array2::zeros(whole.dim());
        model.predict_into(x.x(), &mut ws, y.view_mut()).unwrap();
        assert_eq!(y, whole, "{threads} threads");
    }
    for row in [0, 77, 149] {
        let one = x.x().slice(s![row..=row, ..]).to_owned();
        assert_eq!(trained[0].predict(one.view()).unwrap().row(0), whole.row(row), "row {row}");
    }
}

#[test]
fn absurd_sizes_are_errors() {
    let layers: [&dyn Layer<f32>; 3] = [&Conv2d::new(2, 1), &ConvTranspose2d::new(2, 1), &MaxPool2d::new(1)];
    for layer in layers {
        for shape in [[0, 3, 3], [2, 0, 3], [2, 3, 0]] {
            let message = LayerWorkspace::new(layer, shape, 1).unwrap_err().to_string();
            assert!(message.contains("at least 1 in each dimension"), "{message}");
        }
    }
    let huge = ConvTranspose2d::new(40, 1 << 30);
    assert!(matches!(LayerWorkspace::<f32>::new(&huge, [40, 3, 3], 1), Err(Error::OutOfMemory { .. })));
}
