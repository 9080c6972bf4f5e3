"""Inputs drawn to break the certified functions: every enclosure is held against Arb, which shares no code with them.

Each batch mixes kinds of rows: gaps at the seams of the exponential and of log1p to a few units in the last place, ties,
signed, huge and subnormal labels and cotangents, cancelling sums, p = q up to 1 ulp. What was once answered wrongly
stands at the end, input by input.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from smxcheck.oracle import Expected, Kind, expect, recheck, tally
from smxcheck.oracle.certified import answer
from smxcheck.oracle.certified.table import TABLE

from .certified_exact import climb, steps
from .certified_inputs import (
    BACKWARD,
    INF,
    LOSSES,
    ONE_DISTRIBUTION,
    PRODUCTS,
    TWO_CLASS,
    TWO_DISTRIBUTIONS,
    outputs,
)

#: Where the arithmetic changes its way, and where a weight, a sum or a float stops to matter.
SEAMS = np.array([
    680, 2800, 7.44261117e8, 7.44261118e8, 1e9, 2.0**31, 2.0**-13.5, 2.0**-14, 2.0**-8, 8 * np.log(2), 2.0**-53, 5e-324,
    1e-300, 36.7, 37.4, 100 * np.log(2), 101 * np.log(2), 745.2, 1500, 1e17, 1e300, 1.7e308,
])  # fmt: skip
NUMBERS = np.array([0.0, 1, -1, 0.5, 5e-324, -5e-324, 1e300, -1e300])


class Draw:
    """Rows of 4 by what is hard about them; each method gives one block of rows (count, n)."""

    def __init__(self, seed: int, n: int) -> None:
        self.rng, self.shape = np.random.default_rng([41, seed]), (4, n)

    def near(self, x: np.ndarray) -> np.ndarray:
        """Some entries moved by one or two units in the last place."""
        for _ in range(2):
            moved = np.nextafter(x, self.rng.choice([-INF, INF], x.shape))
            x = np.where((self.rng.random(x.shape) < 0.3) & np.isfinite(moved), moved, x)
        return x

    def seams(self) -> np.ndarray:
        return self.near(self.rng.choice(SEAMS, self.shape))

    def powers(self) -> np.ndarray:
        return self.rng.normal(size=self.shape) * 10.0 ** self.rng.integers(-323, 307, self.shape)

    def constant(self) -> np.ndarray:
        return np.full(self.shape, self.rng.normal() * 10 ** self.rng.uniform(-320, 300))

    def logits(self) -> np.ndarray:
        normal = self.rng.normal(size=self.shape)
        kinds = [
            normal * 10 ** self.rng.uniform(-3, 3), -self.seams() * (self.rng.random(self.shape) < 0.7), self.powers(),
            normal - self.seams(), self.near(self.constant()), np.rint(2 * normal), normal + 10 ** self.rng.uniform(0, 17),
            self.seams() * self.rng.choice([-0.5, 0.5], self.shape),
        ]  # fmt: skip
        x = kinds[self.rng.integers(len(kinds))]
        masked = self.rng.random(self.shape) < self.rng.choice([0, 0, 0.3])
        masked[:, self.rng.integers(self.shape[1])] = False
        return np.where(masked, -INF, x)

    def signed(self) -> np.ndarray:
        normal, share = self.rng.normal(size=self.shape), self.rng.random(self.shape)
        cancelling = np.concatenate([normal[:, 1:], -normal[:, 1:].sum(axis=1, keepdims=True)], axis=1)
        one_hot = np.eye(self.shape[1])[self.rng.integers(0, self.shape[1], self.shape[0])]
        kinds = [
            normal, self.powers(), self.rng.choice(NUMBERS, self.shape), self.near(np.full(self.shape, normal[0, 0])),
            self.constant(), share / share.sum(axis=1, keepdims=True), cancelling, one_hot,
        ]  # fmt: skip
        return kinds[self.rng.integers(len(kinds))]

    def weights(self) -> np.ndarray:
        return np.abs(np.where(self.rng.random(self.shape) < 0.1, 0.0, self.signed()))

    def beside(self, p: np.ndarray) -> np.ndarray:
        """A q for p: any, the same but for an ulp, near √2 or a power of two of it, or near it."""
        factor = self.rng.choice([0.5, 2, np.sqrt(0.5), np.sqrt(2)], self.shape)
        close = p * (1 + self.rng.normal(size=self.shape) * 2.0 ** -self.rng.integers(5, 50))
        q = [self.weights(), self.near(p), self.near(p * factor), close][self.rng.integers(4)]
        return np.abs(np.where(np.isfinite(q), q, 1.0))

    def stored(self, function: str) -> np.ndarray:
        """The output that a backward pass is given, or something that no softmax gave."""
        x = np.maximum(self.logits(), -1e300) / 2
        kinds = [outputs(function, x), self.near(outputs(function, x)), self.signed(), -self.seams()]
        y = kinds[self.rng.integers(3 if function == "softmax_backward" else 4)]
        return y if function == "softmax_backward" else np.minimum(y, 1e6)

    def arguments(self, function: str) -> tuple[np.ndarray, ...]:
        x = self.logits()
        if function in BACKWARD:
            return self.signed(), self.stored(function)
        if function in PRODUCTS:
            return x, self.signed()
        if function in TWO_CLASS:
            finite = np.where(x > -INF, x, 0.0)
            close = self.near(1 / (1 + np.exp(-finite)))
            return finite, close if self.rng.random() < 0.3 else self.signed()
        if function in ONE_DISTRIBUTION:
            return (self.near(np.full(self.shape, 1 / np.e)) if self.rng.random() < 0.2 else self.weights(),)
        if function in TWO_DISTRIBUTIONS:
            p = self.weights()
            return p, self.beside(p)
        if function == "kl_divergence_grad":
            d = np.maximum(x - x.max(axis=1, keepdims=True), -1e300)
            return x, self.beside(outputs("softmax_backward", d))
        if function in LOSSES:
            return x, self.signed()
        return (np.where(x > -INF, x, 0.0) if TABLE[function].shape == "entrywise" else x,)


def question(function: str, seed: int, blocks: int) -> tuple[tuple[np.ndarray, ...], dict[str, Any]]:
    """Arguments of 4·blocks rows of mixed kinds, and keywords."""
    rng = np.random.default_rng([42, seed])
    with np.errstate(all="ignore"):
        draw = Draw(seed, int(rng.choice([1, 2, 3, 5])))
        parts = [draw.arguments(function) for _ in range(blocks)]
        columns = tuple(np.concatenate(c) for c in zip(*parts, strict=True))
        keywords: dict[str, Any] = {}
        if function in LOSSES and rng.random() < 0.4:
            columns = columns[0], rng.integers(0, draw.shape[1], len(columns[0]))
        if function in ("cross_entropy", "nll_loss"):
            keywords["reduction"] = "none"
            if rng.random() < 0.5:
                keywords["weight"] = draw.signed()[0].tolist()
        if function == "cross_entropy" and rng.random() < 0.5:
            keywords["label_smoothing"] = float(rng.choice([1.0, 0.1, 5e-324, 1 - 2.0**-53]))
    return columns, keywords


def attacked(
    function: str, columns: tuple[np.ndarray, ...], keywords: dict[str, Any], bits: int
) -> recheck.Checked:
    """Every element that has a bound, against Arb."""
    given = {k: v for k, v in keywords.items() if k != "reduction"}
    if function in ("cross_entropy_grad", "nll_loss_grad"):
        given["rows"] = len(columns[0])
    found = answer(function, columns, bits, given).enclosure
    kind = np.where(found.bound < INF, Kind.VALUE, Kind.FREE)
    if function == "log_softmax":
        kind[columns[0] == -INF] = Kind.MINUS_INFINITY
    return recheck.check(function, columns, keywords, Expected(kind, found), "")


@pytest.fixture
def every_element(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("flint", reason="python-flint not installed: pip install 'smxcheck[recheck]'")
    monkeypatch.setattr(recheck, "ELEMENTS", 10**6)
    monkeypatch.setattr(recheck, "RAISES", 5)


@pytest.mark.usefixtures("every_element")
@pytest.mark.parametrize("function", TABLE)
def test_hard_inputs_are_enclosed(function: str) -> None:
    held = 0
    for seed in range(3):
        found = attacked(function, *question(function, seed, 3), 80)
        assert not found.misses
        held += found.held
    assert held >= 15


@pytest.mark.slow
@pytest.mark.usefixtures("every_element")
@pytest.mark.parametrize("piece", [4096, 2])
@pytest.mark.parametrize("function", TABLE)
def test_many_hard_inputs_are_enclosed(function: str, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a row is longer than a piece, which here is two columns."""
    for module in ("rows", "columns"):
        monkeypatch.setattr(f"smxcheck.oracle.certified.{module}.PIECE", piece)
    for seed in range(100, 125):
        for bits in (80, 40):
            assert not attacked(function, *question(function, seed, 8), bits).misses


