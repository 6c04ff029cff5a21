//! The operators of the built-in activation functions.
//!
//! Floating-point attributes are `f32`, and ONNX Runtime has no `f64` version of several operators. In models of `f64`, most
//! functions are therefore compositions of arithmetic operators.

use super::graph::{Graph, Part};
use crate::error::Result;

/// Adds the nodes of an activation function of the value `u`. Returns `None` if the function is not built in.
pub(super) fn activation(graph: &mut Graph, part: &Part, u: &str) -> Result<Option<String>> {
    let number = |name: &str| part.settings.number(name);
    Ok(Some(match part.kind.as_str() {
        "identity" => u.into(),
        "relu" => graph.node("Relu", &[u]),
        "sigmoid" => graph.node("Sigmoid", &[u]),
        "tanh" => graph.node("Tanh", &[u]),
        "relu6" => clip(graph, u, 0.0, 6.0),
        "hard_tanh" => clip(graph, u, -1.0, 1.0),
        "leaky_relu" => leaky(graph, u, number("alpha")?),
        "elu" => elu(graph, u, number("alpha")?, 1.0),
        "celu" => celu(graph, u, number("alpha")?),
        "selu" => selu(graph, u),
        "softplus" => softplus(graph, u, number("beta")?),
        "softsign" => softsign(graph, u),
        "log_sigmoid" => {
            let negative = graph.node("Neg", &[u]);
            let z = softplus(graph, &negative, 1.0);
            graph.node("Neg", &[&z])
        }
        "hard_sigmoid" => hard_sigmoid(graph, u),
        "hard_swish" => {
            let gate = hard_sigmoid(graph, u);
            graph.node("Mul", &[u, &gate])
        }
        "gelu" => gelu(graph, u),
        "gelu_tanh" => gelu_tanh(graph, u),
        "swish" => swish(graph, u, number("beta")?),
        "mish" => {
            let v = softplus(graph, u, 1.0);
            times_tanh(graph, u, &v)
        }
        "tanh_exp" => {
            let v = graph.node("Exp", &[u]);
            times_tanh(graph, u, &v)
        }
        "prelu" => graph.node("PRelu", &[u, &part.parameter("weight")]),
        "trainable_swish" => {
            let v = graph.node("Mul", &[u, &part.parameter("beta")]);
            times_sigmoid(graph, u, &v)
        }
        _ => return Ok(None),
    }))
}

/// Adds an operator with a constant as its second operand.
fn with(graph: &mut Graph, operator: &str, u: &str, constant: f64) -> String {
    let constant = graph.constant(constant);
    graph.node(operator, &[u, &constant])
}

fn times_sigmoid(graph: &mut Graph, u: &str, v: &str) -> String {
    let gate = graph.node("Sigmoid", &[v]);
    graph.node("Mul", &[u, &gate])
}

fn times_tanh(graph: &mut Graph, u: &str, v: &str) -> String {
    let gate = graph.node("Tanh", &[v]);
    graph.node("Mul", &[u, &gate])
}

fn clip(graph: &mut Graph, u: &str, low: f64, high: f64) -> String {
    let (low, high) = (graph.constant(low), graph.constant(high));
    graph.node("Clip", &[u, &low, &high])
}

/// Adds max(u, 0) + α·min(u, 0), which is exact because one of the terms is 0.
fn leaky(graph: &mut Graph, u: &str, alpha: f64) -> String {
    if !graph.is_double() {
        return graph.node_with("LeakyRelu", &[u], [("alpha", (alpha as f32).into())]);
    }
    let (positive, negative) = (graph.node("Relu", &[u]), with(graph, "Min", u, 0.0));
    let negative = with(graph, "Mul", &negative, alpha);
    graph.node("Add", &[&positive, &negative])
}

