//! Convolutions and pooling in a graph.

use super::super::import::Import;
use super::super::node::Attributes;
use super::super::proto;
use super::super::tensor::Array;
use super::super::values::{Formula, Order, Step};
use super::layer;
use super::numbers::numbers;
use crate::layer::{
    AvgPool1d, AvgPool2d, Conv1d, Conv2d, ConvTranspose2d, GlobalAvgPool2d, MaxPool1d, MaxPool2d, Padding,
    Reshape,
};
use crate::scalar::Scalar;

/// Adds the value of a convolution or of pooling.
pub(super) fn node<A: Scalar>(
    import: &mut Import<'_, A>,
    node: &proto::Node,
    operator: &str,
) -> Result<usize, String> {
    let from = import.channels_first(node, 0)?;
    let shape = import.values.get(from).shape;
    // The extents of a signal have equal heights and widths.
    let (rank, image) = match *shape.dims() {
        [_, height, width] => (2, [height, width]),
        [_, length] if matches!(operator, "Conv" | "MaxPool" | "AveragePool") => (1, [length, length]),
        _ => {
            return Err(format!(
                "expected images (channels, height, width) or signals (channels, length), got samples of the shape {shape}"
            ));
        }
    };
    let attributes = Attributes(node);
    match operator {
        "GlobalAveragePool" => global_avg_pool(import, from, true),
        "Conv" | "ConvTranspose" => convolution(import, node, from, (rank, image)),
        _ => {
            let kernel = attributes.extent("kernel_shape", rank, None)?;
            let window = Window::of(&attributes, rank, kernel, image)?;
            if attributes.int("ceil_mode", 0)? != 0 && !window.fills(image) {
                let expected = "expected 0, or windows that fill the image";
                let [height, width] = image;
                return Err(format!(
                    "attribute 'ceil_mode': {expected}, got 1 and images of {height}×{width}"
                ));
            }
            pool(import, from, operator, &attributes, window)
        }
    }
}

/// Adds the mean of every channel, with one row and one column of pixels or without.
fn global_avg_pool<A: Scalar>(import: &mut Import<'_, A>, from: usize, keeps: bool) -> Result<usize, String> {
    let mean = layer(import, from, GlobalAvgPool2d, Vec::new())?;
    let channels = import.values.get(mean).shape.size();
    if keeps { layer(import, mean, Reshape::new([channels, 1, 1]), Vec::new()) } else { Ok(mean) }
}

/// Adds the mean over the pixels of each channel, or over a whole sample.
pub(super) fn reduce_mean<A: Scalar>(
    import: &mut Import<'_, A>,
    node: &proto::Node,
) -> Result<usize, String> {
    let attributes = Attributes(node);
    let axes: Vec<i64> = match import.input(node, 1) {
        Some(_) => numbers(import, node, 1)?.into_iter().flatten().collect(),
        None => attributes.ints("axes").unwrap_or_default().to_vec(),
    };
    let from = import.value(node, 0)?;
    let (shape, order) = import.shape_and_order(from);
    let rank = shape.rank() as i64;
    let mut places: Vec<i64> =
        axes.iter().map(|&axis| if axis < 0 { axis.saturating_add(rank + 1) } else { axis }).collect();
    places.sort_unstable();
    let keeps = attributes.int("keepdims", 1)? != 0;
    if keeps && places == (1..=rank).collect::<Vec<_>>() {
        let ones =
            crate::shape::Shape::of_dims(&vec![1; shape.rank()]).ok_or("expected 1 to 3 dimensions")?;
        let unknown = Step::Unknown("expected a part of a layer normalisation".into());
        return Ok(import.values.add(from, ones, Formula::Mean(from), unknown));
    }
    match (order, &places[..]) {
        (Order::Same, [2, 3]) if rank == 3 => global_avg_pool(import, from, keeps),
        (Order::ChannelsLast, [1, 2]) => {
            let mean = global_avg_pool(import, from, keeps)?;
            let shape = import.values.get(mean).shape;
            Ok(if keeps { import.values.add_same(mean, shape, Order::ChannelsLast) } else { mean })
        }
        _ => Err(format!("expected the axes of pixels, or all axes of a sample, got {axes:?}")),
    }
}

/// The geometry of a window of an image, or of a signal.
struct Window {
    /// The number of directions: 2 for images, 1 for signals.
    rank: usize,
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    /// The pixels that are added at the top and on the left.
    before: [usize; 2],
    /// The pixels that are added at the bottom and on the right.
    after: [usize; 2],
}

