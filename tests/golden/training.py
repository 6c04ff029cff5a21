"""Golden values of a tiny training run, computed in NumPy and printed as a Rust file.

    python tests/golden/training.py | rustfmt --config max_width=110 > tests/golden/training.rs

Network 4-3-2 in float64: affine, swish (beta 1), affine, softmax, cross entropy. Six samples in
order, batches of two, three steps of plain SGD. Every double is written with the fewest digits
that read back to the same bits. Other implementations may sum in a different order, so compare
the results with a relative tolerance of 1e-13, not bit by bit.
"""

import numpy as np

LEARNING_RATE = 0.5
BATCH = 2

rng = np.random.RandomState(10)
w1 = rng.normal(0.0, np.sqrt(2 / 4), (4, 3))
w2 = rng.normal(0.0, np.sqrt(2 / 3), (3, 2))
b1 = np.array([0.1, -0.2, 0.3])
b2 = np.array([-0.05, 0.15])
x_all = rng.normal(0.0, 1.0, (6, 4)).round(3)
labels = np.array([0, 1, 1, 0, 1, 0])


def rust(values):
    values = np.asarray(values).tolist()
    return "[" + ", ".join(rust(v) if isinstance(v, list) else repr(v) for v in values) + "]"


def constant(doc, name, values):
    values = np.asarray(values)
    kind = "usize" if values.dtype.kind == "i" else "f64"
    for length in reversed(values.shape):
        kind = f"[{kind}; {length}]"
    print(f"/// {doc}\npub const {name}: {kind} = {rust(values)};")


def sigmoid(v):
    return 1.0 / (1.0 + np.exp(-v))


def forward(x):
    u = x @ w1 + b1
    z = u * sigmoid(u)
    v = z @ w2 + b2
    e = np.exp(v - v.max(axis=1, keepdims=True))
    return u, z, e / e.sum(axis=1, keepdims=True)


print("// Golden values of three SGD steps. Made by `tests/golden/training.py`; do not edit.\n")
print("/// The step size of plain SGD.")
print(f"pub const LEARNING_RATE: f64 = {LEARNING_RATE!r};")
print("/// The number of samples per step, in order.")
print(f"pub const BATCH: usize = {BATCH};")
constant("The samples, one per row.", "X", x_all)
constant("The class of each sample.", "LABELS", labels)
constant("Initial weights of the first affine layer, (fan_in, fan_out).", "W1", w1)
constant("Initial biases of the first affine layer.", "B1", b1)
constant("Initial weights of the second affine layer.", "W2", w2)
constant("Initial biases of the second affine layer.", "B2", b2)

losses = []
for start in range(0, len(x_all), BATCH):
    x, t = x_all[start : start + BATCH], np.eye(2)[labels[start : start + BATCH]]
    u, z, y = forward(x)
    losses.append(-np.mean(np.sum(t * np.log(y), axis=1)))
    dv = (y - t) / BATCH
    dz = dv @ w2.T
    s = sigmoid(u)
    du = dz * (s + z * (1.0 - s))
    dw1, db1, dw2, db2 = x.T @ du, du.sum(axis=0), z.T @ dv, dv.sum(axis=0)
    if start == 0:
        constant("Outputs for the first batch before the first step.", "FIRST_OUTPUT", y)
        constant("Gradient of the first batch.", "FIRST_DW1", dw1)
        constant("Gradient of the first batch.", "FIRST_DB1", db1)
        constant("Gradient of the first batch.", "FIRST_DW2", dw2)
        constant("Gradient of the first batch.", "FIRST_DB2", db2)
    w1 -= LEARNING_RATE * dw1
    b1 -= LEARNING_RATE * db1
    w2 -= LEARNING_RATE * dw2
    b2 -= LEARNING_RATE * db2

constant("Mean loss of each batch before its step.", "LOSSES", losses)
constant("After the three steps.", "FINAL_W1", w1)
constant("After the three steps.", "FINAL_B1", b1)
constant("After the three steps.", "FINAL_W2", w2)
constant("After the three steps.", "FINAL_B2", b2)
constant("Outputs for all samples after the three steps.", "FINAL_OUTPUT", forward(x_all)[2])
