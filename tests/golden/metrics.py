"""Writes metrics.txt: accuracy, top-k, the confusion matrix with its metrics, and regression metrics, by scikit-learn.

    pip install scikit-learn
    python tests/golden/metrics.py

A line is a name and values, each with the fewest digits that read back to the same bits. The classification case `rare`
has a class that never occurs, a class that is never predicted, and a class that neither occurs nor is predicted. Each case is
measured without weights, and with a weight for each sample, some of which are 0.
"""

import sys

# Prevent an import of random.py from this folder instead of Python's module.
sys.path.pop(0)

import numpy as np
import sklearn
from sklearn import metrics

rng = np.random.RandomState(10)
rng_of_weights = np.random.RandomState(11)


def weights(samples):
    """Weights of samples, a quarter of which are 0."""
    return rng_of_weights.uniform(-0.5, 1.5, samples).clip(0).round(3)


def classification(line, name, labels, scores):
    classes = scores.shape[1]
    every = list(range(classes))
    predicted = scores.argmax(axis=1)
    line(f"{name}.labels", labels)
    line(f"{name}.scores", scores)
    w = weights(len(labels))
    line(f"{name}.weights", w)
    for case, options in [(name, {}), (f"{name}.weighted", {"sample_weight": w})]:
        line(f"{case}.accuracy", metrics.accuracy_score(labels, predicted, **options))
        top = [
            metrics.top_k_accuracy_score(labels, scores, k=k, labels=every, **options)
            for k in range(1, classes)
        ]
        line(f"{case}.top", top)
        line(f"{case}.counts", metrics.confusion_matrix(labels, predicted, labels=every, **options))
        for average in [None, "macro", "micro", "weighted"]:
            figures = metrics.precision_recall_fscore_support(
                labels, predicted, labels=every, average=average, zero_division=0, **options
            )
            line(f"{case}.{average}", np.array(figures[:3]))


def regression(line, name, t, y):
    line(f"{name}.t", t)
    line(f"{name}.y", y)
    w = weights(len(t))
    line(f"{name}.weights", w)
    for case, options in [(name, {}), (f"{name}.weighted", {"sample_weight": w})]:
        line(f"{case}.mean_absolute_error", metrics.mean_absolute_error(t, y, **options))
        line(f"{case}.mean_squared_error", metrics.mean_squared_error(t, y, **options))
        line(f"{case}.root_mean_squared_error", metrics.root_mean_squared_error(t, y, **options))
        line(f"{case}.r_squared", metrics.r2_score(t, y, **options))


def main():
    with open(__file__.replace(".py", ".txt"), "w") as out:

        def line(name, values):
            print(name, *(repr(float(v)) for v in np.ravel(values)), file=out)

        print(f"# scikit-learn {sklearn.__version__}", file=out)
        labels = rng.randint(0, 5, 60)
        # Most predictions are right.
        scores = rng.normal(0.0, 1.0, (60, 5)).round(4) + 1.5 * np.eye(5)[labels]
        classification(line, "common", labels, scores)
        labels = rng.choice([0, 2, 4], 30)
        scores = rng.normal(0.0, 1.0, (30, 6)).round(4)
        scores[:, [2, 3]] -= 100.0
        classification(line, "rare", labels, scores)
        t = rng.normal(3.0, 2.0, (20, 3)).round(3)
        regression(line, "several", t, t + rng.normal(0.1, [0.1, 1.0, 4.0], (20, 3)).round(3))
        regression(line, "single", t[:, :1], t[::-1, :1])
        # 0.5, because the computed mean of twenty values 0.1 is not 0.1, which affects scikit-learn's R² of a constant.
        constant = np.column_stack([np.full(20, 0.5), np.full(20, 0.5), t[:, 0]])
        y = constant.copy()
        y[3, 1] = 0.2
        y[4, 2] += 0.5
        regression(line, "constant", constant, y)
    print(f"scikit-learn {sklearn.__version__}")


if __name__ == "__main__":
    main()
