//! Layers for images compared with PyTorch, and their gradients and conformance for images of several channels.

use manabi::layer::{
    AvgPool1d, AvgPool2d, Backward, Conv1d, Conv2d, ConvTranspose2d, Dropout2d, Forward, GlobalAvgPool2d,
    LayerWorkspace, MaxPool1d, MaxPool2d,
};
use manabi::layer::{Padding, Training};
use manabi::random::{Noise, Random, RandomState};
use manabi::{Layer, Scalar, Shape, conformance, gradcheck};
use ndarray::{Array2, ArrayView2};

#[path = "golden/convolutions.rs"]
#[expect(clippy::approx_constant, reason = "the values only look like constants")]
mod golden;
mod layer_runs;

use layer_runs::close;

/// Returns the results of a layer, as [`layer_runs::run`] does.
fn run<A: Scalar>(
    layer: &dyn Layer<A>,
    input: Shape,
    params: &[A],
    x: ArrayView2<'_, A>,
    dy: &[A],
    threads: usize,
) -> [Vec<A>; 3] {
    let dy = ArrayView2::from_shape((x.nrows(), dy.len() / x.nrows()), dy).unwrap();
    layer_runs::run(layer, input, params, [x, dy], threads)
}

/// Returns the shape of a sample of golden values.
fn shape(dims: &[usize]) -> Shape {
    match *dims {
        [channels, length] => [channels, length].into(),
        [channels, height, width] => [channels, height, width].into(),
        _ => panic!("expected a signal or an image, got {dims:?}"),
    }
}

/// Compares a layer with PyTorch.
fn is_pytorchs(layer: &dyn Layer<f64>, golden: &golden::Run) {
    let (name, input) = (golden.layer, shape(golden.input));
    assert_eq!(layer.output_shape(input).unwrap().dims(), golden.output, "{name}");
    let x = ArrayView2::from_shape((golden.x.len() / input.size(), input.size()), golden.x).unwrap();
    for threads in [1, 2] {
        let [y, dx, gradient] = run(layer, input, golden.params, x, golden.dy, threads);
        close(&format!("{name}: y"), &y, golden.y);
        close(&format!("{name}: dx"), &dx, golden.dx);
        close(&format!("{name}: gradient"), &gradient, golden.gradient);
    }
}

/// Checks the gradients and the conformance of a layer.
fn conforms<L: Layer<f32> + Layer<f64>>(layer: &L, input: impl Into<Shape>) {
    let input = input.into();
    let x = RandomState::new(4).normal((3, input.size()), 0.0, 1.0);
    conformance::both(layer, layer, input, x.view(), 1).unwrap().assert();
    let report = gradcheck::layer_with_shape(layer, input, x.view(), 2).unwrap();
    assert!(report.passed() && report.points >= x.len(), "{layer:?}: {report}");
}

/// Checks layers, which are written as in the golden values, against each other.
macro_rules! check {
    ($golden:expr, [$($layer:expr),* $(,)?]) => {{
        let mut left = $golden.len();
        $(
            let layer = $layer;
            let name = stringify!($layer).split_whitespace().collect::<String>();
            let golden = $golden.iter().filter(|run| run.layer.replace(' ', "") == name);
            let count = golden.map(|run| is_pytorchs(&layer, run)).count();
            assert!(count > 0, "expected golden values of {name}, got none");
            left -= count;
            if Layer::<f64>::output_shape(&layer, [2, 5, 7].into()).is_ok() {
                conforms(&layer, [2, 5, 7]);
            } else {
                // The number of channels is that of the golden values.
                let golden = $golden.iter().find(|run| run.layer.replace(' ', "") == name);
                conforms(&layer, shape(golden.expect("found above").input));
            }
        )*
        assert_eq!(left, 0, "layers with golden values that are not checked");
    }};
}

