"""Writes losses.txt: values, gradients and twenty steps of plain SGD for every loss, computed by PyTorch in float64.

    pip install torch numpy
    python tests/golden/losses.py

Each case names a loss, its settings and the kind of targets. It consists of the value on fixed logits, the gradient with
respect to the logits, and a training run of a 4-5-3 network (affine, tanh, affine) with twenty steps on all eight samples:
the loss before each step, and the parameters at the end. A line is a name and values, each with the fewest digits that read
back to the same bits.
"""

import sys

# Prevent an import of random.py from this folder instead of Python's module.
sys.path.pop(0)

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
LEARNING_RATE, STEPS = 0.2, 20

rng = np.random.RandomState(10)
X = rng.normal(0.0, 1.0, (8, 4)).round(3)
W1, B1 = rng.normal(0.0, 0.5, (4, 5)).round(3), rng.normal(0.0, 0.1, 5).round(3)
W2, B2 = rng.normal(0.0, 0.5, (5, 3)).round(3), rng.normal(0.0, 0.1, 3).round(3)
LOGITS = rng.normal(0.0, 3.0, (8, 3)).round(3)
# One sample is badly wrong, far below any floor, and one is right.
LOGITS[0], LOGITS[1] = [30.0, -10.0, 5.0], [-20.0, 25.0, 1.0]
LABELS = np.array([1, 1, 2, 0, 0, 2, 1, 0])
SOFT = rng.dirichlet([0.7, 0.7, 0.7], 8).round(3)
SOFT[:, 2] = 1.0 - SOFT[:, 0] - SOFT[:, 1]
assert (SOFT >= 0.0).all()
YES = np.array([[1, 0, 0], [0, 1, 1], [1, 1, 1], [0, 0, 0], [1, 0, 1], [0, 0, 1], [0, 1, 0], [1, 1, 0]], float)
SHARES = rng.uniform(0.0, 1.0, (8, 3)).round(3)
NUMBERS = rng.normal(0.0, 2.0, (8, 3)).round(3)
WEIGHTS, POS_WEIGHT = [0.3, 1.0, 2.5], [3.0, 0.5, 1.0]

weights, pos_weight = torch.tensor(WEIGHTS), torch.tensor(POS_WEIGHT)
labels, soft, yes = torch.tensor(LABELS), torch.tensor(SOFT), torch.tensor(YES)
shares, numbers = torch.tensor(SHARES), torch.tensor(NUMBERS)

CASES = {
    "cross_entropy": lambda u: F.cross_entropy(u, labels),
    "cross_entropy/smoothing": lambda u: F.cross_entropy(u, labels, label_smoothing=0.1),
    "cross_entropy/smoothing_1": lambda u: F.cross_entropy(u, labels, label_smoothing=1.0),
    "cross_entropy/weights": lambda u: F.cross_entropy(u, labels, weight=weights),
    "cross_entropy/smoothing_weights": lambda u: F.cross_entropy(u, labels, weight=weights, label_smoothing=0.3),
    "cross_entropy/zero_weight": lambda u: F.cross_entropy(
        u, labels, weight=torch.tensor([0.0, 1.0, 2.0]), label_smoothing=0.2
    ),
    "cross_entropy/soft": lambda u: F.cross_entropy(u, soft),
    "cross_entropy/soft_smoothing": lambda u: F.cross_entropy(u, soft, label_smoothing=0.1),
    "cross_entropy/soft_weights": lambda u: F.cross_entropy(u, soft, weight=weights),
    "cross_entropy/soft_smoothing_weights": lambda u: F.cross_entropy(u, soft, weight=weights, label_smoothing=0.3),
    "binary_cross_entropy": lambda u: F.binary_cross_entropy_with_logits(u, yes),
    "binary_cross_entropy/shares": lambda u: F.binary_cross_entropy_with_logits(u, shares),
    "binary_cross_entropy/pos_weight": lambda u: F.binary_cross_entropy_with_logits(u, yes, pos_weight=pos_weight),
    "binary_cross_entropy/shares_pos_weight": lambda u: F.binary_cross_entropy_with_logits(
        u, shares, pos_weight=pos_weight
    ),
    "mean_squared_error": lambda u: F.mse_loss(u, numbers),
    "mean_absolute_error": lambda u: F.l1_loss(u, numbers),
    "huber": lambda u: F.huber_loss(u, numbers),
    "huber/delta": lambda u: F.huber_loss(u, numbers, delta=0.3),
    "mean_absolute_error/sigmoid": lambda u: F.l1_loss(torch.sigmoid(u), yes),
    "huber/softmax": lambda u: F.huber_loss(torch.softmax(u, 1), soft, delta=0.25),
}


def value_and_gradient(loss):
    u = torch.tensor(LOGITS, requires_grad=True)
    value = loss(u)
    value.backward()
    return value.item(), u.grad.numpy()


def train(loss):
    params = [torch.tensor(p, requires_grad=True) for p in (W1, B1, W2, B2)]
    optimizer = torch.optim.SGD(params, lr=LEARNING_RATE)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        value = loss(torch.tanh(torch.tensor(X) @ params[0] + params[1]) @ params[2] + params[3])
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses, np.concatenate([p.detach().numpy().ravel() for p in params])


def main():
    with open(__file__.replace(".py", ".txt"), "w") as out:

        def line(name, values):
            print(name, *(repr(float(v)) for v in np.ravel(values)), file=out)

        print(f"# PyTorch {torch.__version__}", file=out)
        line("learning_rate", LEARNING_RATE)
        line("params", np.concatenate([p.ravel() for p in (W1, B1, W2, B2)]))
        for name, values in [("x", X), ("logits", LOGITS), ("one_hot", np.eye(3)[LABELS]), ("soft", SOFT)]:
            line(name, values)
        for name, values in [("yes", YES), ("shares", SHARES), ("numbers", NUMBERS)]:
            line(name, values)
        for name, loss in CASES.items():
            value, gradient = value_and_gradient(loss)
            losses, params = train(loss)
            line(f"{name}.value", value)
            line(f"{name}.gradient", gradient)
            line(f"{name}.losses", losses)
            line(f"{name}.params", params)
    print(f"PyTorch {torch.__version__}, {len(CASES)} cases")


if __name__ == "__main__":
    main()
