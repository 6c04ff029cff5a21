"""The reference of examples/autoencoder.rs: python examples/reference/autoencoder.py  (torch)"""

import numpy as np
import torch
from same import affine, fit, predict

random = np.random.RandomState(3)
hidden = random.normal(0.0, 1.0, (1200, 2))
mixing = random.normal(0.0, 1.0, (2, 8))
x = np.tanh(hidden @ mixing) + random.normal(0.0, 0.05, (1200, 8))
init = np.random.RandomState(0)
layers = [affine(init, 8, 16), torch.nn.Tanh(), affine(init, 16, 2), affine(init, 2, 16), torch.nn.Tanh(), affine(init, 16, 8)]
model = torch.nn.Sequential(*layers)
loss = torch.nn.MSELoss()
fit(model, x[:1000], x[:1000], loss, 50, 60, torch.optim.Adam(model.parameters(), 0.005))
# As in scikit-learn, the mean over the outputs.
error = np.sqrt(((predict(model, x[1000:]) - x[1000:]) ** 2).mean(axis=0)).mean()
print("root mean squared error", error)
