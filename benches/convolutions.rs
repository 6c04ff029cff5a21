//! The three products of convolutions as shares of the rate of a square matrix product, on one thread, in batches of 100.
//!
//! The measurements alternate, and the best time of each counts, because other programs may use the machine at the same time.

use std::hint::black_box;
use std::time::Instant;

use manabi::layer::{Backward, Conv2d, Forward, LayerWorkspace};
use manabi::linalg::Engine;
use manabi::ndarray::Array2;
use manabi::random::{Random, RandomState};
use manabi::{Layer, Result, Scalar, Shape};

const BATCH: usize = 100;
const SQUARE: usize = 512;

/// The convolutions: the number of channels and the size of the images, and the layer.
fn convolutions() -> [(&'static str, [usize; 2], Conv2d); 7] {
    [
        ("LeNet-5: 1 to 6 channels, 5×5, 28×28", [1, 28], Conv2d::new(6, 5).padding(2)),
        ("LeNet-5: 6 to 16 channels, 5×5, 14×14", [6, 14], Conv2d::new(16, 5)),
        ("Keras: 1 to 32 channels, 3×3, 28×28", [1, 28], Conv2d::new(32, 3).padding(1)),
        ("Keras: 32 to 64 channels, 3×3, 28×28", [32, 28], Conv2d::new(64, 3).padding(1)),
        ("64 to 128 channels, 3×3, stride 2, 14×14", [64, 14], Conv2d::new(128, 3).padding(1).stride(2)),
        ("64 channels, 16 groups, 3×3, 14×14", [64, 14], Conv2d::new(64, 3).padding(1).groups(16)),
        ("64 channels, depthwise, 3×3, 14×14", [64, 14], Conv2d::new(64, 3).padding(1).groups(64)),
    ]
}

/// The three products.
const PASSES: [Pass; 3] = [Pass::Forward, Pass::Images, Pass::Weights];

#[derive(Clone, Copy)]
enum Pass {
    Forward,
    Images,
    Weights,
}

/// A convolution with its operands and results.
struct Convolution<A: Scalar> {
    layer: Conv2d,
    workspace: LayerWorkspace<A>,
    params: Vec<A>,
    grad: Vec<A>,
    x: Array2<A>,
    dx: Array2<A>,
    y: Array2<A>,
    dy: Array2<A>,
    /// The number of multiplications of a pass.
    multiplications: usize,
}

impl<A: Scalar> Convolution<A> {
    fn new(layer: Conv2d, [channels, size]: [usize; 2]) -> Result<Self> {
        let input = Shape::from([channels, size, size]);
        let output = Layer::<A>::output_shape(&layer, input)?;
        let sizes = Layer::<A>::parameters(&layer, input).into_iter().map(|spec| spec.shape);
        let sizes: Vec<usize> = sizes.map(|shape| shape.iter().product()).collect();
        let (weights, filters) = (sizes[0], output.dims()[0]);
        let mut random = RandomState::new(1);
        let mut matrix = |rows, columns| random.uniform((rows, columns), -1.0, 1.0).mapv(A::of);
        let params = matrix(1, sizes.iter().sum()).into_raw_vec_and_offset().0;
        Ok(Self {
            layer,
            workspace: LayerWorkspace::new(&layer, input, BATCH)?,
            grad: params.clone(),
            params,
            x: matrix(BATCH, input.size()),
            dx: matrix(BATCH, input.size()),
            y: matrix(BATCH, output.size()),
            dy: matrix(BATCH, output.size()),
            multiplications: BATCH * output.size() * weights / filters,
        })
    }

    fn run(&mut self, pass: Pass) -> Result<()> {
        let Self { layer, workspace, params, grad, x, dx, y, dy, .. } = self;
        if let Pass::Forward = pass {
            layer.forward(Forward::new(workspace, params, &[], x.view(), y.view_mut())?);
            return Ok(());
        }
        let backward = Backward::new(workspace, params, &[], [x.view(), y.view(), dy.view()])?;
        layer.backward(match pass {
            Pass::Images => backward.dx(dx.view_mut())?,
            _ => backward.grad(grad)?,
        });
        Ok(())
    }
}

/// Lowers `best` to the number of seconds that `work` takes, if that is less.
fn time(best: &mut f64, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let start = Instant::now();
    work()?;
    *best = best.min(start.elapsed().as_secs_f64());
    Ok(())
}

fn shares<A: Scalar>(name: &str, rounds: usize) -> Result<()> {
    let (a, b) =
        (Array2::from_elem((SQUARE, SQUARE), A::of(0.3)), Array2::from_elem((SQUARE, SQUARE), A::of(0.7)));
    let (mut c, mut engine, mut square) = (Array2::zeros((SQUARE, SQUARE)), Engine::<A>::new(1), f64::MAX);
    let mut all = Vec::new();
    for (name, input, layer) in convolutions() {
        all.push((name, Convolution::<A>::new(layer, input)?, [f64::MAX; 3]));
    }
    for _ in 0..rounds {
        for (_, convolution, best) in &mut all {
            time(&mut square, || {
                engine.matmul(black_box(a.view()), black_box(b.view()), None, c.view_mut());
                Ok(())
            })?;
            for (pass, best) in PASSES.into_iter().zip(best) {
                time(best, || convolution.run(pass))?;
            }
        }
    }
    let rate = SQUARE.pow(3) as f64 / square;
    println!("\n{name}: {:.0} GFLOP/s with {SQUARE}³\n", 2e-9 * rate);
    println!("| convolution | forward | images | weights |\n|---|---|---|---|");
    for (name, convolution, best) in all {
        let [forward, images, weights] = best.map(|best| convolution.multiplications as f64 / best / rate);
        println!("| {name} | {forward:.2} | {images:.2} | {weights:.2} |");
    }
    Ok(())
}

fn main() -> Result<()> {
    // `cargo bench` gives this flag, and tests do not.
    let rounds = if std::env::args().any(|arg| arg == "--bench") { 30 } else { 1 };
    shares::<f32>("f32", rounds)?;
    shares::<f64>("f64", rounds)
}