CLIMBED = ("softmax_vjp", "log_softmax_vjp", "softmax_backward", "log_softmax_backward", "kl_divergence",
           "distribution_cross_entropy", "binary_cross_entropy_with_logits_grad", "kl_divergence_grad")  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("function", CLIMBED)
def test_no_climb_leads_above_a_bound(function: str) -> None:
    """Rows whose error uses the most of its bound, nudged again and again."""
    flint = pytest.importorskip("flint")
    from smxcheck.oracle.arb_formulas import TABLE as FORMULAS

    def exact(row: tuple[np.ndarray, ...]) -> list[Any]:
        arbs, of = [[flint.arb(float(v)) for v in c] for c in row], FORMULAS[function]
        if of.kind == "entries":
            return [of.compute(*entries) for entries in zip(*arbs, strict=True)]
        return of.compute(range(3), *arbs) if of.kind == "rows" else [of.compute(*arbs)]

    def shares(*columns: np.ndarray) -> np.ndarray:
        e = answer(function, columns, 80).enclosure.reshape((len(columns[0]), -1))
        worst = np.zeros(len(e.hi))
        with flint.ctx.workprec(400):
            for i, j in zip(*np.nonzero((e.bound < 1) & (e.bound > 0)), strict=True):
                y = exact(tuple(c[i] for c in columns))[j]
                value = (flint.arb(e.hi[i, j]) + flint.arb(e.lo[i, j])) * flint.arb(2) ** int(
                    e.exponent[i, j]
                )
                worst[i] = max(worst[i], float((abs(value - y) / (abs(y) * float(e.bound[i, j]))).mid()))
        return worst

    draw = np.random.default_rng(43)
    first, second = np.exp(2 * draw.normal(size=(2, 80, 3)))
    second = np.where(draw.random((80, 1)) < 0.5, first * (1 + 1e-6 * draw.normal(size=(80, 3))), second)
    found = climb((first, second), shares, lambda pair, rng: tuple(steps(a, rng) for a in pair))
    assert 1e-3 < found.ratio <= 1


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, ml_dtypes.bfloat16, np.int8])
@pytest.mark.parametrize("function", ["softmax", "log_softmax", "logsumexp", "softmax_entropy"])
def test_layouts_and_formats_do_not_matter(function: str, dtype: Any) -> None:
    """Columns of a read-only array of another order, and rows of a slice."""
    rows = np.clip(np.concatenate([Draw(seed, 5).logits() for seed in range(12)]), -100, 100).astype(dtype)
    doubled = np.repeat(rows, 2, axis=0)
    doubled.flags.writeable = False
    plain = expect(function, (rows,)).enclosure.float64()
    np.testing.assert_array_equal(expect(function, (doubled[::2],)).enclosure.float64(), plain)
    turned = expect(function, (np.asfortranarray(doubled[::2].T),), {"axis": 0}).enclosure.float64()
    np.testing.assert_array_equal(turned.T, plain)


