"""ONNX Runtime's part of the comparison, and the file that all programs load.

    onnx_runtime.py write FILE          writes the network
    onnx_runtime.py size                prints the size of ONNX Runtime's library
    onnx_runtime.py FILE first          prints a prediction
    onnx_runtime.py FILE repeat         prints the seconds of a prediction
"""

import sys
import time
from pathlib import Path

import numpy as np

WIDTHS = [784, 100, 50, 10]


def write(path):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(1)
    nodes, constants, x = [], [], "x"
    for i, (inputs, outputs) in enumerate(zip(WIDTHS, WIDTHS[1:])):
        weight = random.normal(0, inputs**-0.5, (outputs, inputs)).astype(np.float32)
        bias = random.normal(0, 0.1, outputs).astype(np.float32)
        constants += [numpy_helper.from_array(weight, f"w{i}"), numpy_helper.from_array(bias, f"b{i}")]
        nodes.append(helper.make_node("Gemm", [x, f"w{i}", f"b{i}"], [f"u{i}"], transB=1))
        if i < len(WIDTHS) - 2:
            nodes.append(helper.make_node("Sigmoid", [f"u{i}"], [f"s{i}"]))
            nodes.append(helper.make_node("Mul", [f"u{i}", f"s{i}"], [f"z{i}"]))
            x = f"z{i}"
    nodes.append(helper.make_node("Softmax", [f"u{len(WIDTHS) - 2}"], ["y"], axis=1))
    value = lambda name, width: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", width])
    graph = helper.make_graph(nodes, "network", [value("x", WIDTHS[0])], [value("y", WIDTHS[-1])], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def session(path):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def row():
    return (np.arange(WIDTHS[0], dtype=np.float32) % 17 / 16)[None]


def repeat(path):
    """Return the best mean of at least 10 ms, with bound inputs and outputs."""
    import onnxruntime as ort

    own = session(path)
    binding = own.io_binding()
    binding.bind_cpu_input("x", row())
    binding.bind_ortvalue_output("y", ort.OrtValue.ortvalue_from_numpy(np.zeros((1, WIDTHS[-1]), np.float32)))
    best = float("inf")
    for _ in range(50):
        begin, count = time.perf_counter(), 0
        while time.perf_counter() - begin < 0.01:
            for _ in range(100):
                own.run_with_iobinding(binding)
            count += 100
        best = min(best, (time.perf_counter() - begin) / count)
    return best


def main():
    match sys.argv[1:]:
        case ["write", path]:
            write(path)
        case ["size"]:
            import onnxruntime.capi as capi

            print(max(path.stat().st_size for path in Path(capi.__path__[0]).glob("*.so*")))
        case [path, "first"]:
            print(*session(path).run(None, {"x": row()})[0][0])
        case [path, "repeat"]:
            print(repeat(path))


main()
