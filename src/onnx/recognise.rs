//! Layers that a graph computes with one or more operators. They are recognised by their values, so that the form in which a
//! program wrote them does not matter.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};

use super::node::Attributes;
use super::samples::{LENGTH, POINTS, Samples};
use super::values::{Formula, Values};
use crate::activation::{
    ActFn, Celu, Elu, Gelu, GeluTanh, HardSwish, LeakyRelu, Mish, PRelu, Relu, Sigmoid, Softplus, Softsign,
    Swish, Tanh, TrainableActFn,
};
use crate::layer::{Layer, TrainableActivation};
use crate::output::{BuiltInOutput, Output, built_in_outputs};
use crate::persistence::Registry;
use crate::scalar::{Real, Scalar};
use crate::settings::{LayerSettings, Settings};

/// The largest difference between the values of the same function, whose numbers a file may store as `f32`.
const TOLERANCE: f64 = 1e-6;

/// A function of one number, and the numbers that may be its settings.
pub(super) type Function = (Box<dyn Fn(f64) -> f64>, Vec<f64>);

/// Returns the function of an operator with a single operand, or `None` for any other operator.
pub(super) fn function(operator: &str, attributes: &Attributes<'_>) -> Result<Option<Function>, String> {
    fn of(function: impl ActFn) -> Function {
        (Box::new(move |u| function.f(u)), Vec::new())
    }
    let alpha = |default: f64| attributes.float("alpha", default);
    let with = |alpha: f64, function: Function| (function.0, vec![alpha]);
    Ok(Some(match operator {
        "Relu" => of(Relu),
        "Sigmoid" => of(Sigmoid),
        "Tanh" => of(Tanh),
        "Softplus" => of(Softplus::default()),
        "Softsign" => of(Softsign),
        "HardSwish" => of(HardSwish),
        "Mish" => of(Mish),
        "Elu" => with(alpha(1.0)?, of(Elu::new(alpha(1.0)?))),
        "Celu" => with(alpha(1.0)?, of(Celu::new(alpha(1.0)?))),
        "LeakyRelu" => with(alpha(0.01)?, of(LeakyRelu::new(alpha(0.01)?))),
        "Swish" => with(alpha(1.0)?, of(Swish::new(alpha(1.0)?))),
        "Gelu" if attributes.text("approximate", "none")? == "tanh" => of(GeluTanh),
        "Gelu" => of(Gelu),
        "Selu" => {
            let (alpha, gamma) = (alpha(SELU[0].into())?, attributes.float("gamma", SELU[1].into())?);
            let elu = Elu::new(alpha);
            (Box::new(move |u| gamma * elu.f(u)), vec![alpha, gamma])
        }
        "HardSigmoid" => {
            let (alpha, beta) = (alpha(0.2)?, attributes.float("beta", 0.5)?);
            (Box::new(move |u| (alpha * u + beta).clamp(0.0, 1.0)), vec![alpha, beta])
        }
        "Erf" => (Box::new(erf), Vec::new()),
        "Exp" => (Box::new(<f64 as Real>::exp), Vec::new()),
        "Log" => (Box::new(<f64 as Real>::ln), Vec::new()),
        "Neg" => (Box::new(|u| -u), Vec::new()),
        "Abs" => (Box::new(f64::abs), Vec::new()),
        "Sqrt" => (Box::new(f64::sqrt), Vec::new()),
        "Reciprocal" => (Box::new(|u| 1.0 / u), Vec::new()),
        _ => return Ok(None),
    }))
}

/// The default settings of the operator.
const SELU: [f32; 2] = [1.673_263_2, 1.050_701];

fn erf(u: f64) -> f64 {
    // gelu(v) = v·(1 + erf(v/√2))/2.
    let v = u * std::f64::consts::SQRT_2;
    if v == 0.0 { 0.0 } else { 2.0 * (v.gelu() / v) - 1.0 }
}

/// A recognised layer. Vectors are places in [`Values::vectors`].
pub(super) enum Found<A> {
    /// The identity.
    Nothing,
    Activation(Arc<dyn Layer<A>>),
    /// An activation with a parameter for every feature: its name in files, its vector, and the sign with which the formula has
    /// it.
    Trainable(Arc<dyn Layer<A>>, &'static str, usize, f64),
    LayerNorm {
        epsilon: f64,
        weight: Option<usize>,
        bias: Option<usize>,
    },
}

/// The built-in activation functions.
pub(super) struct Functions<A> {
    list: Vec<BuiltInOutput<f64>>,
    registry: Registry<A>,
}

impl<A: Scalar> Functions<A> {
    pub fn new() -> Self {
        let list = built_in_outputs::<f64>().into_iter().filter(|(output, _)| output.kind() != "softmax");
        Self { list: list.collect(), registry: Registry::new() }
    }

    /// Returns the layer that computes a value from the nearest earlier value from which one does, and that earlier value.
    pub fn recognise(&self, values: &Values<A>, value: usize) -> Option<(usize, Found<A>)> {
        let mut base = values.get(value).parent;
        for _ in 0..LENGTH {
            if values.is_known(base) {
                let mut samples = Samples::new(values, base);
                let sampled = samples.of(value)?;
                let found = match samples.vectors[..] {
                    [] => self.find(&sampled, &samples.constants),
                    _ => trainable(value, &samples),
                };
                if let Some(found) = found.or_else(|| layer_norm(value, &samples)) {
                    return Some((base, found));
                }
            }
            if matches!(values.get(base).formula, Formula::Other) {
                break;
            }
            base = values.get(base).parent;
        }
        None
    }