# ---- what was once answered wrongly


def test_an_infinite_divergence_is_no_number_however_small_its_weight() -> None:
    """p = exp(-1e9) > 0 = q: only the size of p was looked at there."""
    x, q = np.tile([0.0, -1e9], (40, 1)), np.tile([1.0, 0.0], (40, 1))
    assert not answer("kl_divergence_grad", (x, q), 80).decided.any()
    assert (expect("kl_divergence_grad", (x, q)).kind == Kind.FREE).all()
    assert answer("kl_divergence_grad", (np.where(q == 0, -INF, x), q), 80).decided.all()


@pytest.mark.parametrize("row", [[0.0, -1.0, -INF], [0.0, -INF, -1e9], [-INF, 5.0, 5.0]])
def test_an_absent_entry_has_a_place_holder(row: list[float]) -> None:
    """It had the finite log-probability of a largest entry, or left its whole row undecided."""
    found = answer("log_softmax", (np.array([row]),), 80)
    absent = np.array([row]) == -INF
    assert found.decided.all()
    assert not found.enclosure.hi[absent].any() and not found.enclosure.bound[absent].any()


@pytest.mark.parametrize(
    ("x", "y", "kind"),
    [
        (INF, 2.0, Kind.MINUS_INFINITY), (-INF, -1.0, Kind.MINUS_INFINITY), (1.0, INF, Kind.MINUS_INFINITY),
        (-1.0, INF, Kind.PLUS_INFINITY), (1.0, -INF, Kind.PLUS_INFINITY), (INF, INF, Kind.MINUS_INFINITY),
        (0.0, INF, Kind.FREE), (INF, 1.0, Kind.VALUE), (-INF, 0.0, Kind.VALUE), (INF, 0.5, Kind.PLUS_INFINITY),
    ],
)  # fmt: skip
def test_two_class_losses_of_infinities(x: float, y: float, kind: Kind) -> None:
    """log(1 + e^x) - x·y; beyond 0 ≤ y ≤ 1 and at infinite y it was said to be exactly 0."""
    assert expect("binary_cross_entropy_with_logits", (np.array([x]), np.array([y]))).kind == [kind]


