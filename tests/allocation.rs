//! After the first pass, training steps and predictions do not allocate.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use manabi::activation::{Identity, Sigmoid};
use manabi::data::{Augment, ImageTransform, Images, Place, Subset};
use manabi::layer::{
    Backward, BatchNorm, BuiltInLayer, Chain, Concat, Dropout, Forward, LayerNorm, LayerWorkspace, Residual,
    Training, built_in_layers,
};
use manabi::loss::{BinaryCrossEntropy, Heads, Loss, MeanSquaredError};
use manabi::optim::{Clip, CosineDecay, Stepper};
use manabi::output::Output;
use manabi::random::{Noise, Random, RandomState};
use manabi::{
    Activation, Affine, CrossEntropy, Layer, Mish, Mnist, Normalizer, Samples, Scalar, Sequential, Sgd,
    Shape, Softmax, Swish,
};
use ndarray::{Array2, Array3, s};

/// Counts the allocations and bytes of each thread separately, so that tests can run in parallel.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    /// The number of allocated bytes not yet freed, and its maximum so far.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count() {
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

fn hold(bytes: isize) {
    let _ = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

// SAFETY: every call is forwarded to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        hold(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        hold(-(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // The old and the new block are both allocated while the content moves.
        hold(size as isize);
        hold(-(layout.size() as isize));
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(run: impl FnOnce()) -> usize {
    let before = COUNT.get();
    run();
    COUNT.get() - before
}

/// Returns the largest number of bytes allocated at once, in excess of the bytes allocated before.
fn peak<R>(run: impl FnOnce() -> R) -> (R, isize) {
    let before = HELD.get();
    PEAK.set(before);
    let result = run();
    (result, PEAK.get() - before)
}

/// Blocks nested two deep.
fn block<A: Scalar>(width: usize) -> Residual<A> {
    let affine = |units| Chain::new().add_layer("affine1", Affine::new(units));
    let heads = Concat::new().add_branch("left", affine(20)).add_branch("right", affine(width - 20));
    let inner = Residual::new(affine(width).add_layer("norm1", BatchNorm::new()));
    Residual::new(Chain::new().add_layer("heads", heads).add_layer("inner", inner)).projection(affine(width))
}

fn model<A: Scalar>(output: impl Output<A>, loss: impl Loss<A>) -> Sequential<A> {
    Sequential::builder(784)
        .add_layer("dropout0", Dropout::new(0.1))
        .add_layer("affine1", Affine::new(100))
        .add_layer("norm1", BatchNorm::new())
        .add_layer("swish1", Activation::new(Swish::default()))
        .add_layer("affine2", Affine::new(50))
        .add_layer("norm2", LayerNorm::new())
        .add_layer("mish2", Activation::new(Mish))
        .add_layer("block1", block(50))
        .add_layer("affine3", Affine::new(10))
        .set_output(output)
        .set_error(loss)
        .build()
        .unwrap()
}

fn predictions<A: Scalar>() {
    let model = model::<A>(Softmax, CrossEntropy);
    for rows in [1, 7, 100] {
        let x = RandomState::new(1).uniform((rows, 784), 0.0, 1.0).mapv(A::of);
        let (mut ws, mut y) = (model.workspace(50).unwrap(), Array2::zeros((rows, 10)));
        let mut predict = || model.predict_into(x.view(), &mut ws, y.view_mut()).unwrap();
        predict();
        predict(); // packs the weights
        assert_eq!(allocations(predict), 0, "{rows} rows");
    }
}

fn steps<A: Scalar>(weights: [f64; 2], output: impl Output<A>, loss: impl Loss<A>) {
    let train = Mnist::synthetic(300, 10, 1).unwrap().train;
    let normalizer = Normalizer::min_max(train.pixels()).unwrap();
    let weights: Vec<f64> = (0..300).map(|row| weights[row % 2]).collect();
    let train = train.normalize(&normalizer).unwrap().with_weights(weights).unwrap();
    let train = Augment::new(&train, |image: &mut [A], noise: Noise| {
        image.rotate_right(noise.bits(0, 0) as usize % 28);
    });
    let transform = ImageTransform::new().horizontal_flip(0.5).rotation(10.0).shift(2).erasing(0.5);
    let train = transform.augment(&train).unwrap();
    let train = Subset::new(&train, (0..300).collect()).unwrap();
    let mut model = model::<A>(output, loss);
    let mut ws = model.workspace(100).unwrap();
    let rows: Vec<usize> = (0..300).rev().collect();
    let mut stepper = Stepper::new(Sgd::default());
    let mut step = |rows: &[usize]| {
        ws.load_at(Place::training(1, 1), &train, rows).unwrap();
        model.gradient(&mut ws).unwrap();
        stepper.step(&mut model, &mut ws).unwrap();
    };
    step(&rows[..100]);
    assert_eq!(allocations(|| rows.chunks(70).for_each(&mut step)), 0);
    assert_eq!(allocations(|| (1..=100).for_each(|n| step(&rows[..n.max(2)]))), 0);
}

/// Runs batches of every size after the largest, with wide layers and few rows, so that matrix products pack their operands.
#[test]
fn no_smaller_batch_allocates() {
    let mut random = RandomState::new(1);
    let data = Samples::new(random.normal((120, 300), 0.0, 1.0), random.normal((120, 10), 0.0, 1.0)).unwrap();
    for units in [64, 500, 2000] {
        let builder = Sequential::<f64>::builder(300).add_layer("affine1", Affine::new(units));
        let builder = builder.add_layer("affine2", Affine::new(10)).set_output(Identity);
        let model = builder.set_error(MeanSquaredError).build().unwrap();
        let mut ws = model.workspace(120).unwrap();
        let rows: Vec<usize> = (0..120).collect();
        let mut pass = |n: usize| {
            ws.load(&data, &rows[..n]).unwrap();
            model.gradient(&mut ws).unwrap();
        };
        pass(120);
        for n in [119, 100, 82, 65, 64, 40, 17, 4, 3, 2, 1] {
            assert_eq!(allocations(|| pass(n)), 0, "{n} rows, {units} units");
        }
        let x = random.normal((120, 300), 0.0, 1.0);
        let (mut ws, mut y) = (model.workspace(50).unwrap(), Array2::zeros((120, 10)));
        let mut predict = |n: usize| {
            model.predict_into(x.slice(s![..n, ..]), &mut ws, y.slice_mut(s![..n, ..])).unwrap();
        };
        predict(120);
        predict(120); // packs the weights
        for n in [101, 51, 50, 49, 3, 2, 1] {
            assert_eq!(allocations(|| predict(n)), 0, "{n} rows, {units} units");
        }
        // Weights that change before every prediction are never packed.
        let mut model = model.clone();
        let mut predict = |n: usize| {
            model.parameter_values_mut()[0] += 1.0;
            model.predict_into(x.slice(s![..n, ..]), &mut ws, y.slice_mut(s![..n, ..])).unwrap();
        };
        predict(50);
        assert_eq!(allocations(|| [50, 7, 50].into_iter().for_each(predict)), 0, "{units} units");
    }
}

/// Steps with every optimizer and every additional feature of a stepper.
fn steppers<A: Scalar>() {
    let mut model = model::<A>(Softmax, CrossEntropy);
    let mut ws = model.workspace(2).unwrap();
    let data = Mnist::synthetic(2, 1, 1).unwrap().train;
    ws.load(&data, &[0, 1]).unwrap();
    model.gradient(&mut ws).unwrap();
    for rule in manabi::optim::built_in_optimizers() {
        let stepper = Stepper::new(rule).clip(Clip::Norm(1.0)).schedule(CosineDecay::new(9));
        let mut stepper = stepper.layer_rate("affine2", 0.5);
        stepper.step_again(&mut model, &mut ws).unwrap();
        let mut steps = || (0..3).for_each(|_| stepper.step_again(&mut model, &mut ws).unwrap());
        assert_eq!(allocations(&mut steps), 0, "{:?}", stepper.rule());
    }
}

#[test]
fn steps_of_no_optimizer_allocate() {
    steppers::<f32>();
    steppers::<f64>();
}

/// Runs a forward pass in prediction, and a forward and a backward pass in training, with an engine that has run them before.
fn passes<A: Scalar>(layer: &dyn Layer<A>, input: Shape) {
    let (rows, width) = (37, input.size());
    let x = RandomState::new(1).normal((rows, width), 0.0, 1.0).mapv(A::of);
    let count =
        |of: Vec<manabi::layer::TensorSpec>| of.iter().map(|of| of.shape.iter().product::<usize>()).sum();
    let params = vec![A::of(0.5); count(layer.parameters(input))];
    let buffers = vec![A::of(0.5); count(layer.buffers(input))];
    let (mut y, dy) = (Array2::zeros((rows, layer.output_shape(input).unwrap().size())), x.clone());
    let dy = if y.dim() == x.dim() { dy } else { y.clone() };
    let (mut dx, mut grad, mut next) = (x.clone(), params.clone(), buffers.clone());
    let mut ws = LayerWorkspace::new(layer, input, rows).unwrap();
    for turn in 0..2 {
        let pass = Forward::new(&mut ws, &params, &buffers, x.view(), y.view_mut()).unwrap();
        let prediction = allocations(|| layer.forward(pass));
        let pass = Forward::new(&mut ws, &params, &buffers, x.view(), y.view_mut()).unwrap();
        let pass = pass.training(Training::new(Noise::new(1, 2), &mut next)).unwrap();
        let forward = allocations(|| layer.forward(pass));
        let arrays = [x.view(), y.view(), dy.view()];
        let pass = Backward::new(&mut ws, &params, &buffers, arrays).unwrap().noise(Noise::new(1, 2));
        let pass = pass.dx(dx.view_mut()).unwrap().grad(&mut grad).unwrap();
        let backward = allocations(|| layer.backward(pass));
        let kind = layer.kind();
        assert!(turn == 0 || (prediction, forward, backward) == (0, 0, 0), "{kind} {backward}");
    }
}

fn all_layers<A: Scalar>() {
    for BuiltInLayer { input, examples, .. } in built_in_layers::<A>(67) {
        for layer in examples {
            // A model plans its blocks once.
            let placed = layer.placed(input).unwrap();
            passes::<A>(placed.as_deref().unwrap_or(&*layer), input);
        }
    }
}

#[test]
fn no_layer_allocates() {
    all_layers::<f32>();
    all_layers::<f64>();
}

#[test]
fn predictions_allocate_nothing() {
    predictions::<f32>();
    predictions::<f64>();
}

#[test]
fn steps_allocate_nothing() {
    let weighted = CrossEntropy.label_smoothing(0.1).class_weights([2.0; 10]);
    steps::<f32>([1.0, 1.0], Softmax, CrossEntropy);
    steps::<f32>([1.0, 0.5], Softmax, weighted.clone());
    steps::<f64>([0.5, 1.0], Softmax, CrossEntropy);
    steps::<f64>([1.0, 1.0], Softmax, weighted);
    let heads = Heads::new().add_head("first", 6, Softmax, MeanSquaredError, 1.0);
    let heads = heads.add_head("second", 4, Sigmoid, BinaryCrossEntropy, 1.0);
    steps::<f32>([1.0, 0.0], heads.clone(), heads);
}

#[test]
fn the_count_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1, 2, 3]))), 1);
}

