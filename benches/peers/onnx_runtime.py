"""The benchmark in ONNX Runtime: prediction with bound outputs, without training."""

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from measure import CLASSES, PIXELS, THREADS, Task


def network(parameters, rows, threads):
    """Return a session for a network with these weights and biases and swish between them."""
    nodes, weights, x = [], [], "x"
    for i, (w, b) in enumerate(parameters):
        weights += [numpy_helper.from_array(w, f"w{i}"), numpy_helper.from_array(b, f"b{i}")]
        nodes.append(helper.make_node("Gemm", [x, f"w{i}", f"b{i}"], [f"u{i}"]))
        x = f"u{i}"
        if i + 1 < len(parameters):
            nodes.append(helper.make_node("Sigmoid", [x], [f"s{i}"]))
            nodes.append(helper.make_node("Mul", [x, f"s{i}"], [f"z{i}"]))
            x = f"z{i}"
    nodes.append(helper.make_node("Softmax", [x], ["y"]))
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, parameters[0][0].shape[0]])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, parameters[-1][0].shape[1]])]
    graph = helper.make_graph(nodes, "network", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    task = Task()
    session = network(task.parameters(), 1, THREADS)
    binding = session.io_binding()
    binding.bind_cpu_input("x", task.image())
    binding.bind_ortvalue_output("y", ort.OrtValue.ortvalue_from_numpy(np.zeros((1, CLASSES), np.float32)))
    task.predict(lambda: session.run_with_iobinding(binding))
