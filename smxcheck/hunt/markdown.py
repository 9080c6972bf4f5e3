"""A hunt as a page: one table that says it all, then where each figure comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from smxcheck.hunt import words
from smxcheck.hunt.model import (
    CANCELLING,
    DTYPES,
    FUNCTIONS,
    NORMAL,
    PAIRS,
    SEARCHED,
    SHARDS,
    SUBNORMAL,
    Entry,
    Hunt,
    Worst,
)
from smxcheck.report.as_markdown import text as escaped
from smxcheck.report.numbers import plural, seconds

#: Beside an error: some answers have not one right digit; the results come in another format.
MARKS = ("†", "‡")

HEAD = """\
# The largest error known of each function

**Error** is |result - exact| / ulp(exact): ulp(y) = 2^(e - p + 1) for 2^e ≤ |y| < 2^(e + 1) and precision p, that of the
format at the exact value, never the result's. Inputs are exact as they are stored. 0.5 is what rounding the exact value
may give.

- **`= 1.5`**: the largest error over every input of the format, NaN and infinities included: 2^16 inputs of a 16-bit
  format, 2^32 of float32. It is certified: the reference, in arbitrary precision with a proven bound, was asked for that
  input, and all others were proven to err by no more.
- **`≥ 63.1`**: the largest error that a search met, certified too. A lower bound: there may be worse inputs.
- **†** beside an error: some answers have not one right digit: 0, an infinity or nan where a number is right.
- **‡**: the result comes in another format than the input; the ulp is still that of the input's.
- **-**: the library does not have the function, or not for this format, or its calls failed (then said below).

