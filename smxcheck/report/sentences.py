"""The report in words: the verdict, what makes it worth less, and the headings that all formats share."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from smxcheck.judge.result import Level, Problem, Report, Result, Status, TargetReport
from smxcheck.judge.verdict import exit_code, missed_on_purpose, tells
from smxcheck.report.numbers import listed, plural, rounded_down, seconds, thousands
from smxcheck.report.published import published_verdict
from smxcheck.report.summary import (
    BAD,
    Row,
    by_harm,
    check_code,
    find_check,
    judged_targets,
    known_problems,
    open_problems,
)
from smxcheck.version import CASE_SET_VERSION, JUDGE_VERSION, __version__

ULP = "1 ulp = the gap between neighbouring floats at the exact value (explain ulp)"
DEFINITIONS = (
    ULP,
    "The input is taken as exact. ≥ marks a maximum over the cases that were run: the true one may be larger.",
    "allowed = what the level's error bound admits at that element; it counts the roundings of one named algorithm.",
)
NOTHING_OF_YOURS = "NONE OF YOUR CODE IS CHECKED"
OWN_FIRST = (
    "No target given, and no [tool.smxcheck] targets in pyproject.toml here:",
    f"checking the functions that smxcheck ships. {NOTHING_OF_YOURS}.",
)
NEXT_STEPS = (
    ("yours", "smxcheck verify file.py:softmax"),
    ("a library", "smxcheck verify scipy torch"),
    ("learn", "smxcheck explain"),
)
#: Labels of levels as the user reads them.
LEVEL_WORDS: dict[Level, str] = {
    Level.ULP1: "1 ulp",
    Level.TIGHT: "tight",
    Level.STANDARD: "standard",
    Level.WRONG: "wrong",
}
_ARRAYS = {"numpy": "NumPy arrays", "torch": "torch tensors", "jax": "JAX arrays", "npy": ".npy files"}
_MOST_NAMES = 4
#: The word of a verdict that is right only because a --known file accepts what is wrong.
EXCEPT_KNOWN = "OK EXCEPT KNOWN"


@dataclass(frozen=True)
class Verdict:
    """The first word, which never changes with --exit-zero, and the sentences behind it, one per target."""

    word: str
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        return f"{self.word}  {'  '.join(self.sentences)}"


def outcome(report: Report) -> int:
    """The exit code without --exit-zero."""
    return exit_code(dataclasses.replace(report, exit_zero=False))


def verdict(report: Report) -> Verdict:
    """The verdict in words; the exit code decides which."""
    code = outcome(report)
    word = {0: "OK", 1: "FAIL", 3: "UNDECIDED", 5: "NOTHING CHECKED", 130: "INTERRUPTED"}.get(code, "FAIL")
    missed = len(report.recheck.misses) if report.recheck is not None else 0
    accepted = len(known_problems(report))
    if code == 0 and accepted:
        word = EXCEPT_KNOWN
    if code == 5:
        sentences = [_nothing_checked(report)]
    elif report.own and code in (0, 1):
        sentences = [*_own(report, code), f"{NOTHING_OF_YOURS}."]
    else:
        sentences = [_of_target(report, target) for target in judged_targets(report)]
        sentences += not_caught(report)
    if word == EXCEPT_KNOWN:
        sentences.insert(0, f"{plural(accepted, 'problem')} {'is' if accepted == 1 else 'are'} accepted by --known.")
    if code == 130:
        sentences.insert(0, f"Stopped after {plural(len(report.results), 'result')}; the rest was not run.")
    if code == 3 and missed:
        word = "FAULT"
        sentences.insert(0, f"{plural(missed, 'exact value')} of smxcheck's own missed: please report it.")
    elif code == 3:
        sentences.insert(0, "smxcheck could not decide every result: please report it.")
    sentences += _of_part(report)
    if report.exit_zero and code == 1:
        sentences.append("The exit code is 0 because of --exit-zero.")
    return Verdict(word, tuple(sentences))


def _of_part(report: Report) -> list[str]:
    """That a part is one, and which parts are missing where others were put together."""
    if report.shard:
        i, _, n = report.shard.partition("/")
        return [f"This is part {i} of {n} of the run: smxcheck merge puts the parts together."]
    missing = report.part.missing if report.part else ()
    if not missing:
        return []
    if len(missing) > _MOST_NAMES:
        return [f"INCOMPLETE: {len(missing)} parts of the run are missing."]
    noun, verb = ("part", "is") if len(missing) == 1 else ("parts", "are")
    return [f"INCOMPLETE: {noun} {listed([str(i) for i in missing])} of the run {verb} missing."]


def row_verdict(row: Row) -> str:
    """The last cell of a row: ``ok``, ``ok, tight``, ``ok, 1 ulp``, ``WRONG``, ``declined`` ..."""
    count = row.counts
    if row.open:
        return _bad_word(row)
    for status, word in (
        (Status.UNDECIDED, "UNDECIDED"),
        (Status.NOT_RUN, "NOT RUN"),
    ):
        if count[status]:
            return word
    if row.known:
        return "known"
    if count[Status.OK] and row.tells:
        return {Level.TIGHT: "ok, tight", Level.ULP1: "ok, 1 ulp"}.get(row.level or Level.STANDARD, "ok")
    return "declined" if count[Status.DECLINED] else "no answer" if row.results else "no result"


def _bad_word(row: Row) -> str:
    if row.counts[Status.WRONG]:
        return "TOO FAR" if row.missed == row.open else "WRONG"
    return "CRASHED" if row.counts[Status.CRASHED] else "HUNG"


def title(problem: Problem, *, with_target: bool = False) -> str:
    """The heading of a problem without its number: function, what is wrong, how many results."""
    check = find_check(problem.check)
    what = problem.message or (check.title if check else problem.check)
    if problem.function and not what.startswith(problem.function):
        what = f"{problem.function}: {what}"
    where = f"{problem.target}: " if with_target else ""
    return f"{where}{what} ({plural(problem.count, 'result')})"


def problem_lines(problem: Problem) -> list[tuple[str, str]]:
    """A problem's facts, label and text, in the order of reading; empty facts are left out."""
    smallest = f"{problem.input}, {problem.dtype}" if problem.input else problem.smallest
    others = [d for d in problem.dtypes if d != problem.dtype]
    lines = (
        ("smallest", smallest),
        ("also in", ", ".join(others)),
        ("got", problem.got),
        ("right", problem.right),
        ("beside", problem.beside),
        ("behaves as", problem.behaves_as),
        ("instead", problem.instead),
        ("again", problem.again),
        ("shrunk", problem.shrunk),
        ("run that", problem.shrunk_again),
        ("why", f"smxcheck explain {check_code(problem.check)}"),
        ("seen in", ", ".join(problem.bugs)),
        ("known", problem.known),
    )
    return [(label, text) for label, text in lines if text]


