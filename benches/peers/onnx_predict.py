"""Predictions of few and many rows in ONNX Runtime, with bound inputs and outputs.

Prints a network, a number of rows and the seconds of a prediction per line. The number of threads comes from the environment.
"""

import time

import numpy as np
import onnxruntime as ort

from measure import THREADS
from onnx_runtime import network

NETWORKS = {"wide": (784, 2048, 2048, 10), "article": (784, 100, 50, 10)}
ROWS = (1, 4, 32, 256, 1000, 10_000)
WORK = 600_000_000


def seconds(session, widths, rows):
    """Return the best of nine mean times of a prediction."""
    x = np.random.default_rng(0).random((rows, widths[0]), np.float32)
    binding = session.io_binding()
    binding.bind_cpu_input("x", x)
    binding.bind_ortvalue_output("y", ort.OrtValue.ortvalue_from_numpy(np.zeros((rows, widths[-1]), np.float32)))
    size = sum(i * o + o for i, o in zip(widths, widths[1:]))
    times, best = max(1, WORK // (rows * size)), float("inf")
    for _ in range(9):
        start = time.perf_counter()
        for _ in range(times):
            session.run_with_iobinding(binding)
        best = min(best, (time.perf_counter() - start) / times)
    return best


for name, widths in NETWORKS.items():
    random = np.random.default_rng(0)
    shapes = zip(widths, widths[1:])
    parameters = [
        (random.standard_normal((i, o), np.float32) * np.float32((2 / i) ** 0.5), np.zeros(o, np.float32))
        for i, o in shapes
    ]
    session = network(parameters, "rows", THREADS)
    for rows in ROWS:
        print(name, rows, seconds(session, widths, rows), flush=True)
