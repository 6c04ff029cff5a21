"""Writes circles.npz: points on two circles, for the guide's chapter on data.

    pip install numpy
    python examples/npz/circles.py
"""

import os

import numpy as np

rng = np.random.RandomState(10)
y = np.arange(200) % 2
angle = rng.uniform(0.0, 2.0 * np.pi, 200)
radius = 1.0 + y + rng.normal(0.0, 0.1, 200)
x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(np.float32)
# x has the dtype float32 and the shape (200, 2), y has the dtype int64 and the shape (200,).
np.savez(os.path.join(os.path.dirname(os.path.abspath(__file__)), "circles.npz"), x=x, y=y)
