"""A report as JSON, ``smxcheck-report/1`` (``schema.json`` beside this file), and back.

Non-finite numbers are the strings "inf", "-inf" and "nan". A float that matters stands twice: in decimal,
and in hex under the same key with ``_hex``. Lists have one element per line, so that two reports can be
compared by eye.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from smxcheck.judge.result import Part, Report, Result, Seen
from smxcheck.report.caveats import caveats
from smxcheck.report.decode import decoded
from smxcheck.report.formats import DEFAULT_OPTIONS, RenderOptions
from smxcheck.report.read import parsed
from smxcheck.report.sentences import row_verdict, verdict
from smxcheck.report.summary import Row, by_harm, check_code, status_counts, table
from smxcheck.version import CASE_SET_VERSION, JUDGE_VERSION, __version__

SCHEMA = "smxcheck-report/1"
_HEX = ("error_ulp", "allowed_ulp", "largest_error_ulp", "largest_allowed_ulp", "signed_sum")
_REPORT_FIELDS = (
    "require", "tier", "dtypes", "environment", "command", "seconds", "own", "max_ulp", "exit_zero", "interrupted",
    "notices", "beside",
)  # fmt: skip


def render(report: Report, *, options: RenderOptions = DEFAULT_OPTIONS) -> str:
    """The report as JSON text. ``options`` change nothing: the file always has everything."""
    entries = [f"{_dumps(key)}: {_value(value)}" for key, value in document(report).items()]
    return "{\n" + ",\n".join(entries) + "\n}\n"


def document(report: Report) -> dict[str, Any]:
    """The report as JSON values."""
    words = verdict(report)
    return {
        "schema": SCHEMA,
        "versions": {"smxcheck": __version__, "case_set": CASE_SET_VERSION, "judge": JUDGE_VERSION},
        "verdict": {"word": words.word, "sentences": list(words.sentences)},
        "exit_code": report.exit_code,
        "passed": report.passed,
        "caveats": caveats(report),
        **{name: plain(getattr(report, name)) for name in _REPORT_FIELDS},
        "oracle": plain(report.oracle),
        "recheck": plain(_fields(report.recheck)) if report.recheck else None,
        "published": plain(_fields(report.published)) if report.published else None,
        "fuzzed": [plain(_fields(f)) for f in report.fuzzed],
        "shard": report.shard,
        "part": _part(report.part) if report.part else None,
        "kept": plain(_fields(report.kept)) if report.kept else None,
        "counts": {"results": len(report.results), **plain(status_counts(report.results))},
        "targets": [plain(_fields(t)) for t in report.targets],
        "rows": [_row(row) for row in table(report)],
        "problems": [{**plain(_fields(p)), "code": check_code(p.check)} for p in by_harm(report.problems)],
        "results": [_result(r) for r in report.results],
    }


def load(text: str) -> Report:
    """The report that ``render`` wrote. Raises ValueError for another schema or a file that is no report."""
    return rebuilt(parsed(text))


def rebuilt(data: Any) -> Report:
    """The same from JSON values. A field that an earlier version did not write has its default."""
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ValueError(
            f"not a report of schema {SCHEMA}: write one with smxcheck verify --report FILE.json"
        )
    try:
        report = decoded(Report, data, "report", defaults=True)
    except ValueError as error:
        raise ValueError(f"not a whole report of schema {SCHEMA}: {error}") from None
    if fault := next(_faults(report), ""):
        raise ValueError(f"not a report of schema {SCHEMA}: {fault}")
    return report


def _faults(report: Report) -> Iterator[str]:
    """What the types of the fields do not say."""
    if not (0 <= report.seconds < math.inf):
        yield "report.seconds: a time that is none"
    names = [target.name for target in report.targets]
    if len(set(names)) < len(names):
        yield "report.targets: a target is there twice"
    if strange := {*(r.target for r in report.results), *(p.target for p in report.problems)} - set(names):
        yield f"report.results: of the target {min(strange)[:40]!a}, which is not among its targets"


def plain(value: Any) -> Any:
    """``value`` in the types of JSON; what JSON has no type for becomes its text."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()  # lone surrogates are no JSON (RFC 8259, 8.2)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(plain(k)): plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    return str(value)


def _fields(record: Any) -> dict[str, Any]:
    return {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}


def _result(result: Result) -> dict[str, Any]:
    """The fields of a result; the histogram as pairs [⌈8·log2(error)⌉ or null, number], smallest error
    first.
    """
    fields = _fields(result)
    bins = fields.pop("histogram")
    pairs = [[key, bins[key]] for key in sorted(bins, key=lambda k: -math.inf if k is None else k)]
    hexadecimal = {f"{name}_hex": fields[name].hex() for name in _HEX if _is_finite(fields[name])}
    return {**plain(fields), "code": check_code(result.check), "histogram": pairs, **hexadecimal}


def _part(part: Part) -> dict[str, Any]:
    """What a part of a run hands on. Records inside it are few: the walk over them need not be fast."""
    return {**plain({k: v for k, v in _fields(part).items() if k != "seen"}), "seen": [_seen(seen) for seen in part.seen]}


def _seen(seen: Seen) -> dict[str, Any]:
    return {
        **plain({name: getattr(seen, name) for name in ("target", "function", "places", "classes", "first", "calls")}),
        "looked": plain(seen.looked), "weights": plain(seen.weights),
        "before": [[i, _result(r)] for i, r in seen.before.items()],
        "broken": [plain(_fields(b)) for b in seen.broken],
        "traits": {plain(name): plain(_fields(traits)) for name, traits in seen.traits.items()},
        "likened": [plain(_fields(one)) for one in seen.likened],
    }  # fmt: skip


def _row(row: Row) -> dict[str, Any]:
    return {**plain(_fields(row)), "wrong": row.bad, "known": row.known, "verdict": row_verdict(row)}


def _is_finite(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _value(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(map(_dumps, value)) + "\n]"
    return _dumps(value)


def _dumps(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=True)