/// Adds u for u > 0, else α·(eᵘ − 1), everything multiplied by `scale`.
fn elu(graph: &mut Graph, u: &str, alpha: f64, scale: f64) -> String {
    if !graph.is_double() && scale == 1.0 {
        return graph.node_with("Elu", &[u], [("alpha", (alpha as f32).into())]);
    }
    let (positive, low) = (graph.node("Relu", &[u]), with(graph, "Min", u, 0.0));
    let power = graph.node("Exp", &[&low]);
    let negative = with(graph, "Sub", &power, 1.0);
    let negative = with(graph, "Mul", &negative, alpha);
    let z = graph.node("Add", &[&positive, &negative]);
    if scale == 1.0 { z } else { with(graph, "Mul", &z, scale) }
}

/// Adds α·elu(u/α).
fn celu(graph: &mut Graph, u: &str, alpha: f64) -> String {
    if !graph.is_double() {
        return graph.node_with("Celu", &[u], [("alpha", (alpha as f32).into())]);
    }
    let v = with(graph, "Div", u, alpha);
    elu(graph, &v, 1.0, alpha)
}

fn selu(graph: &mut Graph, u: &str) -> String {
    const LAMBDA: f64 = 1.050_700_987_355_480_5;
    const ALPHA: f64 = 1.673_263_242_354_377_2;
    if !graph.is_double() {
        let attributes = [("alpha", (ALPHA as f32).into()), ("gamma", (LAMBDA as f32).into())];
        return graph.node_with("Selu", &[u], attributes);
    }
    elu(graph, u, ALPHA, LAMBDA)
}

/// Adds softplus(β·u)/β.
fn softplus(graph: &mut Graph, u: &str, beta: f64) -> String {
    let v = if beta == 1.0 { u.into() } else { with(graph, "Mul", u, beta) };
    let z = if graph.is_double() { softplus_composed(graph, &v) } else { graph.node("Softplus", &[&v]) };
    if beta == 1.0 { z } else { with(graph, "Div", &z, beta) }
}

/// Adds max(v, 0) + ln(1 + e^(−|v|)), which cannot overflow.
fn softplus_composed(graph: &mut Graph, v: &str) -> String {
    let size = graph.node("Abs", &[v]);
    let negative = graph.node("Neg", &[&size]);
    let power = graph.node("Exp", &[&negative]);
    let sum = with(graph, "Add", &power, 1.0);
    let (positive, rest) = (graph.node("Relu", &[v]), graph.node("Log", &[&sum]));
    graph.node("Add", &[&positive, &rest])
}

fn softsign(graph: &mut Graph, u: &str) -> String {
    if !graph.is_double() {
        return graph.node("Softsign", &[u]);
    }
    let size = graph.node("Abs", &[u]);
    let sum = with(graph, "Add", &size, 1.0);
    graph.node("Div", &[u, &sum])
}

/// Adds clip(u + 3, 0, 6)/6. The operator `HardSigmoid` has 1/6 as an attribute, which is not exact.
fn hard_sigmoid(graph: &mut Graph, u: &str) -> String {
    let sum = with(graph, "Add", u, 3.0);
    let clipped = clip(graph, &sum, 0.0, 6.0);
    with(graph, "Div", &clipped, 6.0)
}

/// Adds u·(1 + erf(u/√2))/2.
fn gelu(graph: &mut Graph, u: &str) -> String {
    let v = with(graph, "Mul", u, std::f64::consts::FRAC_1_SQRT_2);
    let erf = graph.node("Erf", &[&v]);
    let sum = with(graph, "Add", &erf, 1.0);
    let half = with(graph, "Mul", u, 0.5);
    graph.node("Mul", &[&half, &sum])
}

/// Adds u·σ(2·√(2/π)·(u + 0.044715·u³)), the same as the form with tanh.
fn gelu_tanh(graph: &mut Graph, u: &str) -> String {
    let square = graph.node("Mul", &[u, u]);
    let square = with(graph, "Mul", &square, 0.044_715);
    let sum = with(graph, "Add", &square, 1.0);
    let v = graph.node("Mul", &[u, &sum]);
    let v = with(graph, "Mul", &v, 2.0 * 0.797_884_560_802_865_4);
    times_sigmoid(graph, u, &v)
}

fn swish(graph: &mut Graph, u: &str, beta: f64) -> String {
    let v = if beta == 1.0 { u.into() } else { with(graph, "Mul", u, beta) };
    times_sigmoid(graph, u, &v)
}
