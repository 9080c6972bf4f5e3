"""``--shard I/N``: one part of a run. Which cases it puts, and what it hands on so that the whole can be settled.

A case is in the part that SHA-256 of its id without the dtype names: the same on every machine and in every version, the
dtypes of a case side by side, no case in two parts, every case in one. Refusals, choices, properties and problems are
judged across cases; a part judges its own and hands on what was seen, for `smxcheck.run.merge` to judge it all again.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from smxcheck.caseset.model import Case
from smxcheck.judge import behaves
from smxcheck.judge.agreement import Sample
from smxcheck.judge.call import Demand
from smxcheck.judge.choices import parse_expectations
from smxcheck.judge.problems import BAD
from smxcheck.judge.result import Broken, Level, Part, Result, Seen, Traits
from smxcheck.run.applicable import Lacking, Unoffered
from smxcheck.run.known import Known
from smxcheck.run.options import RunOptions
from smxcheck.run.settle import GROUP

_TEXTS = ("reason", "target", "function", "dtype", "check", "link", "where")
#: More parts than this are no CI jobs.
MOST = 1_000


def parse(text: str) -> tuple[int, int]:
    """``2/3`` is (2, 3). Raises ValueError with the remedy."""
    match = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", text.strip())
    i, n = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= i <= n <= MOST:
        raise ValueError(f"--shard {text}: write I/N with I from 1 to N, and N at most {MOST:,}, as in 2/3")
    return i, n


def part_of(case: str, n: int) -> int:
    """The part, from 1 to ``n``, that a case belongs to, by its id."""
    digest = hashlib.sha256(case.rpartition("/")[0].encode()).digest()
    return int.from_bytes(digest[:8]) % n + 1


def mine(cases: Sequence[Case], shard: tuple[int, int] | None) -> list[Case]:
    """The cases of a part, in their order; of a whole run all."""
    return [c for c in cases if shard is None or part_of(c.id, shard[1]) == shard[0]]


def seen(
    target: str, function: str, raw: Sequence[Result], results: Sequence[Result], cases: Mapping[str, Case],
    classes: Mapping[str, frozenset[str]], calls: Mapping[str, int], first: Mapping[str, str],
    broken: Mapping[tuple[str, str], Broken], samples: Mapping[str, Sample],
) -> Seen:  # fmt: skip
    """What a part hands on of a function: ``results`` are ``raw`` once the part settled them for itself.

    The places are not known here; `part` fills them in.
    """
    bad = {r.case for r in (*raw, *results) if r.status in BAD and r.case in cases}
    open_ = bad | {r.case for r in raw if r.choice and r.case in cases} | {b.case for b in broken.values()}
    looked = [name for name in dict.fromkeys(r.case for r in raw) if name in bad and name in samples]
    right = [s for name, s in samples.items() if name not in bad and (s.values is not None or s.question.expected.must_raise)]
    wrong = [samples[name] for name in looked[: behaves.MOST_WRONG]]
    return Seen(
        target, function, (), {i: a for i, (a, b) in enumerate(zip(raw, results, strict=True)) if a != b},
        {name: tuple(sorted(of)) for name, of in classes.items() if of}, dict(first), dict(calls),
        tuple(broken.values()),
        {name: _traits(cases[name]) for name in dict.fromkeys(r.case for r in raw) if name in open_},
        tuple(looked[: behaves.MOST_WRONG]), tuple(s.weight for s in wrong),
        tuple(behaves.likened(function, wrong, behaves.spread(right))),
    )  # fmt: skip


def _traits(case: Case) -> Traits:
    return Traits(case.elements, case.layout, case.acceptance, case.bugs)


def part(
    options: RunOptions, whole: Sequence[Case], found: Sequence[tuple[Sequence[Result], Sequence[Seen]]], again: str,
    accepted: Sequence[Known], lacking: Mapping[str, Sequence[Lacking | Unoffered]],
) -> Part:  # fmt: skip
    """What a run of a part hands on: ``found`` are the results and the seen of each unit, ``whole`` the cases of all parts,
    ``lacking`` what each target could not be asked."""
    places = {case.id: i for i, case in enumerate(whole)}
    handed = tuple(_placed(one, results, places) for results, of_unit in found for one in of_unit)
    gaps = {target: tuple(dict.fromkeys(map(_gap, entries))) for target, entries in lacking.items() if entries}
    return Part(len(whole), asked(options, accepted), again, handed, gaps)


def _gap(entry: Lacking | Unoffered) -> tuple[str, ...]:
    if isinstance(entry, Lacking):
        return ("keyword", entry.function, entry.keyword, entry.value)
    return ("needs", entry.function, entry.check, *entry.needs)


def lacking_in(gaps: Sequence[Sequence[str]]) -> list[Lacking | Unoffered]:
    """What a target could not be asked, read back. Raises ValueError for what no run wrote."""
    found: list[Lacking | Unoffered] = []
    for kind, *rest in gaps:
        if len(rest) < 3 or kind not in ("keyword", "needs"):
            raise ValueError("report.part.gaps is not understood")
        found.append(Lacking(*rest[:3]) if kind == "keyword" else Unoffered(rest[0], rest[1], tuple(rest[2:])))
    return found


def _placed(one: Seen, results: Sequence[Result], places: Mapping[str, int]) -> Seen:
    """With the numbers of the cases; what was drawn has none, and comes last."""
    ids = [r.case for r in results if r.target == one.target and r.group != GROUP]
    return replace(
        one,
        places=tuple(places.get(name, len(places)) for name in ids),
        broken=tuple(replace(b, place=places.get(b.case, len(places))) for b in one.broken),
    )


def asked(options: RunOptions, accepted: Sequence[Known]) -> dict[str, Any]:
    """What must be the same in all parts, in values of JSON: what was selected, demanded, declared and accepted."""
    demand, worker = options.demand, options.worker
    return {
        "targets": list(options.targets), "beside": options.beside or "", "functions": list(options.functions or ()),
        "dtypes": list(options.dtypes), "cases": options.tier, "-k": options.text or "", "case": list(options.ids or ()),
        "inputs": options.inputs or "", "require": demand.require.value, "max-ulp": demand.max_ulp,
        "expect": dict(demand.expectations), "allow": sorted(demand.allow), "only": options.only,
        "arrays": worker.get("arrays", "auto"), "device": worker.get("device", "cpu"),
        "fixed": {name: str(value) for name, value in worker.get("fixed", {}).items()},
        "gradient": list(options.gradients), "seed": options.seed, "exit-zero": options.exit_zero,
        "known": [_entry(entry) for entry in accepted],
    }  # fmt: skip


def _entry(known: Known) -> dict[str, Any]:
    """An accepted problem; of its file the name alone, since the folders of two machines need not have one name."""
    return {
        "reason": known.reason, "target": known.target, "function": known.function, "dtype": known.dtype,
        "check": known.check, "cases": sorted(known.cases), "until": str(known.until or ""), "link": known.link,
        "where": Path(known.where).name,
    }  # fmt: skip


def accepted_in(part: Part) -> tuple[Known, ...]:
    """The accepted problems of ``asked``, read back. Raises ValueError for what `asked` did not write."""
    try:
        return tuple(_known(entry) for entry in part.asked["known"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"report.part.asked.known is not understood: {error}") from error


def _known(entry: Mapping[str, Any]) -> Known:
    reason, target, function, dtype, check, link, where = (str(entry[key]) for key in _TEXTS)
    until = datetime.date.fromisoformat(entry["until"]) if entry["until"] else None
    return Known(reason, target, function, dtype, check, frozenset(map(str, entry["cases"])), until, link, where)


def demand_in(part: Part) -> Demand:
    """What is demanded, from ``asked``. Raises ValueError for what `asked` did not write."""
    asked = part.asked
    try:
        limit = None if asked["max-ulp"] is None else float(asked["max-ulp"])
        expect = parse_expectations(tuple(f"{name}={answer}" for name, answer in asked["expect"].items()))
        return Demand(Level(asked["require"]), limit, expect, frozenset(map(str, asked["allow"])))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"report.part.asked is not understood: {error}") from error
