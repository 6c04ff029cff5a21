"""The article's MNIST program in plain NumPy: a baseline for the Rust crate.

A dense network (784-100-50-10 by default) with swish, mish or relu, trained by
plain SGD on softmax + cross entropy. All arithmetic is float64 and all randomness comes from
NumPy's legacy `RandomState`, so that every run with the same options prints the same rows
(up to the last digits of the losses, which depend on how the BLAS orders its sums).

    python numpy_mnist.py --data DIR [--activation swish|mish|relu] [--beta 1.0] [--lr 0.1]
                          [--hidden 100,50] [--epochs 50] [--seed 10]

DIR contains the four idx files of MNIST, plain or gzip-compressed (`.gz`). Each epoch prints:

    epoch train_accuracy train_loss test_accuracy test_loss

Row 0 is measured before the first update, on both whole sets. In the other rows the train
columns are the mean over the mini-batches, each measured before that batch's update; the
test columns are measured on the whole test set after the epoch. The last line is the wall
time of the training: rows 0 to the last, without loading the data.

Needs NumPy only.
"""

import argparse
import gzip
import time
from pathlib import Path

import numpy as np

BATCH = 100


# --- data -----------------------------------------------------------------------------------


def read_idx(directory, name):
    """Return the array in an idx file of unsigned bytes."""
    path = Path(directory) / name
    raw = path.read_bytes() if path.exists() else gzip.decompress(Path(f"{path}.gz").read_bytes())
    if raw[:3] != b"\0\0\x08":
        raise ValueError(f"{name}: expected an idx file of unsigned bytes")
    rank = raw[3]
    shape = np.frombuffer(raw, ">u4", rank, offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def load_mnist(directory):
    """Return (x_train, t_train, x_test, t_test): pixels as float64 rows in 0..1, labels as integers."""
    x_train = read_idx(directory, "train-images-idx3-ubyte").reshape(-1, 784)
    t_train = read_idx(directory, "train-labels-idx1-ubyte").astype(np.intp)
    x_test = read_idx(directory, "t10k-images-idx3-ubyte").reshape(-1, 784)
    t_test = read_idx(directory, "t10k-labels-idx1-ubyte").astype(np.intp)

    # Min-max normalisation by the training set, divided in float32, then widened.
    low, high = np.float32(x_train.min()), np.float32(x_train.max())

    def normalize(x):
        return ((x.astype(np.float32) - low) / (high - low)).astype(np.float64)

    return normalize(x_train), t_train, normalize(x_test), t_test


# --- activations: forward returns z and the values that backward needs -----------------------


def sigmoid(x):
    # exp(-x) may overflow to inf for very negative x; 1 / (1 + inf) = 0 is then correct.
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-x))


class Swish:
    """z = u σ(βu),  dz/du = βz + σ(βu)(1 - βz)"""

    def __init__(self, beta=1.0):
        self.beta = beta

    def forward(self, u):
        s = sigmoid(self.beta * u)
        return u * s, s

    def backward(self, dz, u, z, s):
        bz = self.beta * z
        return dz * (bz + s * (1.0 - bz))


class Mish:
    """z = u tanh(softplus(u)),  dz/du = t + u (1 - t²) σ(u)  with t = tanh(softplus(u))

    The article divides by cosh²(softplus(u)) (1 + exp(-u)); 1 - t² = 1 / cosh² is equivalent
    and does not overflow.
    """

    def forward(self, u):
        # softplus(u) = ln(1 + exp(u)), with max(0, u) moved out of the logarithm
        t = np.tanh(np.maximum(u, 0.0) + np.log1p(np.exp(-np.abs(u))))
        return u * t, t

    def backward(self, dz, u, z, t):
        return dz * (t + u * (1.0 - t * t) * sigmoid(u))


class Relu:
    """z = max(u, 0),  dz/du = 1 if u > 0"""

    def forward(self, u):
        return np.maximum(u, 0.0), None

    def backward(self, dz, u, z, _):
        return dz * (u > 0.0)


