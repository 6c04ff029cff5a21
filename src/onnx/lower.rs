//! The model whose layers compute the values of a graph.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::scale::{put_into, takes_scale};
use super::tensor::Array;
use super::values::{Applied, Scaled, Step, Values};
use crate::activation::{Identity, Sigmoid};
use crate::data::Normalizer;
use crate::error::{Error, Result};
use crate::layer::{Activation, BatchNorm, Chain, Concat, Layer, Named, Residual};
use crate::loss::{BinaryCrossEntropy, CrossEntropy, Loss, MeanSquaredError};
use crate::model::{Sequential, SequentialBuilder};
use crate::output::{Output, Softmax};
use crate::scalar::Scalar;

/// The maximum number of blocks inside each other.
const NESTED: usize = 32;

/// The layers that compute a value from an earlier one, and their tensors under their full names in files.
struct Layers<A> {
    layers: Vec<Named<A>>,
    tensors: Vec<(String, Array)>,
}

/// Returns the model that computes the value `end`.
pub(super) fn lower<A: Scalar>(file: &Path, values: &Values<A>, end: usize) -> Result<Sequential<A>> {
    let mismatch = |problem: String| Error::Mismatch { file: file.into(), problems: vec![problem] };
    let (end, output, loss) = ending(values, end);
    let (start, normalizer) = normalizer(values, end);
    let Layers { mut layers, tensors } = between(values, end, start, 0).map_err(mismatch)?;
    if layers.is_empty() {
        layers.push(("identity1".into(), Arc::new(Activation::new(Identity))));
    }
    let builder = SequentialBuilder::of(values.get(0).shape, layers, output, loss);
    let mut model = builder.plan().map_err(|error| mismatch(error.to_string()))?;
    if let Some(normalizer) = normalizer {
        let set = normalizer.and_then(|normalizer| model.set_input_normalizer(normalizer));
        set.map_err(|error| mismatch(error.to_string()))?;
    }
    let tensors: Vec<_> = tensors.iter().map(|(name, array)| array.named(name.clone())).collect();
    model.filled(file, &tensors)
}

/// The logits, the output and a loss that fits.
type Ending<A> = (usize, Arc<dyn Output<A>>, Arc<dyn Loss<A>>);

fn ending<A: Scalar>(values: &Values<A>, mut end: usize) -> Ending<A> {
    while let Step::Same(from) = values.get(end).step {
        end = from;
    }
    match &values.get(end).step {
        Step::Softmax(from) => (*from, Arc::new(Softmax), Arc::new(CrossEntropy)),
        Step::Layer(Applied { from, layer, .. }) if layer.kind() == "sigmoid" => {
            (*from, Arc::new(Sigmoid), Arc::new(BinaryCrossEntropy))
        }
        _ => (end, Arc::new(Identity), Arc::new(MeanSquaredError)),
    }
}

/// Returns the value from which layers compute the value `end`, with the normaliser of the input if the value is normalised.
fn normalizer<A: Scalar>(values: &Values<A>, mut end: usize) -> (usize, Option<Result<Normalizer>>) {
    while end != 0 {
        let value = values.get(end);
        if let Step::Normalised(shift, scale) = &value.step {
            let pairs: Vec<_> = shift.iter().copied().zip(scale.iter().copied()).collect();
            let per_feature = pairs.len() > 1 || value.shape.size() == 1;
            return (end, Some(Normalizer::of_statistics(pairs, per_feature)));
        }
        end = match &value.step {
            Step::Layer(Applied { from, .. }) | Step::Scaled(Scaled { from, .. }) | Step::Same(from) => *from,
            _ => value.parent,
        };
    }
    (0, None)
}

/// Returns the layers that compute the value `end` from the value `base`.
fn between<A: Scalar>(
    values: &Values<A>,
    end: usize,
    base: usize,
    depth: usize,
) -> Result<Layers<A>, String> {
    if depth > NESTED {
        return Err(format!("expected at most {NESTED} blocks inside each other"));
    }
    let (mut at, mut steps) = (end, Vec::new());
    while at != base {
        let value = values.get(at);
        if values.depth(at) <= values.depth(base) {
            return Err(
                "expected blocks that use only their own input, got one that uses an earlier value".into()
            );
        }
        let from = match &value.step {
            Step::Layer(Applied { from, .. }) | Step::Scaled(Scaled { from, .. }) | Step::Same(from) => *from,
            Step::Normalised(..) => {
                return Err("expected layers that all use the same normalised input".into());
            }
            Step::Sum(_) | Step::Concat(_) => value.parent,
            Step::Softmax(_) => return Err("expected softmax only at the end of the model".into()),
            Step::Unknown(reason) => return Err(reason.clone()),
            Step::Input => return Err("expected blocks that use only their own input".into()),
        };
        steps.push(at);
        at = from;
    }
    let mut built: Vec<Built<A>> = Vec::new();
    for &step in steps.iter().rev() {
        match &values.get(step).step {
            Step::Scaled(scaled) => add_scaled(&mut built, scaled),
            _ => built.extend(layer(values, step, depth)?),
        }
    }
    let (mut all, mut counts) = (Layers { layers: Vec::new(), tensors: Vec::new() }, HashMap::new());
    for (layer, tensors) in built {
        let kind = name_of(layer.kind());
        let count = counts.entry(kind.to_owned()).and_modify(|count| *count += 1).or_insert(1_usize);
        let name = format!("{kind}{count}");
        all.tensors.extend(tensors.into_iter().map(|(own, array)| (format!("{name}.{own}"), array)));
        all.layers.push((name, layer));
    }
    Ok(all)
}

