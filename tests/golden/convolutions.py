"""Golden values of convolutions and of pooling, computed in PyTorch and printed as a Rust file.

    pip install torch numpy
    python -P tests/golden/convolutions.py > tests/golden/convolutions.rs

All values are float64: the output of each layer, and the gradients for a given dy. The inputs have two decimals, so that the
exact results of a convolution have four; they are printed without the rounding error of PyTorch. Compare with a relative
tolerance of 1e-12.
"""

import textwrap

import numpy as np
import torch
from torch import nn

torch.set_default_dtype(torch.float64)
rng = np.random.RandomState(10)


def draw(*shape, digits=2):
    return torch.tensor(rng.normal(0.0, 1.0, shape).round(digits) + 0.0)


def numbers(values, decimals=None):
    values = np.concatenate([np.asarray(value).ravel() for value in values])
    if decimals is not None:
        rounded = values.round(decimals) + 0.0
        assert np.abs(rounded - values).max() < 1e-13 * np.abs(values).max()
        values = rounded
    text = ", ".join(repr(value).removesuffix(".0") + "." * (value == int(value)) for value in values.tolist())
    lines = textwrap.wrap(text, 128, break_on_hyphens=False)
    return "&[\n" + "\n".join(lines) + "\n        ]"


def run(name, layer, shape, rows=1, digits=2):
    """Prints the results of a layer, which has this name in Rust, for samples of this shape."""
    params = list(layer.parameters())
    with torch.no_grad():
        for param in params:
            param.copy_(draw(*param.shape))
    x = draw(rows, *shape, digits=digits).requires_grad_()
    y = layer(x)
    dy = draw(*y.shape)
    y.backward(dy)
    decimals = 4 if params else 2 if name.startswith("Max") else None
    fields = dict(
        params=numbers([p.detach() for p in params]) if params else "&[]",
        x=numbers([x.detach()]),
        dy=numbers([dy]),
        y=numbers([y.detach()], decimals),
        dx=numbers([x.grad], decimals),
        gradient=numbers([p.grad for p in params], decimals) if params else "&[]",
    )
    output = f"&{list(y.shape[1:]) if len(shape) == y.dim() - 1 else [y.shape[1]]}"
    print(f'    Run {{\n        layer: "{name}",\n        input: &{list(shape)},\n        output: {output},')
    print("\n".join(f"        {field}: {value}," for field, value in fields.items()))
    print("    },")


print("// Golden values of convolutions and of pooling. Made by `tests/golden/convolutions.py`; do not edit.\n")
print(
    """/// A forward and a backward pass.
#[derive(Debug)]
pub struct Run {
    /// The layer, as it is written in Rust.
    pub layer: &'static str,
    /// The shape of a sample.
    pub input: &'static [usize],
    /// The shape of an output.
    pub output: &'static [usize],
    /// Weight, then bias.
    pub params: &'static [f64],
    pub x: &'static [f64],
    /// The gradient with respect to the output.
    pub dy: &'static [f64],
    pub y: &'static [f64],
    pub dx: &'static [f64],
    /// With respect to the weight, then the bias.
    pub gradient: &'static [f64],
}
"""
)

