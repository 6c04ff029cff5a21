"""Reads the crate's models in PyTorch, compares the predictions, and saves PyTorch models for the crate.

    pip install torch safetensors numpy
    python tests/interop/safetensors_torch.py FOLDER

Called by tests/interop.rs, which writes to FOLDER, for every activation in float64 and float32,
a model (`float64_0.safetensors`) and its samples and predictions
(`float64_0_samples.safetensors`). This program writes the same files for PyTorch's models
(`float64_0_torch.safetensors`, `float64_0_torch_samples.safetensors`).
"""

import sys
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn


def activations():
    """Returns the activations of tests/interop.rs, in the same order, with the same settings."""
    return [
        nn.SiLU(),
        nn.PReLU(6, init=0.3),
        nn.PReLU(init=0.1),
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


def network(activation, dtype):
    """Returns the network of tests/interop.rs, with the same names, layers and settings."""
    layers = OrderedDict(affine1=nn.Linear(5, 6), activation1=activation)
    layers |= dict(norm1=nn.BatchNorm1d(6, eps=1e-3), dropout1=nn.Dropout(0.3))
    layers |= dict(norm2=nn.LayerNorm(6), affine2=nn.Linear(6, 4))
    return nn.Sequential(layers).to(dtype).eval()


class Residual(nn.Sequential):
    """x + chain(x) or projection(x) + chain(x), with the chain's modules as direct children of the block."""

    def forward(self, x):
        modules = dict(self.named_children())
        y, added = x, modules.pop("projection", nn.Identity())(x)
        for module in modules.values():
            y = module(y)
        return y + added


class Concat(nn.Module):
    """Branches on the same input, with their outputs concatenated."""

    def __init__(self, **branches):
        super().__init__()
        for name, branch in branches.items():
            self.add_module(name, branch)

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.children()], 1)


def nested(dtype):
    """Returns the nested network of tests/interop.rs."""
    chain = OrderedDict(affine1=nn.Linear(6, 6), norm1=nn.BatchNorm1d(6), mish1=nn.Mish(), affine2=nn.Linear(6, 6))
    inner = Residual(OrderedDict(affine1=nn.Linear(4, 4)))
    left = nn.Sequential(OrderedDict(affine1=nn.Linear(6, 3), tanh1=nn.Tanh()))
    right = nn.Sequential(OrderedDict(affine1=nn.Linear(6, 4), inner=inner))
    projection = nn.Sequential(OrderedDict(affine1=nn.Linear(6, 7)))
    projected = Residual(OrderedDict(heads=Concat(left=left, right=right), projection=projection))
    layers = OrderedDict(affine1=nn.Linear(5, 6), block1=Residual(chain), block2=projected, affine2=nn.Linear(7, 4))
    return nn.Sequential(layers).to(dtype).eval()


def lenet(dtype):
    """Returns LeNet-5. The samples are rows."""
    layers = OrderedDict(rows=nn.Unflatten(1, (1, 28, 28)))
    layers |= dict(conv1=nn.Conv2d(1, 6, 5, padding=2), relu1=nn.ReLU(), pool1=nn.MaxPool2d(2))
    layers |= dict(conv2=nn.Conv2d(6, 16, 5), relu2=nn.ReLU(), pool2=nn.MaxPool2d(2), flatten=nn.Flatten())
    layers |= dict(affine1=nn.Linear(400, 120), relu3=nn.ReLU(), affine2=nn.Linear(120, 84), relu4=nn.ReLU())
    return nn.Sequential(layers | dict(affine3=nn.Linear(84, 10))).to(dtype).eval()


def keras(dtype):
    """Returns the network of Keras's MNIST example. The samples are rows."""
    layers = OrderedDict(rows=nn.Unflatten(1, (1, 28, 28)), conv1=nn.Conv2d(1, 32, 3, padding=1), relu1=nn.ReLU())
    layers |= dict(conv2=nn.Conv2d(32, 64, 3, padding="same"), relu2=nn.ReLU(), pool1=nn.MaxPool2d(2))
    layers |= dict(dropout1=nn.Dropout(0.25), flatten=nn.Flatten(), affine1=nn.Linear(64 * 14 * 14, 128))
    layers |= dict(relu3=nn.ReLU(), dropout2=nn.Dropout(0.5), affine2=nn.Linear(128, 10))
    return nn.Sequential(layers).to(dtype).eval()


def networks(dtype):
    """Returns the networks of tests/interop.rs, in the same order."""
    dense = [network(activation, dtype) for activation in activations()]
    return [*dense, nested(dtype), lenet(dtype), keras(dtype)]


def check(folder, dtype, tolerance):
    name = str(dtype).removeprefix("torch.")
    greatest = 0.0
    for i, model in enumerate(networks(dtype)):
        result = model.load_state_dict(load_file(folder / f"{name}_{i}.safetensors"), strict=True)
        assert not result.missing_keys and not result.unexpected_keys
        samples = load_file(folder / f"{name}_{i}_samples.safetensors")
        y = torch.softmax(model(samples["x"]), 1)
        greatest = max(greatest, (y - samples["y"]).abs().max().item())
        # Without this variation, the comparison would prove nothing.
        assert samples["y"].dtype == dtype and y.std(0).max() > 0.05
    print(f"{name}: PyTorch's predictions differ by {greatest:.1e}")
    assert greatest <= tolerance

    torch.manual_seed(1)
    for i, model in enumerate(networks(dtype)):
        state = model.state_dict()
        for key, value in state.items():
            if "norm" in key and value.is_floating_point():
                value.uniform_(0.5, 2.0)
        # The crate ignores this entry.
        assert any(key.endswith(("norm1.num_batches_tracked", "conv1.weight")) for key in state)
        save_file(state, folder / f"{name}_{i}_torch.safetensors")
        x = load_file(folder / f"{name}_{i}_samples.safetensors")["x"]
        y = torch.softmax(model(x), 1).detach()
        save_file({"x": x, "y": y}, folder / f"{name}_{i}_torch_samples.safetensors")


check(Path(sys.argv[1]), torch.float64, 1e-12)
check(Path(sys.argv[1]), torch.float32, 1e-5)
