"""The reference of examples/flats.rs: python examples/reference/flats.py  (torch, scikit-learn)"""

import numpy as np
import torch
from same import affine, fit
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

TOWNS = [
    ("Bonn", 150.0, 9.5),
    ("Husum", 100.0, 6.0),
    ("Kiel", 120.0, 8.0),
    ("Lübeck", 130.0, 8.5),
    ("München", 300.0, 16.0),
    ("Ulm", 140.0, 10.5),
]
FLATS, TRAINING = 1500, 1000

# The numbers have the digits of the CSV file.
random = np.random.RandomState(12)
numbers, draws = random.normal(0.0, 1.0, (FLATS, 3)), random.uniform(0.0, 1.0, (FLATS, 3))
towns = [TOWNS[int(draw * len(TOWNS))] for draw in draws[:, 0]]
size, age = np.maximum(70.0 + 20.0 * numbers[:, 0], 15.0), np.abs(30.0 * numbers[:, 1])
base, rate = np.array([town[1:] for town in towns]).T
rent = base + rate * size * (1.0 - 0.004 * age) + 20.0 * numbers[:, 2]
size, age = [float(f"{v:.1f}") for v in size], [float(f"{v:.0f}") for v in age]
size = np.where(draws[:, 1] < 0.1, np.nan, size)
town = np.where(draws[:, 2] < 0.05, "", [town[0] for town in towns])
rent = np.array([float(f"{v:.2f}") for v in rent])


def encoded(encoder, column):
    column = np.asarray(column).reshape(-1, 1)
    return encoder.fit(column[:TRAINING]).transform(column)


# A missing town has the number after the last one.
ordinal = OrdinalEncoder(categories=[[name for name, *_ in TOWNS]], handle_unknown="use_encoded_value", unknown_value=6)
columns = [
    encoded(make_pipeline(SimpleImputer(), StandardScaler()), size),
    np.isnan(size).reshape(-1, 1),
    encoded(StandardScaler(), age),
    encoded(ordinal, town),
]
x = np.hstack(columns)
scaler = StandardScaler().fit(rent[:TRAINING].reshape(-1, 1))
t = scaler.transform(rent.reshape(-1, 1))


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        init = np.random.RandomState(0)
        self.embedding = torch.nn.Embedding.from_pretrained(torch.from_numpy(init.normal(0.0, 1.0, (7, 3))), freeze=False)
        self.rest = torch.nn.Sequential(affine(init, 6, 24), torch.nn.SiLU(), affine(init, 24, 1))

    def forward(self, x):
        return self.rest(torch.cat([x[:, :3], self.embedding(x[:, 3].long())], dim=1))


model = Model()
optimizer = torch.optim.Adam(model.parameters(), 0.01)
fit(model, x[:TRAINING], t[:TRAINING], torch.nn.functional.mse_loss, 50, 60, optimizer)
with torch.no_grad():
    y = scaler.inverse_transform(model(torch.from_numpy(x[TRAINING:])).numpy())
print("root mean squared error of the rent", np.sqrt(((y[:, 0] - rent[TRAINING:]) ** 2).mean()))
