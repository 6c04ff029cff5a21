"""The code shared by the Python programs: reads the task and the data, shuffles the samples, measures and reports times.

    program.py EPOCHS FOLDER [predict]

FOLDER contains the bytes of `images` and `labels` without headers. The number of threads comes from the environment.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np

PIXELS, CLASSES, BATCH, RATE = 784, 10, 100, 0.1
WIDTHS = (PIXELS, 100, 50, CLASSES)
THREADS = int(os.environ.get("OMP_NUM_THREADS", "1"))


class Task:
    def __init__(self):
        _, epochs, folder, *rest = sys.argv
        self.epochs, self.predicts = int(epochs), "predict" in rest
        self.images = np.fromfile(Path(folder) / "images", np.uint8).reshape(-1, PIXELS)
        self.labels = np.fromfile(Path(folder) / "labels", np.uint8)
        self.steps = len(self.labels) // BATCH
        self.random = np.random.default_rng(0)

    def parameters(self):
        """Return weights (He normal) and biases, one pair per layer."""
        pairs = zip(WIDTHS[:-1], WIDTHS[1:])
        return [(self.normal((i, o)) * np.float32((2 / i) ** 0.5), np.zeros(o, np.float32)) for i, o in pairs]

    def normal(self, shape):
        return self.random.standard_normal(shape, np.float32)

    def image(self):
        """Return the image to predict."""
        return self.images[:1].astype(np.float32) / 255

    def train(self, epoch):
        """Time `epoch`, which takes the rows of every step and returns the mean loss."""
        for _ in range(self.epochs):
            start = time.perf_counter()
            order = self.random.permutation(self.steps * BATCH).reshape(self.steps, BATCH)
            loss = float(epoch(order))
            print("epoch", time.perf_counter() - start, loss, flush=True)

    def predict(self, predict):
        """Time `predict` if requested: the best of 20 means of 1000."""
        if self.predicts:
            print("predict", min(self.mean(predict, 1000) for _ in range(20)), flush=True)

    def mean(self, work, times):
        start = time.perf_counter()
        for _ in range(times):
            work()
        return (time.perf_counter() - start) / times
