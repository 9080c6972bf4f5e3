"""A bug that is in no table gets no name: "behaves as" is an observation, not a guess."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from smxcheck.selftest.trial import Found, named, run, session

Score = Callable[[str, int, int], None]


def _softmax(x, axis=-1):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def _log_softmax(x, axis=-1):
    d = x - np.max(x, axis=axis, keepdims=True)
    return d - np.log(np.sum(np.exp(d), axis=axis, keepdims=True))


def _logsumexp(x, axis=-1):
    a = np.max(x, axis=axis, keepdims=True)
    s = np.sum(np.exp(x - a), axis=axis, keepdims=True)
    return np.squeeze(a + np.log(s), axis=axis)


def temperature(x, axis=-1):
    return _softmax(x / x.dtype.type(2), axis)


def fixed_point(x, axis=-1):
    return np.floor(_softmax(x, axis) * 256) / x.dtype.type(256)


def rotated(x, axis=-1):
    return np.roll(_softmax(x, axis), 1, axis=axis) if isinstance(axis, int) and np.ndim(x) else _softmax(x, axis)


def rectified(x, axis=-1):
    return _softmax(np.maximum(x, 0), axis)


def squares(x, axis=-1):
    return np.square(x) / np.sum(np.square(x), axis=axis, keepdims=True)


def sorted_output(x, axis=-1):
    return np.sort(_softmax(x, axis), axis=axis) if isinstance(axis, int) and np.ndim(x) else _softmax(x, axis)


def cubic_exp(x, axis=-1):
    d = np.maximum(x - np.max(x, axis=axis, keepdims=True), -3)
    e = 1 + d + d * d / 2 + d * d * d / 6
    return e / np.sum(e, axis=axis, keepdims=True)


def biased(x, axis=-1):
    return _log_softmax(x, axis) + x.dtype.type(1e-3)


def decimal_logarithm(x, axis=-1):
    return _log_softmax(x, axis) / x.dtype.type(np.log(10))


def stretched(x, axis=-1):
    return _logsumexp(x * x.dtype.type(1.001), axis)


def half_maximum(x, axis=-1):
    return _logsumexp(x, axis) - np.max(x, axis=axis) / x.dtype.type(2)


def piecewise_linear(x):
    return np.clip(x * x.dtype.type(0.2) + x.dtype.type(0.5), 0, 1)


FOREIGN = {
    "softmax": (temperature, fixed_point, rotated, rectified, squares, sorted_output, cubic_exp),
    "log_softmax": (biased, decimal_logarithm),
    "logsumexp": (stretched, half_maximum),
    "sigmoid": (piecewise_linear,),
}


@pytest.mark.parametrize("function", [pytest.param(f, marks=pytest.mark.slow) if f in ("softmax", "log_softmax", "logsumexp") else f for f in FOREIGN])
def test_foreign_bug_is_found_and_gets_no_name(function: str, score: Score) -> None:
    def quiet(call: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
        def target(x, **keywords):
            with np.errstate(all="ignore"):
                return call(x, **keywords)

        return target

    forms = FOREIGN[function]
    found = Found(run([session(function, f.__name__, quiet(f)) for f in forms], function, ("float32",)))
    names = {f.__name__: [n for p in found.problems(f.__name__) if (n := named(p))] for f in forms}
    score("foreign bugs without a name", sum(not n for n in names.values()), len(forms))
    assert all(found.bad(f.__name__) for f in forms)
    assert names == {f.__name__: [] for f in forms}
