//! The generic functions that cost time, compiled here for `f32` and `f64` instead of in every crate that calls them.
//!
//! The compiler shares an instance of a generic function between crates if the function is marked `#[inline(never)]`. So the
//! passes of every layer, output, loss, optimizer and data set and the large functions of the public types carry the mark,
//! and [`all`] mentions whatever leads to them: the lists of what is built in, and functions. A crate that trains then links
//! these instances: they are as fast as this crate was compiled, whatever the profile of the other, and take none of its
//! build time. Code that is generic over a type of the other crate, such as an activation of its own, is compiled there.
//! `tests/downstream` looks at both.

use std::fmt;
use std::hint::black_box;
use std::path::Path;

use crate::data::idx;
use crate::error::Result;
use crate::layer::built_in_layers;
use crate::linalg::Engine;
use crate::loss::built_in_losses;
use crate::metrics;
use crate::optim::built_in_optimizers;
use crate::output::built_in_outputs;
use crate::prelude::*;

/// Compiles it all; nobody has to call it.
pub fn all() {
    of::<f32>();
    of::<f64>();
    source::<f32>();
    source::<f64>();
    source::<u8>();
}

fn of<A: Scalar>() {
    black_box(built_in_layers::<A>(2));
    black_box(built_in_outputs::<A>());
    black_box(built_in_losses::<A>(2));
    black_box(built_in_optimizers::<A>());
    black_box(data_set::<A, Images> as fn(_) -> _);
    black_box(data_set::<A, Samples<A>> as fn(_) -> _);
    black_box(data_set::<A, Subset<'static, A>> as fn(_) -> _);
    functions::<A>();
    #[cfg(feature = "persistence")]
    persistence::<A>();
}

/// Mentions all methods of a data set.
fn data_set<A: Scalar, D: Dataset<A>>(data: &D) -> &dyn Dataset<A> {
    data
}

/// The functions that lead to all others that are marked.
fn functions<A: Scalar>() {
    black_box(SequentialBuilder::<A>::build as fn(_) -> _);
    black_box(Sequential::<A>::workspace as fn(_, _) -> _);
    black_box(Sequential::<A>::predict as fn(_, _) -> _);
    black_box(Sequential::<A>::predict_into as fn(_, _, _, _) -> _);
    black_box(Sequential::<A>::loss as fn(_, _) -> _);
    black_box(Sequential::<A>::gradient as fn(_, _) -> _);
    black_box(Sequential::<A>::evaluate as fn(_, _) -> _);
    black_box(Sequential::<A>::confusion_matrix as fn(_, _) -> _);
    black_box(Sequential::<A>::parameter as fn(_, _) -> _);
    black_box(Sequential::<A>::set_parameter_values as fn(_, _) -> _);
    black_box(Sequential::<A>::set_buffer_values as fn(_, _) -> _);
    black_box(Sequential::<A>::update_buffers as fn(_, _) -> _);
    black_box(<Sequential<A> as fmt::Display>::fmt as fn(_, _) -> _);
    black_box(Workspace::<A>::threads as fn(_, _) -> _);
    black_box(Workspace::<A>::load as fn(_, _, _) -> _);
    black_box(LayerWorkspace::<A>::new as fn(_, Shape, _) -> _);
    black_box(Engine::<A>::matmul as fn(_, _, _, _, _));
    black_box(Trainer::<A>::new as fn() -> _);
    black_box(Trainer::<A>::fit as fn(_, _, _) -> _);
    black_box(Stepper::<A>::step as fn(_, _, _) -> _);
    black_box(Stepper::<A>::step_again as fn(_, _, _) -> _);
    black_box(Stepper::<A>::step_slices as fn(_, _, _) -> _);
    black_box(Stepper::<A>::set_state as fn(_, _) -> _);
    black_box(Clip::apply::<A> as fn(_, _) -> _);
    black_box(Samples::<A>::new as fn(_, _) -> _);
    black_box(Samples::<A>::normalize as fn(_, _) -> _);
    black_box(Subset::<A>::to_samples as fn(_) -> _);
    black_box(Split::split::<A> as fn(_, _) -> _);
    black_box(Normalizer::apply::<A> as fn(_, _) -> _);
    black_box(metrics::classes::<A> as fn(_) -> _);
    black_box(metrics::mean_absolute_error::<A> as fn(_, _) -> _);
    black_box(metrics::root_mean_squared_error::<A> as fn(_, _) -> _);
    black_box(metrics::r_squared::<A> as fn(_, _) -> _);
}

/// Mentions the functions that read and measure the values of data sets.
fn source<T: Copy + Into<f64> + idx::Element>() {
    black_box(Normalizer::min_max::<T> as fn(_) -> _);
    black_box(Normalizer::min_max_per_feature::<T> as fn(_) -> _);
    black_box(Normalizer::z_score::<T> as fn(_) -> _);
    black_box(Normalizer::z_score_per_feature::<T> as fn(_) -> _);
    black_box(read::<T> as fn(_) -> _);
}

fn read<T: idx::Element>(path: &Path) -> Result<ndarray::ArrayD<T>> {
    idx::read(path)
}

#[cfg(feature = "persistence")]
fn persistence<A: Scalar>() {
    black_box(Registry::<A>::new as fn() -> _);
    black_box(Sequential::<A>::to_bytes as fn(_) -> _);
    black_box(Sequential::<A>::from_bytes as fn(_) -> _);
    black_box(Sequential::<A>::weights_from_bytes as fn(_, _) -> _);
}
