//! Instances for `f32` and `f64` of the generic functions that dominate the run time. They are compiled in this crate instead of
//! in every crate that calls them.
//!
//! The compiler shares an instance of a generic function between crates if the function is marked `#[inline(never)]`. This
//! attribute marks the passes of every layer, output, loss, optimizer and data set, and the large functions of the public types.
//! [`all`] mentions the lists of built-in parts and the functions that reach the marked ones. A crate that trains a model then
//! links these instances. Their speed depends on the profile of this crate, not on the profile of the other crate, and they add
//! nothing to its build time. Code that is generic over a type of the other crate, such as a custom activation, is compiled in
//! that crate. `tests/downstream` checks both cases.

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

/// Causes the compilation of all shared instances. It does not have to be called.
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
    black_box(heads::<A> as fn(_) -> _);
    black_box(built_in_optimizers::<A>());
    black_box(data_set::<A, Images> as fn(_) -> _);
    #[cfg(feature = "image")]
    black_box(data_set::<A, crate::data::ImageFolder> as fn(_) -> _);
    black_box(data_set::<A, Samples<A>> as fn(_) -> _);
    black_box(data_set::<A, Subset<'static, A>> as fn(_) -> _);
    functions::<A>();
    #[cfg(feature = "persistence")]
    persistence::<A>();
}

/// Mentions all methods of heads.
fn heads<A: Scalar>(heads: &Heads<A>) -> (&dyn Output<A>, &dyn Loss<A>) {
    (heads, heads)
}

/// Mentions all methods of a data set type.
fn data_set<A: Scalar, D: Dataset<A>>(data: &D) -> &dyn Dataset<A> {
    data
}

/// Mentions the functions that reach all other marked functions.
fn functions<A: Scalar>() {
    black_box(SequentialBuilder::<A>::build as fn(_) -> _);
    black_box(Sequential::<A>::workspace as fn(_, _) -> _);
    black_box(Sequential::<A>::predict as fn(_, _) -> _);
    black_box(Sequential::<A>::predict_into as fn(_, _, _, _) -> _);
    black_box(Sequential::<A>::loss as fn(_, _) -> _);
    black_box(Sequential::<A>::gradient as fn(_, _) -> _);
    black_box(Sequential::<A>::evaluate as fn(_, _) -> _);
    black_box(Sequential::<A>::evaluate_heads as fn(_, _) -> _);
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
    black_box(ImageTransform::augment::<A> as fn(_, _) -> _);
    black_box(Normalizer::apply::<A> as fn(_, _) -> _);
    black_box(metrics::classes::<A> as fn(_) -> _);
    black_box(metrics::mean_absolute_error::<A> as fn(_, _, _) -> _);
    black_box(metrics::root_mean_squared_error::<A> as fn(_, _, _) -> _);
    black_box(metrics::r_squared::<A> as fn(_, _, _) -> _);
}

/// Mentions the functions that read the values of data sets or compute their statistics.
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
    black_box(Sequential::<A>::cast_with_registry::<f32> as fn(_, _) -> _);
    black_box(Sequential::<A>::cast_with_registry::<f64> as fn(_, _) -> _);
    black_box(crate::persistence::LoadOptions::bytes_into::<A> as fn(_, _, _) -> _);
}