#[test]
fn pooling_is_pytorchs() {
    check!(
        golden::POOLS,
        [
            MaxPool2d::new(2),
            MaxPool2d::new(3).stride(2).padding(1),
            MaxPool2d::new(3).stride(1),
            MaxPool2d::new([2, 3]).stride([3, 1]).padding([1, 0]),
            MaxPool2d::new([3, 2]).stride([1, 2]).dilation([2, 3]),
            MaxPool2d::new(2).stride(1).padding(1).dilation(2),
            MaxPool2d::new([4, 5]),
            AvgPool2d::new(2),
            AvgPool2d::new(3).stride(2).padding(1),
            AvgPool2d::new(3).stride(2).padding(1).count_include_pad(false),
            AvgPool2d::new([2, 3]).stride([3, 1]).padding([1, 0]),
            AvgPool2d::new([4, 3]).stride(1).padding([2, 1]).count_include_pad(false),
            AvgPool2d::new([4, 5]),
            GlobalAvgPool2d,
        ]
    );
    conforms(&MaxPool2d::new([2, 4]).stride(1).padding(Padding::Same), [2, 5, 7]);
    conforms(&AvgPool2d::new([2, 4]).stride(1).padding(Padding::Same), [2, 5, 7]);
    conforms(&Dropout2d::new(0.4), [5, 3, 2]);
}

/// The results of a layer, as their definition computes them, pixel by pixel.
fn by_definition(
    [kernel, stride, padding, dilation]: [[usize; 2]; 4],
    [height, width]: [usize; 2],
    x: &[f64],
    dy: &[f64],
) -> [Vec<f64>; 2] {
    let (mut y, mut dx) = (Vec::new(), vec![0.0; x.len()]);
    let outputs = [0, 1].map(|d| {
        let size = [height, width][d] + 2 * padding[d] - (kernel[d] - 1) * dilation[d] - 1;
        size / stride[d] + 1
    });
    for plane in 0..x.len() / (height * width) {
        for output in 0..outputs[0] * outputs[1] {
            let start = [output / outputs[1] * stride[0], output % outputs[1] * stride[1]];
            let taps = (0..kernel[0]).flat_map(|i| (0..kernel[1]).map(move |j| [i, j]));
            let pixels = taps.filter_map(|tap| {
                let [row, column] = [0, 1].map(|d| (start[d] + tap[d] * dilation[d]).checked_sub(padding[d]));
                let (row, column) =
                    (row.filter(|&row| row < height)?, column.filter(|&column| column < width)?);
                Some((plane * height + row) * width + column)
            });
            let largest = pixels.reduce(|best, pixel| if x[pixel] > x[best] { pixel } else { best }).unwrap();
            dx[largest] += dy[y.len()];
            y.push(x[largest]);
        }
    }
    [y, dx]
}

/// Rows that are longer than a block of outputs, and equal pixels.
#[test]
fn long_rows_are_their_definition() {
    for (kernel, stride, padding, dilation) in [
        ([2, 2], [2, 2], [0, 0], [1, 1]),
        ([3, 3], [1, 1], [1, 1], [1, 1]),
        ([3, 2], [1, 1], [0, 1], [1, 1]),
        ([2, 3], [2, 1], [0, 0], [1, 2]),
        ([3, 3], [2, 2], [1, 1], [1, 1]),
    ] {
        let layer = MaxPool2d::new(kernel).stride(stride).padding(padding).dilation(dilation);
        for [height, width] in [[4, 300], [5, 515], [6, 257]] {
            let input = Shape::from([2, height, width]);
            let mut random = RandomState::new(6);
            let x = random.uniform((2, input.size()), 0.0, 4.0).mapv(f64::floor);
            let outputs = Layer::<f64>::output_shape(&layer, input).unwrap().size();
            let dy = random.normal((2, outputs), 0.0, 1.0).into_raw_vec_and_offset().0;
            let settings = [kernel, stride, padding, dilation];
            let [y, dx] = by_definition(settings, [height, width], x.as_slice().unwrap(), &dy);
            for threads in [1, 3] {
                let [got, got_dx, _] = run(&layer, input, &[], x.view(), &dy, threads);
                assert_eq!(got, y, "{layer:?} {input}");
                close("dx", &got_dx, &dx);
            }
        }
    }
}

#[test]
fn nan_is_the_largest_pixel() {
    let x = ndarray::arr2(&[[1.0, f64::NAN, 3.0, 4.0, 5.0, 9.0, 7.0, 8.0, 0.0]]);
    for layer in [MaxPool2d::new(2).stride(1), MaxPool2d::new(2)] {
        let outputs = Layer::<f64>::output_shape(&layer, [1, 3, 3].into()).unwrap().size();
        let [y, dx, _] = run(&layer, [1, 3, 3].into(), &[], x.view(), &vec![1.0; outputs], 1);
        assert!(y[0].is_nan() && dx[1] >= 1.0, "{y:?} {dx:?}");
        assert!(outputs == 1 || (y[1].is_nan() && y[2..] == [8.0, 9.0]), "{y:?}");
    }
    // A window of −∞ gives its gradient to its first pixel.
    let x = ndarray::Array2::from_elem((1, 4), f64::NEG_INFINITY);
    let [y, dx, _] = run(&MaxPool2d::new(2), [1, 2, 2].into(), &[], x.view(), &[2.0], 1);
    assert_eq!((y, dx), (vec![f64::NEG_INFINITY], vec![2.0, 0.0, 0.0, 0.0]));
}

