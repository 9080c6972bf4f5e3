"""What is not the same in two reports beside the results: one line each, and what is the same and might not be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from smxcheck.changes.model import About, Difference
from smxcheck.judge.result import Report, TargetReport

#: Facts of the environment, what they are called, and what they are about. The others are VERSION.
_FACTS: dict[str, tuple[str, About]] = {
    "cpu": ("CPU", About.CPU),
    "machine": ("architecture", About.CPU),
    "numpy_simd": ("CPU path of NumPy", About.CPU),
    "flush_to_zero": ("flush-to-zero", About.CPU),
    "cpus": ("CPUs", About.CPU),
    "case_set": ("case set", About.CASES),
    "judge": ("judge", About.JUDGE),
    "mpmath_backend": ("arithmetic under mpmath", About.OTHER),
    "platform": ("platform", About.OTHER),
    "python": ("Python", About.VERSION),
}
#: Of the oracle, not of what is judged.
_OWN_VARIABLES = frozenset({"SMXCHECK_ORACLE"})
#: What a note of a target tells of the code that a library picks: the word that is in it, and what the line calls it.
_PATH = {"CPU path": "CPU path", "thread": "threads"}


def differences(old: Report, new: Report, targets: Iterable[tuple[TargetReport, TargetReport, bool]]) -> tuple[Difference, ...]:
    """Every difference, what can move bits by itself first."""
    found = [*_environment(old.environment, new.environment), *_asked(old, new)]
    for before, after, _ in targets:
        found += _of_target(before, after)
    order = list(About)
    return tuple(sorted(dict.fromkeys(found), key=lambda one: order.index(one.about)))


def same(old: Report, new: Report, told: Iterable[Difference]) -> tuple[str, ...]:
    """What a reader wants to know is the same: the CPU and its path, the case set, the judge."""
    about = {one.about for one in told}
    found = []
    for key, words, subject in (("case_set", "case set", About.CASES), ("judge", "judge", About.JUDGE)):
        if subject not in about and key in old.environment and key in new.environment:
            found.append(f"{words} {new.environment[key]}")
    if About.CPU not in about and old.environment.get("cpu") and new.environment.get("cpu"):
        found.append("CPU path, threads")
    return tuple(found)


def versions(old: TargetReport, new: TargetReport) -> tuple[str, ...]:
    """``torch 2.12.0 -> 2.13.0`` for every library of a target."""
    names = dict.fromkeys((*old.versions, *new.versions))
    return tuple(
        f"{name} {was}" if was == now else f"{name} {was} -> {now}"
        for name in names
        for was, now in [(old.versions.get(name, "none"), new.versions.get(name, "none"))]
    )


def _environment(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for key in dict.fromkeys((*old, *new)):
        was, now = old.get(key), new.get(key)
        if was == now:
            continue
        if key == "variables" and isinstance(was or {}, Mapping) and isinstance(now or {}, Mapping):
            yield from _variables(was or {}, now or {})
            continue
        words, about = _FACTS.get(key, (key, About.VERSION))
        yield _difference(about, words, was, now)


def _variables(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    """Variables that change which kernels a library picks, or with how many threads."""
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            about = About.OTHER if name in _OWN_VARIABLES else About.CPU
            yield _difference(about, name, old.get(name, "not set"), new.get(name, "not set"))


def _asked(old: Report, new: Report) -> Iterator[Difference]:
    """What was asked of the results, and of which cases."""
    facts = (
        ("--require", old.require.value, new.require.value, About.JUDGE),
        ("--max-ulp", old.max_ulp, new.max_ulp, About.JUDGE),
        ("--cases", old.tier, new.tier, About.CASES),
        ("dtypes", old.dtypes, new.dtypes, About.CASES),
        ("shard", old.shard or "the whole", new.shard or "the whole", About.CASES),
        ("interrupted", old.interrupted, new.interrupted, About.CASES),
    )
    for words, was, now, about in facts:
        if was != now:
            yield _difference(about, words, was, now)


def _of_target(old: TargetReport, new: TargetReport) -> Iterator[Difference]:
    for line in versions(old, new):
        if " -> " in line:
            yield Difference(About.VERSION, line)
    if old.arrays != new.arrays:
        yield _difference(About.OTHER, f"{new.name}: arrays", old.arrays, new.arrays)
    if old.sha256 and new.sha256 and old.sha256 != new.sha256:
        yield Difference(About.OTHER, f"{new.name}: the file has changed")
    for word, called in _PATH.items():
        was, now = _parts(old, word), _parts(new, word)
        if was != now:
            yield _difference(About.CPU, f"{new.name}: {called}", was, now)


def _parts(target: TargetReport, word: str) -> str:
    """The parts of a target's notes with a word in them, without its name and the word: ``AVX2``."""
    found = [part.rpartition(": ")[2].strip() for note in target.notes for part in note.split(",") if word in part]
    return ", ".join(part.removeprefix(word).strip() for part in found)


def _difference(about: About, words: str, old: object, new: object) -> Difference:
    return Difference(about, f"{words}{'' if about is About.VERSION else ':'} {_told(old)} -> {_told(new)}")


def _told(value: object) -> str:
    """A value in a line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "none"
    return "not told" if value is None or value == "" else str(value)
