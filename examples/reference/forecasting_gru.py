"""The reference of examples/forecasting_gru.rs: python examples/reference/forecasting_gru.py  (torch)"""

import numpy as np
import torch
from same import affine, fit, predict


class Last(torch.nn.Module):
    """A GRU whose output is the last state, with Glorot uniform weights."""

    def __init__(self, random, features, units):
        super().__init__()
        self.gru = torch.nn.GRU(features, units, batch_first=True)
        with torch.no_grad():
            for param, inputs in [(self.gru.weight_ih_l0, features), (self.gru.weight_hh_l0, units)]:
                limit = np.sqrt(6.0 / (inputs + units))
                param.copy_(torch.from_numpy(random.uniform(-limit, limit, (inputs, 3 * units)).T.copy()))
            self.gru.bias_ih_l0.zero_()
            self.gru.bias_hh_l0.zero_()

    def forward(self, x):
        return self.gru(x)[0][:, -1]


noise = np.random.RandomState(11).normal(0.0, 0.1, (1, 1024))[0]
hours = np.arange(1024)
series = np.sin(2 * np.pi * hours / 24) + 0.5 * np.sin(2 * np.pi * hours / 168) + noise
x = np.stack([series[start : start + 24, None] for start in range(1000)])
t = series[24:, None][:1000].copy()
init = np.random.RandomState(0)
model = torch.nn.Sequential(Last(init, 1, 16), affine(init, 16, 1))
fit(model, x[:750], t[:750], torch.nn.MSELoss(), 25, 15, torch.optim.Adam(model.parameters(), 0.01))
print("root mean squared error", np.sqrt(((predict(model, x[750:]) - t[750:]) ** 2).mean()))
