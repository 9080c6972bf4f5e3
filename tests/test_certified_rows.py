"""Search for a row on which an enclosure of the certified oracle misses; exact values have 400 bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import smxref
from smxcheck.oracle.certified import answer, softmax

from .certified_exact import MP, Found, climb, exact_row, steps, used_by

LARGEST = np.finfo(np.float64).max
MEANINGFUL = 1e-3  # a bound a thousand times wider than anything found would be a defect, too


@pytest.fixture(autouse=True)
def _quiet():
    with np.errstate(all="ignore"):
        yield


def check_row(x: np.ndarray, some: np.ndarray | None = None) -> float:
    """The largest share of a bound that softmax in either width, log_softmax and logsumexp use of a row."""
    row = exact_row(x)
    some = np.arange(len(x)) if some is None else np.append(some, row.top)
    narrow, covered = softmax.single(x[None])
    log_p, lse = (answer(f, (x[None],), 80).enclosure for f in ("log_softmax", "logsumexp"))
    wide = softmax.double(x[None])
    shares = [used_by(lse, 0, row.logsumexp())]
    for i in some:
        shares.append(used_by(wide, (0, i), row.softmax(i)))
        if x[i] > -np.inf:
            shares.append(used_by(log_p, (0, i), row.log_softmax(i)))
        if covered[0]:
            shares.append(used_by(narrow, (0, i), row.softmax(i)))
    return max(shares)


SPECIAL = {
    "tie": [3.0, 3.0], "ties": [1.0] * 9, "one": [-5.0], "a zero": [0.0, 0.0], "one absent": [0.0, -np.inf, -1.0],
    "all but one absent": [-np.inf, 2.0, -np.inf], "subnormal": [5e-324, 0.0, -5e-324, 1e-310], "one subnormal": [5e-324],
    "gap near 700": [0.0, -700.0, -699.9999999, -700.0000001], "gap near 680": [1.0, -679.0, -679.0000000000001, -678.9999999],
    "gap near 745": [0.0, -745.2, -744.4, -746.0, -1074 * np.log(2)], "gap near 2800": [0.0, -2800.0, -2800.0000001, -2799.9],
    "gap beyond every table": [0.0, -1e7, -5e8, -7.4e8], "gap at 2^30 ln 2": [0.0, -744261117.95, -744261118.0, -744261117.99],
    "just beyond": [0.0, -744261118.0000001, -744261119.0], "only far": [0.0, -1e9], "far and near": [0.0, -1e9, -1e-9],
    "offset": [1e300, 1e300], "offset with gaps": [1e300, np.nextafter(1e300, 0), -1e300], "everything": [LARGEST, -LARGEST, 0.0],
    "overflowing gap": [1.7e308, -1.7e308, 1.7e308], "large negative": [-LARGEST, -LARGEST], "largest": [LARGEST, np.nextafter(LARGEST, 0)],
    "offset 1e16": [1e16, 1e16 - 2, 1e16 - 4, 1e16 - 700], "peak": [0.0, -40.0, -41.0], "high peak": [100.0, -800.0, -801.0],
    "near 0 from below": [-np.log(2), -np.log(2)], "near 0": [-np.log(3)] * 3, "tiny gaps": [1.0, 1 - 2.0**-53, 1 - 2.0**-52],
    "low parts": [2.0**53, 1.5, -(2.0**60)], "half ulps": [700.1, 2.0**-53, -1e-20, 300.3],
}  # fmt: skip


@pytest.mark.parametrize("name", SPECIAL)
def test_special_rows(name):
    assert check_row(np.array(SPECIAL[name])) <= 1


LENGTHS = [*range(1, 11), 63, 64, 65, 2047, 2048, 2049, 4095, 4096, 4097, 8191, 8192, 8193]


def rows_of_length(n: int) -> dict[str, np.ndarray]:
    """Rows of few distinct entries, so that exact values are cheap."""
    rng = np.random.default_rng(n)

    def of(values):
        return rng.choice(values, n)

    base = rng.normal(size=32) * 3
    rows = {
        "normal": of(base),
        "wide": of(-rng.uniform(0, 679, 32)),
        "ties": np.full(n, 0.1),
        "to the edge": of([-680.0, -679.99999, -679.9]),
        "offset": of(base) + 2.0**40,
        "float32": of(base.astype(np.float32)).astype(np.float64),
        "left of the grid": of(np.log(0.97) - (103 - 2 * np.ceil(np.log2(min(n, 4096) + 2))) * np.log(2) + base * 1e-3),
        "left of a long grid": of(np.log(0.97) - (103 - 2 * np.ceil(np.log2(n + 2))) * np.log(2) + base * 1e-3),
        "cancelling": of(base * 1e-8) - np.log(n),
    }
    for name in ("to the edge", "left of the grid", "left of a long grid"):
        rows[name][rng.integers(n)] = 0.0
    return rows


@pytest.mark.parametrize("n", LENGTHS)
def test_rows_of_every_kind_of_length(n):
    some = np.random.default_rng(0).integers(0, n, 6)
    assert max(check_row(x, some) for x in rows_of_length(n).values()) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("n", [10**5, 10**6])
def test_rows_of_very_many_entries(n):
    some = np.random.default_rng(0).integers(0, n, 6)
    assert max(check_row(x, some) for x in rows_of_length(n).values()) <= 1


@pytest.mark.slow
def test_a_row_of_ten_million_entries_that_a_grid_for_the_whole_row_would_not_sum():
    """Weights just below 2^-55: a grid for 10^7 entries leaves all of them to the plain sum, which errs by 2^-79."""
    n = 10**7
    x = np.full((1, n), np.log(0.97 * 2.0**-55))
    x[0, 0] = 0.0
    row = exact_row(x[0])
    found = softmax.double(x)
    assert max(used_by(found, (0, i), row.softmax(i)) for i in (0, 1, n - 1)) <= 1


@pytest.mark.parametrize("n", [3, 64, 100, 2049])
def test_float32_rows_are_taken_exactly(n):
    """Also by functions whose error-free transformations are of float64."""
    x = (np.random.default_rng(n).normal(size=(1, n)) * 20).astype(np.float32)
    row = exact_row(x[0])
    for e in (softmax.single(x)[0], answer("softmax", (x,), 80).enclosure):
        assert max(used_by(e, (0, i), row.softmax(i)) for i in range(0, n, 7)) <= 1
    log_p = answer("log_softmax", (x,), 80).enclosure
    assert max(used_by(log_p, (0, i), row.log_softmax(i)) for i in range(0, n, 7)) <= 1


finite = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-800, 800), st.floats(-1, 1), st.sampled_from([0.0, 5e-324, -5e-324, LARGEST, -LARGEST, 744261118.0, 2800.0, 680.0]),
)  # fmt: skip


@given(st.lists(finite, min_size=1, max_size=7))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_row(entries):
    with np.errstate(all="ignore"):
        assert check_row(np.array(entries)) <= 1


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=6))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_any_product_with_the_jacobian(pairs):
    x, g = (np.array(column) for column in zip(*pairs, strict=True))
    with np.errstate(all="ignore"):
        found = answer("softmax_vjp", (x[None], g[None]), 80).enclosure
    right = exact_row(x).softmax_vjp(g)
    assert max(used_by(found, (0, i), y) for i, y in enumerate(right)) <= 1


@pytest.mark.parametrize(
    ("x", "g"),
    [([0.0, -1.0, -8e8], [1.0, 2.0, 3.0]), ([0.0, -7000.0, -7000.0], [0.0, 1e200, 0.0]), ([0.0, -1e9], [0.0, LARGEST]),
     ([0.0, -1.0], [LARGEST, -LARGEST]), ([0.0, -1.0, -2.0], [1e-320, 5e-324, 0.0]), ([0.0, 0.0], [1.0, 1.0]),
     ([0.0, -800.0, -1600.0], [1.0, 1e-300, 1e300])],
    ids=["far", "large factor of a tiny weight", "far with a large factor", "overflow", "subnormal", "constant", "scales"],
)  # fmt: skip
def test_special_products_with_the_jacobian(x, g):
    x, g = np.array(x), np.array(g)
    found = answer("softmax_vjp", (x[None], g[None]), 80).enclosure
    assert max(used_by(found, (0, i), y) for i, y in enumerate(exact_row(x).softmax_vjp(g))) <= 1


def test_our_exact_values_are_those_of_the_reference():
    """Two ways to the same numbers: the formulas of these tests and smxref at 300 bits."""
    rng = np.random.default_rng(10)
    for scale in (1e-3, 1.0, 300.0):
        x, g = rng.normal(size=6) * scale, rng.normal(size=6)
        row = exact_row(x)
        ours = [row.softmax(i) for i in range(6)] + [row.log_softmax(i) for i in range(6)] + row.softmax_vjp(g) + [row.logsumexp()]
        entries = x.tolist()
        theirs = [*smxref.softmax(entries, bits=300), *smxref.log_softmax(entries, bits=300)]
        theirs += [*smxref.softmax_vjp(entries, g.tolist(), bits=300), smxref.logsumexp(entries, bits=300)]
        for y, b in zip(ours, theirs, strict=True):
            assert abs(y - MP.mpf(b.value)) <= MP.mpf(b.error) + abs(y) * MP.mpf(2) ** -380


# The largest share of a bound that a climb finds -------------------------------------------------


def climb_rows(shares, n: int, seed: int, transform=lambda x: x, count: int = 60, rounds: int = 6) -> Found:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, n)) * 2.0 ** rng.uniform(-6, 6, (count, 1))
    return climb((transform(x),), lambda x: np.array([shares(r) for r in x]), lambda pool, rng: (steps(pool[0], rng, 0.4),), rounds, 6)


def share_of_single(x):
    found, covered = softmax.single(x[None])
    row = exact_row(x)
    return max(used_by(found, (0, i), row.softmax(i)) for i in range(len(x))) if covered[0] else 0.0


def share_of_double(x):
    found, row = softmax.double(x[None]), exact_row(x)
    return max(used_by(found, (0, i), row.softmax(i)) for i in range(len(x)))


def share_of_log_softmax(x):
    found, row = answer("log_softmax", (x[None],), 80).enclosure, exact_row(x)
    return max(used_by(found, (0, i), row.log_softmax(i)) for i in range(len(x)))


def share_of_logsumexp(x):
    return used_by(answer("logsumexp", (x[None],), 80).enclosure, 0, exact_row(x).logsumexp())


def share_of_vjp(x):
    """The first half of x are logits, the second what is multiplied with."""
    x, g = np.split(x, 2)
    found = answer("softmax_vjp", (x[None], g[None]), 80).enclosure
    return max(used_by(found, (0, i), y) for i, y in enumerate(exact_row(x).softmax_vjp(g)))


def cancelling(x):
    """logsumexp close to 0."""
    return np.array([r * 1e-6 - float(exact_row(r * 1e-6).logsumexp()) for r in x])


def wide(x):
    """Gaps up to 680."""
    return -np.abs(x) / np.abs(x).max(axis=1, keepdims=True) * 679.9 * (np.arange(x.shape[1]) > 0)


CLIMBS = {
    "softmax, float64": lambda: climb_rows(share_of_single, 3, 11, wide),
    "softmax, double-double": lambda: climb_rows(share_of_double, 3, 12),
    "log_softmax": lambda: climb_rows(share_of_log_softmax, 3, 13),
    "logsumexp": lambda: climb_rows(share_of_logsumexp, 3, 14),
    "logsumexp near 0": lambda: climb_rows(share_of_logsumexp, 3, 15, cancelling),
    "softmax_vjp": lambda: climb_rows(share_of_vjp, 6, 16),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CLIMBS)
def test_no_climb_reaches_its_bound_and_no_bound_is_idle(name):
    found = CLIMBS[name]()
    assert MEANINGFUL < found.ratio < 1, found
