"""What differs between two runs beside the times: what forbids to compare them, and what a reader must know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from smxcheck.benchmark.results import Run, TimedTarget

#: Facts of the machine without which times have nothing in common → how a sentence names them.
_MACHINE = {
    "cpu": "CPU",
    "machine": "architecture",
    "cpus": "number of CPUs",
    "numpy_simd": "NumPy's SIMD path",
    "threads": "threads",
    "device": "device",
}
#: Facts that differ from run to run and say nothing of what was measured.
_PASSING = frozenset({"load_average", "clock_resolution_seconds"})
#: Settings under which equal titles are still other calls → what they are called on the command line.
_CALLS = {"arrays": "--arrays", "fixed": "--fixed", "gradients": "--gradient"}


def unusable(old: Run, machine: Mapping[str, Any]) -> str:
    """Why times of this machine cannot be set against those of a run, one sentence with the remedy; "" where they can."""
    apart = list(_apart(_facts(old), machine))
    if not apart:
        return ""
    return f"the base was measured otherwise ({'; '.join(apart)}): measure a base here, smxcheck bench --save FILE.json"


def differences(old: Run, new: Run) -> list[str]:
    """Versions, system, calls, and the code of the users' files: one sentence each, the machine itself first."""
    before, after = _facts(old), _facts(new)
    found = [f"measured otherwise: {text}" for text in _apart(before, after)]
    keys = [k for k in dict.fromkeys((*before, *after)) if k not in _MACHINE and k not in _PASSING]
    found += [f"{key} was {_told(before.get(key))}, is {_told(after.get(key))}"
              for key in keys if before.get(key) != after.get(key)]  # fmt: skip
    for name, option in _CALLS.items():
        was, now = getattr(old.settings, name), getattr(new.settings, name)
        if was != now:
            found.append(f"{option} was {_told(was)}, is {_told(now)}")
    earlier = {target.name: target for target in old.targets}
    for target in new.targets:
        found += _of_target(earlier[target.name], target, {*before, *after}) if target.name in earlier else []
    return found


def _facts(run: Run) -> dict[str, Any]:
    return {"threads": run.settings.threads, "device": run.settings.device, **run.machine}


def _apart(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[str]:
    """Facts of the machine that both tell and that differ."""
    for key, words in _MACHINE.items():
        if key in old and key in new and old[key] != new[key]:
            yield f"{words} {_told(old[key])}, this is {_told(new[key])}"


def _of_target(old: TimedTarget, new: TimedTarget, told: set[str]) -> Iterable[str]:
    """``told`` are the versions that the machine's facts have said already."""
    for name in dict.fromkeys((*old.versions, *new.versions)):
        was, now = old.versions.get(name), new.versions.get(name)
        if was != now and name not in told:
            yield f"{new.name}: {name} was {_told(was)}, is {_told(now)}"
    if old.sha256 != new.sha256:
        yield f"{new.name}: the file has changed"
    if old.arrays != new.arrays:
        yield f"{new.name}: arrays were {_told(old.arrays)}, are {_told(new.arrays)}"


def _told(value: object) -> str:
    """A value in a sentence; mappings as ``a=1, b=2``."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={one}" for key, one in sorted(value.items())) or "nothing"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "nothing"
    return "not told" if value is None or value == "" else str(value)
