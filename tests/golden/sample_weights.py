"""Writes sample_weights.txt: losses, accuracies and training runs with a weight for each sample, by PyTorch and scikit-learn in float64,
and balanced class weights by scikit-learn.

    pip install torch scikit-learn
    python tests/golden/sample_weights.py

Each case names a loss. It consists of a training run of a 4-5-3 network (affine, tanh, affine) with five epochs of plain SGD in
batches of 5 and 3 samples: the parameters at the end, and the weighted loss over all samples after it. The loss of a batch is
PyTorch's loss with `reduction="none"`, multiplied by the weights of the samples and divided by their sum. A line is a name and
values, each with the fewest digits that read back to the same bits.
"""

import sys

# Prevent an import of random.py from this folder instead of Python's module.
sys.path.pop(0)

import numpy as np
import sklearn
import torch
import torch.nn.functional as F
from sklearn.metrics import accuracy_score, log_loss
from sklearn.utils.class_weight import compute_class_weight

torch.set_default_dtype(torch.float64)
LEARNING_RATE, EPOCHS, BATCHES = 0.2, 5, [slice(0, 5), slice(5, 8)]

rng = np.random.RandomState(10)
X = rng.normal(0.0, 1.0, (8, 4)).round(3)
W1, B1 = rng.normal(0.0, 0.5, (4, 5)).round(3), rng.normal(0.0, 0.1, 5).round(3)
W2, B2 = rng.normal(0.0, 0.5, (5, 3)).round(3), rng.normal(0.0, 0.1, 3).round(3)
LABELS = np.array([1, 1, 2, 0, 0, 2, 1, 0])
YES = np.array([[1, 0, 0], [0, 1, 1], [1, 1, 1], [0, 0, 0], [1, 0, 1], [0, 0, 1], [0, 1, 0], [1, 1, 0]], float)
NUMBERS = rng.normal(0.0, 2.0, (8, 3)).round(3)
# One sample does not count.
WEIGHTS = np.array([0.5, 2.0, 0.0, 1.0, 3.25, 0.75, 1.5, 0.125])
CLASS_WEIGHTS = [0.3, 1.0, 2.5]

x, labels, yes, numbers = torch.tensor(X), torch.tensor(LABELS), torch.tensor(YES), torch.tensor(NUMBERS)
weights, class_weights = torch.tensor(WEIGHTS), torch.tensor(CLASS_WEIGHTS)


def mean(losses, rows, factors=None):
    """The weighted mean of the losses of some rows. `factors` are the weights that the loss itself gives to the rows."""
    w = weights[rows] * (1.0 if factors is None else factors)
    return (w * losses).sum() / w.sum()


CASES = {
    "cross_entropy": lambda u, rows: mean(F.cross_entropy(u, labels[rows], reduction="none"), rows),
    "cross_entropy/class_weights": lambda u, rows: mean(
        F.cross_entropy(u, labels[rows], reduction="none"), rows, class_weights[labels[rows]]
    ),
    "binary_cross_entropy": lambda u, rows: mean(
        F.binary_cross_entropy_with_logits(u, yes[rows], reduction="none").mean(1), rows
    ),
    "mean_squared_error": lambda u, rows: mean(F.mse_loss(u, numbers[rows], reduction="none").mean(1), rows),
}


def network(params, rows):
    return torch.tanh(x[rows] @ params[0] + params[1]) @ params[2] + params[3]


def train(loss):
    params = [torch.tensor(p, requires_grad=True) for p in (W1, B1, W2, B2)]
    optimizer = torch.optim.SGD(params, lr=LEARNING_RATE)
    for _ in range(EPOCHS):
        for rows in BATCHES:
            optimizer.zero_grad()
            loss(network(params, rows), rows).backward()
            optimizer.step()
    return params


def main():
    with open(__file__.replace(".py", ".txt"), "w") as out:

        def line(name, values):
            print(name, *(repr(float(v)) for v in np.ravel(values)), file=out)

        print(f"# PyTorch {torch.__version__}, scikit-learn {sklearn.__version__}", file=out)
        line("learning_rate", LEARNING_RATE)
        line("params", np.concatenate([p.ravel() for p in (W1, B1, W2, B2)]))
        for name, values in [("x", X), ("one_hot", np.eye(3)[LABELS]), ("yes", YES), ("numbers", NUMBERS)]:
            line(name, values)
        line("weights", WEIGHTS)
        every = slice(0, 8)
        for name, loss in CASES.items():
            params = train(loss)
            u = network(params, every).detach()
            line(f"{name}.params", np.concatenate([p.detach().numpy().ravel() for p in params]))
            line(f"{name}.loss", loss(u, every).item())
            if name == "cross_entropy":
                y = torch.softmax(u, 1).numpy()
                line("log_loss", log_loss(LABELS, y, sample_weight=WEIGHTS))
                line(f"{name}.accuracy", accuracy_score(LABELS, y.argmax(1), sample_weight=WEIGHTS))
            if name == "binary_cross_entropy":
                right = [accuracy_score(YES[:, i], u[:, i] >= 0.0, sample_weight=WEIGHTS) for i in range(3)]
                line(f"{name}.accuracy", np.mean(right))
        rare = np.repeat([0, 1, 2], [7, 2, 31])
        line("balanced", compute_class_weight("balanced", classes=np.arange(3), y=rare))
        rare_weights = rng.uniform(0.0, 2.0, 40).round(3)
        line("rare_weights", rare_weights)
        line(
            "balanced_weighted",
            compute_class_weight("balanced", classes=np.arange(3), y=rare, sample_weight=rare_weights),
        )
    print(f"PyTorch {torch.__version__}, scikit-learn {sklearn.__version__}, {len(CASES)} cases")


if __name__ == "__main__":
    main()