def wrong_on_purpose(report: Report) -> list[tuple[TargetReport, Problem | None]]:
    """Each target that is shipped wrong, with the problem that it was caught by, or None."""
    shipped = [t for t in report.targets if t.expected_wrong]
    return [(t, next(iter(by_harm(p for p in report.problems if p.target == t.name)), None)) for t in shipped]


def not_caught(report: Report) -> list[str]:
    """The targets that are wrong on purpose and had no wrong result, in a sentence each."""
    return [f"{name} is wrong on purpose and was NOT CAUGHT." for name in missed_on_purpose(report)]


def software(report: Report) -> str:
    """``smxcheck 0.1.0, case set 1, judge 1``."""
    return f"smxcheck {__version__}, case set {CASE_SET_VERSION}, judge {JUDGE_VERSION}"


def library_versions(report: Report) -> str:
    """``torch 2.13.0, numpy 2.4.6``, of all targets."""
    merged = {name: version for target in report.targets for name, version in target.versions.items()}
    merged.pop("smxcheck", None)  # heads every report
    return ", ".join(f"{name} {version}" for name, version in merged.items())


def machine(report: Report) -> str:
    """``smxcheck 0.1.0, case set 1 | torch 2.13.0 | CPU (AVX512_SPR), 2 CPUs``: what the figures depend on.

    The code path is NumPy's; where a library takes another, the target's notes say so.
    """
    path, cpus = report.environment.get("numpy_simd"), report.environment.get("cpus")
    known = [f"CPU ({path})"] if path else []
    known += [plural(cpus, "CPU")] if isinstance(cpus, int) else []
    head = f"smxcheck {__version__}, case set {CASE_SET_VERSION}"
    return " | ".join(filter(None, (head, library_versions(report), ", ".join(known))))


def functions_of(target: TargetReport) -> str:
    """``softmax, fused_lse as logsumexp``: the callable's own name where it is another.

    A derivative that was taken of a callable is ``autograd of softmax as softmax_vjp``; an expression stays whole.
    """

    def named(function: str, spelled: str) -> str:
        how, of, callable_ = spelled.rpartition(" of ")
        own = callable_ if "(" in callable_ else callable_.replace(":", ".").rpartition(".")[2]
        return function if own in ("", function) else f"{how}{of}{own} as {function}"

    return ", ".join(named(function, spelled) for function, spelled in target.functions.items())


