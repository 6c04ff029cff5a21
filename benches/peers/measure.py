"""The code shared by the Python programs: reads the workload and the data, shuffles the samples, measures and reports times.

    program.py KEY=VALUE…

`run` lists the workloads, whose settings are the arguments. `data` is a folder with the bytes of `images` and `labels` without
headers. A program trains for `epochs` epochs, then predicts each number of `rows`. The number of threads comes from the environment.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np

SIDE = 28
THREADS = int(os.environ.get("OMP_NUM_THREADS", "1"))


class Task:
    def __init__(self):
        settings = dict(word.split("=", 1) for word in sys.argv[1:])
        self.widths = [int(width) for width in settings["widths"].split(",")]
        self.activation, self.optimizer, self.rate = settings["activation"], settings["optimizer"], float(settings["rate"])
        self.normalised = settings["normalised"] == "yes"
        self.convolutions = [[int(n) for n in word.split(":")] for word in settings["convolutions"].split(",") if word]
        self.dropout = [float(rate) for rate in settings["dropout"].split(",")]
        self.channels_last = settings.get("channels_last") == "yes"
        # The channels and the side of the images that the first affine layer takes.
        self.channels, self.side = 1, SIDE
        for self.channels, kernel, padding, pool in self.convolutions:
            self.side = (self.side + 2 * padding - kernel + 1) // pool
        self.widths[0] = self.channels * self.side**2
        self.batch, self.steps, self.epochs = (int(settings[key]) for key in ("batch", "steps", "epochs"))
        self.rows = [int(rows) for rows in settings["rows"].split(",") if rows]
        self.samples = self.batch * self.steps
        folder = Path(settings["data"])
        self.images = np.fromfile(folder / "images", np.uint8).reshape(-1, SIDE**2)[: self.samples]
        self.labels = np.fromfile(folder / "labels", np.uint8)[: self.samples]
        self.random = np.random.default_rng(0)

    def parameters(self, channels_last=False):
        """Return weights (He normal) and bias of each layer, followed by scale and shift if it is normalised.

        A convolution has weights of shape (filters, channels, kernel, kernel). `channels_last` returns the same network for images
        of shape (side, side, channels), with weights of shape (kernel, kernel, channels, filters).
        """
        parameters, inputs = [], 1
        for filters, kernel, _, _ in self.convolutions:
            weights = self.he_normal(inputs * kernel**2, (filters, inputs, kernel, kernel))
            parameters += [weights.transpose(2, 3, 1, 0) if channels_last else weights, np.zeros(filters, np.float32)]
            inputs = filters
        for i, (fan_in, fan_out) in enumerate(zip(self.widths, self.widths[1:]), start=2):
            weights = self.he_normal(fan_in, (fan_in, fan_out))
            if channels_last and i == 2:
                weights = weights.reshape(self.channels, -1, fan_out).swapaxes(0, 1).reshape(fan_in, fan_out)
            parameters += [weights, np.zeros(fan_out, np.float32)]
            if self.normalised and i < len(self.widths):
                parameters += [np.ones(fan_out, np.float32), np.zeros(fan_out, np.float32)]
        return [np.ascontiguousarray(parameter) for parameter in parameters]

    def he_normal(self, fan_in, shape):
        return self.random.standard_normal(shape, np.float32) * np.float32((2 / fan_in) ** 0.5)

    def train(self, epoch):
        """Time `epoch`, which takes the rows of every step and returns the mean loss."""
        for _ in range(self.epochs):
            start = time.perf_counter()
            order = self.random.permutation(self.samples).reshape(self.steps, self.batch)
            loss = float(epoch(order))
            print("epoch", time.perf_counter() - start, loss, flush=True)

    def predict(self, prepare):
        """Time the function that `prepare` returns for the pixels of each number of rows."""
        for rows in self.rows:
            x = self.images[:rows].astype(np.float32) / 255
            print("predict", rows, best(prepare(x)), flush=True)


def best(work):
    """Return the best mean of at least 10 ms: of three means, or of as many as half a second has time for."""
    work()
    begin, means, times = time.perf_counter(), [], 1
    while len(means) < 3 or time.perf_counter() - begin < 0.5:
        start = time.perf_counter()
        for _ in range(times):
            work()
        elapsed = time.perf_counter() - start
        if elapsed < 0.01:
            times *= 2
        else:
            means.append(elapsed / times)
    return min(means)
