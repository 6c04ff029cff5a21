"""Training steps and predictions of PyTorch's recurrent layers, as in recurrent.rs. The argument is the number of threads."""

import sys
import time

import torch

ROUNDS = 60


def fastest(work):
    """Return the milliseconds of the fastest of several calls."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return 1e3 * best


threads = int(sys.argv[1])
torch.set_num_threads(threads)
for steps, features, units, batch in [(168, 3, 32, 64), (28, 28, 128, 100), (24, 1, 32, 32)]:
    for layer in [torch.nn.GRU, torch.nn.LSTM]:
        recurrent, affine = layer(features, units, batch_first=True), torch.nn.Linear(units, 1)
        optimizer = torch.optim.SGD([*recurrent.parameters(), *affine.parameters()], 0.001)
        x, t = 2 * torch.rand(batch, steps, features) - 1, torch.zeros(batch, 1)

        def step():
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(affine(recurrent(x)[0][:, -1]), t).backward()
            optimizer.step()

        def predict():
            with torch.no_grad():
                affine(recurrent(x)[0][:, -1])

        name = f"{layer.__name__.lower()} {steps}x{features}, {units} units, batch {batch}, {threads} threads"
        print(f"{name}: {fastest(step):.3f} {fastest(predict):.3f}")
