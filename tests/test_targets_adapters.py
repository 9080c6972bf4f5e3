"""The adapters put the catalog's calls to the libraries' functions: right function, axis, keywords, shape and
dtype.

Values are compared loosely: that the right thing is called is the question here, not how accurate it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from smxcheck.catalog import FUNCTIONS
from smxcheck.targets.load import open_session, parse_target
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.protocol import Call
from smxcheck.targets.table import LIBRARIES

pytestmark = pytest.mark.libraries

RANDOM = np.random.default_rng(5)
Z = RANDOM.normal(size=(2, 3, 4))
P, Q = (np.exp(a) / np.exp(a).sum(1, keepdims=True) for a in (Z, Z[::-1]))
JAX = {"softmax", "log_softmax", "logsumexp", "sigmoid", "log_sigmoid", "entropy", "kl_divergence"}
TORCH = JAX | {"cross_entropy", "nll_loss", "binary_cross_entropy_with_logits", "softmax_entropy"}


def derivatives(forwards: set[str]) -> set[str]:
    """The derivatives of those functions, but for the ones that start from the rounded output."""
    return {
        f for f, entry in FUNCTIONS.items() if entry.derivative_of in forwards and not f.endswith("_backward")
    }


OFFERED = {
    "builtin": set(FUNCTIONS),
    "scipy": {"softmax", "log_softmax", "logsumexp", "sigmoid", "log_sigmoid", "entropy", "kl_divergence"},
    "torch": TORCH | derivatives(TORCH) | {"softmax_backward", "log_softmax_backward"},
    "jax": JAX | derivatives(JAX),
    "onnxruntime": {"softmax", "log_softmax", "logsumexp", "sigmoid", "cross_entropy", "nll_loss"},
}


@pytest.fixture(scope="module", params=sorted(LIBRARIES))
def session(request, needs):
    needs(*LIBRARIES[request.param].needs)
    # JAX's 64 bits and torch's threads are the worker's affair, as in a run.
    opened = open_session(parse_target(request.param), WorkerOptions())
    yield opened
    opened.close()


def ask(session: Any, function: str, *arguments: Any, **keywords: Any) -> Any:
    seen = session.call(Call(function, arguments, keywords))
    assert seen.outcome == "returned", seen
    assert not seen.wrote_input
    return seen.value


def lse(z: Any, axis: int) -> Any:
    return np.log(np.exp(z).sum(axis, keepdims=True))


VALUES = {
    "softmax": (lambda axis: np.exp(Z - lse(Z, axis)), (Z,)),
    "log_softmax": (lambda axis: Z - lse(Z, axis), (Z,)),
    "logsumexp": (lambda axis: lse(Z, axis).squeeze(axis), (Z,)),
    "entropy": (lambda axis: -(P * np.log(P)).sum(axis), (P,)),
    "softmax_entropy": (lambda axis: -(np.exp(Z - lse(Z, axis)) * (Z - lse(Z, axis))).sum(axis), (Z,)),
    "kl_divergence": (lambda axis: (P * np.log(P / Q)).sum(axis), (P, Q)),
    "distribution_cross_entropy": (lambda axis: -(P * np.log(Q)).sum(axis), (P, Q)),
}


def test_what_is_offered_is_spelled_as_the_library_does(session):
    info = session.info
    assert set(info.offers) == OFFERED[info.name]
    assert info.versions and all(version[0].isdigit() for version in info.versions.values())
    if info.name == "torch":
        assert info.offers["cross_entropy"].spelled == "torch.nn.functional.cross_entropy"
        assert "CPU path" in info.notes[0] and "threads" in info.notes[0]


@pytest.mark.parametrize("function", sorted(VALUES))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_function_of_rows_works_along_every_axis(session, function, dtype):
    if function not in session.info.offers:
        assert function not in OFFERED[session.info.name]
        return
    right, arguments = VALUES[function]
    axes = (-1,) if function in ("entropy", "kl_divergence", "distribution_cross_entropy") else (-1, 0, 1)
    for axis in (1,) if len(axes) == 1 else axes:
        value = ask(session, function, *(a.astype(dtype) for a in arguments), axis=axis)
        assert value.dtype == dtype
        np.testing.assert_allclose(value, right(axis), rtol=1e-4, atol=1e-5)
    default = ask(session, function, *(a.astype(dtype) for a in arguments))
    assert default.shape == right(-1).shape
    if function == "softmax":
        np.testing.assert_allclose(default, right(-1), rtol=1e-4)


def test_functions_of_elements(session):
    for function, right in (("sigmoid", 1 / (1 + np.exp(-Z))), ("log_sigmoid", -np.log1p(np.exp(-Z)))):
        if function in session.info.offers:
            np.testing.assert_allclose(ask(session, function, Z), right, rtol=1e-6)
    if "binary_cross_entropy_with_logits" in session.info.offers:
        value = ask(session, "binary_cross_entropy_with_logits", Z, P)
        np.testing.assert_allclose(value, np.log1p(np.exp(Z)) - Z * P, rtol=1e-6)


LABELS = np.array([[0, 2, -1, 1], [2, 1, 0, -1]])  # classes on axis 1 of Z; -1 is ignored
WEIGHT = np.array([0.5, 1.0, 2.0])


def rows_of_losses(logarithms: Any, weight: Any, smoothing: float = 0.0) -> tuple[Any, Any]:
    """ℓ and the weight of every row; smoothing spreads ε over the classes, each with its own weight."""
    counted = LABELS != -1
    labels = np.where(counted, LABELS, 0)
    picked = np.take_along_axis(logarithms, labels[:, None, :], 1)[:, 0, :]
    w = weight[labels] * counted
    spread = (weight[None, :, None] * logarithms).sum(1) * counted
    return -((1 - smoothing) * w * picked + smoothing / 3 * spread), w


@pytest.mark.parametrize("function", ["cross_entropy", "nll_loss"])
@pytest.mark.parametrize("axis", [1, -1])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_a_loss_gets_class_axis_weight_ignored_labels_and_reduction(session, function, axis, reduction):
    if function not in session.info.offers:
        assert function not in OFFERED[session.info.name]
        return
    logarithms = Z - lse(Z, 1)
    given = Z if function == "cross_entropy" else logarithms
    losses, weights = rows_of_losses(logarithms, WEIGHT)
    right = {"none": losses, "sum": losses.sum(), "mean": losses.sum() / weights.sum()}[reduction]
    value = ask(
        session, function, np.ascontiguousarray(np.moveaxis(given, 1, axis)), LABELS,
        axis=axis, weight=WEIGHT, ignore_index=-1, reduction=reduction,
    )  # fmt: skip
    assert value.shape == right.shape
    np.testing.assert_allclose(value, right, rtol=1e-6)


def test_label_smoothing_and_soft_labels_reach_cross_entropy(session):
    offer = session.info.offers.get("cross_entropy")
    if offer is None or "label_smoothing" not in offer.keywords:
        assert session.info.name in ("scipy", "jax", "onnxruntime")
        return
    losses, weights = rows_of_losses(Z - lse(Z, 1), np.ones(3), smoothing=0.1)
    value = ask(session, "cross_entropy", Z, LABELS, axis=1, ignore_index=-1, label_smoothing=0.1)
    assert value == pytest.approx(losses.sum() / weights.sum())
    soft = ask(
        session, "cross_entropy", np.moveaxis(Z, 1, -1).copy(), np.moveaxis(P, 1, -1).copy(), reduction="none"
    )
    np.testing.assert_allclose(soft, -(P * (Z - lse(Z, 1))).sum(1), rtol=1e-6)


def test_a_single_row_is_a_loss_of_one(session):
    for function in {"cross_entropy", "nll_loss"} & set(session.info.offers):
        z = Z[0, 0] - lse(Z[0, 0], 0)
        assert ask(session, function, z, np.array(1)) == pytest.approx(-z[1])


def test_onnxruntime_names_the_dtype_that_it_does_not_do(needs):
    needs("onnxruntime", "onnx")
    import ml_dtypes

    from smxcheck.targets.adapters import onnxruntime

    for dtype in (np.int64, ml_dtypes.bfloat16):
        with pytest.raises(NotImplementedError, match=np.dtype(dtype).name):
            onnxruntime.softmax(np.ones((2, 3), dtype))
    with pytest.raises(NotImplementedError, match="takes class indices"):
        onnxruntime.cross_entropy(Z[0], P[0])
