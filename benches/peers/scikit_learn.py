"""The benchmark in scikit-learn with ReLU, because it has no swish: its own epoch, on pixels converted to f32 beforehand."""

import numpy as np
from sklearn.neural_network import MLPClassifier

from measure import BATCH, CLASSES, RATE, Task

task = Task()
images, labels = task.images.astype(np.float32) / 255, task.labels
model = MLPClassifier(
    (100, 50), solver="sgd", alpha=0, batch_size=BATCH, learning_rate_init=RATE, momentum=0, random_state=0
)
classes = np.arange(CLASSES)
task.train(lambda order: model.partial_fit(images, labels, classes=classes).loss_curve_[-1])
x = task.image()
task.predict(lambda: model.predict_proba(x))
