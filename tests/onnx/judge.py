"""Checks exported models with onnx.checker, and compares ONNX Runtime's outputs with the crate's.

    pip install onnx onnxruntime numpy
    python tests/onnx/judge.py FOLDER

Called by tests/onnx/runtime.rs, which writes to FOLDER, for every model, `NAME.onnx` and `NAME.json` with an input and the crate's
outputs. ONNX Runtime has no f64 version of some operators. For these models, the reference implementation of the package onnx, which
computes with NumPy, takes its place.
"""

import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

onnxruntime.set_default_logger_severity(4)


class Erf(OpRun):
    """The operator in f64: the package's own version rounds to f32."""

    op_domain = ""

    def _run(self, x):
        return (np.vectorize(math.erf, otypes=["d"])(x),)


def output(model, path, x, replaced):
    """Returns the output for x, and notes operators that ONNX Runtime does not have."""
    try:
        session = onnxruntime.InferenceSession(str(path))
        return session.run(None, {session.get_inputs()[0].name: x})[0]
    except Exception as error:
        missing = re.search(r"implementation for (\w+)\(|(\w+) operator does not support double", str(error))
        assert x.dtype == np.float64 and missing, (path, error)
        replaced.add(missing[1] or missing[2])
        return ReferenceEvaluator(model, new_ops=[Erf]).run(None, {model.graph.input[0].name: x})[0]


def check(path, greatest, replaced):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    case = json.loads(path.with_suffix(".json").read_text())
    dtype = np.dtype(case["dtype"])
    x = np.array(case["x"], dtype).reshape(case["shape"])
    expected = np.array(case["y"], dtype).reshape(len(x), -1)
    got = output(model, path, x, replaced)
    assert got.dtype == dtype and got.shape == expected.shape, (path, got.dtype, got.shape, expected.shape)
    # Relative to the greatest logit.
    error = float(np.abs(got.astype(np.float64) - expected).max() / max(case["scale"], 1e-300))
    greatest[dtype.name] = max(greatest.get(dtype.name, (0.0, "")), (error, path.stem))
    assert error <= (2e-6 if dtype == np.float32 else 1e-12), (path, error)


def main():
    greatest, replaced, count = {}, set(), 0
    for path in sorted(Path(sys.argv[1]).glob("*.onnx")):
        check(path, greatest, replaced)
        count += 1
    assert count > 280, count
    for dtype, (error, name) in greatest.items():
        print(f"{dtype}: outputs differ by {error:.1e} of the greatest logit ({name})")
    print(f"{count} models; operators without f64 in ONNX Runtime: {', '.join(sorted(replaced))}")


main()
