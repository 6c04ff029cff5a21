"""The benchmark in eager PyTorch: modules, autograd and fused SGD."""

import torch
from torch import nn

from measure import CLASSES, PIXELS, RATE, THREADS, Task

torch.set_num_threads(THREADS)
task = Task()
images = torch.from_numpy(task.images).float().div_(255)
labels = torch.from_numpy(task.labels).long()
model = nn.Sequential(
    nn.Linear(PIXELS, 100), nn.SiLU(), nn.Linear(100, 50), nn.SiLU(), nn.Linear(50, CLASSES)
)
with torch.no_grad():
    for layer, (w, b) in zip(model[::2], task.parameters()):
        layer.weight.copy_(torch.from_numpy(w.T))
        layer.bias.copy_(torch.from_numpy(b))
optimizer = torch.optim.SGD(model.parameters(), lr=RATE, fused=True)
cross_entropy = nn.CrossEntropyLoss()


def epoch(order):
    total = torch.zeros(())
    for rows in torch.from_numpy(order):
        loss = cross_entropy(model(images.index_select(0, rows)), labels.index_select(0, rows))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += loss.detach()
    return total / len(order)


task.train(epoch)
with torch.inference_mode():
    x = torch.from_numpy(task.image())
    task.predict(lambda: model(x).softmax(1))