impl Window {
    fn of(
        attributes: &Attributes<'_>,
        rank: usize,
        kernel: [usize; 2],
        image: [usize; 2],
    ) -> Result<Self, String> {
        if kernel.contains(&0) {
            return Err(format!("kernel: expected at least 1 pixel, got {kernel:?}"));
        }
        let (stride, dilation) =
            (attributes.extent("strides", rank, Some(1))?, attributes.extent("dilations", rank, Some(1))?);
        if stride.contains(&0) || dilation.contains(&0) {
            return Err("strides and dilations: expected at least 1, got 0".into());
        }
        let mut window = Self { rank, kernel, stride, dilation, before: [0, 0], after: [0, 0] };
        [window.before, window.after] = window.pads(attributes, image)?;
        Ok(window)
    }

    /// Returns the padding at the top and on the left, and at the bottom and on the right.
    fn pads(&self, attributes: &Attributes<'_>, image: [usize; 2]) -> Result<[[usize; 2]; 2], String> {
        let auto = attributes.text("auto_pad", "NOTSET")?;
        // The output has one pixel for each stride that begins in the image.
        let all = [0, 1].map(|i| {
            let last = (image[i].div_ceil(self.stride[i]) - 1) * self.stride[i];
            last.saturating_add(self.size(i)).saturating_sub(image[i])
        });
        match auto.as_str() {
            "NOTSET" | "" => {}
            "VALID" => return Ok([[0, 0]; 2]),
            "SAME_UPPER" => return Ok([all.map(|all| all / 2), all.map(|all| all - all / 2)]),
            "SAME_LOWER" => return Ok([all.map(|all| all - all / 2), all.map(|all| all / 2)]),
            other => return Err(format!("attribute 'auto_pad': expected a known form, got {other}")),
        }
        let Some(pads) = attributes.ints("pads") else { return Ok([[0, 0]; 2]) };
        let size = |n: i64| usize::try_from(n).ok().filter(|&n| n < 1_000_000_000);
        let sizes: Option<Vec<usize>> = pads.iter().map(|&n| size(n)).collect();
        match (self.rank, sizes.as_deref()) {
            (2, Some(&[top, left, bottom, right])) => Ok([[top, left], [bottom, right]]),
            (1, Some(&[before, after])) => Ok([[before; 2], [after; 2]]),
            (rank, _) => {
                Err(format!("attribute 'pads': expected {} numbers of pixels, got {pads:?}", 2 * rank))
            }
        }
    }

    /// Returns the number of pixels that the window covers in one direction.
    fn size(&self, i: usize) -> usize {
        (self.kernel[i] - 1).saturating_mul(self.dilation[i]).saturating_add(1)
    }

    /// Returns the padding. Both sides must have the same number of pixels, unless the output has the size of the input.
    fn padding(&self) -> Result<Padding, String> {
        let all = [0, 1].map(|i| self.size(i) - 1);
        let is_same = self.stride == [1, 1]
            && self.before == all.map(|all| all / 2)
            && self.after == all.map(|all| all - all / 2);
        match self.before == self.after {
            true => Ok(self.before.into()),
            false if is_same => Ok(Padding::Same),
            false => Err(format!(
                "attribute 'pads': expected the same numbers on both sides, got {:?} at the top and on the left, and {:?} at \
                 the bottom and on the right",
                self.before, self.after
            )),
        }
    }

    /// Returns whether no pixels are left over at the right and at the bottom of an image.
    fn fills(&self, image: [usize; 2]) -> bool {
        (0..2).all(|i| {
            let all = image[i].saturating_add(self.before[i]).saturating_add(self.after[i]);
            all.saturating_sub(self.size(i)).is_multiple_of(self.stride[i])
        })
    }
}

/// Makes the padding of a convolution even. Weights of 0 read the pixels that the window would not have reached.
fn make_even(window: &mut Window, weight: Array) -> Result<Array, String> {
    let &[filters, channels, ..] = &weight.dims[..] else {
        return Err("weight: expected 4 dimensions".into());
    };
    let [mut first, mut last] = [[0, 0]; 2];
    for i in 0..2 {
        let (before, after) = (window.before[i], window.after[i]);
        let pixels = before.abs_diff(after);
        if pixels % window.dilation[i] != 0 || pixels / window.dilation[i] > window.kernel[i] {
            return window.padding().map(|_| weight);
        }
        if before < after {
            first[i] = pixels / window.dilation[i]
        } else {
            last[i] = pixels / window.dilation[i]
        }
        window.before[i] = before.max(after);
        window.after[i] = window.before[i];
    }
    let old = window.kernel;
    window.kernel = [0, 1].map(|i| old[i] + first[i] + last[i]);
    let (values, [height, width]) = (weight.values(), window.kernel);
    let dims = [filters, channels, height, width];
    let inside = |at: usize, i: usize| at.checked_sub(first[i]).filter(|&at| at < old[i]);
    let value = |index: usize| {
        let (plane, row, column) = (index / (height * width), index / width % height, index % width);
        let place = inside(row, 0).zip(inside(column, 1));
        place.map_or(0.0, |(row, column)| values[(plane * old[0] + row) * old[1] + column])
    };
    Ok(Array::of(weight.is_single, &dims, (0..filters * channels * height * width).map(value)))
}

