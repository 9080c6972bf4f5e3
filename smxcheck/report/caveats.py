"""What could make a verdict worth less, in sentences: it stands before the verdict in every format."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from smxcheck.judge.result import Report, Result, Status
from smxcheck.report.numbers import plural
from smxcheck.report.sentences import not_caught
from smxcheck.report.summary import judged_results, judged_targets, known_problems


def caveats(report: Report) -> list[str]:
    """What could make the verdict worth less, in sentences; the choices are apart."""
    sentences = list(report.notices)
    if report.interrupted:
        sentences.append("Interrupted: the cases that were left are not in this report.")
    if report.environment.get("flush_to_zero") is True:
        sentences.append(
            "The processor flushes subnormal numbers to zero in this process: figures about tails are off."
        )
    results = judged_results(report)
    for target in judged_targets(report):
        sentences += [f"Not checked: {text}" for text in target.not_tested]
    sentences += _status_sentences(results)
    sentences += _flushed_sentences(results)
    if problems := known_problems(report):
        reasons = "; ".join(sorted({p.known for p in problems}))
        sentences.append(f"Accepted by --known: {plural(len(problems), 'problem')} ({reasons}).")
    return sentences + not_caught(report)


def choices(report: Report) -> list[str]:
    """What each target does where no limit exists; never wrong by itself."""
    return [
        f"No single right answer: {choice}. {target.name} gives {observed}."
        for target in (*judged_targets(report), *(t for t in report.targets if t.beside))
        for choice, observed in target.choices.items()
    ]


def cannot_tell(report: Report) -> list[Result]:
    """The results whose bound would accept something that is wrong."""
    return [r for r in judged_results(report) if r.status is Status.CANNOT_TELL or r.cannot_tell]


def _status_sentences(results: tuple[Result, ...]) -> list[str]:
    """One sentence for each status that says nothing about the target, with the functions that it met."""
    wording = {
        Status.NOT_RUN: "not run",
        Status.UNDECIDED: "undecided: a fault of smxcheck, please report it",
        Status.DECLINED: "declined by the target",
    }
    sentences = []
    for status, words in wording.items():
        met = [r for r in results if r.status is status]
        if met:
            reasons = Counter(r.message for r in met if r.message).most_common(1)
            why = f" ({reasons[0][0]})" if reasons else ""
            sentences.append(f"{plural(len(met), 'result')} {words}: {_places(met)}{why}.")
    admits: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        if result.status is Status.CANNOT_TELL or result.cannot_tell:
            admits[result.cannot_tell or "a wrong answer"].append(result)
    sentences += [
        f"{plural(len(met), 'result')} cannot tell right from wrong (the bound admits {what} there):"
        f" {_places(met)}; --all lists them."
        for what, met in admits.items()
    ]
    return sentences


def _flushed_sentences(results: tuple[Result, ...]) -> list[str]:
    flushed = [r for r in results if r.flushed]
    if not flushed:
        return []
    number = plural(sum(r.flushed for r in flushed), "element")
    return [f"{number} flushed to zero, and not in the figures in ulp: {_places(flushed)}."]


def _places(results: Iterable[Result]) -> str:
    """``softmax float32, float64; logsumexp float32``, with targets where there are several."""
    results = list(results)
    several = len({r.target for r in results}) > 1
    dtypes: dict[str, list[str]] = defaultdict(list)
    for result in results:
        name = f"{result.target} {result.function}" if several else result.function
        if result.dtype not in dtypes[name]:
            dtypes[name].append(result.dtype)
    return "; ".join(f"{name} {', '.join(found)}" for name, found in dtypes.items())
