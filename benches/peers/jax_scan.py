"""The benchmark in JAX: a jitted epoch whose steps are a scan. The loop gathers and normalises u8 pixels."""

from functools import partial

import jax
import jax.numpy as jnp

from measure import RATE, Task

task = Task()
images, labels = jnp.asarray(task.images), jnp.asarray(task.labels)
parameters = jax.tree.map(jnp.asarray, task.parameters())


def network(parameters, x):
    for w, b in parameters[:-1]:
        x = jax.nn.silu(x @ w + b)
    w, b = parameters[-1]
    return x @ w + b


def mean_loss(parameters, x, t):
    logits = network(parameters, x)
    log_p = jax.nn.log_softmax(logits)
    loss = -jnp.take_along_axis(log_p, t[:, None], axis=1).mean()
    return loss, (logits.argmax(1) == t).sum()


@partial(jax.jit, donate_argnums=0)
def train(parameters, images, labels, order):
    def step(parameters, rows):
        x, t = images[rows].astype(jnp.float32) * (1 / 255), labels[rows].astype(jnp.int32)
        metrics, gradients = jax.value_and_grad(mean_loss, has_aux=True)(parameters, x, t)
        return jax.tree.map(lambda p, g: p - RATE * g, parameters, gradients), metrics

    parameters, (losses, right) = jax.lax.scan(step, parameters, order)
    return parameters, losses.mean(), right.sum()


def epoch(order):
    global parameters
    parameters, loss, right = train(parameters, images, labels, order.astype("int32"))
    return loss


task.train(epoch)
predict = jax.jit(lambda x: jax.nn.softmax(network(parameters, x)))
x = jnp.asarray(task.image())
task.predict(lambda: predict(x).block_until_ready())
