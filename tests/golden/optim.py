"""Writes optim.txt: PyTorch's optimizers, schedules and clipping in float64.

    pip install torch numpy
    python tests/golden/optim.py

Every line is a name and values, each with the fewest digits that read back to the same bits.

- `start`, `curvature`, `slope`: the problem. The gradient of step t at theta is curvature * theta + slope[t],
  elementwise, with one rounding for the product and one for the sum.
- `optimizer NAME`: theta after a step, one line per step.
- `schedule NAME`: the rates of the first steps, for a base rate of 0.1.
- `plateau NAME`: the factor on the rate after each of the metrics in the line `metrics`.
- `clip NAME BOUND`: the gradient of the line `gradient`, clipped.

PyTorch does not include Lion, so it is implemented below from the paper's listing.
"""

import math
import sys

# Prevent an import of random.py from this folder instead of Python's module.
sys.path.pop(0)

import numpy as np
import torch
from torch import optim
from torch.optim import lr_scheduler as schedulers

# Without this, NAdam stores its product of mu in float32, even for parameters in float64.
torch.set_default_dtype(torch.float64)

STEPS, SIZE = 20, 5
rng = np.random.RandomState(3)
start = rng.normal(0.0, 1.0, SIZE).round(4)
curvature = rng.uniform(0.2, 3.0, SIZE).round(4)
slope = rng.normal(0.0, 0.7, (STEPS, SIZE)).round(4)
out = open(__file__.replace(".py", ".txt"), "w")


def line(name, values):
    print(name, *(repr(float(value)) for value in values), file=out)


class Lion:
    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        (self.theta,), self.lr, self.betas, self.decay = params, lr, betas, weight_decay
        self.m = np.zeros(SIZE)

    def step(self):
        g, theta, (b1, b2) = self.theta.grad.numpy(), self.theta.detach().numpy(), self.betas
        update = np.sign(b1 * self.m + (1 - b1) * g)
        theta *= 1 - self.lr * self.decay
        theta -= self.lr * update
        self.m = b2 * self.m + (1 - b2) * g


def run(name, make):
    theta = torch.tensor(start, requires_grad=True)
    optimizer = make([theta])
    for t in range(STEPS):
        theta.grad = torch.tensor(curvature * theta.detach().numpy() + slope[t])
        optimizer.step()
        line(f"optimizer {name}", theta.detach().numpy())


def rates(name, make, steps=40):
    optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = make(optimizer)
    values = []
    for _ in range(steps):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    line(f"schedule {name}", values)


def plateau(name, **settings):
    optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = schedulers.ReduceLROnPlateau(optimizer, eps=0.0, **settings)
    values = []
    for metric in metrics:
        scheduler.step(metric)
        values.append(optimizer.param_groups[0]["lr"])
    line(f"plateau {name}", values)


def clip(name, bound, function):
    theta = torch.zeros(SIZE, dtype=torch.float64, requires_grad=True)
    theta.grad = torch.tensor(gradient)
    function([theta], bound)
    line(f"clip {name} {bound}", theta.grad.numpy())


print(f"# Made by tests/golden/optim.py with torch {torch.__version__}, numpy {np.__version__}; do not edit.", file=out)
line("start", start)
line("curvature", curvature)
for row in slope:
    line("slope", row)

