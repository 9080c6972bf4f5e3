"""The checker checked: every check finds something that no other check finds, and right implementations pass all."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from smxcheck.catalog import FUNCTIONS, match_function
from smxcheck.judge.choices import parse_expectations
from smxcheck.judge.codes import CHECKS
from smxcheck.judge.problems import BAD
from smxcheck.judge.result import Level
from smxcheck.mistakes import MISBEHAVIOURS, MISTAKES, fatal, misbehaviours
from smxcheck.mistakes.model import Misbehaviour
from smxcheck.targets.load import open_session, parse_target
from smxcheck.targets.options import WorkerOptions

from .scoring import Found, run, session, session_of

#: What is asked: dtype, level, expectation. Integers are asked for with float64, whose dtype they take.
USUAL = ("float32", Level.STANDARD, "")
DEMANDS = {
    "SMX108": ("float32", Level.TIGHT, ""),
    "SMX209": ("float64", Level.STANDARD, ""),
    "SMX502": ("float32", Level.STANDARD, "all-masked=nan"),
}
#: Mistakes that one check alone finds, for the checks that no misbehaviour is for.
ALONE = {
    "SMX109": "gumbel_max_sample/squared",
    "SMX401": "cross_entropy/label-clamped",
    "SMX402": "cross_entropy/smoothing-of-ignored-rows",
    "SMX403": "cross_entropy/weights-clamped",
    "SMX404": "cross_entropy/smoothing-unweighted",
    "SMX406": "cross_entropy/class-axis-reshaped",
}
#: Checks of what a worker process alone can see.
IN_A_WORKER = ("SMX302", "SMX303", "SMX304", "SMX305", "SMX306")

Score = Callable[[str, int, int], None]
HERE = [m for m in MISBEHAVIOURS if m.check not in IN_A_WORKER]
FATAL = [(m, fatal) for m in fatal.FATAL] + [(m, misbehaviours) for m in MISBEHAVIOURS if m.check in IN_A_WORKER]


def load(name: str) -> ModuleType:
    """A file of implementations, as a user's file is loaded: by its path."""
    path = Path(__file__).parent / "implementations" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"score_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def run_of(function: str, dtype: str, level: Level, expectation: str) -> Found:
    """All misbehaviours of one function that are asked under the same demand, in one run."""
    alike = [m for m in HERE if m.function == function and DEMANDS.get(m.check, USUAL) == (dtype, level, expectation)]
    sessions = [session_of(m.calls, m.id) for m in alike]
    functions = tuple(dict.fromkeys(f for m in alike for f in m.calls))
    expectations = parse_expectations((expectation,) if expectation else ())
    return Found(run(sessions, function, (dtype,), level, expectations=expectations, functions=functions))


#: Functions with many cases: one run over all their misbehaviours takes seconds, among the slow tests.
_LARGE = ("softmax", "log_softmax", "logsumexp", "cross_entropy", "cross_entropy_grad")
MARKED = [pytest.param(m, marks=pytest.mark.slow) if m.function in _LARGE else m for m in HERE]


@pytest.mark.parametrize("misbehaviour", MARKED, ids=lambda m: m.id)
def test_misbehaviour_is_found_by_its_own_check_and_no_other(misbehaviour: Misbehaviour, score: Score) -> None:
    codes = run_of(misbehaviour.function, *DEMANDS.get(misbehaviour.check, USUAL)).codes(misbehaviour.id)
    score("misbehaviours", int(codes == {misbehaviour.check}), 1)
    assert codes == {misbehaviour.check}


@pytest.mark.parametrize(("misbehaviour", "module"), FATAL, ids=lambda v: v.id if isinstance(v, Misbehaviour) else "")
def test_worker_reports_what_befalls_it(misbehaviour: Misbehaviour, module: ModuleType, score: Score) -> None:
    text = f"{misbehaviour.function}={module.__name__}:{misbehaviour.call.__name__}"
    worker = open_session(parse_target(text), WorkerOptions(timeout=0.5, compile_timeout=0.5 + 2.0))
    try:
        report = run([worker], misbehaviour.function, ("float32",), text="acceptance")
    finally:
        worker.close()
    codes = {r.check for r in report.results if r.status in BAD}
    score("misbehaviours", int(codes == {misbehaviour.check}), 1)
    assert codes == {misbehaviour.check}
    assert report.exit_code == 1


