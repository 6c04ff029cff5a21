"""The reference of examples/forecasting.rs: python examples/reference/forecasting.py  (torch)"""

import numpy as np
import torch
from same import affine, fit, predict

noise = np.random.RandomState(11).normal(0.0, 0.1, (1, 1024))[0]
hours = np.arange(1024)
series = np.sin(2 * np.pi * hours / 24) + 0.5 * np.sin(2 * np.pi * hours / 168) + noise
x = np.stack([series[start : start + 24] for start in range(1000)])
t = series[24:, None][:1000].copy()
errors = []
for fold in range(3):
    # scikit-learn's TimeSeriesSplit(n_splits=3)
    start = 250 + 250 * fold
    init = np.random.RandomState(0)
    model = torch.nn.Sequential(affine(init, 24, 16), torch.nn.SiLU(), affine(init, 16, 1))
    loss = torch.nn.MSELoss()
    fit(model, x[:start], t[:start], loss, 25, 40, torch.optim.Adam(model.parameters(), 0.003))
    later = slice(start, start + 250)
    errors.append(np.sqrt(((predict(model, x[later]) - t[later]) ** 2).mean()))
print("root mean squared errors", *errors)
