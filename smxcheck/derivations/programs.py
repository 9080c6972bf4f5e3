"""The programs of published notes, written anew: what each computes, run on recorded inputs, and what is right there.

A program maps what it is given, by name, to what is observed, by name, all as text: numbers in six digits, so that it reads
the same wherever a last digit differs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

from smxcheck.derivations import exact, programs_network
from smxcheck.derivations.exact import Array, shown

Given: TypeAlias = Mapping[str, Any]
Facts: TypeAlias = Mapping[str, str]


@dataclass(frozen=True)
class Program:
    """What is run: ``text`` says in a line what it computes, ``run`` observes it on an input, ``instead`` is what to write
    in its place where it goes wrong."""

    text: str
    run: Callable[[Given], Facts]
    instead: str = ""


def softmax_of_all(x: Array) -> Array:
    """exp(x)/Σ exp(x), the sum over the whole array."""
    weights = np.exp(x)
    return np.asarray(weights / weights.sum())


def shifted_softmax_of_all(x: Array) -> Array:
    """The same of x - max(x), the maximum of the whole array."""
    return softmax_of_all(x - x.max())


def mean_loss(x: Array, labels: Array) -> Array:
    """The mean over the rows of -log p[row, label], p from `softmax_of_all`."""
    chosen = softmax_of_all(x)[np.arange(len(labels)), labels]
    return np.asarray(np.mean(-np.log(chosen)), x.dtype)


def mean_loss_gradient(x: Array, labels: Array) -> Array:
    """(p - one-hot)/m, p from `softmax_of_all`."""
    one_hot = np.zeros_like(x)
    one_hot[np.arange(len(labels)), labels] = 1
    return np.asarray((softmax_of_all(x) - one_hot) / x.dtype.type(len(labels)))


def logistic(x: Array) -> Array:
    """1/(1 + e^(-x)), with the power of the rounded number e."""
    return np.asarray(1 / (1 + x.dtype.type(math.e) ** -x))


def softmax_of_rows(x: Array) -> Array:
    """e/Σ e with e = exp(x - max(x)), maximum and sum of each row."""
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def mean_loss_of_rows(x: Array, labels: Array) -> Array:
    """The mean over the rows of log Σ exp(x - x[label]), which is never negative, as max + log1p of the rest."""
    _check_labels(labels, x.shape[-1])
    top = x.max(axis=-1)
    weights = np.sort(np.exp(x - top[:, None]), axis=-1)
    losses = (top - x[np.arange(len(labels)), labels]) + np.log1p(weights[:, :-1].sum(axis=-1))
    return np.asarray(losses.mean(), x.dtype)


def mean_loss_gradient_of_rows(x: Array, labels: Array) -> Array:
    """p/m, and at the label minus the sum of the row's other entries, p from `softmax_of_rows`: p - 1 would lose digits."""
    _check_labels(labels, x.shape[-1])
    rows = np.arange(len(labels))
    gradient: Array = softmax_of_rows(x) / x.dtype.type(len(labels))
    gradient[rows, labels] = 0
    gradient[rows, labels] = -gradient.sum(axis=-1)
    return gradient


def stable_logistic(x: Array) -> Array:
    """1/(1 + e) for x ≥ 0 and e/(1 + e) below, with e = exp(-|x|)."""
    e = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1, e) / (1 + e))


def _check_labels(labels: Array, classes: int) -> None:
    if np.any((labels < 0) | (labels >= classes)):
        raise IndexError(f"labels are class numbers from 0 to {classes - 1}")


def _measured(
    function: str, call: Callable[..., Array], instead: Callable[..., Array]
) -> Callable[[Given], Facts]:
    """A program that computes, or means to compute, ``function`` of the catalog on x, and labels where there are any."""

    def run(given: Given) -> Facts:
        x = np.asarray(given["x"], given.get("dtype", "float64"))
        arguments = (x, np.asarray(given["labels"])) if "labels" in given else (x,)
        overflows: list[str] = []
        with np.errstate(all="ignore", over="call", call=lambda kind, flag: overflows.append(kind)):
            got = call(*arguments)
        text, right = exact.beside(function, arguments, got)
        return {
            "gives": shown(got), "exact": text, "right": "yes" if right else "no",
            "overflows": "yes" if overflows else "no", "instead": _instead(function, arguments, instead),
        }  # fmt: skip

    return run


