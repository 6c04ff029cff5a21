"""The benchmark in TensorFlow, compiled by XLA: one function per epoch, whose loop gathers and normalises u8 pixels."""

import tensorflow as tf

from measure import RATE, THREADS, Task

tf.config.threading.set_intra_op_parallelism_threads(THREADS)
tf.config.threading.set_inter_op_parallelism_threads(1)
task = Task()
images, labels = tf.constant(task.images), tf.constant(task.labels)
parameters = [tf.constant(parameter) for pair in task.parameters() for parameter in pair]


def network(parameters, x):
    w1, b1, w2, b2, w3, b3 = parameters
    return tf.nn.silu(tf.nn.silu(x @ w1 + b1) @ w2 + b2) @ w3 + b3


def step(parameters, images, labels, rows):
    x = tf.cast(tf.gather(images, rows), tf.float32) * (1 / 255)
    t = tf.cast(tf.gather(labels, rows), tf.int32)
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        logits = network(parameters, x)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(t, logits))
    gradients = tape.gradient(loss, parameters)
    right = tf.reduce_sum(tf.cast(tf.argmax(logits, 1, tf.int32) == t, tf.int32))
    return [p - RATE * g for p, g in zip(parameters, gradients)], loss, right


@tf.function(jit_compile=True)
def train(parameters, images, labels, order):
    total, right = tf.constant(0.0), tf.constant(0)
    for i in tf.range(task.steps):
        parameters, loss, correct = step(parameters, images, labels, order[i])
        total, right = total + loss, right + correct
    return parameters, total / task.steps, right


def epoch(order):
    global parameters
    parameters, loss, right = train(parameters, images, labels, tf.constant(order, tf.int32))
    return loss


task.train(epoch)
weights = [parameter.numpy() for parameter in parameters]
x = tf.constant(task.image())


@tf.function(jit_compile=True)
def predict(x):
    return tf.nn.softmax(network([tf.constant(weight) for weight in weights], x))


task.predict(lambda: predict(x).numpy())
