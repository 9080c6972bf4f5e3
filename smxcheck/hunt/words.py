"""The figures of a hunt in words, for every way to show them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from itertools import product

from smxcheck.hunt.model import ALL, DTYPES, FUNCTIONS, NORMAL, NUMBERS, Entry, Hunt, Worst, lacks
from smxcheck.report.escape import one_line
from smxcheck.report.numbers import decimal_text, listed, plural, seconds
from smxcheck.version import __version__

#: What stands behind a figure where answers have not one right digit, and where results come in another dtype.
Marks = tuple[str, str]

#: Digits of a maximum that is one, and of a lower bound.
PROVEN, FOUND = 9, 4
#: Rows of more entries are left to the JSON file.
SHOWN = 3
#: Functions with one result for a row.
ONE_RESULT = ("logsumexp", "cross_entropy", "softmax_entropy")
#: Significant digits that tell all numbers of a format apart: 1 + ⌈p·log10 2⌉ (IEEE 754-2019, 5.12.2).
_DIGITS = {"float16": 5, "bfloat16": 4, "float32": 9, "float64": 17}


def rows(hunt: Hunt, category: str, marks: Marks) -> list[tuple[str, ...]]:
    """Function, dtype, and the largest error of each target in a category; no row where it has none."""
    found = []
    for function, dtype in product(FUNCTIONS, DTYPES):
        entries = [e for e in hunt.entries if (e.function, e.dtype) == (function, dtype)]
        if any(category in e.worst or (category == NORMAL and e.wrong) for e in entries):
            cells = [
                _cell([e for e in entries if e.target == t], category, marks) for t in hunt.settings.targets
            ]
            found.append((function, dtype, *cells))
    return found


def _cell(entries: list[Entry], category: str, marks: Marks) -> str:
    """The figure of one target, from all that was gone through."""
    if not any(e.elements for e in entries):
        return "-"
    whole = next((e for e in entries if e.domain == ALL and e.complete), None)
    figure = proven(whole, category) if whole else bound(entries, category)
    wrong = category == NORMAL and any(e.wrong for e in entries)
    return figure + marked(wrong, any(e.returned for e in entries), marks)


def marked(wrong: bool, returned: bool, marks: Marks) -> str:
    """The marks that stand behind a figure."""
    return f" {marks[0]}" * wrong + f" {marks[1]}" * returned


def proven(entry: Entry, category: str) -> str:
    """``= 0.500000123`` where every input was gone through, or between what it lies."""
    if category not in entry.worst:
        return "-"
    error = entry.worst[category].error
    ceiling = entry.ceiling.get(category, 0.0)
    if _rounded(ceiling, PROVEN) <= _rounded(error, PROVEN):
        return f"= {digits(error, PROVEN)}"
    return f"≥ {digits(error, FOUND)}, ≤ {decimal_text(_rounded(ceiling, FOUND, ROUND_CEILING))}"


def bound(entries: Iterable[Entry], category: str) -> str:
    """``≥ 63.12``, the largest that was met."""
    errors = [e.worst[category].error for e in entries if category in e.worst]
    return f"≥ {digits(max(errors), FOUND)}" if errors else "-"


def digits(value: float, count: int) -> str:
    """``value`` to ``count`` significant digits, towards zero: never more than was found."""
    return decimal_text(_rounded(value, count))


def _rounded(value: float, count: int, rounding: str = ROUND_FLOOR) -> Decimal:
    return Context(prec=count, rounding=rounding).create_decimal(Decimal(value))


def machine(hunt: Hunt) -> str:
    """``smxcheck 0.1.0 | AMD EPYC, NumPy takes AVX2 | scipy: scipy 1.17.1, numpy 2.4.6``."""
    told = [f"smxcheck {__version__}", f"{hunt.machine['cpu']}, NumPy takes {hunt.machine['numpy_simd']}"]
    for target, versions in hunt.versions.items():
        told.append(f"{target}: {', '.join(f'{name} {version}' for name, version in versions.items())}")
    return one_line(" | ".join(told))


def reasons(hunt: Hunt) -> list[str]:
    """Why targets were not asked (further). That a target lacks functions is told where functions were asked for."""
    told = []
    for target in hunt.settings.targets:
        found = [e for e in hunt.entries if e.target == target and e.reason]
        lacking = dict.fromkeys(e.function for e in found if e.reason == lacks(e.function))
        if lacking and hunt.settings.functions != FUNCTIONS:
            told.append(f"{target} has no {listed(list(lacking))}.")
        told += [f"{target}: {e.function} {e.dtype} given up: {e.reason}."
                 for e in found if e.function not in lacking]  # fmt: skip
    return list(map(one_line, dict.fromkeys(told)))


def verdicts(hunt: Hunt) -> list[tuple[str, bool]]:
    """Where each target errs most, and its answers without a right digit: sentences, and whether they tell of the latter."""
    told = []
    for target in hunt.settings.targets:
        entries = [e for e in hunt.entries if e.target == target and e.elements]
        if not entries:
            told.append((f"{target}: nothing was judged.", False))
        if normal := [e for e in entries if NORMAL in e.worst]:
            told.append((f"{target}: {_errs_most(max(normal, key=lambda e: e.worst[NORMAL].error))}.", False))
        if wrong := [e for e in entries if e.wrong]:
            told.append((f"{target}: {_without_digit(wrong)}.", True))
    return [(one_line(text), wrong) for text, wrong in told]


def _errs_most(entry: Entry) -> str:
    whole = entry.domain == ALL and entry.complete
    figure = proven(entry, NORMAL) if whole else bound([entry], NORMAL)
    return f"{figure} ulp in {entry.function} {entry.dtype}: {evidence(entry, entry.worst[NORMAL])}"


def _without_digit(entries: list[Entry]) -> str:
    where = listed(list(dict.fromkeys(f"{e.function} {e.dtype}" for e in entries)))
    first = next((f": {evidence(e, e.example)}" for e in entries if e.example), "")
    return f"{plural(sum(e.wrong for e in entries), 'answer')} without one right digit, in {where}{first}"


def evidence(entry: Entry, worst: Worst) -> str:
    """``softmax([-29.25, -92.5])[1] is 3.1e-28, right is 3.2e-28``: decimals that the format reads back as they were."""
    rows = [_row(texts, entry.dtype) for texts in worst.inputs.values()]
    named = [f"{name}={row}" for name, row in zip(worst.inputs, rows, strict=True)]
    call = f"{entry.function}({', '.join(named if len(rows) > 1 else rows)})"
    place = f"[{worst.element}]" if entry.function not in (*NUMBERS, *ONE_RESULT) else ""
    got, exact = (decimal(number, entry.returned or entry.dtype) for number in (worst.got, worst.exact))
    return f"{call}{place} is {got}" + (", right to these digits" if got == exact else f", right is {exact}")


def _row(texts: tuple[str, ...], dtype: str) -> str:
    if len(texts) > SHOWN:
        return f"a row of {len(texts)}"
    numbers = [decimal(text, dtype) if "x" in text else text for text in texts]
    return numbers[0] if len(numbers) == 1 else f"[{', '.join(numbers)}]"


def decimal(number: str, dtype: str) -> str:
    """A C99 hexadecimal number in as many decimal digits as tell all numbers of the format apart."""
    return f"{float.fromhex(number):.{_DIGITS.get(dtype, 17)}g}"


def took(hunt: Hunt) -> str:
    return f"Hunted for {seconds(hunt.seconds)}."
