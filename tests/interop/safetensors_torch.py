"""PyTorch reads what the crate saved and computes the same; then saves a model of its own for the crate.

    pip install torch safetensors numpy
    python tests/interop/safetensors_torch.py FOLDER

Called by tests/interop.rs, which leaves in FOLDER, for float64 and float32 each, a model
(`float64.safetensors`), and samples and predictions (`float64_samples.safetensors`); it looks
for the same from here (`float64_torch.safetensors`, `float64_torch_samples.safetensors`).
"""

import sys
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn


def network():
    """The network of tests/interop.rs: the same names, layers and settings."""
    layers = OrderedDict(affine1=nn.Linear(5, 7), silu1=nn.SiLU())
    layers |= dict(affine2=nn.Linear(7, 6), prelu2=nn.PReLU(6, init=0.3))
    layers |= dict(affine3=nn.Linear(6, 6), prelu3=nn.PReLU(init=0.1))
    for i, activation in enumerate(ACTIVATIONS):
        layers |= {f"affine{i + 4}": nn.Linear(6, 6), f"activation{i + 4}": activation}
    layers |= dict(last=nn.Linear(6, 4))
    return nn.Sequential(layers)


ACTIVATIONS = [
    nn.ReLU(),
    nn.ReLU6(),
    nn.LeakyReLU(0.2),
    nn.ELU(0.7),
    nn.SELU(),
    nn.CELU(0.7),
    nn.Softplus(2.0, threshold=1e3),
    nn.Softsign(),
    nn.Sigmoid(),
    nn.LogSigmoid(),
    nn.Tanh(),
    nn.Hardtanh(),
    nn.Hardsigmoid(),
    nn.Hardswish(),
    nn.GELU(),
    nn.GELU(approximate="tanh"),
    nn.Mish(),
]


def check(folder, dtype, tolerance):
    name = str(dtype).removeprefix("torch.")
    model = network().to(dtype)
    result = model.load_state_dict(load_file(folder / f"{name}.safetensors"), strict=True)
    assert not result.missing_keys and not result.unexpected_keys
    samples = load_file(folder / f"{name}_samples.safetensors")
    y = torch.softmax(model(samples["x"]), 1)
    difference = (y - samples["y"]).abs().max().item()
    print(f"{name}: PyTorch's predictions differ by {difference:.1e}")
    assert samples["y"].dtype == dtype and difference <= tolerance

    torch.manual_seed(1)
    own = network().to(dtype)
    state = own.state_dict()
    # What batch normalisations have, and nobody needs.
    state["affine1.num_batches_tracked"] = torch.tensor(3)
    save_file(state, folder / f"{name}_torch.safetensors")
    y = torch.softmax(own(samples["x"]), 1).detach()
    save_file({"x": samples["x"], "y": y}, folder / f"{name}_torch_samples.safetensors")


check(Path(sys.argv[1]), torch.float64, 1e-12)
check(Path(sys.argv[1]), torch.float32, 1e-5)