fn convolution<A: Scalar>(
    import: &mut Import<'_, A>,
    node: &proto::Node,
    from: usize,
    (rank, image): (usize, [usize; 2]),
) -> Result<usize, String> {
    let (attributes, transposed) = (Attributes(node), node.op_type == "ConvTranspose");
    let mut weight = import.array(node, 1)?;
    if weight.dims.len() != 2 + rank {
        return Err(format!("weight: expected {} dimensions, got {:?}", 2 + rank, weight.dims));
    }
    let (first, second) = (weight.dims[0], weight.dims[1]);
    let mut window = Window::of(&attributes, rank, [weight.dims[2], weight.dims[1 + rank]], image)?;
    let groups =
        usize::try_from(attributes.int("group", 1)?).map_err(|_| "attribute 'group': expected at least 1")?;
    // Then there are at most as many channels as weights.
    if groups > first {
        return Err(format!("attribute 'group': expected at most {first} groups, got {groups}"));
    }
    let channels = if transposed { second.saturating_mul(groups) } else { first };
    let bias = match import.input(node, 2) {
        Some(_) => import.array(node, 2)?,
        None => Array::filled(weight.is_single, channels, 0.0),
    };
    if !transposed && rank == 2 && window.padding().is_err() {
        // The new weights have at most four times as many numbers.
        import.charge(weight.bytes.len().saturating_mul(4))?;
        weight = make_even(&mut window, weight)?;
    }
    let (tensors, padding) = (vec![("weight", weight), ("bias", bias)], window.padding()?);
    if rank == 1 {
        let conv = Conv1d::new(channels, window.kernel[1]).stride(window.stride[1]);
        let conv = conv.dilation(window.dilation[1]).padding(padding).groups(groups);
        return layer(import, from, conv, tensors);
    }
    if !transposed {
        let conv = Conv2d::new(channels, window.kernel).stride(window.stride).dilation(window.dilation);
        return layer(import, from, conv.padding(padding).groups(groups), tensors);
    }
    let auto = attributes.text("auto_pad", "NOTSET")?;
    let is_fixed =
        attributes.get("output_shape").is_some() || !["NOTSET", "VALID", ""].contains(&auto.as_str());
    let (Padding::Pixels(pixels), false) = (padding, is_fixed) else {
        return Err("expected the same padding on both sides, and neither auto_pad nor output_shape".into());
    };
    let conv = ConvTranspose2d::new(channels, window.kernel).stride(window.stride).dilation(window.dilation);
    let conv = conv.padding(pixels).groups(groups);
    let conv = conv.output_padding(attributes.extent("output_padding", rank, Some(0))?);
    layer(import, from, conv, tensors)
}

fn pool<A: Scalar>(
    import: &mut Import<'_, A>,
    from: usize,
    operator: &str,
    attributes: &Attributes<'_>,
    window: Window,
) -> Result<usize, String> {
    let (padding, Window { rank, kernel, stride, dilation, .. }) = (window.padding()?, window);
    if operator == "MaxPool" && rank == 1 {
        let pool = MaxPool1d::new(kernel[1]).stride(stride[1]).dilation(dilation[1]).padding(padding);
        return layer(import, from, pool, Vec::new());
    }
    if operator == "MaxPool" {
        let pool = MaxPool2d::new(kernel).stride(stride).dilation(dilation).padding(padding);
        return layer(import, from, pool, Vec::new());
    }
    if dilation != [1, 1] {
        return Err(format!("attribute 'dilations': expected 1, got {dilation:?}"));
    }
    let counted = attributes.int("count_include_pad", 0)? != 0;
    if rank == 1 {
        let pool = AvgPool1d::new(kernel[1]).stride(stride[1]).padding(padding).count_include_pad(counted);
        return layer(import, from, pool, Vec::new());
    }
    let pool = AvgPool2d::new(kernel).stride(stride).padding(padding).count_include_pad(counted);
    layer(import, from, pool, Vec::new())
}
