"""Rounding errors as derived and as judged: the same constants, the same bounds; and the pages that show them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.catalog import FUNCTIONS
from smxcheck.derivations.points import ROUNDOFF, at_point
from smxcheck.derivations.run import DerivationResult, run
from smxcheck.derivations.topics import topics
from smxcheck.dtypes import FORMATS
from smxcheck.formula.evaluate import evaluate
from smxcheck.judge.bounds import bounds_for, core, derived_in
from smxcheck.judge.bounds import model as constants
from smxcheck.judge.bounds.rows import RowQuantities, row_quantities
from smxcheck.judge.result import Level
from smxcheck.judge.ruler import Allowance, rulers
from smxcheck.oracle import expect
from smxcheck.pages.bound import bound_page, documented, plain, size
from smxcheck.pages.model import Code, Facts, Heading, Table, Text
from smxcheck.version import JUDGE_VERSION

FLOAT32 = FORMATS["float32"]
IDS = ("rounding-errors", "rounding-standard", "rounding-logarithms")

#: Letter of a topic → the table of the judge that it stands for.
LETTERS: Mapping[str, Mapping[str, float]] = {
    "ce": constants.EXP_ERROR, "cl": constants.LOG_ERROR, "cp": constants.LOG1P_ERROR, "kappa": constants.EXTRA_ARGUMENT_ROUNDINGS,
}  # fmt: skip

#: Rows whose first entry is the one largest, short enough that both levels add one after another.
ROWS = st.lists(st.integers(-4000, 3999), min_size=1, max_size=6).map(lambda rest: [4.0, *(v / 1000 for v in rest)])
LAW = settings(derandomize=True, deadline=None, max_examples=25)


# ---- the derivations


@cache
def executed(name: str) -> DerivationResult:
    return run(topics()[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", IDS)
def test_every_line_and_result_is_true(name: str) -> None:
    found = executed(name)
    assert found.true, found.first_false
    assert all(s.finding.digits >= 30 for s in found.steps if s.step.operator == "==" and s.step.order is None)
    assert all(s.finding.points >= 17 for s in found.steps)


@pytest.mark.slow
@pytest.mark.parametrize("name", IDS)
def test_every_inequality_but_the_coarse_ones_is_attained_at_several_points(name: str) -> None:
    """With all roundings at u a bound is attained; where only one class makes it an equality the row has one entry."""
    for step in executed(name).steps:
        if step.sharp is not None:
            alone = step.step.equality == topics()[name].lexicon.conditions("n == 1")
            assert step.sharp.points >= (1 if alone else 2), step


def test_granted_constants_are_those_of_the_judge() -> None:
    """Numbers in formulas are those of float32, those in words of every format; u is float32's."""
    assert float(ROUNDOFF) == FLOAT32.u
    met = set()
    for name in IDS:
        lexicon = topics()[name].lexicon
        for symbol in lexicon.own:
            if symbol.name in LETTERS:
                met.add(symbol.name)
                table = LETTERS[symbol.name]
                assert float(symbol.definition) == table["float32"]
                told = {fmt: float(n) for n, formats in re.findall(r"(\d+) in ([a-z0-9 ]+)", symbol.meaning) for fmt in formats.split(" and ")}
                assert told == table, symbol.name
    assert met == set(LETTERS)


# ---- the bounds derived against the bounds computed


def quantities(row: list[float]) -> RowQuantities:
    """What the judge makes of a row, with each shift rounded as far as it may be: the derivation knows no more."""
    found = row_quantities(np.array([row]), FLOAT32)
    return replace(found, rho=FLOAT32.u * found.d)


def derived(topic: str, formula: str, row: list[float]) -> np.ndarray[Any, Any]:
    """A formula of a topic for every class, at a row and float32's u."""
    lexicon = topics()[topic].lexicon
    node = lexicon.expression(formula)
    point = at_point(lexicon, [node], {"z": tuple(map(Fraction, row)), "u": (ROUNDOFF,)})
    at = point.environment(lexicon, 0)
    return np.array([float(evaluate(node, at, {"i": i})) for i in range(1, len(row) + 1)])


def close(one: Any, other: Any) -> None:
    """The judge evaluates in float64 and adds `EVALUATION_SLACK`."""
    np.testing.assert_allclose(np.broadcast_to(one, np.shape(other)), other, rtol=2e-6, atol=1e-20)


@pytest.mark.slow
@LAW
@given(ROWS)
def test_softmax_tight_is_the_bound_derived(row: list[float]) -> None:
    final = derived("rounding-errors", "exp((d[i] + h[i] + 2)*u - log(1 - eta)) - 1", row)
    r = quantities(row)
    close(core.softmax(r, FLOAT32, Level.TIGHT).total_relative()[0], final)
    assert (bounds_for("softmax", (np.array(row),), {}, FLOAT32, Level.TIGHT).total_relative() <= final * (1 + 2e-6)).all()


@LAW
@given(ROWS)
def test_softmax_standard_adds_the_roundings_derived(row: list[float]) -> None:
    more = derived("rounding-standard", "u*((1 + kappa)*d[i] + (cl + 2)*L)", row)
    bound = core.softmax(quantities(row), FLOAT32, Level.STANDARD)
    close((bound.relative[core.SHIFT] + bound.relative[core.LOG])[0], more)


@LAW
@given(ROWS)
def test_log_softmax_standard_covers_base_2(row: list[float]) -> None:
    more = derived("rounding-standard", "(1 + 5/2)*u*d[i] + (cl + 2)*u*L", row)
    bound = core.log_softmax(quantities(row), FLOAT32, Level.STANDARD)
    close((bound.absolute[core.SHIFT] + bound.absolute[core.LOG])[0], more)


