"""A run of ``smxcheck bench`` as JSON, ``smxcheck-speed/1``, and back.

Every time of every round is in it. Figures that follow from the times (median, quartiles, nanoseconds for an element)
stand beside them for readers, and are not read back. Infinities are the strings of `smxcheck.report.as_json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from smxcheck.benchmark.suites.model import (
    Accuracy,
    Comparison,
    Goal,
    Interval,
    Mean,
    Outcome,
    Ratio,
    Settings,
    Speed,
    Timing,
)
from smxcheck.report.as_json import plain

SCHEMA = "smxcheck-speed/1"

Data = Mapping[str, Any]


def render(speed: Speed) -> str:
    """The whole run as JSON text, one field of the run a line."""
    entries = [
        f"{json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in document(speed).items()
    ]
    return "{\n" + ",\n".join(entries) + "\n}\n"


def document(speed: Speed) -> dict[str, Any]:
    """The whole run as JSON values."""
    found: dict[str, Any] = {"schema": SCHEMA, **plain(asdict(speed))}
    for outcome, told in zip(speed.outcomes, found["outcomes"], strict=True):
        for comparison, group in zip(outcome.comparisons, told["comparisons"], strict=True):
            for timing, fields in zip(comparison.timings, group["timings"], strict=True):
                fields["median_seconds"] = timing.median
                fields["quartiles_seconds"] = list(timing.quartiles)
                fields["nanoseconds_per_element"] = timing.nanoseconds
    return found


def load(data: Data) -> Speed:
    """The run that a document tells of. Raises ValueError for another schema or a document with gaps."""
    if data.get("schema") != SCHEMA:
        raise ValueError(f"not a document of schema {SCHEMA}: write one with smxcheck bench --output FILE")
    try:
        outcomes = tuple(map(_outcome, data["outcomes"]))
        return Speed(settings(data["settings"]), data["machine"], outcomes, data["seconds"])
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not a whole document of schema {SCHEMA}: {error}") from error


def settings(data: Data) -> Settings:
    """Settings from their JSON values."""
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
    return Settings(**fields)


def _outcome(data: Data) -> Outcome:
    return Outcome(
        data["suite"], tuple(map(_comparison, data["comparisons"])), tuple(map(_mean, data["means"])),
        tuple(map(_goal, data["goals"])), dict(data["figures"]), tuple(data["notes"]),
    )  # fmt: skip


def _comparison(data: Data) -> Comparison:
    ratios = tuple(Ratio(r["fast"], r["slow"], Interval(**r["times"])) for r in data["ratios"])
    timings = tuple(map(_timing, data["timings"]))
    return Comparison(data["function"], data["dtype"], data["workload"], data["n"], timings, ratios)


def _timing(data: Data) -> Timing:
    told = data["accuracy"]
    accuracy = Accuracy(float(told["worst"]), told["unit"], told["level"]) if told else None
    return Timing(data["name"], data["elements"], data["loops"], tuple(data["seconds"]), accuracy)


def _mean(data: Data) -> Mean:
    return Mean(**{**data, "times": Interval(**data["times"])})


def _goal(data: Data) -> Goal:
    measured = Interval(**data["measured"]) if data["measured"] else None
    return Goal(data["text"], measured, data["unit"], data["reached"], data["detail"])
