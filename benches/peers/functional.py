"""Network and optimizers for the libraries that compile functions, in operators that the arrays of all of them have."""

import numpy as np


def initial_state(task, channels_last=False):
    """Return the parameters, Adam's averages of gradients and of squares, the running statistics, and the number of steps."""
    parameters = task.parameters(channels_last)
    averages = [[np.zeros_like(p) for p in parameters if task.optimizer == "adam"] for _ in range(2)]
    normalised = task.widths[1:-1] if task.normalised else []
    statistics = [start(width, np.float32) for width in normalised for start in (np.zeros, np.ones)]
    return [parameters, *averages, statistics, [np.float32(0)]]


def network(task, parameters, x, library, drop=None):
    """Return the logits, and the mean and variance of every normalised layer. In training, `drop` sets values to 0 at a rate.

    `library` has the shape of an `image`, and the functions `activate`, `moments`, `reshape`, `convolve` and `pool`.
    """
    values, statistics = iter(parameters), []

    def dropped(x, rate):
        return drop(x, rate) if drop and rate else x

    if task.convolutions:
        x = library.reshape(x, (-1, *library.image))
    for _, _, padding, pool in task.convolutions:
        x = library.activate(library.convolve(x, next(values), next(values), padding))
        x = library.pool(x, pool) if pool > 1 else x
    if task.convolutions:
        x = library.reshape(dropped(x, task.dropout[0]), (-1, task.widths[0]))
    for _ in task.widths[1:-1]:
        x = x @ next(values) + next(values)
        if task.normalised:
            mean, variance = library.moments(x)
            x = (x - mean) / (variance + 1e-5) ** 0.5 * next(values) + next(values)
            statistics += [mean, variance]
        x = library.activate(x)
    return dropped(x, task.dropout[1]) @ next(values) + next(values), statistics


def next_state(task, state, gradients, statistics):
    """Return the state after a step of the optimizer."""
    parameters, means, squares, running, (t,) = state
    running = [0.9 * r + 0.1 * s for r, s in zip(running, statistics)]
    t = t + 1
    if task.optimizer == "adam":
        means = [0.9 * m + 0.1 * g for m, g in zip(means, gradients)]
        squares = [0.999 * s + 0.001 * g * g for s, g in zip(squares, gradients)]
        m_factor, s_factor = 1 / (1 - 0.9**t), 1 / (1 - 0.999**t)
        gradients = [m * m_factor / ((s * s_factor) ** 0.5 + 1e-8) for m, s in zip(means, squares)]
    return [[p - task.rate * g for p, g in zip(parameters, gradients)], means, squares, running, [t]]


def parts(task, order):
    """Return the steps that each call of the compiled function runs: all in one loop, or one without a loop if there are convolutions.

    On CPUs, XLA computes convolutions in a loop much more slowly (https://github.com/jax-ml/jax/issues/12868).
    """
    return order[:, None] if task.convolutions else order[None]
