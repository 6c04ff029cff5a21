"""JAX: a jitted epoch whose steps are a scan. The loop gathers and normalises u8 pixels."""

from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp

from functional import initial_state, network, next_state, parts
from measure import SIDE, Task

task = Task()
images, labels = jnp.asarray(task.images), jnp.asarray(task.labels)
state = jax.tree.map(jnp.asarray, initial_state(task, channels_last=True))


def convolve(x, weights, bias, padding):
    dimensions = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, weights, (1, 1), [(padding, padding)] * 2, dimension_numbers=dimensions) + bias


def pool(x, size):
    # The gradient of `reduce_window` takes much longer.
    _, height, width, channels = x.shape
    return x.reshape(-1, height // size, size, width // size, size, channels).max((2, 4))


library = SimpleNamespace(
    image=(SIDE, SIDE, 1),
    activate={"swish": jax.nn.silu, "relu": jax.nn.relu}[task.activation],
    moments=lambda x: (x.mean(0), x.var(0)),
    reshape=jnp.reshape,
    convolve=convolve,
    pool=pool,
)


def mean_loss(parameters, x, t, key):
    def drop(x, rate):
        kept = jax.random.bernoulli(jax.random.fold_in(key, x.ndim), 1 - rate, x.shape)
        return jnp.where(kept, x / (1 - rate), 0)

    y, statistics = network(task, parameters, x, library, drop)
    loss = -jnp.take_along_axis(jax.nn.log_softmax(y), t[:, None], axis=1).mean()
    return loss, ((y.argmax(1) == t).sum(), statistics)


@partial(jax.jit, donate_argnums=0)
def train(state, images, labels, order):
    def step(state, rows):
        x, t = images[rows].astype(jnp.float32) * (1 / 255), labels[rows].astype(jnp.int32)
        # XLA's own generator is faster than the default.
        key = jax.random.fold_in(jax.random.key(0, impl="unsafe_rbg"), state[4][0].astype(jnp.int32))
        (loss, (right, statistics)), gradients = jax.value_and_grad(mean_loss, has_aux=True)(state[0], x, t, key)
        return next_state(task, state, gradients, statistics), (loss, right)

    if len(order) == 1:
        state, (loss, right) = step(state, order[0])
        return state, loss, right
    state, (losses, right) = jax.lax.scan(step, state, order)
    return state, losses.mean(), right.sum()


def epoch(order):
    global state
    total = 0
    for steps in parts(task, order.astype("int32")):
        state, loss, right = train(state, images, labels, steps)
        total += loss * len(steps)
    return total / len(order)


def prepare(x):
    x = jnp.asarray(x)
    return lambda: predict(x).block_until_ready()


task.train(epoch)
predict = jax.jit(lambda x: jax.nn.softmax(network(task, state[0], x, library)[0]))
task.predict(prepare)
