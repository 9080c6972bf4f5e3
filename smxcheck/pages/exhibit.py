"""A wrong implementation, and our own function, put to one input by the judge itself: nothing on a page is remembered.

What a page of a check or a mistake shows is the result of a run, with the message that a report would print.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from smxcheck import functions
from smxcheck.caseset.model import Case
from smxcheck.catalog import FUNCTIONS, KEYWORD_DEFAULTS
from smxcheck.judge.call import Demand
from smxcheck.judge.codes import CHECKS
from smxcheck.judge.problems import BAD
from smxcheck.judge.result import Level, Result
from smxcheck.judge.words import got_text
from smxcheck.mistakes import Misbehaviour, Mistake
from smxcheck.mistakes.model import Example
from smxcheck.run.unit import Limits, run_unit
from smxcheck.targets.inprocess import InProcessSession
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.protocol import TargetInfo
from smxcheck.targets.resolve import Loaded
from smxcheck.targets.signature import bind

#: Codes that follow from what is seen, not from what a case asks.
_SYMPTOMS = ("SMX102", "SMX103", "SMX104")

#: The group of results about a target, not about a value.
_PROPERTIES = "properties"

_USUAL = Demand()


@dataclass(frozen=True)
class Exhibit:
    """One input with what a wrong implementation gives there, and what our own function gives."""

    wrong: Result
    ours: Result


def of_mistake(mistake: Mistake) -> Exhibit | None:
    """The first of its examples that the judge finds wrong, in float32 where it must be found there; None without one.

    One that is found under the mistake's own check goes before the others.
    """
    demand = Demand(require=Level.TIGHT if mistake.fails == "tight" else Level.STANDARD)
    found = list(_failing(mistake, demand))
    if not found:
        return None
    wrong, case = next((pair for pair in found if pair[0].check == mistake.check), found[0])
    return Exhibit(wrong, _at(wrong, ours([case], demand), case))


def _failing(mistake: Mistake, demand: Demand) -> Iterator[tuple[Result, Case]]:
    """The wrong results of the first dtype that has any, with their cases."""
    calls = {mistake.function: mistake.call}
    for dtype in sorted(mistake.dtypes, key=lambda d: d != "float32"):
        cases = [case for example in mistake.examples if (case := _case(mistake, example, dtype)) is not None]
        bad = [(r, case) for case in cases for r in results(calls, [case], demand) if r.status in BAD]
        if bad:
            yield from bad
            return


def of_cases(
    wrong: Mistake | Misbehaviour, code: str, cases: Sequence[Case], demand: Demand, beside: Sequence[str] = ()
) -> Exhibit | None:
    """What a check says of an implementation on cases of the case set; None where it says nothing.

    ``beside`` are right functions of the same target, which an identity holds the wrong one against.
    """
    calls = {name: getattr(functions, name) for name in beside}
    calls |= {wrong.function: wrong.call} if isinstance(wrong, Mistake) else dict(wrong.calls)
    bad = [r for r in results(calls, cases, demand) if r.check == code and r.status in BAD]
    if not bad:
        return None
    case = next((c for c in cases if c.id == bad[0].case), cases[0])
    return Exhibit(bad[0], _at(bad[0], ours(cases, demand, code), case))


def _at(wrong: Result, right: Result, case: Case) -> Result:
    """Our result with the element shown that the wrong one is shown by, where one of many is shown."""
    if " at [" not in right.got or not wrong.index or right.case != wrong.case:
        return right
    values = np.asarray(getattr(functions, case.function)(*case.build().values(), **case.keywords))
    return replace(right, got=got_text(values, wrong.index))


def ours(cases: Sequence[Case], demand: Demand = _USUAL, code: str = "") -> Result:
    """What our own function gives for cases of one function: the first wrong result, else that of the check asked for.

    All our functions are offered, since an identity holds one against others.
    """
    found = results({name: getattr(functions, name) for name in FUNCTIONS}, cases, demand)
    bad = [r for r in found if r.status in BAD]
    asked = [r for r in found if r.check == code and r.group != _PROPERTIES]
    return (bad or asked[-1:] or found)[0]


def results(calls: Mapping[str, Callable[..., Any]], cases: Sequence[Case], demand: Demand) -> tuple[Result, ...]:
    """The judge's results on cases of one function, its properties (shape, dtype, ...) included."""
    session = _session(calls)
    return run_unit(cases[0].function, list(cases), [session], demand, Limits(), lambda _: None).results


def _session(calls: Mapping[str, Callable[..., Any]]) -> InProcessSession:
    bindings = {f: bind(f, _with_contract(f, call), f, "numpy") for f, call in calls.items()}
    info = TargetInfo("example", {}, "numpy", {f: b.offer for f, b in bindings.items()})
    return InProcessSession(Loaded(info, bindings), WorkerOptions(arrays="numpy", isolate=False))


def _with_contract(function: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """The callable with the signature of the catalog, which wrappers of wrong implementations do not show."""
    entry = FUNCTIONS[function]
    parameters = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in entry.arguments]
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=KEYWORD_DEFAULTS[name]) for name in entry.keywords
    ]
    target = partial(call)
    target.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return target


def _case(mistake: Mistake, example: Example, dtype: str) -> Case | None:
    """An example as a case; None where one of its numbers is infinite in the dtype."""
    built = example.build(mistake.function, dtype)
    if built is None:
        return None
    arguments, keywords = built
    first = np.asarray(arguments[0])
    check = CHECKS["SMX101" if mistake.check in _SYMPTOMS else mistake.check].name
    named = dict(zip(FUNCTIONS[mistake.function].arguments, arguments, strict=True))
    return Case(mistake.function, "examples", mistake.id, dtype, check, "quick", lambda: dict(named),
                keywords, elements=first.size, shape=first.shape)  # fmt: skip
