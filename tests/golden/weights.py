"""Writes the files of a small PyTorch model in several precisions and as shards, for tests/foreign_weights.rs.

    pip install torch safetensors numpy
    python tests/golden/weights.py

Writes the folder tests/golden/weights:

- `double.safetensors`, `half.safetensors`, `bfloat.safetensors`: the state_dict in three precisions. Its names begin with
  `module.`, as those of DataParallel.
- `samples.safetensors`: samples, and the model's predictions of them with the weights of each file.
- `model.safetensors.index.json` and `model-0000?-of-00002.safetensors`: the same weights in two files with an index in the form of
  the Hugging Face libraries.
- `plain.pt`: a weight, saved by torch.save.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

folder = Path(__file__).parent / "weights"
folder.mkdir(exist_ok=True)

torch.manual_seed(1)
model = nn.Sequential()
model.add_module("fc1", nn.Linear(3, 4))
model.add_module("bn", nn.BatchNorm1d(4))
model.add_module("act", nn.SiLU())
model.add_module("fc2", nn.Linear(4, 2))
for name, value in model.state_dict().items():
    if name.startswith("bn.") and value.is_floating_point():
        value.uniform_(0.5, 2.0)
# Values that the lower precisions round to even, to subnormal numbers, and to 0.
model.fc2.bias.data = torch.tensor([1.0 + 2.0**-11 + 2.0**-8, 3e-7])
model.double().eval()
state = {f"module.{name}": value.clone() for name, value in model.state_dict().items()}

x = torch.randn(5, 3, dtype=torch.float64)
samples = {"x": x}
for name, dtype in [("double", torch.float64), ("half", torch.float16), ("bfloat", torch.bfloat16)]:
    # The values are those of float32, so that PyTorch rounds them only once.
    saved = {key: value.to(dtype) if value.is_floating_point() else value for key, value in state.items()}
    save_file(saved, folder / f"{name}.safetensors")
    model.load_state_dict({key.removeprefix("module."): value.double() for key, value in saved.items()})
    samples[name] = torch.softmax(model(x), 1).detach()
save_file(samples, folder / "samples.safetensors")

files = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
parts = [{k: v for k, v in state.items() if k.startswith("module.fc1")}]
parts.append({k: v for k, v in state.items() if k not in parts[0]})
for file, part in zip(files, parts):
    save_file(part, folder / file, metadata={"format": "pt"})
size = sum(value.numel() * value.element_size() for value in state.values())
index = {"metadata": {"total_size": size}, "weight_map": {key: f for f, part in zip(files, parts) for key in part}}
(folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")

torch.save(torch.ones(1), folder / "plain.pt")
