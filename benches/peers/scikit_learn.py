"""scikit-learn: its own epoch, with ReLU because it has no swish, on pixels converted to f32 beforehand."""

import numpy as np
from sklearn.neural_network import MLPClassifier

from measure import Task

task = Task()
images, labels = task.images.astype(np.float32) / 255, task.labels
model = MLPClassifier(
    task.widths[1:-1],
    solver=task.optimizer,
    alpha=0,
    batch_size=task.batch,
    learning_rate_init=task.rate,
    momentum=0,
    random_state=0,
)
classes = np.arange(task.widths[-1])
task.train(lambda order: model.partial_fit(images, labels, classes=classes).loss_curve_[-1])
if not task.epochs:
    model.partial_fit(images[: task.batch], labels[: task.batch], classes=classes)
task.predict(lambda x: lambda: model.predict_proba(x))
