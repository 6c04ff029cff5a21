"""The reference of examples/gan.rs: python examples/reference/gan.py  (torch)"""

import numpy as np
import torch
from same import affine, predict

BATCH, STEPS = 64, 1500
init = np.random.RandomState(0)
generator = torch.nn.Sequential(affine(init, 1, 16), torch.nn.Tanh(), affine(init, 16, 1))
init = np.random.RandomState(1)
layers = [affine(init, 1, 16), torch.nn.Tanh(), affine(init, 16, 16), torch.nn.Tanh(), affine(init, 16, 1)]
discriminator = torch.nn.Sequential(*layers)
of_generator, of_discriminator = (
    torch.optim.Adam(model.parameters(), 0.002, betas=(0.5, 0.999)) for model in (generator, discriminator)
)
loss = torch.nn.BCEWithLogitsLoss()
ones = torch.ones(BATCH, 1)
which = torch.cat([ones, torch.zeros(BATCH, 1)])
random = np.random.RandomState(2)
for _ in range(STEPS):
    sides = np.where(random.uniform(0.0, 1.0, (BATCH, 1)) < 0.5, -1.5, 1.5)
    real = torch.from_numpy(sides + random.normal(0.0, 0.5, (BATCH, 1)))
    made = generator(torch.from_numpy(random.normal(0.0, 1.0, (BATCH, 1))))
    of_discriminator.zero_grad()
    loss(discriminator(torch.cat([real, made.detach()])), which).backward()
    of_discriminator.step()
    of_generator.zero_grad()
    loss(discriminator(made), ones).backward()
    of_generator.step()
y = predict(generator, np.random.RandomState(9).normal(0.0, 1.0, (2000, 1)))
print("mean", y.mean(), "standard deviation", y.std(), "modes", np.abs(y).mean(), np.abs(y).std())
