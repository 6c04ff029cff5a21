"""PyTorch with torch.compile: one compiled graph per step, from the gather to the update."""

from types import SimpleNamespace

import torch
from torch.nn.functional import conv2d, cross_entropy, dropout, max_pool2d, relu, silu
from torch.utils import _pytree as pytree

from functional import initial_state, network, next_state
from measure import SIDE, THREADS, Task

torch.set_num_threads(THREADS)
task = Task()
images, labels = torch.from_numpy(task.images), torch.from_numpy(task.labels).long()
state = pytree.tree_map(torch.as_tensor, initial_state(task))


def moments(x):
    variance, mean = torch.var_mean(x, 0, correction=0)
    return mean, variance


library = SimpleNamespace(
    image=(1, SIDE, SIDE),
    activate={"swish": silu, "relu": relu}[task.activation],
    moments=moments,
    reshape=torch.reshape,
    convolve=lambda x, weights, bias, padding: conv2d(x, weights, bias, padding=padding),
    pool=max_pool2d,
)


def mean_loss(parameters, x, t):
    y, statistics = network(task, parameters, x, library, dropout)
    return cross_entropy(y, t), ((y.argmax(1) == t).sum(), statistics)


@torch.compile(fullgraph=True)
def step(state, images, labels, rows, total, right):
    x, t = images[rows].float() / 255, labels[rows]
    gradients, (loss, (correct, statistics)) = torch.func.grad_and_value(mean_loss, has_aux=True)(state[0], x, t)
    for olds, news in zip(state, next_state(task, state, gradients, statistics)):
        for old, new in zip(olds, news):
            old.copy_(new)
    total.add_(loss)
    right.add_(correct)


def epoch(order):
    total, right = torch.zeros(()), torch.zeros((), dtype=torch.long)
    for rows in torch.from_numpy(order):
        step(state, images, labels, rows, total, right)
    return total / len(order)


# Without `dynamic`, the second number of rows compiles a function for any number, which is slower.
@torch.compile(fullgraph=True, dynamic=False)
def predict(parameters, x):
    return network(task, parameters, x, library)[0].softmax(1)


def prepare(x):
    x = torch.from_numpy(x)
    return lambda: predict(state[0], x)


with torch.inference_mode():
    task.train(epoch)
    task.predict(prepare)