/// The pixels of the MNIST training set take 47 MB, and a copy would double that.
#[test]
fn images_take_their_pixels_over() {
    let (count, height, width) = (1000, 28, 28);
    let all = count * height * width;
    let labels = || vec![1; count];
    let pixels = Array3::from_shape_fn((count, height, width), |(i, r, c)| (i + 2 * r + 3 * c) as u8);
    let (expected, address) = (pixels.clone(), pixels.as_ptr());
    let (images, most) = peak(|| Images::new(pixels, labels(), 2).unwrap());
    assert!(most < all as isize / 10, "{most} bytes in addition to {all}");
    assert_eq!(images.pixels().as_ptr(), address);
    assert_eq!(images.pixels().as_slice(), expected.as_slice());
    // A normaliser does not copy the pixels either: it leaves them unchanged.
    let normalizer = Normalizer::min_max(images.pixels()).unwrap();
    let (images, most) = peak(|| images.normalize(&normalizer).unwrap());
    assert!(most < all as isize / 10, "{most} bytes in addition to {all}");
    assert_eq!(images.pixels().as_ptr(), address);
    // Pixels in another layout are copied once.
    let turned = expected.clone().reversed_axes();
    let (images, most) = peak(|| Images::new(turned, vec![1; width], 2).unwrap());
    assert!((all as isize..all as isize + all as isize / 10).contains(&most), "{most} bytes for {all}");
    assert_eq!(images.pixels().row(3)[5 * count + 7], expected[[7, 5, 3]]);
    // A part of a larger array stays at its address.
    let part = expected.clone().slice_move(s![..100, .., ..]);
    let images = Images::new(part, vec![1; 100], 2).unwrap();
    assert_eq!(images.pixels().as_slice(), expected.slice(s![..100, .., ..]).as_slice());
}
