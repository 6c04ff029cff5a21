"""Writes ONNX files of Keras models, with an input and ONNX Runtime's output.

    pip install onnx onnxruntime numpy keras
    pip install torch onnxscript            # for files of Keras with PyTorch
    pip install tensorflow-cpu tf2onnx      # for files of Keras with TensorFlow
    python tests/onnx/keras_models.py FOLDER [small]

Called by tests/onnx/foreign.rs, which also reads the files that `small` writes to tests/onnx/files. The files of backends that are not
installed are missing.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

BACKENDS = dict(torch=["keras", "torch", "onnxscript"], tensorflow=["keras", "tensorflow", "tf2onnx"])


def models(own, start, backend):
    """Yields names and models. Biases and statistics are not the initial ones."""
    settings = dict(bias_initializer=start(-0.5, 0.5))
    statistics = dict(moving_mean_initializer=start(-0.5, 0.5), moving_variance_initializer=start(0.5, 2.0))
    norm = lambda: own.BatchNormalization(
        beta_initializer=start(-0.5, 0.5), gamma_initializer=start(0.5, 1.5), **statistics
    )
    dense = lambda *args, **more: own.Dense(*args, **settings, **more)
    conv = lambda *args, **more: own.Conv2D(*args, **settings, **more)
    yield "mlp", [5], [dense(6, activation="swish"), own.Dropout(0.3), dense(4, activation="softmax")]
    yield "cnn", [8, 8, 2], [
        conv(3, 3, padding="same", activation="relu"), own.MaxPooling2D(), conv(4, 2), norm(), own.ReLU(),
        own.Flatten(), dense(5, activation="swish"), dense(3, activation="softmax"),
    ]  # fmt: skip
    yield "mean", [9, 9, 3], [
        own.Rescaling(1 / 2), conv(4, 3), norm(), own.ReLU(), own.AveragePooling2D(2), own.GlobalAveragePooling2D(),
        dense(3),
    ]  # fmt: skip
    yield "norms", [5], [dense(6), norm(), own.ReLU(), norm(), dense(3)]
    yield "grey", [6, 6, 1], [conv(3, 3), own.Flatten(), dense(2)]
    if backend == "tensorflow":
        # With PyTorch, Keras computes the padding of these convolutions in the graph.
        yield "strides", [7, 8, 2], [conv(3, 3, strides=2, padding="same"), own.Flatten(), dense(3)]
        layer_norm = own.LayerNormalization(beta_initializer=start(-0.5, 0.5), gamma_initializer=start(0.5, 1.5))
        yield "layer_norm", [5], [dense(6), layer_norm, dense(3)]
    yield "prelu", [5], [dense(6), own.PReLU(alpha_initializer=start(0.1, 0.4)), dense(3)]
    names = ["mish", "leaky_relu", "elu", "selu", "softplus", "relu6", "hard_swish", "hard_sigmoid", "softsign", "tanh"]
    if backend == "torch":
        # TensorFlow's forms have the operator Erfc, which ONNX does not have, and Expm1.
        names += ["gelu", "celu"]
    for name in names:
        yield name, [5], [dense(6, activation=name), dense(1, activation="sigmoid")]


def write(folder, backend, small):
    os.environ |= dict(KERAS_BACKEND=backend, TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
    import keras
    import numpy as np
    import onnx

    sys.path.insert(0, str(Path(__file__).parent))
    from foreign import save

    keras.utils.set_random_seed(5)
    start = lambda low, high: keras.initializers.RandomUniform(low, high)
    for name, shape, own in models(keras.layers, start, backend):
        if small and name not in ["cnn", "norms"]:
            continue
        model = keras.Sequential([keras.Input(shape), *own])
        model.predict(np.zeros([2, *shape], np.float32), verbose=0)
        with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
            model.export(file.name, format="onnx", verbose=False)
            exported = onnx.load(file.name)
        save(folder, f"keras_{name}_{backend}", exported, 3 if small else 9)


def main():
    folder, small = Path(sys.argv[1]), "small" in sys.argv
    if len(sys.argv) > 2 and sys.argv[2] in BACKENDS:
        return write(folder, sys.argv[2], small)
    for backend, packages in BACKENDS.items():
        missing = [name for name in packages if importlib.util.find_spec(name) is None]
        if missing:
            print(f"skipped: no {', '.join(missing)}")
            continue
        # A process can have only one backend.
        subprocess.run([sys.executable, __file__, folder, backend, *sys.argv[2:]], check=True)


if __name__ == "__main__":
    main()