#[test]
fn whole_channels_are_dropped() {
    let (layer, input) = (Dropout2d::new(0.3), Shape::from([50, 2, 3]));
    let x = RandomState::new(2).normal((40, input.size()), 0.0, 1.0);
    let noise = Noise::new(3, 4);
    for threads in [1, 2] {
        let mut ws = LayerWorkspace::new(&layer, input, 40).unwrap().threads(threads).unwrap();
        let mut y = Array2::zeros(x.dim());
        layer.forward(Forward::new(&mut ws, &[], &[], x.view(), y.view_mut()).unwrap());
        assert_eq!(y, x);
        let pass = Forward::new(&mut ws, &[], &[], x.view(), y.view_mut()).unwrap();
        layer.forward(pass.training(Training::new(noise, &mut [])).unwrap());
        let mut dropped = 0;
        for ((row, column), &y) in y.indexed_iter() {
            let drops = f64::from(noise.bits(row, column / 6)) < 0.3 * 2_f64.powi(32);
            assert_eq!(y, x[[row, column]] * if drops { 0.0 } else { 1.0 / (1.0 - 0.3) }, "{row} {column}");
            dropped += usize::from(drops);
        }
        assert!((0.27..0.33).contains(&(dropped as f64 / y.len() as f64)), "{dropped}");
        let dy = x.mapv(|x| x - 1.0);
        let mut dx = Array2::zeros(x.dim());
        let pass = Backward::new(&mut ws, &[], &[], [x.view(), y.view(), dy.view()]).unwrap().noise(noise);
        layer.backward(pass.dx(dx.view_mut()).unwrap());
        assert!(dx.iter().zip(&y).all(|(&dx, &y)| (dx == 0.0) == (y == 0.0)));
    }
}

/// Returns the error of a layer for images of this shape.
fn error(layer: impl Layer<f64>, input: impl Into<Shape>) -> String {
    layer.output_shape(input.into()).unwrap_err().to_string()
}

#[test]
fn settings_out_of_range_are_errors() {
    let image = [2, 5, 7];
    for (got, setting) in [
        (error(MaxPool2d::new(0), image), "kernel"),
        (error(MaxPool2d::new([2, 8]), image), "input shape"),
        (error(MaxPool2d::new(2).stride([1, 0]), image), "stride"),
        (error(MaxPool2d::new(2).dilation(0), image), "dilation"),
        (error(MaxPool2d::new(2).dilation(5), image), "input shape"),
        (error(MaxPool2d::new(3).padding([0, 2]), image), "padding"),
        (error(MaxPool2d::new(3).padding(Padding::Same), image), "stride"),
        (error(MaxPool2d::new(2), 35), "input shape"),
        (error(AvgPool2d::new(0), image), "kernel"),
        (error(AvgPool2d::new(1).padding(1), image), "padding"),
        (error(AvgPool2d::new(2), [10, 7]), "input shape"),
        (error(GlobalAvgPool2d, 35), "input shape"),
        (error(MaxPool1d::new(2), image), "input shape"),
        (error(MaxPool1d::new(8), [2, 7]), "input shape"),
        (error(MaxPool1d::new(4).padding([1, 2]), [2, 7]), "padding"),
        (error(MaxPool1d::new(4).padding(3), [2, 7]), "padding"),
        (error(AvgPool1d::new(0), [2, 7]), "kernel"),
        (error(AvgPool1d::new(2).stride(0), [2, 7]), "stride"),
        (error(Conv1d::new(2, 3), 7), "input shape"),
        (error(Conv1d::new(2, 3), image), "input shape"),
        (error(Conv1d::new(2, 3).padding([0, 1]), [2, 7]), "padding"),
        (error(Conv1d::new(2, 3).padding(Padding::Same).stride(2), [2, 7]), "stride"),
        (error(Conv1d::new(2, 3).groups(2), [3, 7]), "groups"),
        (error(Conv1d::new(0, 3), [3, 7]), "channels"),
        (error(Dropout2d::new(0.5), 35), "input shape"),
        (error(Dropout2d::new(1.0), image), "p"),
        (error(Dropout2d::new(f64::NAN), image), "p"),
    ] {
        assert!(got.starts_with(&format!("{setting}: expected")), "{setting}: {got}");
    }
}

