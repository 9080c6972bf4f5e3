"""A comparison as JSON, ``smxcheck-compare/1`` (``schema.json`` beside this file).

``counts`` has every kind and adds up to the results that both reports have; ``changes`` lists all of them but those that are
as before (kinds same-bits and as-before). Non-finite numbers are strings, as in `smxcheck.report.as_json`.
"""

from __future__ import annotations

import json
from typing import Any

from smxcheck.changes import words
from smxcheck.changes.model import Changes, Kind, Pair, fails
from smxcheck.judge.result import Result
from smxcheck.report.as_json import plain
from smxcheck.version import __version__

SCHEMA = "smxcheck-compare/1"
_AS_BEFORE = (Kind.SAME_BITS, Kind.AS_BEFORE)
_OF_A_RESULT = ("status", "check", "level", "got", "got_hex", "message", "largest_error_ulp", "largest_allowed_ulp", "flushed", "digest")


def render(changes: Changes) -> str:
    """The comparison as JSON text, one change a line."""
    told = document(changes)
    listed = ",\n".join(json.dumps(one, allow_nan=False) for one in told.pop("changes"))
    entries = [f"{json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in told.items()]
    return "{\n" + ",\n".join([*entries, f'"changes": [\n{listed}\n]']) + "\n}\n"


def document(changes: Changes) -> dict[str, Any]:
    """The comparison as JSON values."""
    verdict = words.verdict(changes)
    told: dict[str, Any] = plain({
        "schema": SCHEMA,
        "smxcheck": __version__,
        "verdict": {"word": verdict.word, "sentences": verdict.sentences},
        "exit_code": changes.exit_code,
        "passed": changes.exit_code == 0,
        "fail_on": sorted(changes.fail_on),
        "caveats": words.doubts(changes),
        "same": changes.same,
        "differences": [{"about": one.about, "text": one.text} for one in changes.differences],
        "targets": [{"old": t.old, "new": t.new, "versions": t.versions, "by_hand": t.by_hand} for t in changes.targets],
        "unmatched": [{"side": side, "target": name} for side, name in changes.unmatched],
        "counts": {"results": len(changes.pairs), **changes.counts},
        "only_in": [{"side": one.side, "results": one.results, "cases": one.case_ids} for one in changes.lone],
        "other_inputs": changes.other_inputs,
        "changes": [_pair(pair, changes) for pair in changes.pairs if pair.kind not in _AS_BEFORE],
    })  # fmt: skip
    return told


def _pair(pair: Pair, changes: Changes) -> dict[str, Any]:
    new = pair.new
    return {
        "kind": pair.kind, "bits": pair.bits, "fails": fails(pair, changes.fail_on), "known": pair.accepted,
        "target": new.target, "function": new.function, "dtype": new.dtype, "case": new.case, "group": new.group,
        "input": new.input, "right": new.right or pair.old.right, "less_accurate": pair.less_accurate, "growth": pair.growth,
        "newly_flushed": pair.flushed, "choices": [{"choice": c, "old": was, "new": now} for c, was, now in pair.choices],
        "old": _result(pair.old), "new": _result(new),
    }  # fmt: skip


def _result(result: Result) -> dict[str, Any]:
    return {name: getattr(result, name) for name in _OF_A_RESULT}