def _instead(function: str, arguments: tuple[Array, ...], call: Callable[..., Array]) -> str:
    """Whether what is proposed instead is right where the program was run; it must refuse where there is no answer."""
    try:
        with np.errstate(under="ignore"):
            return "right" if exact.beside(function, arguments, call(*arguments))[1] else "WRONG"
    except IndexError:
        return "refused"


def _sum_and_range(given: Given) -> Facts:
    """Whether the entries of a softmax in floats lie between 0 and 1, and add up to 1."""
    p = shifted_softmax_of_all(np.asarray(given["x"], given.get("dtype", "float64")))
    return {
        "gives": shown(p),
        "0 < p < 1": "yes" if np.all((p > 0) & (p < 1)) else "no",
        "sum minus 1": f"{float(sum(Fraction(float(entry)) for entry in p) - 1):.{exact.SHOWN}g}",
    }


def _range_of_floats(given: Given) -> Facts:
    """The largest number of a dtype, and what exp makes of a larger one."""
    dtype = np.dtype(given["dtype"]).type
    with np.errstate(all="ignore"):
        overflowed = np.exp(dtype(given["x"]))
        return {
            "largest": f"{float(np.finfo(dtype).max):.{exact.SHOWN}g}",
            "exp(x)": shown(overflowed),
            "exp(x)/(exp(x) + 1)": shown(overflowed / (overflowed + dtype(1))),
        }


def _adaptive(given: Given) -> Facts:
    """Adaptive softmax as it is defined, beside the reference, and the sum of its probabilities."""
    head, tail, sizes = np.array(given["head"], float), np.array(given["tail"], float), tuple(given["sizes"])
    shortlist = len(head) - len(sizes)
    p_head = shifted_softmax_of_all(head)
    parts = np.split(tail, np.cumsum(sizes)[:-1])
    p = np.concatenate([p_head[:shortlist], *(p_head[shortlist + c] * shifted_softmax_of_all(t) for c, t in enumerate(parts))])
    right = np.array([float(v) for v in exact.values("adaptive_log_softmax", (head, tail), {"sizes": sizes})])
    agrees = np.allclose(np.log(p), right, rtol=1e-14, atol=0)
    return {
        "gives": shown(p), "as the reference": "yes" if agrees else "no",
        "sum": "1" if abs(math.fsum(p) - 1) < 1e-15 else f"{math.fsum(p):.{exact.SHOWN}g}",
    }  # fmt: skip


_BY_ROW = """\
e = exp(x - max(x, axis=-1, keepdims=True))
e/sum(e, axis=-1, keepdims=True)"""

#: Every program, by the name that statements use.
PROGRAMS: Mapping[str, Program] = MappingProxyType({
    "softmax": Program(
        "exp(x)/sum(exp(x))   with the sum over the whole array",
        _measured("softmax", softmax_of_all, softmax_of_rows), _BY_ROW,
    ),
    "shifted-softmax": Program(
        "e = exp(x - max(x))   with the maximum of the whole array\ne/sum(e)              with the sum over the whole array",
        _measured("softmax", shifted_softmax_of_all, softmax_of_rows), _BY_ROW,
    ),
    "mean-loss": Program(
        "p = exp(x)/sum(exp(x))   with the sum over the whole array\nmean over the rows of -log(p[row, label])",
        _measured("cross_entropy", mean_loss, mean_loss_of_rows),
        "labels checked; m = max(x, axis=-1)\nrest = sum of exp(x - m) of each row, without one largest term"
        "\nmean over the rows of (m - x[row, label]) + log1p(rest)",
    ),
    "mean-loss-gradient": Program(
        "p = exp(x)/sum(exp(x))   with the sum over the whole array\n(p - one-hot(labels))/m  for m rows",
        _measured("cross_entropy_grad", mean_loss_gradient, mean_loss_gradient_of_rows),
        "labels checked; p = softmax of each row\np/m, and at the label minus the sum of the row's other entries",
    ),
    "logistic": Program(
        "1/(1 + e**(-x))   with the rounded number e", _measured("sigmoid", logistic, stable_logistic),
        "e = exp(-abs(x))\nwhere(x >= 0, 1, e)/(1 + e)",
    ),
    "softmax-in-floats": Program("e = exp(x - max(x)); e/sum(e)", _sum_and_range),
    "range-of-floats": Program("exp(x)/(exp(x) + 1)", _range_of_floats),
    "adaptive": Program(
        "on the shortlist  softmax(head)\nin a cluster      softmax(head)[cluster]*softmax(tail of the cluster)", _adaptive
    ),
    **{name: Program(text, run) for name, text, run in programs_network.TABLE},
})  # fmt: skip
