"""A self-test in sentences, for every way to show it."""

from __future__ import annotations

from collections.abc import Iterator

from smxcheck.report.escape import one_line
from smxcheck.report.numbers import listed, plural, seconds, thousands
from smxcheck.selftest.results import Fate, Machinery, Mutant, Right, Rival, SelfTest
from smxcheck.selftest.summary import blamed, percent, survivors

#: What stands above the scores of other checks.
RIVALS = "What other checks find on the same mutants"
#: What those scores are worth.
HONEST = (
    "the mutants were chosen by the makers of this tool, and each other check is asked only those that it can see; on"
    " mutants chosen by others the figures would differ"
)
HEADINGS_GROUP = ("functions", "mutants", "killed", "lived", "right ones", "blamed")
HEADINGS_CHECK = ("check", "killed", "it alone")
HEADINGS_RIVAL = ("check", "killed", "of", "share", "refuses right ones")
KINDS = {
    "mistake": "with wrong values", "misbehaviour": "with another property broken",
    "fatal": "that end or block their process", "own": "of the file",
    "form": "written another way", "shipped": "algorithms of smxcheck",
}  # fmt: skip


def header(test: SelfTest) -> str:
    """``smxcheck 0.1.0, case set 9, judge 14 | AMD EPYC, NumPy takes AVX2 | 2 processes``."""
    machine = f"{test.environment['cpu']}, NumPy takes {test.environment['numpy_simd']}"
    versions = f"smxcheck {test.versions['smxcheck']}, case set {test.versions['case_set']}, judge {test.versions['judge']}"
    return one_line(f"{versions} | {machine} | {plural(test.jobs, 'process', 'processes')}")


def asked(test: SelfTest) -> str:
    """What the mutants and the right ones are."""
    kinds = [(k, sum(m.kind == k and m.fate is not Fate.EQUIVALENT for m in test.mutants)) for k in KINDS]
    wrong = [f"{thousands(n)} {KINDS[k]}" for k, n in kinds if n]
    right = [f"{thousands(n)} {KINDS[k]}" for k in KINDS if (n := sum(r.kind == k for r in test.rights))]
    parts = [f"must fail: {', '.join(wrong)}" if wrong else "", f"must pass: {', '.join(right)}" if right else ""]
    return "; ".join(filter(None, parts))


def remarks(test: SelfTest) -> Iterator[str]:
    """What makes the score worth less, or what was left out."""
    if test.equivalents:
        yield (
            f"{plural(test.equivalents, 'pair')} of mistake and dtype are declared equivalent (no bound can tell them from a"
            " right one): neither run nor counted; --full runs them"
        )
    if equal := len(test.with_fate(Fate.EQUIVALENT)):
        yield f"{plural(equal, 'pair')} of mistake and dtype, declared equivalent, were run and are not counted"
    yield from test.remarks


def survivor(m: Mutant) -> list[tuple[str, str]]:
    """A mutant that was not killed, as labelled lines; the first has no label."""
    tried = f"{plural(m.cases, 'result')} in {m.dtype} at level {m.level}"
    if m.checks and m.kind not in ("mistake", "own"):
        tried += f"; found by {', '.join(m.checks)}, not by {m.declared}, which it is for"
    elif m.declared:
        tried += f"; {m.declared} should have found it"
    return [
        ("", f"{m.fate.upper()}: {m.id}"),
        *([("is", m.formula)] if m.formula else []),
        ("tried", tried),
        *([("again", m.again)] if m.again else []),
    ]


def misdeclared(m: Mutant) -> list[tuple[str, str]]:
    """An equivalent that was found."""
    return [
        ("", f"FOUND ALL THE SAME: {m.id}, declared equivalent in {m.dtype}"),
        ("is", m.formula), ("found by", ", ".join(m.checks)), ("smallest", m.smallest), ("again", m.again),
    ]  # fmt: skip


