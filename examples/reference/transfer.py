"""The reference of examples/transfer.rs: python examples/reference/transfer.py  (torch)"""

import numpy as np
import torch
from same import affine, fit, predict

random = np.random.RandomState(5)
centres = random.normal(0.0, 1.0, (6, 12))
labels = np.arange(3000) % 6
x = centres[labels] + random.normal(0.0, 1.0, (3000, 12))
few = [row for row in range(600) if labels[row] >= 3][:60]
test = [row for row in range(1500, 3000) if labels[row] >= 3]
old = [row for row in range(1500) if labels[row] < 3]


def accuracy(model):
    return (predict(model, x[test]).argmax(axis=1) == labels[test] - 3).mean()


loss = torch.nn.CrossEntropyLoss()
init = np.random.RandomState(0)
trunk = torch.nn.Sequential(affine(init, 12, 24), torch.nn.SiLU())
model = torch.nn.Sequential(trunk, affine(init, 24, 3))
fit(model, x[old], labels[old], loss, 50, 20, torch.optim.SGD(model.parameters(), 0.1))

# The library draws new weights for the trunk, too, before it replaces them.
init = np.random.RandomState(1)
affine(init, 12, 24)
head = affine(init, 24, 3)
model = torch.nn.Sequential(trunk, head)
fit(model, x[few], labels[few] - 3, loss, 10, 20, torch.optim.SGD(head.parameters(), 0.1))
print("accuracy with the trunk", accuracy(model))
