"""The reference of examples/two_heads.rs: python examples/reference/two_heads.py  (torch)"""

import numpy as np
import torch
from same import affine, fit, predict

random = np.random.RandomState(9)
x = random.normal(0.0, 1.0, (1500, 3))
noise = random.normal(0.0, 0.1, (1500, 1))
kinds = x.argmax(axis=1)
size = x[:, :1] * x[:, 1:2] + 0.5 * x[:, 2:] + noise
t = np.concatenate([np.eye(3)[kinds], size], axis=1)
init = np.random.RandomState(0)
model = torch.nn.Sequential(affine(init, 3, 24), torch.nn.SiLU(), affine(init, 24, 4))


def loss(u, t):
    kind = -(t[:, :3] * torch.log_softmax(u[:, :3], dim=1)).sum(dim=1).mean()
    return kind + 0.5 * torch.nn.functional.mse_loss(u[:, 3:], t[:, 3:])


fit(model, x[:1000], t[:1000], loss, 50, 40, torch.optim.Adam(model.parameters(), 0.01))
y = predict(model, x[1000:])
print("accuracy of the kind", (y[:, :3].argmax(axis=1) == kinds[1000:]).mean())
print("mean squared error of the size", ((y[:, 3] - size[1000:, 0]) ** 2).mean())
