//! Activation functions that a graph computes with one or more operators. They are recognised by their values, so that the form in which
//! a program wrote them does not matter.

use std::collections::HashMap;
use std::sync::Arc;

use ndarray::{Array2, ArrayView2};

use super::node::Attributes;
use super::values::{Formula, Operand, Step, Values};
use crate::activation::{
    ActFn, Celu, Elu, Gelu, GeluTanh, HardSwish, LeakyRelu, Mish, Relu, Sigmoid, Softplus, Softsign, Swish,
    Tanh,
};
use crate::layer::Layer;
use crate::output::{BuiltInOutput, Output, built_in_outputs};
use crate::persistence::Registry;
use crate::scalar::{Real, Scalar};
use crate::settings::{LayerSettings, Settings};

/// The points at which functions are compared.
const POINTS: [f64; 35] = [
    -30.0, -12.0, -8.0, -5.0, -3.5, -3.0, -2.5, -2.0, -1.5, -1.2, -1.0, -0.75, -0.5, -0.25, -0.1, -0.01, 0.0,
    0.01, 0.1, 0.25, 0.5, 0.75, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 3.5, 5.0, 6.5, 8.0, 12.0, 30.0, 90.0,
];
/// The largest difference between the values of the same function, whose numbers a file may store as `f32`.
const TOLERANCE: f64 = 1e-6;
/// The maximum number of operators one after another that form a function.
const LENGTH: usize = 16;

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

/// Returns the function of an operator with two operands.
pub(super) fn binary(operator: &str) -> Option<fn(f64, f64) -> f64> {
    Some(match operator {
        "Add" | "Sum" => |a, b| a + b,
        "Sub" => |a, b| a - b,
        "Mul" => |a, b| a * b,
        "Div" => |a, b| a / b,
        "Pow" => |a: f64, b: f64| if b == b.trunc() && b.abs() < 16.0 { a.powi(b as i32) } else { a.powf(b) },
        "Min" => f64::min,
        "Max" => f64::max,
        _ => return None,
    })
}

/// An activation, or `None` for the identity.
type Activation<A> = Option<Arc<dyn Layer<A>>>;

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

    /// Returns the activation that computes a value from the nearest earlier value from which one does, and that earlier value.
    pub fn recognise(&self, values: &Values<A>, value: usize) -> Option<(usize, Activation<A>)> {
        let mut base = values.get(value).parent;
        for _ in 0..LENGTH {
            let earlier = values.get(base);
            if !matches!(earlier.step, Step::Unknown(_)) {
                let mut samples = Samples { values, base, known: HashMap::new(), constants: Vec::new() };
                let sampled = samples.of(value, 0)?;
                if let Some(layer) = self.find(&sampled, &samples.constants) {
                    return Some((base, layer));
                }
            }
            if matches!(earlier.formula, Formula::Other) {
                break;
            }
            base = earlier.parent;
        }
        None
    }

    /// Returns the activation with these values at the points.
    fn find(&self, samples: &[f64], constants: &[f64]) -> Option<Activation<A>> {
        let mut best: Option<(f64, &str, Settings)> = None;
        for (output, make) in &self.list {
            for settings in settings(output.as_ref(), constants) {
                let Ok(candidate) = make(&settings) else { continue };
                let difference = difference(candidate.as_ref(), samples);
                if difference <= TOLERANCE && best.as_ref().is_none_or(|(least, ..)| difference < *least) {
                    best = Some((difference, output.kind(), settings));
                }
            }
        }
        let (_, kind, settings) = best?;
        if kind == "identity" {
            return Some(None);
        }
        let layer = LayerSettings { name: String::new(), kind: kind.into(), settings: Some(settings) };
        self.registry.make_layers(&[layer]).0.pop().map(|(_, layer)| Some(layer))
    }
}

/// Returns the settings with which a function is compared. A setting has the value of one of the numbers in the formula.
fn settings(output: &dyn Output<f64>, constants: &[f64]) -> Vec<Settings> {
    let own = output.settings().unwrap_or_default();
    let Some(name) = own.iter().next().map(|(name, _)| name.to_owned()) else { return vec![own] };
    let numbers = constants.iter().flat_map(|&c| [c, 1.0 / c]).chain([1.0]);
    numbers.filter(|number| number.is_finite()).map(|n| Settings::new().with(&*name, n)).collect()
}

/// Returns the largest difference between a function and values at the points, relative to values above 1.
fn difference(function: &dyn Output<f64>, samples: &[f64]) -> f64 {
    let mut values = Array2::zeros((1, POINTS.len()));
    let Ok(points) = ArrayView2::from_shape((1, POINTS.len()), &POINTS) else { return f64::INFINITY };
    function.forward(points, values.view_mut());
    let differences = values.iter().zip(samples).map(|(a, b)| (a - b).abs() / a.abs().max(1.0));
    differences.fold(0.0, |most, own| if own <= most { most } else { own })
}

/// The values of formulas at the points.
struct Samples<'a, A> {
    values: &'a Values<A>,
    /// The value that is the argument.
    base: usize,
    known: HashMap<usize, Vec<f64>>,
    /// The numbers in the formulas.
    constants: Vec<f64>,
}

impl<A> Samples<'_, A> {
    /// Returns a value at the points, or `None` if it is not a function of the base alone.
    fn of(&mut self, value: usize, depth: usize) -> Option<Vec<f64>> {
        if value == self.base {
            return Some(POINTS.to_vec());
        }
        if let Some(known) = self.known.get(&value) {
            return Some(known.clone());
        }
        if depth > LENGTH || self.known.len() > 4 * LENGTH {
            return None;
        }
        let sampled: Vec<f64> = match &self.values.get(value).formula {
            Formula::Other => return None,
            Formula::Unary(function, from, constants) => {
                self.constants.extend(constants);
                self.of(*from, depth + 1)?.into_iter().map(function).collect()
            }
            Formula::Binary(operator, operands) => {
                let [a, b] = operands.map(|operand| self.operand(operand, depth + 1));
                a?.into_iter().zip(b?).map(|(a, b)| operator(a, b)).collect()
            }
        };
        self.known.insert(value, sampled.clone());
        Some(sampled)
    }

    fn operand(&mut self, operand: Operand, depth: usize) -> Option<Vec<f64>> {
        match operand {
            Operand::Value(value) => self.of(value, depth),
            Operand::Number(number) => {
                self.constants.push(number);
                Some(vec![number; POINTS.len()])
            }
        }
    }
}