print("/// Pooling.\n#[rustfmt::skip]\npub const POOLS: &[Run] = &[")
MAX, AVG = nn.MaxPool2d, nn.AvgPool2d
run("MaxPool2d::new(2)", MAX(2), (3, 6, 4), rows=2)
run("MaxPool2d::new(2)", MAX(2), (2, 5, 7), digits=0)
run("MaxPool2d::new(3).stride(2).padding(1)", MAX(3, 2, 1), (2, 7, 6), rows=2)
run("MaxPool2d::new(3).stride(1)", MAX(3, 1), (2, 5, 6), digits=0)
run("MaxPool2d::new([2, 3]).stride([3, 1]).padding([1, 0])", MAX((2, 3), (3, 1), (1, 0)), (2, 6, 5))
run("MaxPool2d::new([3, 2]).stride([1, 2]).dilation([2, 3])", MAX((3, 2), (1, 2), 0, (2, 3)), (2, 7, 8), digits=0)
run("MaxPool2d::new(2).stride(1).padding(1).dilation(2)", MAX(2, 1, 1, 2), (2, 4, 5))
run("MaxPool2d::new([4, 5])", MAX((4, 5)), (3, 4, 5), rows=2)
run("AvgPool2d::new(2)", AVG(2), (3, 6, 4))
run("AvgPool2d::new(2)", AVG(2), (2, 5, 7))
run("AvgPool2d::new(3).stride(2).padding(1)", AVG(3, 2, 1), (2, 5, 6))
run(
    "AvgPool2d::new(3).stride(2).padding(1).count_include_pad(false)",
    AVG(3, 2, 1, count_include_pad=False),
    (2, 4, 5),
    rows=2,
)
run("AvgPool2d::new([2, 3]).stride([3, 1]).padding([1, 0])", AVG((2, 3), (3, 1), (1, 0)), (2, 4, 5))
run(
    "AvgPool2d::new([4, 3]).stride(1).padding([2, 1]).count_include_pad(false)",
    AVG((4, 3), 1, (2, 1), count_include_pad=False),
    (2, 5, 4),
)
run("AvgPool2d::new([4, 5])", AVG((4, 5)), (3, 4, 5))
for rows, shape in [(2, (3, 3, 4)), (1, (2, 7, 2)), (1, (1, 1, 1)), (2, (2, 1, 5)), (1, (4, 3, 3)), (1, (1, 5, 5))]:
    run("GlobalAvgPool2d", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), shape, rows)
print("];\n")

print("/// Convolutions.\n#[rustfmt::skip]\npub const CONVOLUTIONS: &[Run] = &[")
CONV = nn.Conv2d
run("Conv2d::new(4, 3)", CONV(3, 4, 3), (3, 5, 6), rows=2)
run("Conv2d::new(3, 3).padding(1)", CONV(2, 3, 3, padding=1), (2, 5, 4), rows=2)
run("Conv2d::new(2, [2, 3])", CONV(3, 2, (2, 3)), (3, 4, 7))
run("Conv2d::new(3, 3).stride(2)", CONV(2, 3, 3, 2), (2, 7, 6))
run("Conv2d::new(3, 3).stride(2).padding(1)", CONV(2, 3, 3, 2, 1), (2, 6, 7), rows=3)
run("Conv2d::new(2, [3, 4]).stride([2, 3]).padding([2, 1])", CONV(2, 2, (3, 4), (2, 3), (2, 1)), (2, 6, 9))
run("Conv2d::new(3, [4, 2]).padding(Padding::Same)", CONV(2, 3, (4, 2), padding="same"), (2, 5, 5))
run(
    "Conv2d::new(2, [2, 3]).padding(Padding::Same).dilation([3, 2])",
    CONV(2, 2, (2, 3), padding="same", dilation=(3, 2)),
    (2, 6, 5),
)
run("Conv2d::new(2, 3).dilation([1, 2])", CONV(2, 2, 3, dilation=(1, 2)), (2, 5, 7))
run("Conv2d::new(3, 2).stride(2).padding(1).dilation(2)", CONV(2, 3, 2, 2, 1, 2), (2, 6, 5))
run("Conv2d::new(6, 3).padding(1).groups(2)", CONV(4, 6, 3, padding=1, groups=2), (4, 4, 3), rows=2)
run("Conv2d::new(3, 3).padding(1).groups(3)", CONV(3, 3, 3, padding=1, groups=3), (3, 5, 4), rows=2)
run("Conv2d::new(6, [2, 3]).stride(2).groups(3)", CONV(3, 6, (2, 3), 2, groups=3), (3, 5, 6))
run("Conv2d::new(5, 1)", CONV(4, 5, 1), (4, 3, 4), rows=2)
run("Conv2d::new(5, 1).stride(2).bias(false)", CONV(3, 5, 1, 2, bias=False), (3, 5, 4))
run("Conv2d::new(4, [5, 4])", CONV(2, 4, (5, 4)), (2, 5, 4), rows=2)
run("Conv2d::new(4, 3).padding(2).bias(false)", CONV(1, 4, 3, padding=2, bias=False), (1, 3, 5), rows=2)
run("Conv2d::new(2, 3).padding([0, 1])", CONV(59, 2, 3, padding=(0, 1)), (59, 3, 3))
print("];\n")

