//! Convolutions and pooling in a graph.

use super::import::Import;
use super::node::Attributes;
use super::operators::{applied, layer};
use super::proto;
use super::tensor::Array;
use crate::layer::{
    AvgPool1d, AvgPool2d, Conv1d, Conv2d, ConvTranspose2d, Extent, MaxPool1d, MaxPool2d, Padding,
};
use crate::scalar::Scalar;

/// Adds the value of a convolution or of pooling.
pub(super) fn node<A: Scalar>(
    import: &mut Import<'_, A>,
    node: &proto::Node,
    operator: &str,
) -> Result<usize, String> {
    let from = import.value(node, 0)?;
    let shape = import.values.get(from).shape;
    if !(shape.rank() == 3 || shape.rank() == 2 && operator != "ConvTranspose") {
        return Err(format!(
            "expected images (channels, height, width) or signals (channels, length), got samples of the shape {shape}"
        ));
    }
    let rank = shape.rank() - 1;
    let attributes = Attributes(node);
    match operator {
        "Conv" | "ConvTranspose" => convolution(import, node, from, rank, operator == "ConvTranspose"),
        _ => {
            attributes.only("ceil_mode", 0, 0)?;
            let window = Window::of(&attributes, rank, attributes.extent("kernel_shape", rank, None)?)?;
            pool(import, from, operator, &attributes, window)
        }
    }
}

/// The geometry of a window of an image, or of a signal. The extents of a signal have equal heights and widths.
struct Window {
    rank: usize,
    kernel: Extent,
    stride: Extent,
    dilation: Extent,
    padding: Padding,
}

impl Window {
    fn of(attributes: &Attributes<'_>, rank: usize, kernel: [usize; 2]) -> Result<Self, String> {
        if kernel.contains(&0) {
            return Err(format!("kernel: expected at least 1 pixel, got {kernel:?}"));
        }
        let (stride, dilation) =
            (attributes.extent("strides", rank, Some(1))?, attributes.extent("dilations", rank, Some(1))?);
        let padding = padding(attributes, rank, kernel, stride, dilation)?;
        Ok(Self { rank, kernel: kernel.into(), stride: stride.into(), dilation: dilation.into(), padding })
    }
}

fn padding(
    attributes: &Attributes<'_>,
    rank: usize,
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
) -> Result<Padding, String> {
    let all = [0, 1].map(|i| (kernel[i] - 1).saturating_mul(dilation[i]));
    let auto = attributes.text("auto_pad", "NOTSET")?;
    match auto.as_str() {
        "NOTSET" | "" => {}
        "VALID" => return Ok(0.into()),
        "SAME_UPPER" if stride == [1, 1] => return Ok(Padding::Same),
        "SAME_LOWER" if stride == [1, 1] && all.iter().all(|all| all % 2 == 0) => return Ok(Padding::Same),
        other => {
            return Err(format!("attribute 'auto_pad': expected NOTSET, VALID or stride 1, got {other}"));
        }
    }
    let Some(pads) = attributes.ints("pads") else { return Ok(0.into()) };
    let size = |n: i64| usize::try_from(n).ok().filter(|&n| n < 1_000_000_000);
    let sizes: Option<Vec<usize>> = pads.iter().map(|&n| size(n)).collect();
    let sizes = sizes.filter(|sizes| sizes.len() == 2 * rank);
    // A signal has the same padding in the direction of its height, which has no effect.
    let sizes = sizes.map(|sizes| [sizes[0], sizes[rank - 1], sizes[rank], sizes[2 * rank - 1]]);
    match sizes {
        Some([top, left, bottom, right]) if [top, left] == [bottom, right] => Ok([top, left].into()),
        Some([top, left, bottom, right])
            if stride == [1, 1]
                && [top, left] == all.map(|all| all / 2)
                && [bottom, right] == all.map(|all| all - all / 2) =>
        {
            Ok(Padding::Same)
        }
        _ => Err(format!("attribute 'pads': expected the same number on both sides, got {pads:?}")),
    }
}

fn convolution<A: Scalar>(
    import: &mut Import<'_, A>,
    node: &proto::Node,
    from: usize,
    rank: usize,
    transposed: bool,
) -> Result<usize, String> {
    let attributes = Attributes(node);
    let weight = import.array(node, 1)?;
    if weight.dims.len() != 2 + rank {
        return Err(format!("weight: expected {} dimensions, got {:?}", 2 + rank, weight.dims));
    }
    let (first, second) = (weight.dims[0], weight.dims[1]);
    let window = Window::of(&attributes, rank, [weight.dims[2], weight.dims[1 + rank]])?;
    let groups =
        usize::try_from(attributes.int("group", 1)?).map_err(|_| "attribute 'group': expected at least 1")?;
    // Then there are at most as many channels as weights.
    if groups > first {
        return Err(format!("attribute 'group': expected at most {first} groups, got {groups}"));
    }
    let channels = if transposed { second.saturating_mul(groups) } else { first };
    let takes_bias = import.input(node, 2).is_none();
    let bias = match takes_bias {
        false => import.array(node, 2)?,
        true => Array::filled(weight.is_single, channels, 0.0),
    };
    let tensors = vec![("weight", weight), ("bias", bias)];
    if rank == 1 {
        let conv = Conv1d::new(channels, window.kernel.width).stride(window.stride.width);
        let conv = conv.dilation(window.dilation.width).padding(window.padding).groups(groups);
        return applied(import, from, conv, tensors, takes_bias);
    }
    if !transposed {
        let conv = Conv2d::new(channels, window.kernel).stride(window.stride).dilation(window.dilation);
        let conv = conv.padding(window.padding).groups(groups);
        return applied(import, from, conv, tensors, takes_bias);
    }
    let Padding::Pixels(pixels) = window.padding else {
        return Err("attribute 'pads': expected the same number on both sides".into());
    };
    if attributes.get("output_shape").is_some() {
        return Err("attribute 'output_shape': expected none".into());
    }
    let conv = ConvTranspose2d::new(channels, window.kernel).stride(window.stride).dilation(window.dilation);
    let conv = conv.padding(pixels).groups(groups);
    let conv = conv.output_padding(attributes.extent("output_padding", rank, Some(0))?);
    applied(import, from, conv, tensors, takes_bias)
}

fn pool<A: Scalar>(
    import: &mut Import<'_, A>,
    from: usize,
    operator: &str,
    attributes: &Attributes<'_>,
    window: Window,
) -> Result<usize, String> {
    let Window { rank, kernel, stride, dilation, padding } = window;
    if operator == "MaxPool" && rank == 1 {
        let pool =
            MaxPool1d::new(kernel.width).stride(stride.width).dilation(dilation.width).padding(padding);
        return layer(import, from, pool, Vec::new());
    }
    if operator == "MaxPool" {
        let pool = MaxPool2d::new(kernel).stride(stride).dilation(dilation).padding(padding);
        return layer(import, from, pool, Vec::new());
    }
    if dilation != Extent::from(1) {
        return Err(format!("attribute 'dilations': expected 1, got {dilation:?}"));
    }
    let counted = attributes.int("count_include_pad", 0)? != 0;
    if rank == 1 {
        let pool =
            AvgPool1d::new(kernel.width).stride(stride.width).padding(padding).count_include_pad(counted);
        return layer(import, from, pool, Vec::new());
    }
    let pool = AvgPool2d::new(kernel).stride(stride).padding(padding).count_include_pad(counted);
    layer(import, from, pool, Vec::new())
}