def blame(r: Right) -> list[tuple[str, str]]:
    """A right one that did not pass, as labelled lines."""
    state = "BLAMED" if r.held_against else "UNDECIDED"
    return [
        ("", f"{state}: {r.id}, which is right"),
        *([("is", r.formula)] if r.formula else []),
        *(("against it", text) for text in r.held_against),
        *(("undecided", text) for text in r.undecided),
        *([("again", r.again)] if r.again else []),
    ]


def machinery(m: Machinery) -> str:
    """``bounds: Does a search …? held 120 of 120, 4.2 s``."""
    if m.not_run:
        return f"{m.name}: {m.question} Not run: {m.not_run}"
    doubt = f", {thousands(m.undecided)} undecided" if m.undecided else ""
    return f"{m.name}: {m.question} Held {thousands(m.held)} of {thousands(m.asked)}{doubt}"


def asked_machinery(test: SelfTest) -> list[Machinery]:
    """The checks of the machinery that had something to ask, or say why not."""
    return [m for m in test.machinery if m.asked or m.not_run]


def rival(r: Rival) -> tuple[str, ...]:
    """The row of another check."""
    if r.not_run:
        return (r.name, "-", "-", "not run", "-")
    refused = f"{thousands(len(r.refuses))} of {thousands(r.rights)}" if r.rights else "-"
    return (r.name, thousands(r.killed), thousands(r.asked), percent(r.killed, r.asked), refused)


def verdict(test: SelfTest) -> str:
    """The last line, in words."""
    if test.exit_code == 5:
        return "NOTHING: no mutant and no right implementation was asked for."
    score = f"{thousands(test.killed)} of {thousands(test.asked)} mutants killed ({percent(test.killed, test.asked)})"
    parts = [score] if test.asked else []
    if test.rights:
        parts.append(f"{thousands(len(test.failed))} of {thousands(len(test.rights))} right implementations blamed")
    ran = [m for m in asked_machinery(test) if not m.not_run]
    if ran:
        failed = sum(bool(m.misses) for m in ran)
        parts.append(f"{thousands(len(ran) - failed)} of {thousands(len(ran))} checks of its own machinery held")
    word = {0: "PASSED", 1: "FAILED", 3: "UNDECIDED"}[test.exit_code]
    return f"{word}: {'; '.join(parts)}. {_why(test)}".rstrip()


def _why(test: SelfTest) -> str:
    why = [plural(n, noun, nouns) for n, noun, nouns in (
        (len(test.with_fate(Fate.LIVED)), "mutant lived", "mutants lived"),
        (len(test.with_fate(Fate.UNDECIDED)), "mutant is undecided", "mutants are undecided"),
        (len(test.misdeclared), "equivalent was found", "equivalents were found"),
        (len(test.failed), "right one was blamed", "right ones were blamed"),
        (sum(bool(r.undecided) for r in test.rights), "right one is undecided", "right ones are undecided"),
        (len(test.misses), "fault of the machinery", "faults of the machinery"),
    ) if n]  # fmt: skip
    return f"{listed(why)[:1].upper()}{listed(why)[1:]}." if why else ""


def took(test: SelfTest) -> str:
    return f"took {seconds(test.seconds)} on {plural(test.jobs, 'process', 'processes')}"


def killed(m: Mutant) -> str:
    """One line of ``--all``."""
    by = f" by {', '.join(m.checks)}; smallest {m.smallest}" if m.checks else ""
    return f"{m.fate} {m.kind} {m.id} {m.dtype} {m.level}{by}"


def passed(r: Right) -> str:
    return f"{'passed' if r.passed else 'blamed'} {r.kind} {r.id} {', '.join(r.dtypes)} {r.level}"


def blocks(test: SelfTest) -> list[list[tuple[str, str]]]:
    """Everything that went wrong, a block each."""
    return [
        *map(survivor, survivors(test)), *map(misdeclared, test.misdeclared), *map(blame, blamed(test)),
        *([("", f"FAULT: {m.name}: {text}")] for m in test.machinery for text in m.misses),
    ]  # fmt: skip
