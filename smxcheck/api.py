"""``smxcheck.verify`` and ``smxcheck.explain``: what the command line does, for Python and for notebooks."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smxcheck.catalog import FUNCTIONS, match_function
from smxcheck.dtypes import DEFAULT_DTYPES, FORMATS
from smxcheck.judge.choices import parse_expectations
from smxcheck.judge.codes import CHECKS, CHECKS_BY_NAME
from smxcheck.judge.result import Level, Report
from smxcheck.targets.gradients import AUTO
from smxcheck.targets.options import ARRAYS, DEVICES

if TYPE_CHECKING:
    from smxcheck.pages.asked import At, Symbols
    from smxcheck.pages.explanation import Explanation
    from smxcheck.run.options import RunOptions


def verify(
    target: str | Callable[..., Any],
    function: str | Sequence[str] | None = None,
    *,
    dtypes: Sequence[str] = DEFAULT_DTYPES,
    cases: str = "quick",
    require: str = "standard",
    max_ulp: float | None = None,
    allow: Sequence[str] = (),
    expect: Sequence[str] = (),
    known: str | Path | None = None,
    inputs: str | Path | None = None,
    only: str = "",
    arrays: str = "auto",
    device: str = "cpu",
    fixed: Mapping[str, Any] | None = None,
    gradient: str | Callable[..., Any] | None = None,
    timeout: float = 10.0,
    time_limit: float | None = None,
    recheck: int = 0,
    case: str | Sequence[str] = (),
) -> Report:
    """Judge an implementation and return the report; nothing is printed, nothing raised for a wrong result.

    ``target`` is a callable, which runs in this process (``function`` says what it is where its name does not), or a
    text as on the command line (``"torch"``, ``"kernel.py:softmax"``), which runs in a worker process. ``gradient`` is
    a derivative of the target, checked besides: a callable for a callable, a text for a text; ``"auto"`` takes all that
    automatic differentiation gives. ``recheck`` is the number of questions whose exact values are compared with Arb, which
    needs python-flint; what came of it is ``report.recheck``. ``case`` is the id of a case, or several: exactly these run.
    The other arguments are the options of ``smxcheck verify``. ``report.passed`` says whether everything is right.

    Raises ValueError for an argument that is not understood, and ``smxcheck.targets.protocol.TargetError``,
    ``smxcheck.caseset.CaseError`` or ``smxcheck.run.known.KnownError`` for a target, a file of inputs or a file of
    known problems that is not usable.
    """
    from dataclasses import replace

    from smxcheck.run import execute

    options = _settled(
        function, dtypes=dtypes, cases=cases, require=require, max_ulp=max_ulp, allow=allow, expect=expect, known=known,
        inputs=inputs, only=only, arrays=arrays, device=device, fixed=fixed, gradient=gradient, timeout=timeout,
        time_limit=time_limit, recheck=recheck, case=case,
    )  # fmt: skip
    if isinstance(target, str):
        if callable(gradient):
            raise ValueError(f"the gradient of {target} is a text too, as in gradient='FILE.py:NAME'")
        return execute.run(replace(options, targets=(target,)))
    if not callable(target):
        raise ValueError(f"a target is a callable or a text, not {type(target).__name__}")
    if gradient is not None and not callable(gradient) and gradient != AUTO:
        raise ValueError(f"the gradient of a callable is a callable or 'auto', not {gradient!r}")
    return _verify_callable(target, options, None if isinstance(gradient, str) else gradient)


def settled(function: str | Sequence[str] | None = None, **keywords: Any) -> RunOptions:
    """What ``verify`` would run, checked and without a target; ``keywords`` are those of ``verify``.

    Raises ValueError for an argument that is not understood, TypeError for one that there is not.
    """
    bound = inspect.signature(verify).bind("", function, **keywords)
    bound.apply_defaults()
    del bound.arguments["target"]
    return _settled(**bound.arguments)


def _settled(
    function: str | Sequence[str] | None, *, dtypes: Sequence[str], cases: str, require: str, max_ulp: float | None,
    allow: Sequence[str], expect: Sequence[str], known: str | Path | None, inputs: str | Path | None, only: str,
    arrays: str, device: str, fixed: Mapping[str, Any] | None, gradient: str | Callable[..., Any] | None,
    timeout: float, time_limit: float | None, recheck: int, case: str | Sequence[str],
) -> RunOptions:  # fmt: skip
    from smxcheck.judge.call import Demand
    from smxcheck.judge.contract import parse_filter
    from smxcheck.run.options import RunOptions
    from smxcheck.run.recheck import lacking

    parse_filter(only)
    functions = (function,) if isinstance(function, str) else tuple(function or ())
    unknown = [f for f in functions if f not in FUNCTIONS]
    if unknown:
        near = difflib.get_close_matches(unknown[0], FUNCTIONS, 1)
        remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(FUNCTIONS)}"
        raise ValueError(f"no function {unknown[0]!r}; {remedy}")
    bad_dtypes = [d for d in dtypes if d not in FORMATS]
    if bad_dtypes:
        raise ValueError(f"no dtype {bad_dtypes[0]!r}; there are {', '.join(FORMATS)}")
    if cases not in ("quick", "full"):
        raise ValueError(f"cases is quick or full, not {cases!r}")
    for name, value in (("timeout", timeout), ("time_limit", time_limit), ("max_ulp", max_ulp)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} is a finite number from 0 on, not {value:g}")
    for name, given, known_values in (("arrays", arrays, ARRAYS), ("device", device, DEVICES)):
        if given not in known_values:
            raise ValueError(f"{name} is one of {', '.join(known_values)}, not {given!r}")
    if recheck < 0:
        raise ValueError(f"recheck is a number of questions from 0 on, not {recheck}")
    if recheck and (text := lacking()):
        raise ValueError(text)
    demand = Demand(level(require), max_ulp, parse_expectations(tuple(expect)), allowed_codes(allow))
    worker = {"arrays": arrays, "device": device, "fixed": dict(fixed or {}), "timeout": timeout}
    ids = (case,) if isinstance(case, str) else tuple(case)
    return RunOptions(
        targets=(), functions=functions or None, dtypes=tuple(dtypes),
        tier=cases, ids=ids or None, inputs=str(inputs) if inputs else None, demand=demand, only=only,
        known=str(known) if known else None, worker=worker, time_limit=time_limit,
        gradients=(gradient,) if isinstance(gradient, str) else (), recheck=recheck,
    )  # fmt: skip


def _verify_callable(
    target: Callable[..., Any], options: RunOptions, gradient: Callable[..., Any] | None
) -> Report:
    from dataclasses import replace

    from smxcheck.run import execute
    from smxcheck.targets.load import in_process

    name, found = name_of(target), function_of(target, options)
    options = replace(options, targets=(name,), functions=None)
    session = in_process(target, found, name, options.worker_options(name), gradient)
    try:
        return execute.run_with([session], options)
    finally:
        session.close()


def name_of(target: Callable[..., Any]) -> str:
    """What a callable is called in a report."""
    return str(getattr(target, "__name__", type(target).__name__))


def function_of(target: Callable[..., Any], options: RunOptions) -> str:
    """The one function that a callable is: the one that is asked for, else the one in its name. Raises ValueError."""
    functions = options.functions or ()
    found = functions[0] if functions else match_function(name_of(target))
    if found is None or len(functions) > 1:
        raise ValueError(f"say which function {name_of(target)} is, as in verify(f, function='softmax')")
    return found


def level(text: str) -> Level:
    """The level of that name, of those that can be required. Raises ValueError."""
    if text not in ("1ulp", "tight", "standard"):
        raise ValueError(f"no level {text!r}; there are standard, tight, 1ulp")
    return Level(text)


def allowed_codes(names: Sequence[str]) -> frozenset[str]:
    """Codes from codes or names of checks. Raises ValueError; a wrong value cannot be allowed, only conduct can."""
    out = set()
    for name in names:
        check = CHECKS.get(name.upper()) or CHECKS_BY_NAME.get(name)
        if check is None:
            raise ValueError(f"no check {name!r} to allow; see: smxcheck list checks")
        if check.code.startswith("SMX1"):
            raise ValueError(f"{name} cannot be allowed: it is about right values; see --require, --known")
        out.add(check.code)
    return frozenset(out)


def explain(
    topic: str = "",
    *,
    claim: str | None = None,
    at: At | None = None,
    symbols: Symbols | None = None,
    exercise: bool = False,
    solution: bool = False,
    seed: int | None = None,
) -> Explanation:
    """The page of a derivation, a published statement, a check, a case or a word; without a topic, the list of all.

    ``claim`` is a claim of one's own instead, as ``"diff(H, z[i]) == p[i] - 1"``. ``at`` puts numbers into each line of a
    derivation: ``[0, 4, 5]`` are logits, ``{"z": [0, 4, 5], "y": [0, 1, 0]}`` names the letters. ``symbols`` are other
    letters, as ``{"logits": "o"}``. ``exercise`` and ``solution`` make a sheet out of a derivation, a different one for each
    ``seed``. Everything is executed now; ``page.exit_code`` is 0 where all of it is true.

    Raises ValueError with the sentence that the command prints.
    """
    from smxcheck.caseset import CaseError
    from smxcheck.pages.explanation import Request, answer

    words = topic.split()
    try:
        return answer(Request(words, claim, at, symbols, exercise, solution, seed))
    except CaseError as error:
        raise ValueError(str(error)) from error