print("/// Transposed convolutions.\n#[rustfmt::skip]\npub const TRANSPOSED: &[Run] = &[")
BACK = nn.ConvTranspose2d
run("ConvTranspose2d::new(3, 3)", BACK(2, 3, 3), (2, 4, 3), rows=2)
run("ConvTranspose2d::new(3, 2).stride(2)", BACK(4, 3, 2, 2), (4, 3, 4), rows=2)
run(
    "ConvTranspose2d::new(2, 3).stride(2).padding(1).output_padding(1)",
    BACK(3, 2, 3, 2, 1, 1),
    (3, 3, 4),
    rows=2,
)
run(
    "ConvTranspose2d::new(2, [3, 4]).stride([2, 3]).padding([0, 2]).output_padding([1, 0])",
    BACK(2, 2, (3, 4), (2, 3), (0, 2), (1, 0)),
    (2, 3, 3),
)
run(
    "ConvTranspose2d::new(4, [2, 3]).padding(1).dilation([3, 2]).groups(2)",
    BACK(4, 4, (2, 3), padding=1, dilation=(3, 2), groups=2),
    (4, 3, 4),
)
run("ConvTranspose2d::new(6, 3).stride(2).groups(3).bias(false)", BACK(3, 6, 3, 2, groups=3, bias=False), (3, 2, 3))
run("ConvTranspose2d::new(5, 1)", BACK(3, 5, 1), (3, 3, 2))
print("];\n")

print("/// Convolutions and pooling of signals.\n#[rustfmt::skip]\npub const SIGNALS: &[Run] = &[")
CONV, MAX, AVG = nn.Conv1d, nn.MaxPool1d, nn.AvgPool1d
run("Conv1d::new(4, 3)", CONV(3, 4, 3), (3, 7), rows=2)
run("Conv1d::new(3, 5).stride(3).padding(2)", CONV(2, 3, 5, 3, 2), (2, 13), rows=3)
run("Conv1d::new(2, 4).padding(Padding::Same)", CONV(3, 2, 4, padding="same"), (3, 9))
run("Conv1d::new(2, 3).padding(Padding::Same).dilation(3)", CONV(2, 2, 3, padding="same", dilation=3), (2, 8))
run("Conv1d::new(5, 3).stride(2).padding(1).dilation(2)", CONV(3, 5, 3, 2, 1, 2), (3, 11), rows=2)
run("Conv1d::new(6, 3).padding(1).groups(2)", CONV(4, 6, 3, padding=1, groups=2), (4, 7), rows=2)
run("Conv1d::new(3, 4).stride(3).groups(3).bias(false)", CONV(3, 3, 4, 3, groups=3, bias=False), (3, 11), rows=2)
run("Conv1d::new(5, 1)", CONV(4, 5, 1), (4, 5))
run("Conv1d::new(2, 3).padding(1)", CONV(171, 2, 3, padding=1), (171, 3))
run("MaxPool1d::new(2)", MAX(2), (3, 7), rows=2)
run("MaxPool1d::new(3).stride(2).padding(1)", MAX(3, 2, 1), (2, 9), digits=0)
run("MaxPool1d::new(3).stride(1).dilation(2)", MAX(3, 1, 0, 2), (2, 8))
run("AvgPool1d::new(2)", AVG(2), (3, 7), rows=2)
run("AvgPool1d::new(3).stride(2).padding(1)", AVG(3, 2, 1), (2, 8))
run(
    "AvgPool1d::new(5).stride(1).padding(2).count_include_pad(false)",
    AVG(5, 1, 2, count_include_pad=False),
    (2, 7),
    rows=2,
)
print("];")
