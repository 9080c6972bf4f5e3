"""ONNX Runtime on the CPU: each function is a model of one node, run by one thread unless told, in a fixed order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from smxcheck.targets import threads
from smxcheck.targets.adapters import Adapted

ARRAYS = "numpy"

#: From 13 on Softmax works along one axis; from 18 on the axes of a reduction are an input.
OPSET = 18

#: A model's file format version that every onnxruntime from 1.17 on reads.
IR_VERSION = 9

_TYPES = {
    "float16": onnx.TensorProto.FLOAT16,
    "float32": onnx.TensorProto.FLOAT,
    "float64": onnx.TensorProto.DOUBLE,
    "int64": onnx.TensorProto.INT64,
}


def softmax(x: Any, axis: Any = -1) -> Any:
    return run("Softmax", (x,), axis=_one(axis))


def log_softmax(x: Any, axis: Any = -1) -> Any:
    return run("LogSoftmax", (x,), axis=_one(axis))


def _one(axis: Any) -> int:
    """The operators take a single axis."""
    if not isinstance(axis, int):
        raise NotImplementedError(f"the ONNX operator has one axis, not {axis}")
    return axis


def logsumexp(x: Any, axis: Any = -1) -> Any:
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis)
    return run("ReduceLogSumExp", (x, np.array(axes, np.int64)), keepdims=0)


def sigmoid(x: Any) -> Any:
    return run("Sigmoid", (x,))


def cross_entropy(
    logits: Any,
    labels: Any,
    *,
    axis: int = -1,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Any:
    return _loss("SoftmaxCrossEntropyLoss", logits, labels, axis, weight, ignore_index, reduction)


def nll_loss(
    log_probabilities: Any,
    labels: Any,
    *,
    axis: int = -1,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Any:
    return _loss(
        "NegativeLogLikelihoodLoss", log_probabilities, labels, axis, weight, ignore_index, reduction
    )


def _loss(
    operator: str, scores: Any, labels: Any, axis: int, weight: Any, ignore_index: int, reduction: str
) -> Any:
    """ONNX has the classes on axis 1 and at least one row; a single row becomes a batch of one."""
    if not np.issubdtype(labels.dtype, np.integer):
        raise NotImplementedError(f"{operator} takes class indices, no distribution")
    single = scores.ndim == 1
    rows = scores[np.newaxis] if single else np.moveaxis(scores, axis, 1)
    labels = np.asarray(labels, np.int64)
    inputs = (rows, labels.reshape(1) if single else labels, *(() if weight is None else (weight,)))
    value = run(operator, inputs, ignore_index=ignore_index, reduction=reduction)
    return value.reshape(()) if single else value


def run(operator: str, inputs: Sequence[Any], **attributes: Any) -> Any:
    """The one output of ``operator``; NotImplementedError names a dtype that ONNX Runtime does not do."""
    arrays = [np.ascontiguousarray(a) if a.ndim else a for a in inputs]
    signature = tuple((a.dtype.name, a.ndim) for a in arrays)
    for place, (name, _) in enumerate(signature):
        if name not in _TYPES or (place == 0 and name == "int64"):
            raise NotImplementedError(f"{operator} of {name} is not done by ONNX Runtime on the CPU")
    session = _session(operator, signature, tuple(sorted(attributes.items())))
    return session.run(None, {f"x{i}": a for i, a in enumerate(arrays)})[0]


@lru_cache(maxsize=512)
def _session(
    operator: str, signature: tuple[tuple[str, int], ...], attributes: tuple[tuple[str, Any], ...]
) -> Any:
    """The model of one node for these dtypes and ranks; every length is free."""
    inputs = [
        helper.make_tensor_value_info(f"x{i}", _TYPES[name], [None] * axes)
        for i, (name, axes) in enumerate(signature)
    ]
    node = helper.make_node(operator, [i.name for i in inputs], ["y"], **dict(attributes))
    output = helper.make_tensor_value_info("y", _TYPES[signature[0][0]], None)
    graph = helper.make_graph([node], operator, inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    try:
        return onnxruntime.InferenceSession(
            model.SerializeToString(), _session_options(), providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # its exception types have no common base but Exception
        if "NOT_IMPLEMENTED" in str(error) or "NotImplemented" in type(error).__name__:
            raise NotImplementedError(f"{operator} of {signature[0][0]}: {error}") from error
        raise


def _session_options() -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads.allowed()
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    return options


def adapted() -> Mapping[str, Adapted]:
    return {
        "softmax": Adapted("onnx Softmax", softmax),
        "log_softmax": Adapted("onnx LogSoftmax", log_softmax),
        "logsumexp": Adapted("onnx ReduceLogSumExp", logsumexp),
        "sigmoid": Adapted("onnx Sigmoid", sigmoid),
        "cross_entropy": Adapted("onnx SoftmaxCrossEntropyLoss", cross_entropy),
        "nll_loss": Adapted("onnx NegativeLogLikelihoodLoss", nll_loss),
    }


def versions() -> Mapping[str, str]:
    return {"onnxruntime": onnxruntime.__version__, "onnx": onnx.__version__}


def forget() -> None:
    """Ends every session: its arena keeps the memory of a call for the next one."""
    _session.cache_clear()


def notes() -> tuple[str, ...]:
    used = threads.allowed()
    return (f"onnxruntime: CPU, {used} thread{'s' if used > 1 else ''}, deterministic",)
