"""Arguments for the derivatives of softmax, log_softmax and logsumexp, and what the judge says of an answer."""

from __future__ import annotations

from typing import Any

import numpy as np

from smxcheck import functions
from smxcheck.caseset.model import Case
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.judge.accuracy import Accuracy, judge_values
from smxcheck.judge.call import Question, ask

MATRICES = ("softmax_jacobian", "log_softmax_jacobian", "logsumexp_hessian", "softmax_hessian")
PRODUCTS = ("softmax_vjp", "softmax_jvp", "log_softmax_vjp")
#: By the function whose output they take.
OUTPUT_OF = {"softmax_backward": functions.softmax, "log_softmax_backward": functions.log_softmax}
BACKWARD = tuple(OUTPUT_OF)
ALL = (*MATRICES, *PRODUCTS, *BACKWARD, "logsumexp_grad")


def question(function: str, arguments: tuple[np.ndarray, ...], dtype: str, **keywords: Any) -> Question:
    case = Case(function, "made-up", "case", dtype, "accuracy", "quick", build=dict)
    return ask(case, arguments, keywords, "call")


def judged(function: str, arguments: tuple[np.ndarray, ...], got: Any, dtype: str, **keywords: Any) -> Accuracy:
    asked = question(function, arguments, dtype, **keywords)
    assert np.shape(got) == asked.expected.shape
    with np.errstate(all="ignore"):
        return judge_values(np.asarray(got), asked.rulers(asked.format), asked.format)


def hard_rows(rng: np.random.Generator, n: int, fmt: Any) -> np.ndarray:
    """Rows of logits that are ordinary, saturated, tied, offset, and with tails among the subnormal numbers."""
    rows = rng.normal(size=(14, n)) * rng.choice([0.25, 1.0, 4.0, 16.0], (14, 1))
    rows[8:10] = 0
    rows[8:10, 0] = [20, 3]
    rows[10] = np.rint(rows[10])
    rows[11] += 100
    rows[12] = rng.uniform(np.log(fmt.smallest_subnormal), np.log(fmt.smallest_normal) + 2, n)
    rows[12, 0] = 0
    if n > 1:
        rows[13, -1] = -np.inf
    return rows.astype(fmt.numpy())


def cotangents(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    g = rng.normal(size=shape)
    g[0], g[1] = 1, np.arange(shape[1]) == 0
    g[2:4] = g[2:4] + 50
    if dtype != "float16":
        g[4:6] *= 1e30
    return g.astype(FORMATS[dtype].numpy())


def arguments_for(function: str, n: int, dtype: str, seed: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    x = hard_rows(rng, n, FORMATS[dtype])
    return paired_with(function, x, cotangents(rng, x.shape, dtype))


def paired_with(function: str, x: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, ...]:
    """The arguments of a function from logits and a cotangent; the output of softmax, half of the rows of it as any
    numbers."""
    if function in OUTPUT_OF:
        output = OUTPUT_OF[function](x)
        if function == "softmax_backward":
            output[::2] += np.linspace(-1, 1, output.shape[1]).astype(output.dtype)
        return g, output
    return (x, g)[: len(FUNCTIONS[function].arguments)]


def sizes(function: str) -> tuple[int, ...]:
    return (2, 3, 4) if function == "softmax_hessian" else (2, 3, 8)
