"""Writes ONNX files in the forms that other programs use, with an input and ONNX Runtime's output.

    pip install onnx onnxruntime numpy scikit-learn skl2onnx torch onnxscript
    python tests/onnx/foreign.py FOLDER

Called by tests/onnx/foreign.rs. Without scikit-learn and skl2onnx, or torch and onnxscript, their
files are missing.
"""

import contextlib
import io
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(3)


def normal(*shape):
    return random.normal(0, 0.5, shape).astype(np.float32)


def node(operator, inputs, output, **attributes):
    return helper.make_node(operator, inputs, [output], name=f"/{output}", **attributes)


def model(nodes, shape, opset=17, **constants):
    """Returns a model whose last node has the output y."""
    value = lambda name, dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
    tensors = [
        numpy_helper.from_array(array, name) if isinstance(array, np.ndarray) else array
        for name, array in constants.items()
    ]
    graph = helper.make_graph(nodes, "graph", [value("x", ["n", *shape])], [value("y", ["n", "outputs"])], tensors)
    own = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return own


def elementwise(nodes, opset=17, **constants):
    """Returns a model with a function between two affine layers."""
    first = node("Gemm", ["x", "w1", "b1"], "u", transB=1)
    last = node("Gemm", ["z", "w2", "b2"], "y", transB=1)
    constants = dict(w1=4 * normal(6, 5), b1=normal(6), w2=normal(3, 6), b2=normal(3)) | constants
    return model([first, *nodes, last], [5], opset, **constants)


def number(value):
    return np.array(value, np.float32)