/// Puts a scale and a shift into the last layer, or adds a batch normalisation with them.
fn add_scaled<A: Scalar>(built: &mut Vec<Built<A>>, scaled: &Scaled) {
    let (Scaled { scale, shift, .. }, channels) = (scaled, scaled.scale.len());
    if let Some((_, tensors)) = built.last_mut().filter(|(layer, _)| takes_scale(layer.kind())) {
        put_into(tensors, scale, shift);
        return;
    }
    // Its input already has the variance 1, except for ε.
    let norm = BatchNorm::new();
    let (is_single, epsilon) = (size_of::<A>() == 4, 1e-5);
    let values = [("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0 - epsilon)];
    let array = |value| Array::of(is_single, &[channels], vec![value; channels]);
    let mut tensors = values.map(|(name, value)| (name.to_owned(), array(value))).to_vec();
    put_into(&mut tensors, scale, shift);
    built.push((Arc::new(norm.epsilon(epsilon)), tensors));
}

/// Returns the beginning of the names of layers of a kind.
fn name_of(kind: &str) -> &str {
    match kind {
        "residual" | "concat" => "block",
        kind => kind.strip_suffix("_2d").unwrap_or(kind),
    }
}

/// A layer with its tensors under their names in the layer.
type Built<A> = (Arc<dyn Layer<A>>, Vec<(String, Array)>);

/// Returns the layer that computes a value, or `None` if the value is the same as the one before.
fn layer<A: Scalar>(values: &Values<A>, value: usize, depth: usize) -> Result<Option<Built<A>>, String> {
    let base = values.get(value).parent;
    Ok(Some(match &values.get(value).step {
        Step::Layer(Applied { layer, tensors, .. }) => {
            (layer.clone(), tensors.iter().map(|(name, array)| ((*name).into(), array.clone())).collect())
        }
        Step::Sum([a, b]) => {
            let [a, b] = [a, b].map(|&branch| between(values, branch, base, depth + 1));
            sum(a?, b?)?
        }
        Step::Concat(parts) => {
            let branches = parts.iter().map(|&branch| between(values, branch, base, depth + 1));
            concat(branches.collect::<Result<_, _>>()?)
        }
        _ => return Ok(None),
    }))
}

fn sum<A: Scalar>(a: Layers<A>, b: Layers<A>) -> Result<Built<A>, String> {
    let (chain, other) = if a.layers.is_empty() { (b, a) } else { (a, b) };
    if chain.layers.is_empty() {
        return Err("expected a sum of different values, got twice the same".into());
    }
    let mut tensors = chain.tensors;
    let block = Residual::new(Chain::of(chain.layers));
    if other.layers.is_empty() {
        return Ok((Arc::new(block), tensors));
    }
    tensors.extend(within("projection", other.tensors));
    Ok((Arc::new(block.projection(Chain::of(other.layers))), tensors))
}

fn concat<A: Scalar>(branches: Vec<Layers<A>>) -> Built<A> {
    let (mut block, mut tensors) = (Concat::new(), Vec::new());
    for (number, branch) in (1..).zip(branches) {
        let (name, mut layers) = (format!("branch{number}"), branch.layers);
        if layers.is_empty() {
            layers.push(("identity1".into(), Arc::new(Activation::new(Identity))));
        }
        tensors.extend(within(&name, branch.tensors));
        block = block.add_branch(name, Chain::of(layers));
    }
    (Arc::new(block), tensors)
}

/// Returns the tensors with the name of a branch before their names.
fn within(branch: &str, tensors: Vec<(String, Array)>) -> impl Iterator<Item = (String, Array)> {
    tensors.into_iter().map(move |(name, array)| (format!("{branch}.{name}"), array))
}
