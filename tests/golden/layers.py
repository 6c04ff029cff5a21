"""Golden values of BatchNorm, LayerNorm and Embedding, computed in PyTorch and printed as a Rust file.

    pip install torch numpy
    python -P tests/golden/layers.py | rustfmt --config max_width=110 > tests/golden/layers.rs
    cargo fmt

(-P prevents an import of random.py from this folder instead of Python's module.)

All values are float64. Each layer alone makes 20 steps of plain SGD: five epochs of 22 samples in
batches of 6, 6, 6 and 4, with the loss sum((y - t)^2)/2, so that dy = y - t depends on all previous
steps. A whole network follows, with the same batches and a mean cross entropy. Other implementations
may sum in a different order, so compare with a relative tolerance of 1e-12, not bit by bit.
"""

import numpy as np
import torch
from torch import nn

torch.set_default_dtype(torch.float64)
LEARNING_RATE = 0.05
SAMPLES, WIDTH, BATCH, EPOCHS = 22, 3, 6, 5

rng = np.random.RandomState(10)
# Columns with different means and spreads.
x_all = (rng.normal(0.0, 1.0, (SAMPLES, WIDTH)) * [1.0, 20.0, 0.1] + [0.5, 100.0, -3.0]).round(3)
t_all = rng.normal(0.0, 1.0, (SAMPLES, WIDTH)).round(3)
labels = rng.randint(0, 2, SAMPLES)
weight, bias = np.array([0.7, -1.3, 1.1]), np.array([0.2, 0.0, -0.4])


def rust(values):
    values = np.asarray(values).tolist() if not isinstance(values, list) else values
    if isinstance(values, list):
        return "&[" + ", ".join(rust(v) for v in values) + "]"
    return repr(values)


def constant(doc, name, kind, value):
    print(f"/// {doc}\npub const {name}: {kind} = {value};")


def numbers(tensor):
    return rust(tensor.detach().numpy().ravel())


def run(name, settings, layer):
    """Makes 20 steps of one layer and returns the results as the fields of a `Run`."""
    parameters = list(layer.parameters())
    if parameters:
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(weight))
            layer.bias.copy_(torch.tensor(bias))
    sgd = torch.optim.SGD(parameters, lr=LEARNING_RATE) if parameters else None
    steps, passes = [], []
    for _ in range(EPOCHS):
        for start in range(0, SAMPLES, BATCH):
            x = torch.tensor(x_all[start : start + BATCH], requires_grad=True)
            t = torch.tensor(t_all[start : start + BATCH])
            layer.zero_grad()
            y = layer(x)
            y.retain_grad()
            ((y - t) ** 2).sum().div(2).backward()
            gradient = np.concatenate([p.grad.numpy() for p in parameters] or [[]])
            passes.append(f"Pass {{ y: {numbers(y)}, dx: {numbers(x.grad)}, gradient: {rust(gradient)} }}")
            if sgd:
                sgd.step()
            kept = [p.detach().numpy() for p in parameters]
            if hasattr(layer, "running_mean"):
                kept += [layer.running_mean.numpy(), layer.running_var.numpy()]
            steps.append(rust(np.concatenate(kept or [[]])))
    layer.eval()
    prediction = numbers(layer(torch.tensor(x_all)))
    return (
        f'Run {{ name: "{name}", epsilon: {settings.get("eps", 1e-5)!r}, momentum: {settings.get("momentum", 0.1)!r}, '
        f"affine: {str(bool(parameters)).lower()}, first: {passes[0]}, second: {passes[1]}, "
        f"last: {passes[-1]}, steps: &[{', '.join(steps)}], prediction: {prediction} }}"
    )


print("// Golden values of BatchNorm, LayerNorm and Embedding. Made by `tests/golden/layers.py`; do not edit.\n")
print(
    """/// A training pass: the output and the gradients with respect to the input, and to weight and bias.
#[derive(Debug)]
pub struct Pass { pub y: &'static [f64], pub dx: &'static [f64], pub gradient: &'static [f64] }

/// Twenty steps of one layer.
#[derive(Debug)]
pub struct Run {
    pub name: &'static str,
    pub epsilon: f64,
    pub momentum: f64,
    pub affine: bool,
    /// The passes of the first, second and last step.
    pub first: Pass,
    pub second: Pass,
    pub last: Pass,
    /// After every step: weight, bias, running mean and running variance, if present.
    pub steps: &'static [&'static [f64]],
    /// The predictions for all samples, in evaluation mode after the last step.
    pub prediction: &'static [f64],
}
"""
)
constant("The step size of plain SGD.", "LEARNING_RATE", "f64", repr(LEARNING_RATE))
constant("The number of samples per step, in order. The last batch of an epoch is smaller.", "BATCH", "usize", BATCH)
constant("The number of epochs.", "EPOCHS", "usize", EPOCHS)
constant("The samples, one per row.", "X", f"[[f64; {WIDTH}]; {SAMPLES}]", rust(x_all).replace("&", ""))
constant("The targets.", "T", f"[[f64; {WIDTH}]; {SAMPLES}]", rust(t_all).replace("&", ""))
constant("The classes of the samples, for the network.", "LABELS", f"[usize; {SAMPLES}]", rust(labels)[1:])
constant("The weight before the first step, if present.", "WEIGHT", f"[f64; {WIDTH}]", rust(weight)[1:])
constant("The bias before the first step, if present.", "BIAS", f"[f64; {WIDTH}]", rust(bias)[1:])