run("sgd", lambda p: optim.SGD(p, lr=0.1))
run("sgd-decay", lambda p: optim.SGD(p, lr=0.1, weight_decay=0.3))
run("momentum", lambda p: optim.SGD(p, lr=0.1, momentum=0.9))
run("momentum-decay", lambda p: optim.SGD(p, lr=0.05, momentum=0.7, weight_decay=0.3))
run("nesterov", lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True))
run("nesterov-decay", lambda p: optim.SGD(p, lr=0.05, momentum=0.7, nesterov=True, weight_decay=0.3))
run("adagrad", lambda p: optim.Adagrad(p))
run("adagrad-odd", lambda p: optim.Adagrad(p, lr=0.3, initial_accumulator_value=0.5, eps=1e-3, weight_decay=0.1))
run("rmsprop", lambda p: optim.RMSprop(p))
run("rmsprop-momentum", lambda p: optim.RMSprop(p, lr=0.02, momentum=0.8))
run("rmsprop-centered", lambda p: optim.RMSprop(p, lr=0.02, alpha=0.9, centered=True))
run(
    "rmsprop-odd",
    lambda p: optim.RMSprop(p, lr=0.02, alpha=0.9, eps=1e-3, centered=True, momentum=0.8, weight_decay=0.1),
)
run("adadelta", lambda p: optim.Adadelta(p))
run("adadelta-odd", lambda p: optim.Adadelta(p, lr=2.0, rho=0.7, eps=1e-4, weight_decay=0.1))
run("adam", lambda p: optim.Adam(p))
run("adam-amsgrad", lambda p: optim.Adam(p, lr=0.05, betas=(0.8, 0.9), amsgrad=True))
run("adam-odd", lambda p: optim.Adam(p, lr=0.05, betas=(0.5, 0.95), eps=1e-3, weight_decay=0.2, amsgrad=True))
run("adamw", lambda p: optim.AdamW(p))
run("adamw-odd", lambda p: optim.AdamW(p, lr=0.05, betas=(0.8, 0.9), eps=1e-4, weight_decay=0.4, amsgrad=True))
run("nadam", lambda p: optim.NAdam(p))
run("nadam-decay", lambda p: optim.NAdam(p, lr=0.05, betas=(0.8, 0.95), weight_decay=0.2, momentum_decay=0.1))
run("nadam-decoupled", lambda p: optim.NAdam(p, lr=0.05, eps=1e-4, weight_decay=0.2, decoupled_weight_decay=True))
run("radam", lambda p: optim.RAdam(p))
run("radam-decay", lambda p: optim.RAdam(p, lr=0.05, betas=(0.8, 0.95), weight_decay=0.2))
run("radam-decoupled", lambda p: optim.RAdam(p, lr=0.05, eps=1e-4, weight_decay=0.2, decoupled_weight_decay=True))
run("lion", lambda p: Lion(p))
run("lion-odd", lambda p: Lion(p, lr=0.05, betas=(0.6, 0.8), weight_decay=0.2))

rates("step", lambda o: schedulers.StepLR(o, step_size=7, gamma=0.3))
rates("exponential", lambda o: schedulers.ExponentialLR(o, gamma=0.93))
rates("polynomial", lambda o: schedulers.PolynomialLR(o, total_iters=30))
rates("polynomial-odd", lambda o: schedulers.PolynomialLR(o, total_iters=30, power=1.7))
rates("cosine", lambda o: schedulers.CosineAnnealingLR(o, T_max=39))
rates("cosine-end", lambda o: schedulers.CosineAnnealingLR(o, T_max=39, eta_min=0.01))
rates("warm-up", lambda o: schedulers.LinearLR(o))
rates("warm-up-odd", lambda o: schedulers.LinearLR(o, start_factor=0.01, total_iters=13))
rates(
    "warm-up-cosine",
    lambda o: schedulers.SequentialLR(
        o,
        [schedulers.LinearLR(o, start_factor=0.1, total_iters=10), schedulers.CosineAnnealingLR(o, T_max=30)],
        milestones=[10],
    ),
)


def one_cycle(o, **settings):
    return schedulers.OneCycleLR(o, max_lr=0.1, total_steps=41, cycle_momentum=False, **settings)


rates("one-cycle", one_cycle)
rates("one-cycle-linear", lambda o: one_cycle(o, anneal_strategy="linear"))
rates("one-cycle-odd", lambda o: one_cycle(o, pct_start=0.4, div_factor=10.0, final_div_factor=100.0))
rates("one-cycle-three", lambda o: one_cycle(o, three_phase=True, pct_start=0.35))
rates("one-cycle-three-linear", lambda o: one_cycle(o, three_phase=True, anneal_strategy="linear"))

metrics = np.concatenate([3.0 / np.arange(1, 9), 0.4 + 0.2 * np.sin(np.arange(30.0)), [math.nan, 0.1, 0.3, 0.3, 0.3]])
metrics = metrics.round(4)
line("metrics", metrics)
plateau("default")
plateau("odd", factor=0.5, patience=2, threshold=0.05, cooldown=3)
plateau("absolute", factor=0.5, patience=1, threshold=0.01, threshold_mode="abs", min_lr=0.1)
plateau("maximize", mode="max", factor=0.7, patience=3)
plateau("maximize-absolute", mode="max", factor=0.7, patience=0, threshold=0.1, threshold_mode="abs", cooldown=1)

gradient = rng.normal(0.0, 2.0, SIZE).round(4)
line("gradient", gradient)
for bound in (0.5, 1.5, 100.0):
    clip("value", bound, torch.nn.utils.clip_grad_value_)
    clip("norm", bound, torch.nn.utils.clip_grad_norm_)
out.close()
