"""Golden values of recurrent layers, computed in PyTorch and printed as a Rust file.

    pip install torch numpy
    python -P tests/golden/recurrent.py > tests/golden/recurrent.rs

All values are float64: the output of each layer, and the gradients for a given dy. Compare with a relative tolerance of 1e-12.
"""

import textwrap

import numpy as np
import torch
from torch import nn

torch.set_default_dtype(torch.float64)
rng = np.random.RandomState(10)


def draw(*shape, scale=1.0):
    return torch.tensor(rng.normal(0.0, scale, shape).round(2) + 0.0)


def numbers(values):
    values = np.concatenate([value.detach().numpy().ravel() for value in values]).tolist()
    text = ", ".join(repr(value).removesuffix(".0") + "." * (value == int(value)) for value in values)
    lines = textwrap.wrap(text, 128, break_on_hyphens=False)
    return "&[\n" + "\n".join(lines) + "\n        ]"


def run(name, make, rows, time, features, units, all_states, scale=1.0):
    """Prints the results of a layer for samples of this shape."""
    layer = make(features, units, batch_first=True)
    params = [getattr(layer, f"{kind}_l0") for kind in ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]]
    with torch.no_grad():
        for param in params:
            param.copy_(draw(*param.shape, scale=scale))
    x = draw(rows, time, features).requires_grad_()
    y = layer(x)[0] if all_states else layer(x)[0][:, -1]
    dy = draw(*y.shape)
    y.backward(dy)
    fields = dict(params=params, x=[x], dy=[dy], y=[y], dx=[x.grad], gradient=[param.grad for param in params])
    flag = ".return_sequences(true)" if all_states else ""
    print(f'    Run {{\n        layer: "{name}::new({units}){flag}",\n        input: [{time}, {features}],')
    print("\n".join(f"        {field}: {numbers(values)}," for field, values in fields.items()))
    print("    },")


print("// Golden values of recurrent layers. Made by `tests/golden/recurrent.py`; do not edit.\n")
print(
    """/// A forward and a backward pass.
#[derive(Debug)]
pub struct Run {
    /// The layer, as it is written in Rust.
    pub layer: &'static str,
    /// The shape of a sample: the number of steps, and the number of features.
    pub input: [usize; 2],
    /// The weights of the input and of the state, as in PyTorch, and their biases.
    pub params: &'static [f64],
    pub x: &'static [f64],
    /// The gradient with respect to the output.
    pub dy: &'static [f64],
    pub y: &'static [f64],
    pub dx: &'static [f64],
    /// With respect to the parameters, in the same order.
    pub gradient: &'static [f64],
}

#[rustfmt::skip]
pub const RUNS: &[Run] = &["""
)
for name, make in [("Gru", nn.GRU), ("Lstm", nn.LSTM)]:
    run(name, make, 3, 5, 2, 4, False)
    run(name, make, 2, 4, 3, 2, True)
    run(name, make, 2, 1, 2, 1, True)
    # Gates near 0 and 1.
    run(name, make, 2, 3, 1, 3, False, scale=6.0)
print("];")
