"""The generalised softmax functions three ways: as defined, in mpmath; as printed, in a dtype; and their random inputs."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import mpmath
import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from smxcheck.caseset.model import Case
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.functions.generalised import TABLE
from smxcheck.judge.accuracy import judge_values
from smxcheck.judge.bounds import bounds_for
from smxcheck.judge.call import ask
from smxcheck.judge.result import Level

LAW = settings(derandomize=True, deadline=None, max_examples=12)
MPF = mpmath.mpf
NAMES = tuple(TABLE)
PHIS = ("exp", "softplus", "taylor-2", "taylor-4", "taylor-6", "power-2", "power-3")


# -- plain definitions, without a thought for accuracy


def _square(z, eps):
    return z**2 + eps


def polynomial(z: Any, order: int) -> Any:
    return sum(z**m / mpmath.factorial(m) for m in range(order + 1))


def phi_of(name: str) -> Callable[[Any], Any]:
    kind, _, number = name.partition("-")
    if kind == "exp":
        return mpmath.exp
    if kind == "softplus":
        return lambda z: mpmath.log(1 + mpmath.exp(z))
    return (lambda z: polynomial(z, int(number))) if kind == "taylor" else lambda z: z ** int(number)


def shares(weights: list[Any]) -> list[Any]:
    whole = sum(weights)
    return [w / whole for w in weights]


def entropy(weights: list[Any]) -> list[Any]:
    return [-sum(p * mpmath.log(p) for p in shares(weights))]


def weights_of(function: str, keywords: dict[str, Any], label: int) -> Callable[[list[Any]], list[Any]]:
    if function.startswith("generalized"):
        f = phi_of(keywords["phi"])
    elif "spherical" in function:
        f = partial(_square, eps=MPF(keywords["eps"]))
    else:
        f = mpmath.exp if function.startswith("soft_") else phi_of(f"taylor-{keywords['order']}")
    margin = MPF(keywords.get("margin", 0))
    return lambda z: [f(v - margin if i == label else v) for i, v in enumerate(z)]


def plain(function: str, keywords: dict[str, Any], label: int) -> Callable[[list[Any]], list[Any]]:
    """The function that is not differentiated."""
    weights = weights_of(function, keywords, label)
    if "entropy" in function:
        return lambda z: entropy(weights(z))
    if function.startswith("log_"):
        return lambda z: [mpmath.log(p) for p in shares(weights(z))]
    return lambda z: shares(weights(z))


def keywords_of(function: str) -> list[dict[str, Any]]:
    """Every keyword at two or more values that tell."""
    chosen = {"phi": PHIS, "order": (2, 4, 6), "eps": (2.0**-10, 0.0), "margin": (0.5, 2.0)}
    names = FUNCTIONS[function].keywords
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*(chosen[n] for n in names))]


# -- random arguments, and what the judge says of an answer


def bounds(function: str, arguments: tuple[Any, ...], dtype: str, keywords: dict[str, Any]) -> list[Any]:
    with np.errstate(all="ignore"):
        return [
            np.asarray(bounds_for(function, arguments, keywords, FORMATS[dtype], level).total_absolute())
            for level in (Level.TIGHT, Level.STANDARD)
        ]


def rows(dtype: str, positive: bool = False) -> st.SearchStrategy[np.ndarray]:
    """Ordinary numbers, and the extremes of the format."""
    fmt = FORMATS[dtype]
    low = 2.0**-10 if positive else -6.0
    edges = [fmt.largest, fmt.smallest_normal, fmt.smallest_subnormal, 1.0, 0.25 * fmt.largest, 3.0]
    edges += [] if positive else [0.0, -1.0, -fmt.largest, -800.0, -1.59607]
    element = st.one_of(st.floats(low, 6.0, width=32), st.sampled_from(edges))
    return st.lists(element, min_size=1, max_size=6).map(lambda v: np.array([v]).astype(fmt.numpy()))


def draw(data: Any, function: str, dtype: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    keywords = data.draw(st.sampled_from(keywords_of(function)))
    z = data.draw(rows(dtype, keywords.get("phi", "").startswith("power")))
    if "labels" not in FUNCTIONS[function].arguments:
        return (z,), keywords
    return (z, np.array([data.draw(st.integers(0, z.shape[1] - 1))])), keywords


def level_of(function: str, arguments: tuple[Any, ...], keywords: dict[str, Any], got: Any, dtype: str) -> Level:
    case = Case(function, "made-up", "case", dtype, "accuracy", "quick", build=dict)
    question = ask(case, arguments, keywords, "")
    with np.errstate(all="ignore"):
        return judge_values(np.asarray(got), question.rulers(question.format), question.format).level


# -- forms as they are printed, in the dtype itself


def _textbook_weights(function: str, z: np.ndarray, keywords: dict[str, Any]) -> tuple[Any, Any]:
    """φ and φ' of ordinary numbers, operation by operation in the dtype of z."""
    t = z.dtype.type
    kind, _, number = (keywords.get("phi") or "").partition("-")
    if "spherical" in function:
        return z * z + t(keywords["eps"]), t(2) * z
    if kind == "softplus":
        return np.log1p(np.exp(z)), t(1) / (t(1) + np.exp(-z))
    if kind == "exp" or function.startswith("soft_"):
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        return e, e
    if kind == "power":
        lower = z if number == "2" else z * z
        return lower * z, t(int(number)) * lower
    order = int(number or keywords["order"])
    terms = [np.ones_like(z)]
    for m in range(1, order + 1):
        terms.append(terms[-1] * z / t(m))
    sums = list(itertools.accumulate(terms))
    return sums[order], sums[order - 1]


def textbook(function: str, z: np.ndarray, label: int, keywords: dict[str, Any]) -> np.ndarray:
    if "margin" in keywords:
        z = z.copy()
        z[:, label] = z[:, label] - z.dtype.type(keywords["margin"])
    w, slope = _textbook_weights(function, z, keywords)
    total = w.sum(axis=-1, keepdims=True, dtype=w.dtype)
    p, eye = w / total, np.eye(z.shape[1], dtype=z.dtype)
    logs = np.log(w) - np.log(total)
    if function.startswith("log_"):
        return logs if "jacobian" not in function else eye * (slope / w)[:, None, :] - (slope / total)[:, None, :]
    if "jacobian" in function:
        return (slope / total)[:, None, :] * (eye - p[:, :, None])
    whole = (-(p * logs)).sum(axis=-1, dtype=z.dtype)
    if function.endswith("entropy"):
        return whole
    return -(slope / total) * (logs + whole[:, None]) if function.endswith("grad") else p
