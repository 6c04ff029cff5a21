"""The reference of examples/imbalanced.rs: python examples/reference/imbalanced.py  (torch, scikit-learn)"""

import numpy as np
import torch
from same import affine, fit, predict
from sklearn.metrics import average_precision_score, roc_auc_score

random = np.random.RandomState(7)
x = random.normal(0.0, 1.0, (3000, 2))
noise = random.normal(0.0, 0.5, (3000, 1))
t = (x[:, :1] + x[:, 1:] * x[:, 1:] + noise > 3.5).astype(float)
init = np.random.RandomState(0)
model = torch.nn.Sequential(affine(init, 2, 16), torch.nn.Tanh(), affine(init, 16, 1))
loss = torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor([10.0]))
fit(model, x[:2000], t[:2000], loss, 50, 30, torch.optim.Adam(model.parameters(), 0.01))

score = predict(model, x)
cost = lambda at, rows: (1.0 * ((score >= at) & (t == 0)) + 20.0 * ((score < at) & (t == 1)))[rows].sum()
held_out, test = slice(2000, 2500), slice(2500, 3000)
thresholds = np.sort(score[held_out, 0])[::-1]
best = thresholds[np.argmin([cost(at, held_out) for at in thresholds])]
print("share of positive samples", t.mean())
print("area", roc_auc_score(t[test], score[test]), "average precision", average_precision_score(t[test], score[test]))
print("threshold", 1 / (1 + np.exp(-best)), "cost on the test set", cost(best, test))
