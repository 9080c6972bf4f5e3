"""What could make a verdict worth less, in sentences: it stands before the verdict in every format."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from smxcheck.judge.result import Report, Result, Status
from smxcheck.report.exactness import wrong_enclosures
from smxcheck.report.fuzzed import fuzzed_caveats
from smxcheck.report.numbers import plural
from smxcheck.report.published import published_misses
from smxcheck.report.sentences import not_caught
from smxcheck.report.summary import judged_results, judged_targets, known_problems

#: More names than this are only counted.
_MOST_NAMES = 4


def caveats(report: Report) -> list[str]:
    """What could make the verdict worth less, in sentences; the choices are apart."""
    sentences = [*wrong_enclosures(report), *published_misses(report), *report.notices]
    if report.interrupted:
        sentences.append("Interrupted: the cases that were left are not in this report.")
    if report.environment.get("flush_to_zero") is True:
        sentences.append(
            "The processor flushes subnormal numbers to zero in this process: figures about tails are off."
        )
    results = judged_results(report)
    for target in judged_targets(report):
        sentences += [f"Not checked: {text}" for text in target.not_tested]
    sentences += fuzzed_caveats(report)
    sentences += _status_sentences(results)
    sentences += _flushed_sentences(results)
    sentences += _blind_sentences(results)
    if problems := known_problems(report):
        reasons = "; ".join(sorted({p.known for p in problems}))
        sentences.append(f"Accepted by --known: {plural(len(problems), 'problem')} ({reasons}).")
    return sentences + not_caught(report)


def choices(report: Report) -> list[str]:
    """What each target does where no limit exists, equal answers together; never wrong by itself."""
    questions: dict[tuple[str, str], list[str]] = defaultdict(list)
    for target in (*judged_targets(report), *(t for t in report.targets if t.beside)):
        for question, answer in target.choices.items():
            questions[target.name, answer].append(question)
    targets: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (name, answer), asked in questions.items():
        targets[answer, tuple(asked)].append(name)
    return [
        f"No single right answer: {'; '.join(asked)}. {_some(names, 'target')} gives {answer}."
        for (answer, asked), names in targets.items()
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
            reasons = [text for text, _ in Counter(r.message for r in met if r.message).most_common()]
            why = f" ({'; '.join(_first_of(reasons))})" if reasons else ""
            sentences.append(f"{plural(len(met), 'result')} {words}: {_places(met, results)}{why}.")
    return sentences + _cannot_tell_sentence(results)


def _first_of(reasons: list[str]) -> list[str]:
    """The commonest reason, and how many others there are."""
    return [reasons[0], *([plural(len(reasons) - 1, "other reason")] if reasons[1:] else [])]


def _cannot_tell_sentence(results: tuple[Result, ...]) -> list[str]:
    """How many results prove nothing, by what else their bound admits."""
    blind = [r for r in results if r.status is Status.CANNOT_TELL or r.cannot_tell]
    if not blind:
        return []
    admitted = Counter(r.cannot_tell or "a wrong answer" for r in blind).most_common()
    wrong = ", ".join(f"{what} ({number:,})" for what, number in admitted)
    sentence = (
        f"{plural(len(blind), 'result')} cannot tell right from wrong, since the bound there also admits"
        f" {wrong}: {_places(blind, results)}; --all lists them."
    )
    return [sentence]


def _flushed_sentences(results: tuple[Result, ...]) -> list[str]:
    flushed = [r for r in results if r.flushed]
    if not flushed:
        return []
    number = plural(sum(r.flushed for r in flushed), "element")
    return [f"{number} flushed to zero, and not in the figures in ulp: {_places(flushed, results)}."]


def _blind_sentences(results: tuple[Result, ...]) -> list[str]:
    blind = [r for r in results if r.blind]
    if not blind:
        return []
    number = plural(sum(r.blind for r in blind), "element")
    why = "right without a digit to show for it (the bound admits 0 there), and not in the figures in ulp"
    return [f"{number} {why}: {_places(blind, results)}."]


def _places(met: Iterable[Result], results: Iterable[Result]) -> str:
    """``softmax, logsumexp, float32``: where some of all ``results`` lie, as far as it is not everywhere."""
    met, results = list(met), list(results)
    parts = []
    for name, noun in (("target", "target"), ("function", "function"), ("dtype", "dtype")):
        here = list(dict.fromkeys(str(getattr(r, name)) for r in met))
        if name == "function" or len(here) < len({getattr(r, name) for r in results}):
            parts.append(_some(here, noun))
    return ", ".join(parts)


def _some(names: list[str], noun: str) -> str:
    """A few names, or how many there are."""
    return ", ".join(names) if len(names) <= _MOST_NAMES else plural(len(names), noun)