    /// Returns the activation with these values at the points.
    fn find(&self, samples: &[f64], constants: &[f64]) -> Option<Found<A>> {
        let mut best: Option<(f64, &str, Settings)> = None;
        for (output, make) in &self.list {
            for settings in settings(output.as_ref(), constants) {
                let Ok(candidate) = make(&settings) else { continue };
                let difference = difference(&forward(candidate.as_ref()), samples);
                if difference <= TOLERANCE && best.as_ref().is_none_or(|(least, ..)| difference < *least) {
                    best = Some((difference, output.kind(), settings));
                }
            }
        }
        let (_, kind, settings) = best?;
        if kind == "identity" {
            return Some(Found::Nothing);
        }
        let layer = LayerSettings { name: String::new(), kind: kind.into(), settings: Some(settings) };
        self.registry.make_layers(&[layer]).0.pop().map(|(_, layer)| Found::Activation(layer))
    }
}

/// Returns the activation with one parameter for every feature that a formula is.
fn trainable<A: Scalar>(value: usize, samples: &Samples<'_, A>) -> Option<Found<A>> {
    let &[vector] = &samples.vectors[..] else { return None };
    // Any number in place of the parameters.
    let sampled = samples.with(&[(vector, 0.3)], value)?;
    let is = |function: &dyn Fn(f64) -> f64| difference(&POINTS.map(function), &sampled) <= TOLERANCE;
    let prelu = Arc::new(TrainableActivation::new(PRelu::default()).per_unit(true));
    for sign in [1.0, -1.0] {
        if is(&|u| if u > 0.0 { u } else { sign * 0.3 * u }) {
            return Some(Found::Trainable(prelu, PRelu::SAVED_AS, vector, sign));
        }
    }
    let swish = Swish::new(0.3);
    let is_swish = is(&|u| swish.f(u));
    let layer = Arc::new(TrainableActivation::new(Swish::default()).per_unit(true));
    is_swish.then_some(Found::Trainable(layer, Swish::SAVED_AS, vector, 1.0))
}

/// Returns the layer normalisation that a formula is, if it consists of all values of a sample.
fn layer_norm<A: Scalar>(value: usize, samples: &Samples<'_, A>) -> Option<Found<A>> {
    if !samples.has_mean {
        return None;
    }
    let first = samples.vectors.first().copied();
    let roles = match samples.vectors[..] {
        [] => vec![(None, None)],
        [_] => vec![(first, None), (None, first)],
        [a, b] => vec![(Some(a), Some(b)), (Some(b), Some(a))],
        _ => return None,
    };
    for (weight, bias) in roles {
        // Any numbers in place of the parameters.
        let known: Vec<(usize, f64)> =
            weight.map(|at| (at, 2.0)).into_iter().chain(bias.map(|at| (at, 3.0))).collect();
        let sampled = samples.with(&known, value)?;
        let (scale, shift) =
            (if weight.is_some() { 2.0 } else { 1.0 }, if bias.is_some() { 3.0 } else { 0.0 });
        for &epsilon in samples.constants.iter().filter(|&&epsilon| epsilon > 0.0) {
            let expected: Vec<f64> = normalised(epsilon).iter().map(|z| scale * z + shift).collect();
            if difference(&expected, &sampled) <= TOLERANCE * NEAR {
                return Some(Found::LayerNorm { epsilon, weight, bias });
            }
        }
    }
    None
}

/// The part of the tolerance for layer normalisations, whose ε changes little.
const NEAR: f64 = 1e-6;

/// Returns the points after layer normalisation.
fn normalised(epsilon: f64) -> Vec<f64> {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let deviations = POINTS.map(|point| point - mean(&POINTS));
    let spread = (mean(&deviations.map(|own| own * own)) + epsilon).sqrt();
    deviations.iter().map(|own| own / spread).collect()
}

/// Returns the settings with which a function is compared. A setting has the value of one of the numbers in the formula.
fn settings(output: &dyn Output<f64>, constants: &[f64]) -> Vec<Settings> {
    let own = output.settings().unwrap_or_default();
    let Some(name) = own.iter().next().map(|(name, _)| name.to_owned()) else { return vec![own] };
    let numbers = constants.iter().flat_map(|&c| [c, 1.0 / c]).chain([1.0]);
    numbers.filter(|number| number.is_finite()).map(|n| Settings::new().with(&*name, n)).collect()
}

/// Returns a function at the points.
fn forward(function: &dyn Output<f64>) -> Vec<f64> {
    let mut values = Array2::zeros((1, POINTS.len()));
    if let Ok(points) = ArrayView2::from_shape((1, POINTS.len()), &POINTS) {
        function.forward(points, values.view_mut());
    }
    values.into_raw_vec_and_offset().0
}

/// Returns the largest difference between values at the points, relative to values above 1.
fn difference(expected: &[f64], samples: &[f64]) -> f64 {
    let differences = expected.iter().zip(samples).map(|(a, b)| (a - b).abs() / a.abs().max(1.0));
    differences.fold(0.0, |most, own| if own <= most { most } else { own })
}