def called_with(target: TargetReport) -> str:
    """``called with torch tensors, import 2.4 s``."""
    arrays = f"called with {_ARRAYS.get(target.arrays, target.arrays)}" if target.arrays else ""
    took = f"import {seconds(target.import_seconds)}" if target.import_seconds >= 0.1 else ""
    return ", ".join(filter(None, (arrays, took)))


def environment_lines(environment: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """The environment as key and text, nested mappings with dotted keys; without what ``software`` says."""
    lines: list[tuple[str, str]] = []
    for key, value in environment.items():
        if key in ("smxcheck", "case_set", "judge"):
            continue
        if isinstance(value, Mapping):
            lines += environment_lines(value, f"{prefix}{key}.")
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            lines.append((f"{prefix}{key}", text))
    return lines


def _of_target(report: Report, target: TargetReport) -> str:
    """``kernel.py: log_softmax is wrong: 1 problem, 60 of 1,712 results.  softmax is right.``"""
    results = [r for r in report.results if r.target == target.name]
    if not results:
        return f"{target.name}: nothing was run."
    states: dict[str, list[str]] = defaultdict(list)
    for function in dict.fromkeys(r.function for r in results):
        states[_state([r for r in results if r.function == function], report)].append(function)
    right = states.pop("right", [])
    if not states:
        return f"{target.name}: {_names(right, 'right')}: {plural(len(results), 'result')}, {_proof(report)}."
    parts = [_names(names, state) for state, names in states.items()]
    problems = [p for p in open_problems(report) if p.target == target.name]
    bad = sum(r.status in BAD and not r.known for r in results)
    count = (
        f": {plural(len(problems), 'problem')}, {thousands(bad)} of {plural(len(results), 'result')}"
        if bad
        else ""
    )
    rest = f"  {_names(right, 'right')}." if right else ""
    return f"{target.name}: {'; '.join(parts)}{count}.{rest}"


def _state(results: list[Result], report: Report) -> str:
    """What is said of one function, from its results in all dtypes."""
    bad = [r for r in results if r.status in BAD and not r.known]
    statuses = {r.status for r in results}
    if any(r.status is Status.WRONG for r in bad):
        missed = all(r.level not in (None, Level.WRONG) for r in bad)
        return _demand(report) if missed else "wrong"
    if bad:
        return "crashing" if any(r.status is Status.CRASHED for r in bad) else "hanging"
    for status, words in ((Status.UNDECIDED, "undecided"), (Status.NOT_RUN, "not run to the end")):
        if status in statuses:
            return words
    if any(r.status in BAD for r in results):
        return "wrong as known"
    if Status.OK in statuses and tells(results):
        return "right"
    return "declined" if Status.DECLINED in statuses else "not told right from wrong"


def _demand(report: Report) -> str:
    """What a result that is right at some level, but not accurate enough, failed to be."""
    if report.require is not Level.STANDARD:
        return f"not {'within ' if report.require is Level.ULP1 else ''}{LEVEL_WORDS[report.require]}"
    return f"not within {rounded_down(report.max_ulp)} ulp" if report.max_ulp is not None else "wrong"


def _proof(report: Report) -> str:
    bound = "the proven bound" if report.require is Level.STANDARD else f"level {LEVEL_WORDS[report.require]}"
    limit = f" or {rounded_down(report.max_ulp)} ulp" if report.max_ulp is not None else ""
    return f"nothing outside {bound}{limit}"


def _names(functions: list[str], state: str) -> str:
    """``softmax and logsumexp are right``; from five names on only their number."""
    if len(functions) > _MOST_NAMES and state == "right":
        return f"{len(functions)} functions are right"
    return f"{listed(functions)} {'is' if len(functions) == 1 else 'are'} {state}"


def _own(report: Report, code: int) -> list[str]:
    took = seconds(report.seconds)
    if code == 0:
        return [f"smxcheck's own functions are right, in {took}."]
    targets = [t for t in judged_targets(report) if any(p.target == t.name for p in open_problems(report))]
    return [*(_of_target(report, t) for t in targets), *not_caught(report), *published_verdict(report)] or [
        f"Not run to its end, in {took}."
    ]


def _nothing_checked(report: Report) -> str:
    if not report.results:
        return "The selection matched no case: smxcheck verify --list shows what there is."
    return f"None of {plural(len(report.results), 'result')} tells right from wrong."
