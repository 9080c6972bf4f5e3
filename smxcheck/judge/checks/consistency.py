"""SMX501, SMX502: a choice must be one choice: over row lengths, dtypes and batches, and the declared one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from smxcheck.judge.choices import CHOICES
from smxcheck.judge.result import Result, Status

INCONSISTENT, UNEXPECTED = "SMX501", "SMX502"


def observed(results: Iterable[Result]) -> dict[tuple[str, str], Counter[str]]:
    """(function, choice) -> how often each answer was seen."""
    seen: dict[tuple[str, str], Counter[str]] = {}
    for r in results:
        for name, answer in r.choice.items():
            seen.setdefault((r.function, name), Counter())[answer] += 1
    return seen


def settle(results: list[Result], expectations: Mapping[str, str]) -> list[Result]:
    """Results of one target, with those made wrong whose choice departs from the declared or the usual answer.

    ``expectations`` maps a choice to the declared answer; without one, the answer seen most often is the target's own
    convention, and an answer outside the known ones is no convention at all.
    """
    seen = observed(results)

    def judged(r: Result) -> Result:
        if r.status is Status.WRONG:
            return r
        for name, answer in r.choice.items():
            question = CHOICES[name].question
            declared = expectations.get(name)
            if declared is not None and answer != declared:
                return replace(r, status=Status.WRONG, check=UNEXPECTED,
                               message=f"{question}: gives {answer}, --expect declares {declared}")  # fmt: skip
            if declared is None and not CHOICES[name].one_convention:
                continue
            usual = seen[(r.function, name)].most_common(1)[0][0]
            if declared is None and (answer == "other" or answer != usual):
                return replace(r, status=Status.WRONG, check=INCONSISTENT,
                               message=f"{question}: gives {_spoken(answer)} here and {_spoken(usual)} elsewhere"
                               if answer != usual else f"{question}: gives none of the known conventions")  # fmt: skip
        return r

    return [judged(r) for r in results]


def _spoken(answer: str) -> str:
    return "something else" if answer == "other" else answer
