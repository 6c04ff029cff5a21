//! Numbers for every channel that become part of the layer before them.

use super::tensor::Array;

/// Returns whether the parameters of a layer with this kind can contain a scale and a shift of its outputs.
pub(super) fn takes_scale(kind: &str) -> bool {
    matches!(kind, "affine" | "conv_2d" | "batch_norm")
}

/// Multiplies all weights of each output, and adds the shift to the bias.
pub(super) fn put_into(tensors: &mut [(String, Array)], scale: &[f64], shift: &[f64]) {
    for (name, array) in tensors {
        let Some(&outputs) = array.dims.first() else { continue };
        let each = (array.size() / outputs.max(1)).max(1);
        let of = |list: &[f64], i: usize| list.get(i / each).copied();
        let values = array.values().into_iter().enumerate();
        let values = values.map(|(i, value)| match name.as_str() {
            "weight" => value * of(scale, i).unwrap_or(1.0),
            "bias" => value * of(scale, i).unwrap_or(1.0) + of(shift, i).unwrap_or(0.0),
            _ => value,
        });
        *array = Array::of(array.is_single, &array.dims, values);
    }
}
