"""The checker checked: every check finds something that no other check finds, and right implementations in torch pass."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from smxcheck.catalog import match_function
from smxcheck.judge.codes import CHECKS
from smxcheck.mistakes import MISBEHAVIOURS, MISTAKES, fatal
from smxcheck.right_forms import RIGHT
from smxcheck.selftest.plan import Item, items
from smxcheck.selftest.subjects import shipped
from smxcheck.selftest.trial import Found, run, session
from smxcheck.selftest.verdicts import judge

#: Mistakes that one check alone finds, for the checks that no misbehaviour is for.
ALONE = {
    "SMX109": "gumbel_max_sample/squared",
    "SMX401": "cross_entropy/label-clamped",
    "SMX402": "cross_entropy/smoothing-of-ignored-rows",
    "SMX403": "cross_entropy/weights-clamped",
    "SMX404": "cross_entropy/smoothing-unweighted",
    "SMX406": "cross_entropy/class-axis-reshaped",
}
Score = Callable[[str, int, int], None]
IN_A_WORKER = [item for item in items(shipped()) if item.subjects[0].target]


def load(name: str) -> ModuleType:
    """A file of implementations, as a user's file is loaded: by its path."""
    path = Path(__file__).parent / "implementations" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"score_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("item", IN_A_WORKER, ids=lambda item: item.subjects[0].id)
def test_worker_reports_what_befalls_it(item: Item, score: Score) -> None:
    [mutant], _ = judge(item)
    score("mutants killed", int(mutant.checks == (mutant.declared,)), 1)
    assert mutant.checks == (mutant.declared,)


@pytest.mark.slow
@pytest.mark.parametrize("function", sorted({name.partition("/")[0] for name in ALONE.values()}))
def test_a_mistake_is_found_by_its_own_check_and_no_other(function: str) -> None:
    entries = {code: m for code, name in ALONE.items() for m in MISTAKES if m.id == name and m.function == function}
    found = Found(run([session(function, m.id, m.call) for m in entries.values()], function, ("float32",)))
    assert {code: found.codes(m.id) for code, m in entries.items()} == {code: {code} for code in entries}


def test_every_check_has_a_target_that_only_it_catches() -> None:
    """Seen from the checks: none is without. What finds a misbehaviour is its own check alone: test_score_mistakes."""
    assert {m.check for m in (*MISBEHAVIOURS, *fatal.FATAL)} | set(ALONE) == set(CHECKS)


def passes(function: str, forms: Sequence[tuple], dtypes: tuple[str, ...]) -> tuple[int, dict[str, list[str]]]:
    """How many of the right implementations of a function pass, and what is held against the others."""
    sessions = [session(function, f"{arrays}:{name}", call, arrays) for name, _, call, arrays in forms]
    found = Found(run(sessions, function, dtypes))
    names = [s.info.name for s in sessions]
    blamed = {
        n: [f"{r.check} {r.case}: {r.message}" for r in found.bad(n)] + found.undecided(n) for n in names
    }  # fmt: skip
    return sum(not b for b in blamed.values()), {n: b for n, b in blamed.items() if b}


#: The files of right implementations that take torch tensors.
IN_FILES = ("right_torch", "right_torch_derivatives")


def right_ones(function: str) -> list[tuple]:
    return [form for name in IN_FILES for form in load(name).RIGHT if form[1] == function]


def test_a_right_form_is_named_for_its_function() -> None:
    """So that each can be given to ``smxcheck verify`` as a module and a name."""
    assert {form.id: match_function(form.id) for form in RIGHT} == {form.id: form.function for form in RIGHT}


#: The functions that have forms written for torch tensors.
IN_TORCH = (
    "softmax", "log_softmax", "logsumexp", "sigmoid", "log_sigmoid", "cross_entropy", "binary_cross_entropy_with_logits",
    "entropy", "softmax_vjp", "softmax_backward", "cross_entropy_grad",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.libraries
@pytest.mark.parametrize(
    "function", [pytest.param(f, marks=pytest.mark.slow) if f in ("softmax", "log_softmax", "logsumexp") else f for f in IN_TORCH]
)
def test_right_implementations_in_torch_pass(function: str, score: Score, needs: Callable[..., None]) -> None:
    needs("torch")
    forms = right_ones(function)
    passed, blamed = passes(function, forms, ("float32",))
    score("right ones pass", passed, len(forms))
    assert forms and not blamed


@pytest.mark.slow
@pytest.mark.libraries
def test_every_torch_form_is_looked_at(needs: Callable[..., None]) -> None:
    needs("torch")
    assert {form[1] for name in IN_FILES for form in load(name).RIGHT} == set(IN_TORCH)


@pytest.mark.slow
@pytest.mark.libraries
@pytest.mark.parametrize("function", IN_TORCH)
def test_right_implementations_in_torch_pass_in_the_other_dtypes(function: str, needs: Callable[..., None]) -> None:
    """Every form in float64, and in one of the formats of 16 bits by turns."""
    needs("torch")
    forms = right_ones(function)
    assert forms and not passes(function, forms[::2], ("float64", "float16"))[1]
    assert not forms[1::2] or not passes(function, forms[1::2], ("float64", "bfloat16"))[1]
