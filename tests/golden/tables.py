"""Writes tables.csv and tables.txt: a table with missing values, and its encodings by scikit-learn.

    pip install scikit-learn numpy
    python tests/golden/tables.py

The first 40 rows of the table are for training. A line of tables.txt is a name and values, row by row: the inputs of all rows in
the order of the crate, each number with the fewest digits that read back to the same bits.
"""

import csv
import sys
from pathlib import Path

# Prevent an import of random.py from this folder instead of Python's module.
sys.path.pop(0)

import numpy as np
import sklearn
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

TRAINING, FOLDER = 40, Path(__file__).parent
rng = np.random.RandomState(5)
age = rng.normal(40.0, 12.0, 60).round(1)
income = (10.0 ** rng.normal(4.5, 0.4, 60)).round(2)
same = np.full(60, 0.1 + 0.2)
city = rng.choice(["Oslo", "Rome", "São Paulo", "Ürümqi", "a, \"b\""], 60)
city[TRAINING + 3], city[TRAINING + 4] = "Lima", "Aarhus"
bought = rng.choice(["no", "yes", "later"], 60)
age[rng.rand(60) < 0.2] = np.nan
income[rng.rand(60) < 0.2] = np.nan

with open(FOLDER / "tables.csv", "w", newline="", encoding="utf-8") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["age", "city", "income", "same", "bought"])
    text = lambda number: "" if np.isnan(number) else repr(float(number))
    for row in zip(map(text, age), city, map(text, income), map(text, same), bought):
        writer.writerow(row)


def encoded(encoder, column):
    column = column.reshape(-1, 1)
    result = encoder.fit(column[:TRAINING]).transform(column)
    return result.toarray() if hasattr(result, "toarray") else np.asarray(result, float)


def line(name, *columns):
    file.write(name + " " + " ".join(repr(float(v)) for v in np.hstack(columns).ravel()) + "\n")


mean = lambda strategy: SimpleImputer(strategy=strategy)
with open(FOLDER / "tables.txt", "w") as file:
    file.write(f"# scikit-learn {sklearn.__version__}\n")
    flagged = make_union(make_pipeline(mean("mean"), StandardScaler()), MissingIndicator(features="all"))
    line("mean_z_score_flag", encoded(flagged, age))
    line("median_z_score", encoded(make_pipeline(mean("median"), StandardScaler()), income))
    line("median_min_max", encoded(make_pipeline(mean("median"), MinMaxScaler()), income))
    constant = SimpleImputer(strategy="constant", fill_value=-1.5)
    line("value_raw", encoded(constant, age))
    line("constant_z_score", encoded(StandardScaler(), same))
    line("one_hot_unknown", encoded(OneHotEncoder(handle_unknown="ignore"), city))
    # The crate gives an unknown category the number after the last one.
    line("index_unknown", encoded(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=5), city))
    line("classes", encoded(OneHotEncoder(), bought))
