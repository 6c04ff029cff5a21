"""What the reference programs have in common: the initial weights and the orders of the library, in PyTorch.

The library draws both from NumPy's legacy generator, so a program in PyTorch can repeat a run up to rounding.
"""

import numpy as np
import torch

torch.set_default_dtype(torch.float64)


def affine(random, inputs, outputs):
    """Returns a layer with He normal weights."""
    layer = torch.nn.Linear(inputs, outputs)
    weight = random.normal(0.0, np.sqrt(2.0 / inputs), (inputs, outputs))
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight.T.copy()))
        layer.bias.zero_()
    return layer


def fit(model, x, t, loss, batch, epochs, optimizer):
    """Trains on batches in the orders of the default seed of the trainer."""
    order, x, t = np.random.RandomState(1), torch.from_numpy(x), torch.from_numpy(t)
    for _ in range(epochs):
        rows = order.permutation(len(x))
        for start in range(0, len(x), batch):
            part = torch.from_numpy(rows[start : start + batch])
            optimizer.zero_grad()
            loss(model(x[part]), t[part]).backward()
            optimizer.step()


def predict(model, x):
    with torch.no_grad():
        return model(torch.from_numpy(x)).numpy()
