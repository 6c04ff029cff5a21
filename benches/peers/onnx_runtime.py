"""ONNX Runtime: prediction with bound inputs and outputs, without training."""

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from measure import SIDE, THREADS, Task


def network(task):
    """Return the ONNX model for any number of rows."""
    nodes, weights, values = [], [], iter(task.parameters())

    def add(operator, *inputs, **attributes):
        nodes.append(helper.make_node(operator, inputs, [f"{operator}{len(nodes)}"], **attributes))
        return nodes[-1].output[0]

    def constant(value):
        weights.append(numpy_helper.from_array(value, f"constant{len(weights)}"))
        return weights[-1].name

    def activate(x):
        return add("Relu", x) if task.activation == "relu" else add("Mul", x, add("Sigmoid", x))

    x = "x"
    if task.convolutions:
        x = add("Reshape", x, constant(np.array([-1, 1, SIDE, SIDE])))
    for _, _, padding, pool in task.convolutions:
        x = activate(add("Conv", x, constant(next(values)), constant(next(values)), pads=[padding] * 4))
        x = add("MaxPool", x, kernel_shape=[pool] * 2, strides=[pool] * 2) if pool > 1 else x
    x = add("Flatten", x) if task.convolutions else x
    for _ in task.widths[1:-1]:
        x = activate(add("Gemm", x, constant(next(values)), constant(next(values))))
    x = add("Gemm", x, constant(next(values)), constant(next(values)))
    nodes.append(helper.make_node("Softmax", [x], ["y"]))
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", SIDE**2])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", task.widths[-1]])]
    graph = helper.make_graph(nodes, "network", inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def prepare(x):
    binding = session.io_binding()
    binding.bind_cpu_input("x", x)
    binding.bind_ortvalue_output("y", ort.OrtValue.ortvalue_from_numpy(np.zeros((len(x), task.widths[-1]), np.float32)))
    return lambda: session.run_with_iobinding(binding)


task = Task()
options = ort.SessionOptions()
options.intra_op_num_threads = THREADS
options.inter_op_num_threads = 1
session = ort.InferenceSession(network(task), options, providers=["CPUExecutionProvider"])
task.predict(prepare)
