"""Writes diabetes.csv, and prints the score of scikit-learn with which the example compares its own.

    pip install scikit-learn
    python examples/diabetes/reference.py

The data set is public: 442 patients with ten measurements each, and the progression of the disease after one year (Efron, Hastie,
Johnstone and Tibshirani, *Least angle regression*, 2004), https://www4.stat.ncsu.edu/~boos/var.select/diabetes.html.
"""

import warnings
from pathlib import Path

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.simplefilter("ignore")  # the network stops before it converges
data = load_diabetes(scaled=False)
rows = [",".join([*data.feature_names, "progression"])]
rows += [",".join(f"{value:.10g}" for value in [*x, t]) for x, t in zip(data.data, data.target)]
(Path(__file__).parent / "diabetes.csv").write_text("\n".join(rows) + "\n")


def folds(repeats=5, k=5, seed=0):
    """Yields the folds of `KFold::new(5).repeats(5)`."""
    random = np.random.RandomState(seed)
    for _ in range(repeats):
        fold_of = np.empty(len(data.target), int)
        fold_of[random.permutation(len(fold_of))] = np.arange(len(fold_of)) % k
        for fold in range(k):
            yield fold_of != fold, fold_of == fold


def network(seed):
    """Returns the network of the example. The weights and biases are Glorot uniform."""
    net = MLPRegressor(hidden_layer_sizes=(32,), alpha=0, batch_size=32, max_iter=40, tol=0, random_state=seed)
    return net.set_params(n_iter_no_change=40)


def score(make, seeds):
    """Returns the mean R² over the folds and the seeds of each fold."""
    scores = []
    for fold, (train, test) in enumerate(folds()):
        for seed in range(seeds):
            net = make_pipeline(StandardScaler(), make(seeds * fold + seed))
            model = TransformedTargetRegressor(net, transformer=StandardScaler())
            model.fit(data.data[train], data.target[train])
            scores.append(r2_score(data.target[test], model.predict(data.data[test])))
    return np.mean(scores)


print(f"network {score(network, 8):.4f}, linear regression {score(lambda _: LinearRegression(), 1):.4f}")
