"""The self-test's engine can fail: what is planted in it is found, and what is equivalent is not counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from smxcheck import functions
from smxcheck.catalog import FUNCTIONS
from smxcheck.judge.codes import CHECKS
from smxcheck.mistakes import MISTAKES
from smxcheck.right_forms import RIGHT
from smxcheck.right_forms.form import DTYPES
from smxcheck.selftest.execute import Wanted
from smxcheck.selftest.plan import MOST, Item, items
from smxcheck.selftest.results import Fate, Machinery, Mutant, Right, Rival, SelfTest
from smxcheck.selftest.subjects import Subject, shipped
from smxcheck.selftest.summary import by_check, by_group, percent
from smxcheck.selftest.verdicts import joined, judge

#: A function with few cases.
FEW = "nll_loss_grad"
MISTAKE = next(m for m in MISTAKES if m.function == FEW and m.dtypes)


def subject(kind: str, right: bool, **fields) -> Subject:
    """A right or a wrong implementation, offered as ``kind``."""
    call = functions.nll_loss_grad if right else MISTAKE.call
    made = Subject(f"{FEW}/planted", kind, FEW, "planted", {FEW: call}, ("float32",), declared="SMX101", again="smxcheck")
    return replace(made, **fields)


def judged(s: Subject, dtype: str = "float32") -> SelfTest:
    mutants, rights = judge(Item(FEW, dtype, "", (s,)))
    return SelfTest(tuple(mutants), tuple(rights))


def test_a_mutant_is_killed_with_its_smallest_case() -> None:
    test = judged(subject("mistake", right=False))
    [mutant] = test.mutants
    assert (mutant.fate, test.exit_code, test.killed, test.asked) == (Fate.KILLED, 0, 1, 1)
    assert mutant.smallest.startswith(f"{FEW}/") and mutant.smallest.endswith("/float32")
    assert set(mutant.checks) <= set(CHECKS)


def test_a_right_implementation_that_is_offered_as_a_mutant_lives() -> None:
    test = judged(subject("mistake", right=True))
    assert test.mutants[0].fate is Fate.LIVED and not test.mutants[0].smallest
    assert (test.exit_code, test.killed, test.asked) == (1, 0, 1)


@pytest.mark.parametrize("kind", ["form", "shipped", "own right"])
def test_a_wrong_implementation_that_is_offered_as_right_is_blamed(kind: str) -> None:
    test = judged(subject(kind, right=False, arrays="" if kind != "form" else "numpy"))
    assert test.exit_code == 1
    assert test.failed == test.rights and test.rights[0].held_against[0].startswith("SMX")
    assert test.rights[0].again == "smxcheck --dtype float32"


def test_a_right_implementation_passes() -> None:
    test = judged(subject("form", right=True, arrays="numpy"))
    assert test.exit_code == 0 and test.rights[0].passed


def test_a_right_implementation_that_answers_nothing_does_not_pass() -> None:
    def refuses(*arguments, **keywords):
        raise NotImplementedError("not here")

    test = judged(subject("form", right=True, calls={FEW: refuses}))
    [held] = test.rights[0].held_against
    assert test.exit_code == 1 and "tells right from wrong" in held and "declined" in held


def test_a_misbehaviour_that_only_another_check_finds_lives() -> None:
    """Killed is what its own check finds: a wrong value says nothing of the check that it is there for."""
    [mutant] = judged(subject("misbehaviour", right=False, declared="SMX207")).mutants
    assert mutant.fate is Fate.LIVED and mutant.checks and "SMX207" not in mutant.checks


def test_an_equivalent_is_no_part_of_the_score() -> None:
    test = judged(subject("mistake", right=True, dtypes=(), equivalent=("float32",)))
    assert test.mutants[0].fate is Fate.EQUIVALENT
    assert (test.asked, test.killed, test.exit_code) == (0, 0, 5)


def test_an_equivalent_that_is_found_is_a_fault_and_no_kill() -> None:
    test = judged(subject("mistake", right=False, dtypes=(), equivalent=("float32",)))
    assert (test.asked, test.killed, test.exit_code) == (0, 0, 1)
    assert test.misdeclared == test.mutants


def test_levels_are_asked_one_by_one() -> None:
    """What fails `tight` only lives where `standard` is asked."""
    tight = next(m for m in MISTAKES if m.fails == "tight" and "float32" in m.dtypes)
    strict = Subject(tight.id, "mistake", tight.function, tight.formula, {tight.function: tight.call}, ("float32",), "tight")
    few = {"cases": "acceptance"}
    lenient = replace(strict, id="lenient", level="standard", **few)
    mutants, _ = judge(Item(tight.function, "float32", "", (replace(strict, **few), lenient)))
    assert mutants[1].fate is Fate.LIVED
    assert {m.level for m in mutants} == {"tight", "standard"}


# ---- what ships


def test_what_ships_is_enough_and_of_every_function() -> None:
    subjects = shipped()
    wrong = [s for s in subjects if s.must_fail]
    forms = [s for s in subjects if s.kind == "form"]
    assert len(wrong) >= 120 and len(forms) >= 40
    assert {s.function for s in wrong} == {s.function for s in forms} == set(FUNCTIONS)
    assert len({(s.kind, s.id) for s in subjects}) == len(subjects)


def test_all_dtypes_are_those_of_the_declaration() -> None:
    asked = {(s.id, d) for item in items(shipped(full=True)) for s in item.subjects if s.kind == "mistake" for d in [item.dtype]}
    wanted = {(m.id, d) for m in MISTAKES for d in (m.dtypes + m.equivalent if m.dtypes else ("float64",))}
    assert asked == wanted


def test_items_are_small_and_of_equal_demands() -> None:
    for item in items(shipped()):
        assert 0 < len(item.subjects) <= MOST
        assert {(s.function, s.expectation) for s in item.subjects} == {(item.function, item.expectation)}
        assert len({s.target for s in item.subjects}) == 1


@pytest.mark.parametrize("wanted", [Wanted(text="nll_loss_grad/"), Wanted(functions=(FEW,))])
def test_a_selection_selects(wanted: Wanted) -> None:
    assert {s.function for s in wanted.subjects()} == {FEW}
    assert bool(wanted.parts()) == (not wanted.text)


def test_right_forms_are_written_another_way() -> None:
    """None is an algorithm of smxcheck's: their modules import NumPy alone, which test_architecture holds."""
    own = {getattr(functions, f) for f in FUNCTIONS}
    assert not own & {form.call for form in RIGHT}
    assert all(form.dtypes == DTYPES and form.formula for form in RIGHT)


