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

/// Returns the step of an operator with a value at the input `at` and a constant at the other. Returns an error if no layer computes it.
pub(super) fn step<A: Scalar>(
    import: &mut Import<'_, A>,
    from: usize,
    operator: &str,
    at: usize,
    array: &Array,
) -> Result<Step<A>, String> {
    // The numbers need up to 4 times as much memory as their tensor.
    import.charge(array.size().saturating_mul(32))?;
    let value = import.values.get(from);
    if let Step::Unknown(reason) = &value.step {
        return Err(reason.clone());
    }
    let (shape, is_input) = (value.shape, matches!(value.step, Step::Input | Step::Normalised(..)));
    if is_input {
        // The normaliser of a model has numbers for every feature.
        import.charge(shape.size().saturating_mul(16))?;
    }
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
    // x·scale + shift
    let line = |n: f64| match (operator, at) {
        ("Add", _) => Some((1.0, n)),
        ("Sub", 0) => Some((1.0, -n)),
        ("Sub", _) => Some((-1.0, n)),
        ("Mul", _) => Some((n, 0.0)),
        ("Div", 0) => Some((n.recip(), 0.0)),
        _ => None,
    };
    let lines: Option<Vec<(f64, f64)>> = numbers.iter().map(|&n| line(n)).collect();
    let lines = lines.ok_or("expected a sum, a product or a quotient")?;
    let (width, whole) = (value.shape.dims()[0], value.shape.size());
    let fits = |len: usize| numbers.len() == 1 || len == 1 || numbers.len() == len;
    Ok(match &value.step {
        Step::Input | Step::Normalised(..) if numbers.len() == 1 || numbers.len() == whole => {
            let same = (vec![0.0], vec![1.0]);
            let (shift, scale) = match &value.step {
                Step::Normalised(shift, scale) if fits(shift.len()) => (shift.clone(), scale.clone()),
                Step::Normalised(..) => {
                    return Err(format!("expected {whole} numbers, got {}", numbers.len()));
                }
                _ => same,
            };
            normalised(operator, &shift, &scale, numbers).ok_or("expected a sum, a product or a quotient")?
        }
        _ if numbers.len() != 1 && numbers.len() != width => {
            let expected = "expected one number, or numbers for all features";
            return Err(format!("{expected}, got {} numbers", numbers.len()));
        }
        Step::Scaled(scaled) if fits(scaled.scale.len()) => {
            let earlier = pairs(&scaled.scale, &scaled.shift, lines.len());
            let lines =
                lines.iter().cycle().zip(earlier).map(|(&(a, b), (scale, shift))| (scale * a, shift * a + b));
            let (scale, shift) = lines.unzip();
            Step::Scaled(Scaled { from: scaled.from, scale, shift })
        }
        _ => {
            let (scale, shift) = lines.into_iter().unzip();
            Step::Scaled(Scaled { from, scale, shift })
        }
    })
}

/// Returns pairs, repeated to this length if there is only one.
fn pairs<'a>(a: &'a [f64], b: &'a [f64], length: usize) -> impl Iterator<Item = (f64, f64)> + 'a {
    let length = length.max(a.len());
    a.iter().copied().zip(b.iter().copied()).cycle().take(length)
}

/// Returns (x − shift)/scale after another operator. Each form is exact for the forms in which files have them.
fn normalised<A>(operator: &str, shift: &[f64], scale: &[f64], numbers: &[f64]) -> Option<Step<A>> {
    let with = |(shift, scale): (f64, f64), n: f64| match operator {
        "Add" => Some((shift - n * scale, scale)),
        "Sub" => Some((shift + n * scale, scale)),
        "Mul" => Some((shift, scale / n)),
        "Div" => Some((shift, scale * n)),
        _ => None,
    };
    let all = pairs(shift, scale, numbers.len()).zip(numbers.iter().cycle());
    let all: Option<Vec<(f64, f64)>> = all.map(|(pair, &n)| with(pair, n)).collect();
    let (shift, scale) = all?.into_iter().unzip();
    Some(Step::Normalised(shift, scale))
}