@pytest.mark.slow
@pytest.mark.parametrize("function", sorted({name.partition("/")[0] for name in ALONE.values()}))
def test_a_mistake_is_found_by_its_own_check_and_no_other(function: str) -> None:
    entries = {code: m for code, name in ALONE.items() for m in MISTAKES if m.id == name and m.function == function}
    found = Found(run([session(function, m.id, m.call) for m in entries.values()], function, ("float32",)))
    assert {code: found.codes(m.id) for code, m in entries.items()} == {code: {code} for code in entries}


def test_every_check_has_a_target_that_only_it_catches() -> None:
    """The three tests above, seen from the checks: none is without."""
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


#: The files of right implementations, by the arrays that they take.
RIGHT_FILES = {
    "numpy": ("right_numpy", "right_derivatives", "right_generalised", "right_sparse"),
    "torch": ("right_torch", "right_torch_derivatives"),
}


def right_ones(library: str, function: str) -> list[tuple]:
    return [form for name in RIGHT_FILES[library] for form in load(name).RIGHT if form[1] == function]


@pytest.mark.parametrize("name", RIGHT_FILES["numpy"])
def test_a_right_form_is_named_for_its_function(name: str) -> None:
    """So that each can be given to ``smxcheck verify`` as a file and a name."""
    assert {form[0]: match_function(form[0]) for form in load(name).RIGHT} == {form[0]: form[1] for form in load(name).RIGHT}


@pytest.mark.parametrize("function", [pytest.param(f, marks=pytest.mark.slow) if f in _LARGE else f for f in FUNCTIONS])
def test_right_implementations_pass(function: str, score: Score) -> None:
    forms = right_ones("numpy", function)
    passed, blamed = passes(function, forms, ("float32",))
    score("right ones pass", passed, len(forms))
    assert forms and not blamed


#: The functions that have forms written for torch tensors.
IN_TORCH = (
    "softmax", "log_softmax", "logsumexp", "sigmoid", "log_sigmoid", "cross_entropy", "binary_cross_entropy_with_logits",
    "entropy", "softmax_vjp", "softmax_backward", "cross_entropy_grad",
)  # fmt: skip
BY_LIBRARY = [("numpy", f) for f in FUNCTIONS] + [
    pytest.param("torch", f, marks=pytest.mark.libraries) for f in IN_TORCH
]


@pytest.mark.slow
@pytest.mark.libraries
@pytest.mark.parametrize(
    "function", [pytest.param(f, marks=pytest.mark.slow) if f in ("softmax", "log_softmax", "logsumexp") else f for f in IN_TORCH]
)
def test_right_implementations_in_torch_pass(function: str, score: Score, needs: Callable[..., None]) -> None:
    needs("torch")
    forms = right_ones("torch", function)
    passed, blamed = passes(function, forms, ("float32",))
    score("right ones pass", passed, len(forms))
    assert forms and not blamed


@pytest.mark.libraries
def test_every_torch_form_is_looked_at(needs: Callable[..., None]) -> None:
    needs("torch")
    assert {form[1] for name in RIGHT_FILES["torch"] for form in load(name).RIGHT} == set(IN_TORCH)


@pytest.mark.slow
@pytest.mark.parametrize(("library", "function"), BY_LIBRARY)
def test_right_implementations_pass_in_the_other_dtypes(function: str, library: str, needs: Callable[..., None]) -> None:
    needs(*(["torch"] if library == "torch" else []))
    """Every form in float64, and in one of the formats of 16 bits by turns."""
    forms = right_ones(library, function)
    assert forms and not passes(function, forms[::2], ("float64", "float16"))[1]
    assert not forms[1::2] or not passes(function, forms[1::2], ("float64", "bfloat16"))[1]