norms = [{}, {"momentum": 0.3, "eps": 1e-3}, {"affine": False}, {"momentum": 1.0, "eps": 0.5, "affine": False}]
runs = [run("batch_norm", s, nn.BatchNorm1d(WIDTH, **s)) for s in norms]
norms = [{}, {"eps": 1e-3}, {"elementwise_affine": False}]
runs += [run("layer_norm", s, nn.LayerNorm(WIDTH, **s)) for s in norms]
constant("All runs.", "RUNS", "&[Run]", f"&[{', '.join(runs)}]")


class Network(nn.Sequential):
    """A network with the names of the crate's model."""

    def __init__(self):
        super().__init__()
        self.add_module("norm0", nn.BatchNorm1d(WIDTH, momentum=0.3))
        self.add_module("affine1", nn.Linear(WIDTH, 5))
        self.add_module("norm1", nn.BatchNorm1d(5, eps=1e-3))
        self.add_module("tanh1", nn.Tanh())
        self.add_module("affine2", nn.Linear(5, 4))
        self.add_module("norm2", nn.LayerNorm(4))
        self.add_module("tanh2", nn.Tanh())
        self.add_module("affine3", nn.Linear(4, 2))


def state(network):
    """Returns names and values in the crate's layout, in which a weight is (fan_in, fan_out)."""
    values = [
        (name, (value.T if value.ndim == 2 else value).contiguous())
        for name, value in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    ]
    return "&[" + ", ".join(f'("{name}", {numbers(value)})' for name, value in values) + "]"


network = Network()
with torch.no_grad():
    for parameter in network.parameters():
        parameter.copy_(torch.tensor(rng.normal(0.0, 0.7, tuple(parameter.shape)).round(3)))
named = "&[(&str, &[f64])]"
constant("The network's parameters and buffers before the first step.", "NETWORK_START", named, state(network))
sgd = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE)
losses = []
for _ in range(EPOCHS):
    for start in range(0, SAMPLES, BATCH):
        x = torch.tensor(x_all[start : start + BATCH])
        loss = nn.functional.cross_entropy(network(x), torch.tensor(labels[start : start + BATCH]))
        losses.append(loss.item())
        sgd.zero_grad()
        loss.backward()
        sgd.step()
constant("The loss of each batch before its step.", "NETWORK_LOSSES", "&[f64]", rust(losses))
constant("The network's parameters and buffers after the last step.", "NETWORK_END", named, state(network))
network.eval()
y = torch.softmax(network(torch.tensor(x_all)), dim=1)
constant("The network's predictions for all samples.", "NETWORK_PREDICTION", "&[f64]", numbers(y))

embedding = nn.Embedding(7, 3)
categories = rng.randint(0, 6, (9, 4))  # The last category does not occur.
dy = torch.tensor(rng.normal(0.0, 1.0, (9, 4, 3)).round(3))
with torch.no_grad():
    embedding.weight.copy_(torch.tensor(rng.normal(0.0, 1.0, (7, 3)).round(3)))
y = embedding(torch.tensor(categories))
y.backward(dy)
constant("The category numbers for an embedding of 7 categories as 3 values.", "CATEGORIES", "[[f64; 4]; 9]", rust(categories * 1.0).replace("&", ""))
constant("The weight of the embedding.", "EMBEDDING_WEIGHT", "&[f64]", numbers(embedding.weight))
constant("The output of the embedding.", "EMBEDDING_Y", "&[f64]", numbers(y))
constant("The gradient with respect to the output of the embedding.", "EMBEDDING_DY", "&[f64]", numbers(dy))
constant("The gradient with respect to the weight.", "EMBEDDING_GRADIENT", "&[f64]", numbers(embedding.weight.grad))