#[test]
fn convolutions_are_pytorchs() {
    check!(
        golden::CONVOLUTIONS,
        [
            Conv2d::new(4, 3),
            Conv2d::new(3, 3).padding(1),
            Conv2d::new(2, [2, 3]),
            Conv2d::new(3, 3).stride(2),
            Conv2d::new(3, 3).stride(2).padding(1),
            Conv2d::new(2, [3, 4]).stride([2, 3]).padding([2, 1]),
            Conv2d::new(3, [4, 2]).padding(Padding::Same),
            Conv2d::new(2, [2, 3]).padding(Padding::Same).dilation([3, 2]),
            Conv2d::new(2, 3).dilation([1, 2]),
            Conv2d::new(3, 2).stride(2).padding(1).dilation(2),
            Conv2d::new(6, 3).padding(1).groups(2),
            Conv2d::new(3, 3).padding(1).groups(3),
            Conv2d::new(6, [2, 3]).stride(2).groups(3),
            Conv2d::new(5, 1),
            Conv2d::new(5, 1).stride(2).bias(false),
            Conv2d::new(4, [5, 4]),
            Conv2d::new(4, 3).padding(2).bias(false),
            Conv2d::new(2, 3).padding([0, 1]),
        ]
    );
}

#[test]
fn transposed_convolutions_are_pytorchs() {
    check!(
        golden::TRANSPOSED,
        [
            ConvTranspose2d::new(3, 3),
            ConvTranspose2d::new(3, 2).stride(2),
            ConvTranspose2d::new(2, 3).stride(2).padding(1).output_padding(1),
            ConvTranspose2d::new(2, [3, 4]).stride([2, 3]).padding([0, 2]).output_padding([1, 0]),
            ConvTranspose2d::new(4, [2, 3]).padding(1).dilation([3, 2]).groups(2),
            ConvTranspose2d::new(6, 3).stride(2).groups(3).bias(false),
            ConvTranspose2d::new(5, 1),
        ]
    );
}

#[test]
fn layers_for_signals_are_pytorchs() {
    check!(
        golden::SIGNALS,
        [
            Conv1d::new(4, 3),
            Conv1d::new(3, 5).stride(3).padding(2),
            Conv1d::new(2, 4).padding(Padding::Same),
            Conv1d::new(2, 3).padding(Padding::Same).dilation(3),
            Conv1d::new(5, 3).stride(2).padding(1).dilation(2),
            Conv1d::new(6, 3).padding(1).groups(2),
            Conv1d::new(3, 4).stride(3).groups(3).bias(false),
            Conv1d::new(5, 1),
            Conv1d::new(2, 3).padding(1),
            MaxPool1d::new(2),
            MaxPool1d::new(3).stride(2).padding(1),
            MaxPool1d::new(3).stride(1).dilation(2),
            AvgPool1d::new(2),
            AvgPool1d::new(3).stride(2).padding(1),
            AvgPool1d::new(5).stride(1).padding(2).count_include_pad(false),
        ]
    );
}

/// The names and shapes of the parameters are PyTorch's, and the settings recreate the layers.
#[test]
fn signals_have_pytorchs_state_dict() {
    let conv = Conv1d::new(6, 5).groups(2);
    let specs: Vec<_> = Layer::<f32>::parameters(&conv, [4, 9].into())
        .into_iter()
        .map(|spec| (spec.name, spec.shape))
        .collect();
    assert_eq!(specs, [("weight".to_owned(), vec![6, 2, 5]), ("bias".to_owned(), vec![6])]);
    let settings = Layer::<f32>::settings(&conv.stride(3).padding(1)).unwrap();
    for (name, number) in [("kernel", 5.0), ("stride", 3.0), ("padding", 1.0), ("dilation", 1.0)] {
        assert_eq!(settings.numbers(name).unwrap(), [number]);
    }
}