@pytest.mark.parametrize(
    ("weight", "labels", "kind"),
    [
        ([1e17, 1.0, -1e17], [0, 1, 2] * 20, Kind.VALUE),
        ([1e16, 1.0, -1e16 - 2], [0, 1, 1, 2] * 15, Kind.FREE),
        ([1e308, 1e308, 1.0], [0, 1, 2] * 20, Kind.VALUE),
        ([0.0, 0.0, 1.0], [0, 1, 1] * 20, Kind.FREE),
    ],
)
def test_a_total_weight_is_0_only_where_it_is_exactly_0(
    weight: list[float], labels: list[int], kind: Kind
) -> None:
    """A sum of floats made 0 of 20, and not 0 of 0."""
    found = expect("cross_entropy", (np.zeros((60, 3)), np.array(labels)), {"weight": weight})
    assert found.kind == kind
    if kind == Kind.VALUE:
        assert found.enclosure.float64() == np.log(3)


def test_soft_labels_of_no_classes_have_no_cross_entropy() -> None:
    """The reference refuses a row without a logit, which stopped the whole question."""
    nothing = np.zeros((3, 0))
    for reduction in ("none", "mean"):
        found = expect("cross_entropy", (nothing, nothing), {"reduction": reduction})
        assert (found.kind == Kind.FREE).all() and list(found.choices) == ["empty-row"]
    assert expect("cross_entropy_grad", (nothing, nothing)).shape == (3, 0)


def test_masked_log_probabilities_need_no_reference() -> None:
    g, y = np.ones((40, 2)), np.tile([-1.0, -INF], (40, 1))
    tally.take()
    assert (expect("log_softmax_backward", (g, y)).enclosure.float64()[:, 1] == 1).all()
    assert tally.take() == {tally.DOUBLE: 80}
