"""Every result on a line of CSV, for a spreadsheet or a data frame."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from smxcheck.judge.result import Report, Result
from smxcheck.report.escape import cleaned
from smxcheck.report.formats import DEFAULT_OPTIONS, RenderOptions
from smxcheck.report.summary import check_code, quantile

_FLOATS = ("error_ulp", "allowed_ulp", "largest_error_ulp", "largest_allowed_ulp", "signed_sum")
_COLUMNS = (
    "target", "function", "dtype", "case", "group", "code", "check", "status", "level", *_FLOATS,
    *(f"{name}_hex" for name in _FLOATS), "median_ulp", "p99_ulp", "elements", "flushed", "index", "input", "got", "right",
    "got_hex", "right_digits", "message", "largest_term", "choice", "cannot_tell", "known", "digest", "seconds",
)  # fmt: skip
# What a spreadsheet takes for a formula. A number may begin with a sign.
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(
    r"[+-]?(?:inf|nan|\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|0x[0-9a-f]+(?:\.[0-9a-f]*)?p[+-]?\d+)", re.IGNORECASE
)  # fmt: skip


def render(report: Report, *, options: RenderOptions = DEFAULT_OPTIONS) -> str:
    """The results as CSV (RFC 4180 quoting, lines end in a newline). ``options`` change nothing."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for result in cleaned(report.results):
        writer.writerow([cell(_text(result, column)) for column in _COLUMNS])
    return stream.getvalue()


def cell(text: str) -> str:
    """``text`` with an apostrophe in front where a spreadsheet would calculate it."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _text(result: Result, column: str) -> str:
    if column == "code":
        return check_code(result.check)
    if column == "median_ulp":
        return _plain(quantile(result.histogram, 0.5))
    if column == "p99_ulp":
        return _plain(quantile(result.histogram, 0.99))
    if column.endswith("_ulp_hex") or column == "signed_sum_hex":
        value = getattr(result, column.removesuffix("_hex"))
        return "" if value is None else float(value).hex()
    return _plain(getattr(result, column))


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    if isinstance(value, dict):
        return "; ".join(f"{key}={text}" for key, text in value.items())
    return str(value)