@LAW
@given(ROWS)
def test_log_softmax_and_logsumexp_tight_are_the_bounds_derived(row: list[float]) -> None:
    r = quantities(row)
    smallest = FLOAT32.smallest_subnormal
    entries = derived("rounding-logarithms", "u*d[i] - log(1 - eta) + cp*u*L + u*(d[i] + L)", row)
    close(core.log_softmax(r, FLOAT32, Level.TIGHT).total_absolute()[0] - smallest, entries)
    whole = derived("rounding-logarithms", "-log(1 - eta) + cp*u*L + u*(M + L)", row)
    close(core.logsumexp(r, FLOAT32, Level.TIGHT).total_absolute()[0, 0] - smallest, whole[0])


def test_formulas_compared_are_those_of_the_topics() -> None:
    """The formulas above are the last lines, not others that happen to agree."""
    tight, standard, logarithms = (topics()[name] for name in IDS)
    last = {part.title: part.steps[-1].expression for topic in (standard, logarithms) for part in topic.parts}
    assert tight.results[0].relation.right == tight.lexicon.expression("exp((d[i] + h[i] + 2)*u - log(1 - eta)) - 1")
    assert last["The exponential of log-softmax"] == standard.lexicon.expression("u*((1 + kappa)*d[i] + (cl + 2)*L)")
    assert last["Log-softmax in base 2"] == standard.lexicon.expression("d[i] + (1 + 5/2)*u*d[i]")
    log_softmax = logarithms.lexicon.expression("(d[i] + L) + u*d[i] - log(1 - eta) + cp*u*L + u*(d[i] + L)")
    assert last["Log-softmax"] == log_softmax
    assert last["Log-sum-exp"] == logarithms.lexicon.expression("(M + L) - log(1 - eta) + cp*u*L + u*(M + L)")


# ---- the page of a bound


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_a_page_of_its_bounds(function: str) -> None:
    page = bound_page(function)
    tables = [b for b in page.blocks if isinstance(b, Table)]
    assert len(tables) == (1 if FUNCTIONS[function].shape == "drawn" else 3)
    assert derived_in(function).__doc__, "the derivation stands in the docstring"
    for block in page.blocks:
        if isinstance(block, Text):
            assert not re.search(r"\*\*|``", str(block.text))


@pytest.mark.parametrize("function", ["softmax", "log_softmax", "softmax_jacobian"])
def test_the_element_shown_has_the_widest_bound(function: str) -> None:
    captions = ["".join(map(str, block.caption)) for block in bound_page(function).blocks if isinstance(block, Table)]
    (place,) = {tuple(map(int, found[1].split(", "))) for c in captions if (found := re.search(r"\)\[([\d, ]+)\] = ", c))}
    shape = expect(function, (np.array([0.0, 1, 4]),)).kind.shape
    widest = max(size(function, FLOAT32, Level.STANDARD, other).total for other in np.ndindex(shape))
    assert size(function, FLOAT32, Level.STANDARD, place).total == widest


@pytest.mark.parametrize("function", ["softmax", "log_softmax", "cross_entropy", "softmax_jacobian", "entropy"])
def test_sizes_shown_are_those_that_the_judge_allows(function: str) -> None:
    entry = FUNCTIONS[function]
    arguments = tuple(np.asarray(v, dtype=np.float32 if isinstance(v, list) else np.int64) for v in plain(entry).values())
    levels = {level: bounds_for(function, arguments, {}, FLOAT32, level) for level in (Level.TIGHT, Level.STANDARD)}
    expected = expect(function, arguments, {})
    (ruler,) = rulers(expected, Allowance(*levels.values()), FLOAT32)
    for place in np.ndindex(expected.kind.shape):
        flat = int(np.ravel_multi_index(place, expected.kind.shape)) if place else 0
        for level, allowed in ((Level.TIGHT, ruler.tight), (Level.STANDARD, ruler.standard)):
            shown = size(function, FLOAT32, level, place)
            assert shown.total == pytest.approx(allowed.reshape(-1)[flat], rel=1e-6)
            assert sum(shown.terms.values()) == pytest.approx(shown.total, rel=1e-5)


def test_the_page_shows_constants_derivation_and_where_it_is_derived() -> None:
    page = bound_page("softmax")
    headings = [b.text for b in page.blocks if isinstance(b, Heading)]
    assert headings == [("granted to the platform",), ("derivation",)]
    granted = next(b for b in page.blocks if isinstance(b, Table) and b.rows[0][0] == ("exp",))
    for row, table in zip(granted.rows, (constants.EXP_ERROR, constants.LOG_ERROR, constants.LOG1P_ERROR, constants.EXTRA_ARGUMENT_ROUNDINGS), strict=True):
        assert [float(str(cell[0])) for cell in row[1:]] == [table[fmt] for fmt in FORMATS]
    facts = [row for b in page.blocks if isinstance(b, Facts) for row in b.rows]
    assert ("in code", ("smxcheck/judge/bounds/core.py",)) in facts
    assert ("step by step", ("smxcheck explain rounding-errors",)) in facts
    assert page.data["judge"] == JUDGE_VERSION


def test_an_unknown_function_is_named() -> None:
    with pytest.raises(ValueError, match="no function 'sofmax'"):
        bound_page("sofmax")


def test_a_docstring_keeps_its_formulas() -> None:
    blocks = list(documented("**Title.** Text with `code`\nin two lines:\n\n    y = x\n      + 1\n\nMore."))
    assert blocks == [Text(("Title. Text with code in two lines:",)), Code("y = x\n  + 1"), Text(("More.",))]
