"""Writes curves.txt: ROC and precision-recall curves, average precision, calibration and log loss, by scikit-learn and SciPy.

    pip install scikit-learn scipy
    python tests/golden/curves.py

A line is a name and values, each with the fewest digits that read back to the same bits.
"""

import sys

# Prevent an import of random.py from this folder instead of Python's module.
sys.path.pop(0)

import numpy as np
import sklearn
from scipy.optimize import brentq
from scipy.special import log_softmax, softmax
from sklearn import calibration, metrics

rng = np.random.RandomState(10)


def curves(line, name, scores, labels, weights):
    for kind, w in [("plain", None), ("weighted", weights)]:
        fpr, tpr, thresholds = metrics.roc_curve(labels, scores, sample_weight=w, drop_intermediate=False)
        line(f"{name}.{kind}.fpr", fpr)
        line(f"{name}.{kind}.tpr", tpr)
        line(f"{name}.{kind}.thresholds", thresholds[1:])
        precision, recall, _ = metrics.precision_recall_curve(labels, scores, sample_weight=w)
        line(f"{name}.{kind}.precision", precision[::-1])
        line(f"{name}.{kind}.recall", recall[::-1])
        line(f"{name}.{kind}.auc", metrics.roc_auc_score(labels, scores, sample_weight=w))
        line(f"{name}.{kind}.average_precision", metrics.average_precision_score(labels, scores, sample_weight=w))


def main():
    with open(__file__.replace(".py", ".txt"), "w") as out:

        def line(name, values):
            print(name, *(repr(float(v)) for v in np.ravel(values)), file=out)

        print(f"# scikit-learn {sklearn.__version__}", file=out)
        labels = rng.randint(0, 2, 80)
        # Many scores are equal.
        scores = np.clip(rng.normal(0.4 + 0.2 * labels, 0.2), 0, 1).round(2)
        weights = rng.uniform(0, 2, 80).round(2)
        line("labels", labels)
        line("scores", scores)
        line("weights", weights)
        curves(line, "scores", scores, labels, weights)
        line("brier", metrics.brier_score_loss(labels, scores))
        line("brier.weighted", metrics.brier_score_loss(labels, scores, sample_weight=weights))
        positive, predicted = calibration.calibration_curve(labels, scores, n_bins=7)
        line("reliability", np.stack([predicted, positive], axis=1))

        logits = rng.normal(0, 3, (50, 4)).round(3)
        classes = np.where(rng.uniform(size=50) < 0.6, logits.argmax(axis=1), rng.randint(0, 4, 50))
        line("logits", logits)
        line("classes", classes)
        for end, w in [("", np.ones(50)), (".weighted", weights[:50])]:
            line(f"log_loss{end}", metrics.log_loss(classes, softmax(logits, axis=1), sample_weight=w))

            def slope(inverse):
                y = softmax(inverse * logits, axis=1)
                return w @ ((y * logits).sum(axis=1) - logits[np.arange(50), classes])

            temperature = 1 / brentq(slope, 1e-3, 1e3, xtol=1e-15, rtol=1e-15)
            line(f"temperature{end}", temperature)
            losses = -log_softmax(logits / temperature, axis=1)[np.arange(50), classes]
            line(f"calibrated{end}", np.average(losses, weights=w))


main()