def test_a_right_form_of_a_module_keeps_the_dtype() -> None:
    for form in RIGHT:
        if FUNCTIONS[form.function].arguments == ("x",) and form.function != "softmax_hessian":
            assert form.call(np.array([[0.5, 1.0]], np.float16)).dtype == np.float16


# ---- the results as data

KILLED = Mutant("a", "mistake", "softmax", "core", "X01", "f", "SMX101", "float32", "standard", Fate.KILLED, ("SMX101",))
PASSED = Right("b", "form", "softmax", "core", "f", ("float32",), "standard")


@pytest.mark.parametrize(("test", "code"), [
    (SelfTest((KILLED,), (PASSED,)), 0),
    (SelfTest((), ()), 5),
    (SelfTest((replace(KILLED, fate=Fate.LIVED),), (PASSED,)), 1),
    (SelfTest((replace(KILLED, fate=Fate.UNDECIDED),), (PASSED,)), 3),
    (SelfTest((KILLED,), (replace(PASSED, undecided=("c",)),)), 3),
    (SelfTest((KILLED,), (replace(PASSED, held_against=("SMX101",)),)), 1),
    (SelfTest((KILLED,), (PASSED,), machinery=(Machinery("tiers", "?", 3, 2, ("a miss",)),)), 1),
    (SelfTest((KILLED,), (PASSED,), machinery=(Machinery("tiers", "?", 3, 2, undecided=1),)), 3),
    (SelfTest((KILLED,), (PASSED,), rivals=(Rival("allclose", "", 9, 1, ("a",), 2, ("b",)),)), 0),
])  # fmt: skip
def test_the_exit_code_says_what_it_means(test: SelfTest, code: int) -> None:
    """What other checks find is no verdict on this one."""
    assert test.exit_code == code


def test_a_right_one_is_one_record_whatever_the_order_of_its_dtypes() -> None:
    bad = replace(PASSED, dtypes=("float64",), held_against=("SMX101",), again="the failing one")
    for order in ([PASSED, bad], [bad, PASSED]):
        [one] = joined(order)
        assert (set(one.dtypes), one.held_against, one.again) == ({"float32", "float64"}, ("SMX101",), "the failing one")


def test_tables_count_each_mutant_once_in_its_group_and_by_every_check_that_found_it() -> None:
    both = replace(KILLED, id="d", checks=("SMX101", "SMX102"))
    equal = replace(KILLED, id="e", fate=Fate.EQUIVALENT)
    test = SelfTest((KILLED, both, equal), (PASSED,))
    [group] = by_group(test)
    assert (group.group, group.mutants, group.killed, group.rights) == ("core", 2, 2, 1)
    assert [(c.code, c.killed, c.alone) for c in by_check(test)] == [("SMX101", 2, 1), ("SMX102", 1, 0)]


@hypothesis_settings(derandomize=True, deadline=None)
@given(st.integers(1, 10**6).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_a_share_is_100_percent_of_all_alone(pair: tuple[int, int]) -> None:
    some, of = pair
    assert (percent(some, of) == "100 %") == (some == of)
