"""Golden values of BatchNorm2d and of LayerNorm over whole images, computed in PyTorch and printed as a Rust file.

    pip install torch numpy
    python -P tests/golden/images.py | rustfmt --config max_width=110 > tests/golden/images.rs
    cargo fmt

All values are float64: one training pass (the output, the running statistics after it, and the gradients for a given dy)
and a prediction with these statistics. Compare with a relative tolerance of 1e-12.
"""

import numpy as np
import torch
from torch import nn

torch.set_default_dtype(torch.float64)
ROWS, SHAPE = 5, (3, 2, 4)
rng = np.random.RandomState(10)
# Channels with different means and spreads.
spread, mean = np.array([1.0, 20.0, 0.1]).reshape(3, 1, 1), np.array([0.5, 100.0, -3.0]).reshape(3, 1, 1)
x_all = (rng.normal(0.0, 1.0, (ROWS, *SHAPE)) * spread + mean).round(3)
dy_all = rng.normal(0.0, 1.0, (ROWS, *SHAPE)).round(3)


def numbers(values):
    return "&[" + ", ".join(repr(value) for value in np.asarray(values).ravel().tolist()) + "]"


def run(layer):
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.tensor(rng.normal(0.0, 1.0, tuple(parameter.shape)).round(3)))
    start = np.concatenate([p.detach().numpy().ravel() for p in layer.parameters()])
    x = torch.tensor(x_all, requires_grad=True)
    y = layer(x)
    y.backward(torch.tensor(dy_all))
    gradient = np.concatenate([p.grad.numpy().ravel() for p in layer.parameters()])
    running = np.concatenate([layer.running_mean, layer.running_var]) if hasattr(layer, "running_mean") else []
    prediction = layer.eval()(torch.tensor(x_all)).detach().numpy()
    fields = dict(params=start, y=y.detach().numpy(), dx=x.grad.numpy(), gradient=gradient, running=running)
    fields["prediction"] = prediction
    return "Run { " + ", ".join(f"{name}: {numbers(values)}" for name, values in fields.items()) + " }"


print("// Golden values of normalised images. Made by `tests/golden/images.py`; do not edit.\n")
print(
    """/// A training pass and a prediction.
#[derive(Debug)]
pub struct Run {
    /// Weight, then bias.
    pub params: &'static [f64],
    pub y: &'static [f64],
    pub dx: &'static [f64],
    /// With respect to the weight, then the bias.
    pub gradient: &'static [f64],
    /// The running mean and variance after the pass, or empty.
    pub running: &'static [f64],
    pub prediction: &'static [f64],
}
"""
)
print(f"/// The shape of a sample.\npub const SHAPE: [usize; 3] = [{', '.join(map(str, SHAPE))}];")
print(f"/// The samples.\npub const X: &[f64] = {numbers(x_all)};")
print(f"/// The gradient with respect to the output.\npub const DY: &[f64] = {numbers(dy_all)};")
print(f"/// `BatchNorm2d(3, eps=1e-3, momentum=0.3)`.\npub const BATCH_NORM: Run = {run(nn.BatchNorm2d(3, eps=1e-3, momentum=0.3))};")
print(f"/// `LayerNorm([3, 2, 4], eps=1e-3)`.\npub const LAYER_NORM: Run = {run(nn.LayerNorm(SHAPE, eps=1e-3))};")