# --- network ----------------------------------------------------------------------------------


def softmax(v):
    e = np.exp(v - v.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


class Network:
    """affine, activation, affine, activation, ..., affine, softmax"""

    def __init__(self, sizes, activation, rng):
        self.activation = activation
        self.weights = [  # He normal, one matrix after another
            rng.normal(0.0, np.sqrt(2.0 / n_in), (n_in, n_out))
            for n_in, n_out in zip(sizes[:-1], sizes[1:])
        ]
        self.biases = [np.zeros(n_out) for n_out in sizes[1:]]

    def forward(self, x):
        """Return the probabilities, and (x, u, z, saved) per hidden layer for `gradients`."""
        trace = []
        for w, b in zip(self.weights[:-1], self.biases[:-1]):
            u = x @ w + b
            z, saved = self.activation.forward(u)
            trace.append((x, u, z, saved))
            x = z
        return softmax(x @ self.weights[-1] + self.biases[-1]), trace

    def gradients(self, y, t, trace):
        """Return (dW, db) of the mean cross entropy per layer, last layer first."""
        n = len(t)
        du = y.copy()
        du[np.arange(n), t] -= 1.0
        du /= n  # softmax and cross entropy together: (y - t) / n
        grads = [(trace[-1][2].T @ du, du.sum(axis=0))]
        for i in reversed(range(len(trace))):
            x, u, z, saved = trace[i]
            du = self.activation.backward(du @ self.weights[i + 1].T, u, z, saved)
            grads.append((x.T @ du, du.sum(axis=0)))
        return grads

    def step(self, grads, lr):
        """Update the parameters by plain stochastic gradient descent."""
        for w, b, (dw, db) in zip(self.weights, self.biases, reversed(grads)):
            w -= lr * dw
            b -= lr * db


def metrics(y, t):
    """Return (correct predictions, mean cross entropy) of probabilities y for labels t."""
    right = np.count_nonzero(y.argmax(axis=1) == t)
    loss = -np.mean(np.log(np.maximum(y[np.arange(len(t)), t], 1e-7)))
    return right, loss


# --- training ---------------------------------------------------------------------------------


def learn(network, rng, x_train, t_train, x_test, t_test, epochs, lr):
    """Train, yielding (epoch, train accuracy, train loss, test accuracy, test loss) per epoch."""

    def evaluate(x, t):
        right, loss = metrics(network.forward(x)[0], t)
        return right / len(t), loss

    yield 0, *evaluate(x_train, t_train), *evaluate(x_test, t_test)
    for epoch in range(1, epochs + 1):
        order = rng.permutation(len(x_train))
        batches = []
        for start in range(0, len(order), BATCH):
            index = order[start : start + BATCH]
            x, t = x_train[index], t_train[index]
            y, trace = network.forward(x)
            batches.append(metrics(y, t))
            network.step(network.gradients(y, t, trace), lr)
        right, loss = zip(*batches)
        yield epoch, sum(right) / len(order), np.mean(loss), *evaluate(x_test, t_test)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder of the four MNIST idx files")
    parser.add_argument("--activation", choices=["swish", "mish", "relu"], default="swish")
    parser.add_argument("--beta", type=float, default=1.0, help="beta of swish")
    parser.add_argument("--lr", type=float, default=0.1, help="learning rate")
    parser.add_argument("--hidden", default="100,50", help="widths of the hidden layers")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=10)
    args = parser.parse_args()

    data = load_mnist(args.data)
    activation = {"swish": lambda: Swish(args.beta), "mish": Mish, "relu": Relu}[args.activation]()
    sizes = [784, *map(int, args.hidden.split(",")), 10]
    rng = np.random.RandomState(args.seed)

    start = time.perf_counter()
    network = Network(sizes, activation, rng)
    for epoch, *row in learn(network, rng, *data, args.epochs, args.lr):
        print(epoch, *map(float, row), flush=True)
    print(f"elapsed {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main()
