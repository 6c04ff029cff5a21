"""Writes heads.txt: a class, a number and two yes-or-no answers learned by one network, by PyTorch in float64.

    pip install torch
    python tests/golden/heads.py

The network is 4-5-6 (affine, tanh, affine). Its outputs are three classes (cross entropy), a number (squared error, weight 0.3)
and two answers (binary cross entropy, weight 2). The lines contain the losses of five steps of plain SGD on all eight samples, the
gradient with respect to the logits before the first one, the parameters at the end, and the loss and the accuracy of each head
then. A line is a name and values, each with the fewest digits that read back to the same bits.
"""

import sys

# Prevent an import of random.py from this folder instead of Python's module.
sys.path.pop(0)

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
LEARNING_RATE, STEPS = 0.2, 5

rng = np.random.RandomState(10)
X = rng.normal(0.0, 1.0, (8, 4)).round(3)
W1, B1 = rng.normal(0.0, 0.5, (4, 5)).round(3), rng.normal(0.0, 0.1, 5).round(3)
W2, B2 = rng.normal(0.0, 0.5, (5, 6)).round(3), rng.normal(0.0, 0.1, 6).round(3)
LABELS = np.array([1, 1, 2, 0, 0, 2, 1, 0])
NUMBERS = rng.normal(0.0, 2.0, (8, 1)).round(3)
YES = np.array([[1, 0], [0, 1], [1, 1], [0, 0], [1, 0], [0, 0], [0, 1], [1, 1]], float)

x, labels, numbers, yes = torch.tensor(X), torch.tensor(LABELS), torch.tensor(NUMBERS), torch.tensor(YES)


def losses(u):
    return [
        F.cross_entropy(u[:, :3], labels),
        F.mse_loss(u[:, 3:4], numbers),
        F.binary_cross_entropy_with_logits(u[:, 4:], yes),
    ]


def total(u):
    return sum(weight * loss for weight, loss in zip([1.0, 0.3, 2.0], losses(u)))


def main():
    params = [torch.tensor(p, requires_grad=True) for p in (W1, B1, W2, B2)]
    network = lambda: torch.tanh(x @ params[0] + params[1]) @ params[2] + params[3]
    optimizer = torch.optim.SGD(params, lr=LEARNING_RATE)
    logits = network().detach().requires_grad_()
    total(logits).backward()
    steps = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = total(network())
        loss.backward()
        optimizer.step()
        steps.append(loss.item())
    u = network().detach()
    with open(__file__.replace(".py", ".txt"), "w") as out:

        def line(name, values):
            print(name, *(repr(float(v)) for v in np.ravel(values)), file=out)

        print(f"# PyTorch {torch.__version__}", file=out)
        line("learning_rate", LEARNING_RATE)
        line("params", np.concatenate([p.ravel() for p in (W1, B1, W2, B2)]))
        line("x", X)
        line("t", np.hstack([np.eye(3)[LABELS], NUMBERS, YES]))
        line("gradient", logits.grad.numpy())
        line("steps", steps)
        line("trained", np.concatenate([p.detach().numpy().ravel() for p in params]))
        line("losses", [loss.item() for loss in losses(u)])
        line("accuracies", [(u[:, :3].argmax(1) == labels).double().mean(), ((u[:, 4:] >= 0) == (yes == 1)).double().mean()])
    print(f"PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
