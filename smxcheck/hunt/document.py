"""A hunt as JSON, ``smxcheck-hunt/1``, and back. Infinities are the strings of `smxcheck.report.as_json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from smxcheck.hunt.model import Entry, Hunt, Settings, Worst
from smxcheck.report.as_json import plain

SCHEMA = "smxcheck-hunt/1"

Data = Mapping[str, Any]


def render(hunt: Hunt) -> str:
    """The whole hunt as JSON text, one entry a line."""
    head = {"schema": SCHEMA, **plain(asdict(hunt))}
    entries = ",\n".join(json.dumps(e, allow_nan=False, ensure_ascii=False) for e in head.pop("entries"))
    fields = [
        f"{json.dumps(k)}: {json.dumps(v, allow_nan=False, ensure_ascii=False)}" for k, v in head.items()
    ]
    return "{\n" + ",\n".join([*fields, f'"entries": [\n{entries}\n]']) + "\n}\n"


def load(text: str) -> Hunt:
    """The hunt that `render` wrote. Raises ValueError for anything else."""
    data = json.loads(text)
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ValueError(
            f"not a document of schema {SCHEMA}: write one with smxcheck hunt --report FILE.json"
        )
    try:
        fields: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in data["settings"].items()
        }
        entries = tuple(map(_entry, data["entries"]))
        return Hunt(Settings(**fields), data["machine"], data["versions"], entries, float(data["seconds"]))
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not a whole document of schema {SCHEMA}: {error}") from error


def _entry(data: Data) -> Entry:
    worst = {category: _worst(found) for category, found in data["worst"].items()}
    ceiling = {category: float(bound) for category, bound in data["ceiling"].items()}
    example = _worst(data["example"]) if data["example"] else None
    changed = {"worst": worst, "ceiling": ceiling, "example": example, "shards": tuple(data["shards"])}
    return Entry(**{**data, **changed})


def _worst(data: Data) -> Worst:
    inputs = {name: tuple(texts) for name, texts in data["inputs"].items()}
    return Worst(**{**data, "error": float(data["error"]), "inputs": inputs})
