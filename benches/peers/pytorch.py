"""Eager PyTorch: modules, autograd and a fused optimizer."""

import torch
from torch import nn

from measure import SIDE, THREADS, Task

torch.set_num_threads(THREADS)
task = Task()
images = torch.from_numpy(task.images).float().div_(255)
labels = torch.from_numpy(task.labels).long()
activation = {"swish": nn.SiLU, "relu": nn.ReLU}[task.activation]
layers, inputs = [], 1
if task.convolutions:
    layers.append(nn.Unflatten(1, (1, SIDE, SIDE)))
for filters, kernel, padding, pool in task.convolutions:
    layers += [nn.Conv2d(inputs, filters, kernel, padding=padding), activation()]
    if pool > 1:
        layers.append(nn.MaxPool2d(pool))
    inputs = filters
if task.dropout[0]:
    layers.append(nn.Dropout(task.dropout[0]))
layers.append(nn.Flatten())
for fan_in, fan_out in zip(task.widths, task.widths[1:-1]):
    layers.append(nn.Linear(fan_in, fan_out))
    if task.normalised:
        layers.append(nn.BatchNorm1d(fan_out))
    layers.append(activation())
if task.dropout[1]:
    layers.append(nn.Dropout(task.dropout[1]))
model = nn.Sequential(*layers, nn.Linear(*task.widths[-2:]))
if task.channels_last:
    model.to(memory_format=torch.channels_last)
with torch.no_grad():
    for parameter, start in zip(model.parameters(), task.parameters()):
        parameter.copy_(torch.from_numpy(start.T if start.ndim == 2 else start))
optimizer = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[task.optimizer](model.parameters(), lr=task.rate, fused=True)
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


def prepare(x):
    x = torch.from_numpy(x)
    return lambda: model(x).softmax(1)


task.train(epoch)
model.eval()
with torch.inference_mode():
    task.predict(prepare)
