//! Arithmetic with constants that have a number for every feature or channel.

use super::super::import::Import;
use super::super::node::Attributes;
use super::super::proto;
use super::super::tensor::Array;
use super::super::values::{Formula, Order, Scaled, Step, Value};
use crate::scalar::Scalar;

/// Adds the features after (x − offset)·scale.
pub(super) fn scaler<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let mut from = import.channels_first(node, 0)?;
    for (name, operator) in [("offset", "Sub"), ("scale", "Mul")] {
        let floats = Attributes(node).get(name).map_or(&[][..], |attribute| &attribute.floats);
        let numbers: Vec<f64> = floats.iter().map(|&value| value.into()).collect();
        let earlier = import.values.get(from);
        let step = with_numbers(earlier, from, operator, 0, &numbers)?;
        from = import.values.add(0, earlier.shape, Formula::Other, step);
    }
    Ok(from)
}

/// Returns the step of an operator with a value at the input `at` and a constant at the other. Returns an error if no layer
/// computes it.
pub(super) fn step<A: Scalar>(
    import: &mut Import<'_, A>,
    from: usize,
    operator: &str,
    at: usize,
    array: &Array,
) -> Result<Step<A>, String> {
    let value = import.values.get(from);
    if let Step::Unknown(reason) = &value.step {
        return Err(reason.clone());
    }
    let is_input = matches!(value.step, Step::Input | Step::Normalised(..));
    // The normaliser of a model has numbers for every feature.
    let size = if is_input { value.shape.size() } else { value.shape.dims()[0] };
    import.charge(size.max(array.size()).saturating_mul(32))?;
    let value = import.values.get(from);
    if array.size() > 1 && !is_per_channel(value, &array.dims) && !(is_input && is_whole(value, &array.dims))
    {
        let expected = "expected one number, or one for each feature or channel";
        return Err(format!("{expected} of samples of {}, got the shape {:?}", value.shape, array.dims));
    }
    with_numbers(value, from, operator, at, &array.values())
}

/// Returns whether an array has the shape of a sample.
pub(super) fn is_whole<A>(value: &Value<A>, dims: &[usize]) -> bool {
    value.order == Order::Same
        && (dims == value.shape.dims() || dims.strip_prefix(&[1]) == Some(value.shape.dims()))
}

/// Returns whether an array has one number for each channel of images, or for each feature.
fn is_per_channel<A>(value: &Value<A>, dims: &[usize]) -> bool {
    let (shape, channels) = (value.shape, value.shape.dims()[0]);
    let at = match value.order {
        Order::Same => Some(shape.rank()),
        Order::ChannelsLast => Some(1),
        Order::Flattened(_) => None,
    };
    // The place of the channels, counted from the end.
    let Some(at) = at.and_then(|at| dims.len().checked_sub(at)) else { return false };
    let others = dims.iter().enumerate().filter(|&(i, _)| i != at);
    dims.len() <= shape.rank() + 1 && dims[at] == channels && others.into_iter().all(|(_, &dim)| dim == 1)
}

/// Returns the step of an operator with a value at the input `at` and numbers at the other.
fn with_numbers<A>(
    value: &Value<A>,
    from: usize,
    operator: &str,
    at: usize,
    numbers: &[f64],
) -> Result<Step<A>, String> {
    let (width, whole) = (value.shape.dims()[0], value.shape.size());
    match &value.step {
        Step::Input if numbers.len() == 1 || numbers.len() == whole => {
            normalised(operator, at, (&[0.0], &[1.0]), numbers)
        }
        Step::Normalised(shift, scale) if [1, shift.len()].contains(&numbers.len()) || shift.len() == 1 => {
            normalised(operator, at, (shift, scale), numbers)
        }
        _ if numbers.len() == 1 => scaled(value, from, operator, at, &vec![numbers[0]; width]),
        _ if numbers.len() == width => scaled(value, from, operator, at, numbers),
        _ => {
            let expected = format!("expected one number, or {width} for the features");
            Err(format!("{expected}, got {} numbers", numbers.len()))
        }
    }
}

/// Returns x·scale + shift, with one number for each channel.
fn scaled<A>(
    value: &Value<A>,
    from: usize,
    operator: &str,
    at: usize,
    numbers: &[f64],
) -> Result<Step<A>, String> {
    let line = |n: f64| match (operator, at) {
        ("Add", _) => Some((1.0, n)),
        ("Sub", 0) => Some((1.0, -n)),
        ("Sub", _) => Some((-1.0, n)),
        ("Mul", _) => Some((n, 0.0)),
        ("Div", 0) => Some((n.recip(), 0.0)),
        _ => None,
    };
    let lines: Option<Vec<(f64, f64)>> = numbers.iter().map(|&n| line(n)).collect();
    let lines = lines.ok_or(UNSUITABLE)?.into_iter();
    let (from, (scale, shift)) = match &value.step {
        Step::Scaled(earlier) => {
            let pairs = earlier.scale.iter().zip(&earlier.shift);
            (
                earlier.from,
                lines.zip(pairs).map(|((a, b), (scale, shift))| (scale * a, shift * a + b)).unzip(),
            )
        }
        _ => (from, lines.unzip()),
    };
    Ok(Step::Scaled(Scaled { from, scale, shift }))
}

const UNSUITABLE: &str = "expected a sum, a product or a quotient with numbers";

/// Returns (x − shift)/scale after another operator. A single number is the same for all features.
fn normalised<A>(
    operator: &str,
    at: usize,
    (shift, scale): (&[f64], &[f64]),
    numbers: &[f64],
) -> Result<Step<A>, String> {
    let with = |shift: f64, scale: f64, n: f64| match (operator, at) {
        ("Add", _) => Some((shift - n * scale, scale)),
        ("Sub", 0) => Some((shift + n * scale, scale)),
        ("Sub", _) => Some((shift + n * scale, -scale)),
        ("Mul", _) => Some((shift, scale / n)),
        ("Div", 0) => Some((shift, scale * n)),
        _ => None,
    };
    let of = |list: &[f64], i: usize| list[if list.len() == 1 { 0 } else { i }];
    let all = (0..shift.len().max(numbers.len())).map(|i| with(of(shift, i), of(scale, i), of(numbers, i)));
    let all: Option<Vec<(f64, f64)>> = all.collect();
    let (shift, scale) = all.ok_or(UNSUITABLE)?.into_iter().unzip();
    Ok(Step::Normalised(shift, scale))
}