The first table is of results whose exact value is a normal number and no small difference of larger terms; those below
the normal numbers, and those differences, have tables of their own."""


def render(hunt: Hunt, command: str) -> str:
    """The page. ``command`` repeats it."""
    return "\n".join(_lines(hunt, command)) + "\n"


def _lines(hunt: Hunt, command: str) -> Iterator[str]:
    yield HEAD
    yield ""
    yield from _summary(hunt, NORMAL)
    yield ""
    yield f"Made by `{command}` in {seconds(hunt.seconds)}, on:"
    yield ""
    yield from (f"- {escaped(line)}" for line in _machine(hunt))
    yield from _section(_EVERY_INPUT, [*_exhaustive(hunt), *_pairs_told(hunt)])
    yield from _section(_BELOW, _summary(hunt, SUBNORMAL))
    yield from _section(_DIFFERENCES, _summary(hunt, CANCELLING), _CANCELLING)
    yield from _section("Not one right digit", _wrong(hunt))
    yield from _section("Given up", (f"- {escaped(text)}" for text in words.reasons(hunt)))
    yield from _section("Inputs", _inputs(hunt), _REST)


_EVERY_INPUT = "Two classes, and functions of one number: every input"
_BELOW = "Exact values below the normal numbers, in units of the smallest subnormal"
_DIFFERENCES = "Answers that are small differences of larger terms"

_REST = (
    "Rows of more than three entries are in the JSON file, with every other figure. The call that was judged has the row as"
    " many times as `copies` says there."
)
_CANCELLING = (
    "An answer below a quarter of the terms that it is the sum of: logsumexp near 0, gradients in which terms cancel. Every"
    " algorithm in the working precision errs by about an ulp of the terms; in ulp of the answer that has no limit."
)


_PAIRS = (
    "*pairs*: of float16 all that are at most 17.5 apart; of bfloat16 all of 0 and the magnitudes from 2^-8 up to 128 that"
    " are at most 93 apart. Farther apart the lesser share is below half of the smallest number. smxcheck computes narrow"
    " formats in float64, where these differences are exact and all that a result depends on, so one pair stands for all"
    " with its difference."
)


def _section(title: str, lines: Iterable[str], above: str = "") -> Iterator[str]:
    """A heading, a paragraph and lines; nothing without lines."""
    content = list(lines)
    if content:
        yield from ("", f"## {title}", "", *([above, ""] if above else []), *content)


def _machine(hunt: Hunt) -> Iterator[str]:
    m = hunt.machine
    yield f"{m['cpu']}, NumPy's path {m['numpy_simd']}; Python {m['python']}, {m['platform']}"
    for target, versions in hunt.versions.items():
        yield f"{target}: " + ", ".join(f"{name} {version}" for name, version in versions.items())
    yield f"seed {hunt.settings.seed}, {hunt.settings.seconds:g} s of search for each target, function and format"


def _summary(hunt: Hunt, category: str) -> list[str]:
    rows = words.rows(hunt, category, MARKS)
    return list(_table(("function", "dtype", *hunt.settings.targets), rows)) if rows else []


def _exhaustive(hunt: Hunt) -> Iterator[str]:
    found = [e for e in hunt.entries if e.domain != SEARCHED and e.elements]
    keys = sorted({(FUNCTIONS.index(e.function), DTYPES.index(e.dtype), e.domain) for e in found})
    if not keys:
        return
    rows = []
    for place, order, domain in keys:
        some = {e.target: e for e in found if e.key[:3] == (FUNCTIONS[place], DTYPES[order], domain)}
        cells = [_through(some.get(target)) for target in hunt.settings.targets]
        rows.append(
            (
                FUNCTIONS[place],
                domain,
                DTYPES[order],
                plural(max(e.inputs for e in some.values()), "input"),
                *cells,
            )
        )
    yield from _table(("function", "of", "dtype", "inputs", *hunt.settings.targets), rows)


def _pairs_told(hunt: Hunt) -> Iterator[str]:
    if any(e.domain == PAIRS for e in hunt.entries):
        yield ""
        yield _PAIRS


def _through(entry: Entry | None) -> str:
    if entry is None:
        return "-"
    part = "" if entry.complete else f" ({len(entry.shards)} of {SHARDS} shards)"
    figure = words.proven(entry, NORMAL) if entry.complete else words.bound([entry], NORMAL)
    return figure + words.marked(bool(entry.wrong), bool(entry.returned), MARKS) + part


def _wrong(hunt: Hunt) -> Iterator[str]:
    rows = [
        (e.target, e.function, e.dtype, e.domain, f"{e.wrong:,} of {e.elements:,}", *_evidence(e.example))
        for e in hunt.entries
        if e.wrong
    ]
    if rows:
        yield from _table(
            ("target", "function", "dtype", "of", "results", "an input", "result", "exact"), rows
        )


def _inputs(hunt: Hunt) -> Iterator[str]:
    rows = [
        (
            e.target,
            e.function,
            e.dtype,
            e.domain,
            category,
            words.digits(w.error, words.PROVEN),
            *_evidence(w),
        )
        for e in hunt.entries
        for category, w in e.worst.items()
    ]
    if rows:
        yield from _table(
            ("target", "function", "dtype", "of", "exact value", "error", "input", "result", "exact"), rows
        )


def _evidence(worst: Worst | None) -> tuple[str, str, str]:
    if worst is None:
        return "right where the row stands alone in its call", "", ""
    parts = [
        f"{name} = {', '.join(map(short, texts))}"
        if len(texts) <= words.SHOWN
        else f"{name}: {len(texts)} entries"
        for name, texts in worst.inputs.items()
    ]
    place = (
        f"; element {worst.element}" if worst.element or len(next(iter(worst.inputs.values()))) > 1 else ""
    )
    return "; ".join(parts) + place, short(worst.got), short(worst.exact)


def short(number: str) -> str:
    """A hexadecimal number without the zeros that end its fraction."""
    mantissa, p, power = number.partition("p")
    return (mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa) + p + power


def _table(head: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    names = list(head)
    yield f"| {' | '.join(names)} |"
    yield f"|{'|'.join(' --- ' for _ in names)}|"
    yield from (f"| {' | '.join(map(escaped, row))} |" for row in rows)
