"""TensorFlow, compiled by XLA: one function per epoch, whose loop gathers and normalises u8 pixels."""

from types import SimpleNamespace

import tensorflow as tf

from functional import initial_state, network, next_state, parts
from measure import SIDE, THREADS, Task

tf.config.threading.set_intra_op_parallelism_threads(THREADS)
tf.config.threading.set_inter_op_parallelism_threads(1)
task = Task()
images, labels = tf.constant(task.images), tf.constant(task.labels)
state = tf.nest.map_structure(tf.constant, initial_state(task, channels_last=True))


def pool(x, size):
    # The gradient of `max_pool2d` takes much longer.
    _, height, width, channels = x.shape
    return tf.reduce_max(tf.reshape(x, (-1, height // size, size, width // size, size, channels)), (2, 4))


library = SimpleNamespace(
    image=(SIDE, SIDE, 1),
    activate={"swish": tf.nn.silu, "relu": tf.nn.relu}[task.activation],
    moments=lambda x: tf.nn.moments(x, 0),
    reshape=tf.reshape,
    convolve=lambda x, weights, bias, padding: tf.nn.conv2d(x, weights, 1, [[0, 0], [padding] * 2, [padding] * 2, [0, 0]]) + bias,
    pool=pool,
)


def step(state, images, labels, rows):
    x = tf.cast(tf.gather(images, rows), tf.float32) * (1 / 255)
    t = tf.cast(tf.gather(labels, rows), tf.int32)
    with tf.GradientTape() as tape:
        tape.watch(state[0])
        y, statistics = network(task, state[0], x, library, tf.nn.dropout)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(t, y))
    gradients = tape.gradient(loss, state[0])
    right = tf.reduce_sum(tf.cast(tf.argmax(y, 1, tf.int32) == t, tf.int32))
    return next_state(task, state, gradients, statistics), loss, right


@tf.function(jit_compile=True)
def train(state, images, labels, order):
    total, right = tf.constant(0.0), tf.constant(0)
    for i in tf.range(len(order)) if len(order) > 1 else range(1):
        state, loss, correct = step(state, images, labels, order[i])
        total, right = total + loss, right + correct
    return state, total / len(order), right


def epoch(order):
    global state
    total = 0
    for steps in parts(task, order):
        state, loss, right = train(state, images, labels, tf.constant(steps, tf.int32))
        total += loss * len(steps)
    return total / len(order)


def prepare(x):
    x = tf.constant(x)
    return lambda: predict(x).numpy()


task.train(epoch)
weights = [parameter.numpy() for parameter in state[0]]


@tf.function(jit_compile=True)
def predict(x):
    return tf.nn.softmax(network(task, [tf.constant(weight) for weight in weights], x, library)[0])


task.predict(prepare)
