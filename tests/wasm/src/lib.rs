//! Trains a model and predicts on a platform without a clock and without a second thread. Every exported function returns the
//! digest of a result, and `run.mjs` prints all digests.

use manabi::data::{Dataset, Images, idx};
use manabi::init::Initializer;
use manabi::layer::Dropout;
use manabi::linalg::Engine;
use manabi::ndarray::{Array2, array};
use manabi::train::Checkpoints;
use manabi::{
    Activation, Affine, CrossEntropy, Error, Mnist, Normalizer, Scalar, Sequential, Softmax, Swish, Trainer,
};

const SAMPLES: usize = 2000;

/// Whether the platform supports neither threads nor a clock.
const ALONE: bool = cfg!(all(target_family = "wasm", target_os = "unknown"));

fn digits() -> (Images, Images) {
    let Mnist { train, test } = Mnist::synthetic(SAMPLES, 100, 3).expect("enough memory");
    let normalizer = Normalizer::min_max(train.pixels()).expect("at least one pixel");
    (train.normalize(&normalizer).expect("it fits"), test.normalize(&normalizer).expect("it fits"))
}

/// Draws the weights uniformly, with the same bits on every platform. Normal draws depend on the system's logarithm.
fn model<A: Scalar>() -> Sequential<A> {
    let affine = |units| Affine::new(units).weight_initializer(Initializer::HE_UNIFORM);
    Sequential::builder(784)
        .add_layer("affine1", affine(50))
        .add_layer("swish1", Activation::new(Swish::default()))
        .add_layer("dropout1", Dropout::new(0.1))
        .add_layer("affine2", affine(10))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()
        .expect("the layers fit")
}

/// Returns a model after one epoch.
fn trained<A: Scalar>() -> Sequential<A> {
    let (train, test) = digits();
    let mut model = model::<A>();
    let mut trainer = Trainer::new().epochs(1).threads(4).test(&test);
    let history = trainer.fit(&mut model, &train).expect("valid settings");
    assert_eq!(history.elapsed.is_zero(), ALONE);
    assert_eq!(Engine::<A>::new(4).thread_count(), if ALONE { 1 } else { 4 });
    assert!(history.epochs[1].test.expect("a test set is given").loss < history.epochs[0].train.loss);
    assert_no_file(&model, &train);
    model
}

/// Checks that file operations return an error and do not panic on a platform without files.
fn assert_no_file<A: Scalar>(model: &Sequential<A>, train: &Images) {
    let folder = std::path::Path::new("there is no such folder");
    assert!(matches!(model.save(folder.join("model")), Err(Error::Io { .. })));
    assert!(matches!(Sequential::<A>::load(folder.join("model")), Err(Error::Io { .. })));
    assert!(matches!(Mnist::load(folder), Err(Error::Io { .. })));
    assert!(matches!(idx::write(folder.join("idx"), &array![1_u8]), Err(Error::Io { .. })));
    if ALONE {
        let mut trainer = Trainer::new().epochs(1).checkpoints(Checkpoints::new(folder));
        assert!(matches!(trainer.fit(&mut model.clone(), train), Err(Error::Io { .. })));
    }
}

fn predictions<A: Scalar>(model: &Sequential<A>) -> Array2<A> {
    let (_, test) = digits();
    let rows: Vec<usize> = (0..Dataset::<A>::len(&test)).collect();
    let (mut x, mut t) = (Array2::zeros((rows.len(), 784)), Array2::zeros((rows.len(), 10)));
    test.gather(&rows, x.view_mut(), t.view_mut()).expect("existing rows");
    model.predict(x.view()).expect("the width fits")
}

/// Returns the FNV-1a digest of the bits.
fn digest<A: Scalar>(values: impl IntoIterator<Item = A>) -> u64 {
    let bytes = values.into_iter().flat_map(|value| value.widen().to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

macro_rules! exported {
    ($($name:ident = $value:expr;)*) => {
        $(
            #[unsafe(no_mangle)]
            pub extern "C" fn $name() -> u64 {
                digest($value)
            }
        )*

        /// All digests, by name.
        pub const EXPORTED: &[(&str, extern "C" fn() -> u64)] = &[$((stringify!($name), $name)),*];
    };
}

exported! {
    first_predictions_f32 = predictions(&model::<f32>());
    parameters_f32 = trained::<f32>().parameter_values().to_vec();
    parameters_f64 = trained::<f64>().parameter_values().to_vec();
    predictions_f64 = predictions(&trained::<f64>());
    reloaded_f32 = {
        let bytes = trained::<f32>().to_bytes().expect("all parts have names");
        predictions(&Sequential::<f32>::from_bytes(&bytes).expect("complete bytes"))
    };
}
