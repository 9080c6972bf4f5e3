"""A self-test as JSON, ``smxcheck-selftest/1`` (``schema.json`` beside this file)."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from smxcheck.report.as_json import plain
from smxcheck.report.escape import cleaned
from smxcheck.selftest import words
from smxcheck.selftest.results import SelfTest
from smxcheck.selftest.summary import by_check, by_group

SCHEMA = "smxcheck-selftest/1"
_LISTS = ("mutants", "rights", "rivals", "machinery")


def render(test: SelfTest) -> str:
    """The self-test as JSON text, one implementation a line."""
    return "{\n" + ",\n".join(f"{_dumps(key)}: {_value(value)}" for key, value in document(test).items()) + "\n}\n"


def document(test: SelfTest) -> dict[str, Any]:
    """The self-test as JSON values."""
    test = cleaned(test)
    fields = plain(asdict(test))
    return {
        "schema": SCHEMA,
        "verdict": words.verdict(test),
        "exit_code": test.exit_code,
        "score": {"mutants": test.asked, "killed": test.killed, "rights": len(test.rights), "blamed": len(test.failed)},
        **{key: value for key, value in fields.items() if key not in _LISTS},
        "groups": [plain(asdict(row)) for row in by_group(test)],
        "checks": [plain(asdict(row)) for row in by_check(test)],
        **{key: fields[key] for key in _LISTS},
    }


def _value(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(map(_dumps, value)) + "\n]"
    return _dumps(value)


def _dumps(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False)
