"""softmax and log_softmax in strips: any axis and layout, a given output, and how much memory they take."""

from __future__ import annotations

import tracemalloc

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.functions import ALGORITHMS, log_softmax, logsumexp, softmax
from smxcheck.functions.layout import Scratch, Strip, pieces
from smxcheck.functions.trees import largest, total, without_largest
from smxcheck.judge.bounds.model import tree_roundings

MAPS = {"softmax": softmax, "log_softmax": log_softmax}
FORMATS = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16), np.dtype(np.float32), np.dtype(np.float64))
#: Short and long rows, few and many side by side, more than a block, an axis of one entry.
SHAPES = [
    (7,),
    (300,),
    (400, 5),
    (40, 60),
    (5, 48, 3),
    (2, 49, 2),
    (3, 200, 40),
    pytest.param((2, 3, 140_000), marks=pytest.mark.slow),
    pytest.param((150_001, 3), marks=pytest.mark.slow),
    (9, 1),
]


def plain_softmax(x, axis):
    weight = np.exp(x - x.max(axis=axis, keepdims=True))
    return weight / weight.sum(axis=axis, keepdims=True)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("algorithm", ["accurate", "fast"])
def test_every_axis_of_every_layout(shape, algorithm):
    """Contiguous, with gaps, reversed and transposed: the same as the formula in float64, along each axis."""
    x = np.random.default_rng(1).standard_normal(shape) * 3
    for dtype, tolerance in ((np.float32, 2e-5), (np.float64, 1e-13)):
        twice = np.repeat(x, 2, axis=-1).astype(dtype)
        for view in (x.astype(dtype), twice[..., ::2], twice[..., ::-2], np.asfortranarray(x.astype(dtype))):
            for axis in (*range(x.ndim), None):
                p = plain_softmax(view.astype(np.float64), axis)
                np.testing.assert_allclose(softmax(view, axis, algorithm=algorithm), p, rtol=tolerance)
                np.testing.assert_allclose(
                    log_softmax(view, axis, algorithm=algorithm), np.log(p), rtol=tolerance, atol=tolerance
                )
                y = np.asarray(logsumexp(view, axis, algorithm=algorithm))
                wide = view.astype(np.float64)
                np.testing.assert_allclose(
                    y, np.log(np.exp(wide).sum(axis=axis)), rtol=tolerance, atol=tolerance
                )


def test_axes_that_are_not_neighbours():
    """(0, 2) of three axes, with an output that has gaps as well."""
    x = np.random.default_rng(1).standard_normal((3, 4, 50))
    wanted = plain_softmax(x, (0, 2))
    out = np.empty((3, 4, 100))[..., ::2]
    assert softmax(x, (2, 0), out=out) is out
    np.testing.assert_allclose(out, wanted, rtol=1e-14)
    np.testing.assert_allclose(softmax(x, (0, 2)), wanted, rtol=1e-14)


@pytest.mark.parametrize(("function", "algorithm"), [(f, a) for f in MAPS for a in ALGORITHMS[f]])
def test_out_receives_the_result(function, algorithm):
    """Bit for bit what is returned without ``out``: into new memory, memory with gaps, and x itself."""
    f = MAPS[function]
    for dtype in FORMATS:
        for shape in ((3, 4), (2, 100), (100, 3)):
            x = (np.random.default_rng(4).standard_normal(shape) * 2).astype(dtype)
            for axis in (0, 1, None):
                wanted = f(x, axis, algorithm=algorithm)
                gaps = np.zeros((shape[1], shape[0] * 2), dtype)[:, ::2].T
                own = x.copy()
                for source, out in ((x, np.zeros_like(x)), (x, gaps), (own, own)):
                    assert f(source, axis, algorithm=algorithm, out=out) is out
                    assert out.tobytes() == wanted.tobytes()


def test_an_out_that_does_not_fit_is_refused():
    """Another dtype, shape, something read-only, and memory that overlaps x otherwise than by being x."""
    x = np.zeros((4, 6))
    for f in MAPS.values():
        with pytest.raises(TypeError, match="out is float32; pass an array of dtype float64"):
            f(x, out=np.zeros((4, 6), np.float32))
        with pytest.raises(TypeError, match="out is list"):
            f(x, out=[0.0])
        with pytest.raises(ValueError, match=r"out has shape \(6,\)"):
            f(x, out=np.zeros(6))
        fixed = np.zeros((4, 6))
        fixed.flags.writeable = False
        with pytest.raises(ValueError, match="read-only"):
            f(x, out=fixed)
        for out in (x[::-1], x[:, ::-1]):
            with pytest.raises(ValueError, match="overlaps x"):
                f(x, out=out)
        with pytest.raises(ValueError, match="overlaps x"):
            f(x[:-1], out=x[1:])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("algorithm", ["accurate", "fast"])
@pytest.mark.parametrize("function", MAPS)
def test_memory_does_not_grow_with_the_input(function, algorithm, dtype):
    """With ``out`` a call takes the memory of a few blocks, of 2^21 entries or of 2^22, in one row or many."""
    peaks = []
    for shape in ((1, 1 << 21), (1, 1 << 22), (1 << 12, 1 << 10)):
        x = np.zeros(shape, dtype)
        out = np.empty_like(x)
        tracemalloc.start()
        MAPS[function](x, algorithm=algorithm, out=out)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert max(peaks) <= 10 * 2**20
    assert peaks[1] <= peaks[0] + 2**16  # lists of pieces


@pytest.mark.slow
@settings(derandomize=True, deadline=None, max_examples=80)
@given(st.integers(1, 300), st.integers(0, 2**32))
def test_sums_along_axis_0_are_trees(n, seed):
    """Their errors stay within the roundings of pairwise summation, with and without the largest."""
    weight = np.random.default_rng(seed).random((n, 3)).astype(np.float32)
    scratch = Scratch(weight.dtype)
    exact = weight.astype(np.float64).sum(axis=0)
    u = 2.0**-24
    assert (
        np.abs(total(weight, 0, scratch, 0)[0] - exact) <= with_slack(tree_roundings(n)) * u * exact
    ).all()
    top, rest = without_largest(weight, 0, scratch, (0, 1))
    assert np.array_equal(top, largest(weight, 0, scratch, 0))
    others = exact - weight.max(axis=0)
    roundings = tree_roundings(n) - (1 < n < 8)
    assert (np.abs(rest[0] - others) <= with_slack(roundings) * u * others + 1e-12).all()


def with_slack(roundings):
    """Roundings of a float64 sum beside them: none that matters."""
    return roundings * (1 + 2.0**-20) + 2.0**-20


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.integers(1, 5000), st.integers(16, 400))
def test_pieces_are_those_of_pairwise_summation(n, size):
    """They cover the row in order, none is longer than asked, and a tree over them is no deeper than pairwise."""
    row = np.arange(n, dtype=np.float64)[None]
    cut = [source for source, _ in pieces(Strip(row, row, 1), size)]
    assert np.array_equal(np.concatenate(cut, axis=1), row)
    assert max(p.shape[1] for p in cut) <= size
    if len(cut) > 1:
        assert max(tree_roundings(p.shape[1]) for p in cut) + 1 <= tree_roundings(n) or n <= 128