def files():
    yield "swish_composed", elementwise([node("Sigmoid", ["u"], "s"), node("Mul", ["u", "s"], "z")])
    yield "swish_beta", elementwise(
        [node("Mul", ["u", "c"], "v"), node("Sigmoid", ["v"], "s"), node("Mul", ["s", "u"], "z")], c=number(1.7)
    )
    yield "mish_composed", elementwise(
        [node("Softplus", ["u"], "p"), node("Tanh", ["p"], "t"), node("Mul", ["u", "t"], "z")]
    )
    # The form that PyTorch writes before operator version 20.
    gelu = [
        node("Div", ["u", "root"], "d"),
        node("Erf", ["d"], "e"),
        node("Add", ["e", "one"], "a"),
        node("Mul", ["u", "a"], "m"),
        node("Mul", ["m", "half"], "z"),
    ]
    yield "gelu_composed", elementwise(gelu, root=number(2**0.5), one=number(1), half=number(0.5))
    tanh = [
        node("Mul", ["u", "u"], "u2"),
        node("Mul", ["u2", "u"], "u3"),
        node("Mul", ["u3", "c"], "cu"),
        node("Add", ["u", "cu"], "sum"),
        node("Mul", ["sum", "root"], "arg"),
        node("Tanh", ["arg"], "t"),
        node("Add", ["t", "one"], "a"),
        node("Mul", ["u", "a"], "m"),
        node("Mul", ["half", "m"], "z"),
    ]
    yield "gelu_tanh_composed", elementwise(
        tanh, c=number(0.044715), root=number((2 / np.pi) ** 0.5), one=number(1), half=number(0.5)
    )
    for operator, opset, attributes in [
        ("Mish", 18, {}), ("Gelu", 20, {}), ("Gelu", 20, dict(approximate="tanh")), ("HardSwish", 17, {}),
        ("Elu", 17, dict(alpha=0.7)), ("Selu", 17, {}), ("Celu", 17, dict(alpha=0.6)), ("LeakyRelu", 17, {}),
        ("HardSigmoid", 17, dict(alpha=1 / 6)), ("Softsign", 17, {}), ("Softplus", 17, {}),
    ]:
        name = "_".join([operator.lower(), *(str(value)[:4] for value in attributes.values())])
        yield f"operator_{name}", elementwise([node(operator, ["u"], "z", **attributes)], opset)
    # In f32, the logarithm is exact only for values that are not far below 0.
    yield "log_sigmoid", elementwise([node("Sigmoid", ["u"], "s"), node("Log", ["s"], "z")], w1=normal(6, 5))
    yield "clip_attributes", elementwise([node("Clip", ["u"], "z", min=0.0, max=6.0)], 10)
    yield "prelu", elementwise([node("PRelu", ["u", "slope"], "z")], slope=normal(6))

    # Weights that are not transposed, a bias in an addition, constants as nodes, dropout and a normalised input.
    constant = helper.make_node("Constant", [], ["b"], value=numpy_helper.from_array(normal(4)))
    nodes = [
        node("Sub", ["x", "mean"], "c"),
        node("Div", ["c", "spread"], "s"),
        node("MatMul", ["s", "w"], "m"),
        constant,
        node("Add", ["b", "m"], "u"),
        node("Dropout", ["u"], "d"),
        node("Identity", ["d"], "i"),
        node("Softmax", ["i"], "y", axis=1),
    ]
    yield "mat_mul", model(nodes, [5], mean=normal(5), spread=1 + normal(5) ** 2, w=normal(5, 4))

    half = normal(3, 5).astype(np.float16)
    bits = (normal(3).view(np.uint32) >> 16).astype(np.uint16)
    typed = helper.make_tensor("bias", TensorProto.FLOAT, [3], list(normal(3)))
    bfloat = helper.make_tensor("low", TensorProto.BFLOAT16, [3], bits.tobytes(), raw=True)
    nodes = [
        node("Cast", ["half"], "w", to=TensorProto.FLOAT),
        node("Cast", ["low"], "l", to=TensorProto.FLOAT),
        node("Gemm", ["x", "w", "bias"], "u", transB=1),
        node("PRelu", ["u", "l"], "y"),
    ]
    yield "half_precision", model(nodes, [5], half=half, low=bfloat, bias=typed)

    nodes = [
        node("Conv", ["x", "w1", "b1"], "u", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
        node("BatchNormalization", ["u", "scale", "shift", "mean", "var"], "n"),
        node("Relu", ["n"], "r"),
        node("MaxPool", ["r"], "p", kernel_shape=[2, 2], strides=[1, 1]),
        node("Conv", ["p", "w2"], "v", auto_pad="SAME_UPPER", kernel_shape=[2, 2], group=2),
        node("AveragePool", ["v"], "a", kernel_shape=[2, 2], pads=[1, 1, 1, 1]),
        node("GlobalAveragePool", ["a"], "g"),
        node("Flatten", ["g"], "f"),
        node("Gemm", ["f", "w3", "b3"], "z", transB=1),
        node("Softmax", ["z"], "y"),
    ]
    images = dict(w1=normal(4, 2, 3, 3), b1=normal(4), scale=normal(4), shift=normal(4), mean=normal(4))
    images |= dict(var=1 + normal(4) ** 2, w2=normal(6, 2, 2, 2), w3=normal(3, 6), b3=normal(3))
    yield "images", model(nodes, [2, 9, 9], **images)

    nodes = [
        node("Reshape", ["x", "image"], "i"),
        node("ConvTranspose", ["i", "w"], "u", strides=[2, 2], output_padding=[1, 1]),
        node("LayerNormalization", ["u", "scale"], "n", axis=1),
        node("Reshape", ["n", "flat"], "y"),
    ]
    dims = lambda *own: np.array(own, np.int64)
    yield "transposed", model(
        nodes, [12], image=dims(-1, 3, 2, 2), w=normal(3, 2, 2, 2), scale=normal(2, 5, 5), flat=dims(0, -1)
    )

    nodes = [
        node("Gemm", ["x", "w1", "b1"], "a", transB=1),
        node("Relu", ["a"], "r"),
        node("Gemm", ["r", "w2", "b1"], "b", transB=1),
        node("Add", ["x", "b"], "s"),
        node("Gemm", ["s", "w3", "b3"], "p", transB=1),
        node("Tanh", ["s"], "t"),
        node("Gemm", ["t", "w4", "b3"], "q", transB=1),
        node("Add", ["p", "q"], "z"),
        node("Concat", ["z", "s", "t"], "c", axis=1),
        node("Gemm", ["c", "w5", "b3"], "v", transB=1),
        node("Sigmoid", ["v"], "y"),
    ]
    blocks = dict(w1=normal(5, 5), b1=normal(5), w2=normal(5, 5), w3=normal(3, 5), b3=normal(3))
    yield "blocks", model(nodes, [5], **blocks, w4=normal(3, 5), w5=normal(3, 13))

    yield from computed()
    yield from scikit_learn()
    yield from torch_models()


def computed():
    """Yields shapes, weights and normalisations that the graph computes."""
    dims = lambda *own: np.array(own, np.int64)
    nodes = [
        node("Conv", ["x", "w1", "b1"], "u", kernel_shape=[3, 2], pads=[0, 1, 1, 0], strides=[2, 1]),
        node("MaxPool", ["u"], "p", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
        node("Shape", ["p"], "shape"),
        node("Gather", ["shape", "zero"], "n", axis=0),
        node("Unsqueeze", ["n", "axis"], "n1"),
        node("Concat", ["n1", "open"], "flat", axis=0),
        node("Reshape", ["p", "flat"], "f"),
        node("Transpose", ["w2"], "w2t"),
        node("Mul", ["w2t", "two"], "w2s"),
        node("Reshape", ["b2", "row"], "b2r"),
        node("MatMul", ["f", "w2s"], "m"),
        node("Add", ["m", "b2r"], "y"),
    ]
    constants = dict(w1=normal(2, 3, 3, 2), b1=normal(2), w2=normal(4, 12), two=number(2), b2=normal(4))
    constants |= dict(zero=np.array(0, np.int64), axis=dims(0), open=dims(-1), row=dims(1, -1))
    yield "computed_shapes", model(nodes, [3, 8, 6], **constants)
    # The form of PyTorch's Softplus with a threshold.
    nodes = [
        node("Exp", ["u"], "e"),
        node("Add", ["e", "one"], "a"),
        node("Log", ["a"], "l"),
        node("Greater", ["u", "limit"], "g"),
        node("Where", ["g", "u", "l"], "z"),
    ]
    yield "softplus_where", elementwise(nodes, one=number(1), limit=number(20), w1=normal(6, 5))
    nodes = [
        node("ReduceMean", ["u"], "mean", axes=[-1]),
        node("Sub", ["u", "mean"], "d"),
        node("Pow", ["d", "two"], "square"),
        node("ReduceMean", ["square"], "variance", axes=[-1]),
        node("Add", ["variance", "epsilon"], "v"),
        node("Sqrt", ["v"], "spread"),
        node("Div", ["d", "spread"], "q"),
        node("Mul", ["q", "scale"], "qs"),
        node("Add", ["qs", "shift"], "z"),
    ]
    constants = dict(two=number(2), epsilon=number(1e-5), scale=normal(6), shift=normal(6))
    yield "layer_norm_composed", elementwise(nodes, **constants)
    nodes = [
        node("Sub", ["u", "mean"], "d"),
        node("Mul", ["d", "scale"], "s"),
        node("Add", ["s", "shift"], "n"),
        node("Relu", ["n"], "r"),
        node("Mul", ["r", "scale"], "z"),
    ]
    yield "batch_norm_composed", elementwise(nodes, mean=normal(6), scale=normal(6), shift=normal(6))
    nodes = [
        node("Sub", ["five", "x"], "turned"),
        node("Mul", ["turned", "scale"], "s"),
        node("Gemm", ["s", "w", "b"], "u", transB=1),
        node("Relu", ["u"], "r"),
        node("Sub", ["five", "r"], "d"),
        node("Div", ["d", "five"], "y"),
    ]
    yield "scalars", model(nodes, [4], five=number(5), scale=1 + normal(4) ** 2, w=normal(3, 4), b=normal(3))
    nodes = [node("Relu", ["u"], "r"), node("Neg", ["u"], "n"), node("Relu", ["n"], "rn")]
    nodes += [node("Mul", ["rn", "slope"], "s"), node("Add", ["r", "s"], "z")]
    yield "prelu_composed", elementwise(nodes, slope=normal(6))


def scikit_learn():
    """Yields multilayer perceptrons, also in a pipeline with a scaler."""
    try:
        from skl2onnx import to_onnx
        from sklearn.neural_network import MLPClassifier, MLPRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError as error:
        print(f"skipped: {error}")
        return
    # The models need not be good.
    warnings.simplefilter("ignore")
    x = (3 * normal(60, 4) + 1).astype(np.float32)
    labels = (x[:, 0] > 1).astype(int) + (x[:, 1] > 1)
    settings = dict(hidden_layer_sizes=(7, 5), max_iter=30, random_state=1)
    models = dict(
        classifier=MLPClassifier(**settings).fit(x, labels),
        two_classes=MLPClassifier(**settings).fit(x, labels > 0),
        regressor=MLPRegressor(activation="tanh", **settings).fit(x, x[:, 0]),
        regressor_logistic=MLPRegressor(activation="logistic", **settings).fit(x, x[:, 1]),
        pipeline=make_pipeline(StandardScaler(), MLPClassifier(**settings)).fit(x, labels),
        pipeline_regressor=make_pipeline(StandardScaler(), MLPRegressor(**settings)).fit(x, x[:, 0]),
    )
    for name, own in models.items():
        options = {id(own): {"zipmap": False}} if hasattr(own, "predict_proba") else None
        yield f"scikit_learn_{name}", to_onnx(own, x[:1], options=options, target_opset=17)


def torch_models():
    """Yields models from both exporters of PyTorch."""
    try:
        import onnxscript  # which the newer exporter needs
        import torch
        from torch import nn
    except ImportError as error:
        print(f"skipped: {error}")
        return

    class Block(nn.Sequential):
        def forward(self, x):
            return x + super().forward(x)

    torch.manual_seed(1)
    linear = nn.Linear
    functions = [nn.SiLU(), nn.Mish(), nn.GELU(), nn.GELU("tanh"), nn.Hardswish(), nn.Hardsigmoid(), nn.LogSigmoid()]
    functions += [nn.CELU(0.7), nn.PReLU(6), nn.ReLU6(), nn.Softsign(), nn.Softplus(), nn.ELU(0.7)]
    models = {
        f"{type(own).__name__}_{i}": (nn.Sequential(linear(5, 6), own, linear(6, 3)), [5])
        for i, own in enumerate(functions)
    }
    norms = [linear(5, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.3), nn.LayerNorm(6)]
    models["norms"] = (nn.Sequential(*norms, linear(6, 3), nn.Softmax(1)), [5])
    block = Block(linear(6, 8), nn.SiLU(), linear(8, 6))
    models["residual"] = (nn.Sequential(linear(5, 6), block, nn.Tanh(), linear(6, 1), nn.Sigmoid()), [5])
    images = [nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)]
    images += [nn.Conv2d(4, 6, 3, stride=2), nn.SiLU(), nn.AvgPool2d(2, 1, 1), nn.ConvTranspose2d(6, 3, 2)]
    mean = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear(3, 4)]
    models["images"] = (nn.Sequential(*images, *mean), [2, 12, 12])
    models["same"] = (nn.Sequential(nn.Conv2d(2, 3, 4, padding="same"), nn.Flatten(), linear(3 * 144, 4)), [2, 12, 12])
    models["pixels"] = (nn.Sequential(*images[:4], nn.Flatten(), linear(4 * 36, 4)), [2, 12, 12])
    signals = [nn.Conv1d(2, 4, 5, 2, 2), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(4, 6, 3, padding=2, dilation=2, groups=2)]
    models["signals"] = (nn.Sequential(*signals, nn.SiLU(), nn.AvgPool1d(3, 1, 1), nn.Flatten(), linear(36, 4)), [2, 24])
    for name, (own, shape) in models.items():
        for dynamo in [False, True]:
            file = io.BytesIO()
            axes = dict(dynamic_shapes=({0: "n"},)) if dynamo else dict(dynamic_axes={"x": {0: "n"}, "y": {0: "n"}})
            settings = dict(input_names=["x"], output_names=["y"], dynamo=dynamo, **axes)
            with contextlib.redirect_stdout(io.StringIO()):
                result = torch.onnx.export(own.eval(), (torch.randn(2, *shape),), None if dynamo else file, **settings)
            exported = result.model_proto if dynamo else onnx.load_from_string(file.getvalue())
            yield f"torch_{name}_{'dynamo' if dynamo else 'script'}", exported


def save(folder, name, own, count=9):
    """Writes a model with an input and ONNX Runtime's output."""
    onnx.checker.check_model(own)
    session = onnxruntime.InferenceSession(own.SerializeToString(), providers=["CPUExecutionProvider"])
    shape = [count, *(dim.dim_value for dim in own.graph.input[0].type.tensor_type.shape.dim[1:])]
    x = np.round(2 * normal(*shape), 3)
    outputs = session.run(None, {own.graph.input[0].name: x})
    onnx.save(own, folder / f"{name}.onnx")
    for ending, array in dict(x=x, y=outputs[-1]).items():
        rows = [" ".join(str(value) for value in row.ravel()) for row in array]
        (folder / f"{name}.{ending}").write_text("\n".join(rows))


def main():
    folder = Path(sys.argv[1])
    for name, own in files():
        save(folder, name, own)


if __name__ == "__main__":
    main()
