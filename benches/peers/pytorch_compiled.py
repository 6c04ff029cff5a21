"""The benchmark in PyTorch with torch.compile: one compiled graph per step, from the gather to the update."""

import torch
from torch.nn.functional import cross_entropy, silu

from measure import RATE, THREADS, Task

torch.set_num_threads(THREADS)
task = Task()
images, labels = torch.from_numpy(task.images), torch.from_numpy(task.labels).long()
parameters = [torch.from_numpy(parameter) for pair in task.parameters() for parameter in pair]


def network(parameters, x):
    w1, b1, w2, b2, w3, b3 = parameters
    return silu(silu(x @ w1 + b1) @ w2 + b2) @ w3 + b3


def mean_loss(parameters, x, t):
    logits = network(parameters, x)
    return cross_entropy(logits, t), (logits.argmax(1) == t).sum()


@torch.compile(fullgraph=True)
def step(parameters, images, labels, rows, total, right):
    x, t = images[rows].float() / 255, labels[rows]
    gradients, (loss, correct) = torch.func.grad_and_value(mean_loss, has_aux=True)(parameters, x, t)
    for parameter, gradient in zip(parameters, gradients):
        parameter.sub_(gradient, alpha=RATE)
    total.add_(loss)
    right.add_(correct)


@torch.compile(fullgraph=True)
def predict(parameters, x):
    return network(parameters, x).softmax(1)


def epoch(order):
    total, right = torch.zeros(()), torch.zeros((), dtype=torch.long)
    for rows in torch.from_numpy(order):
        step(parameters, images, labels, rows, total, right)
    return total / len(order)


with torch.inference_mode():
    task.train(epoch)
    x = torch.from_numpy(task.image())
    task.predict(lambda: predict(parameters, x))
