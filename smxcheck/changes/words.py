"""A comparison in words: what every format says, said once."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator

from smxcheck.changes import groups
from smxcheck.changes.groups import Group
from smxcheck.changes.model import About, Bits, Changes, Kind, Lone, Matched, Pair
from smxcheck.judge.result import Status
from smxcheck.report.numbers import allowed, in_ulp, plural, rounded_down, thousands
from smxcheck.report.sentences import Verdict
from smxcheck.report.summary import find_check

CPU_WARNING = (
    "The CPU's path, its flushing, or the threads differ between the reports: bits that moved may be the CPU's doing, and"
    " not the target's."
)
CASES_WARNING = (
    "The case sets differ: an id is permanent, but what a case contains may change with the set. A case whose input reads"
    " otherwise is not compared."
)
JUDGE_WARNING = "What is demanded differs (judge, --require or --max-ulp): the same bits may be judged otherwise."
DEFINITION = (
    "less accurate = right in both, but the largest error grew by more than 1 ulp and to more than twice, or more elements"
    " are flushed to zero"
)
_ABOUT = {About.CPU: CPU_WARNING, About.CASES: CASES_WARNING, About.JUDGE: JUDGE_WARNING}
#: How a block begins.
HEADINGS = {
    Kind.NEWLY_WRONG: "NEWLY WRONG",
    Kind.WRONG_NOW: "WRONG, NOT ANSWERED BEFORE",
    Kind.NO_LONGER_RUN: "NO LONGER RUN",
    Kind.NO_LONGER_DECIDED: "UNDECIDED NOW",
}
#: Rows of the table: words and kinds. The first five always stand there, the others where there is something.
ROWS: tuple[tuple[str, tuple[Kind, ...]], ...] = (
    ("same bits", (Kind.SAME_BITS,)),
    ("bits moved", (Kind.MOVED, Kind.LESS_ACCURATE, Kind.MOVED_UNMEASURED)),
    ("newly wrong", (Kind.NEWLY_WRONG,)),
    ("newly right", (Kind.NEWLY_RIGHT,)),
    ("choices changed", (Kind.CHOICE_CHANGED,)),
    ("wrong, not answered before", (Kind.WRONG_NOW,)),
    ("no longer run", (Kind.NO_LONGER_RUN,)),
    ("undecided now", (Kind.NO_LONGER_DECIDED,)),
    ("newly declined", (Kind.NEWLY_DECLINED,)),
    ("newly answered", (Kind.NEWLY_ANSWERED,)),
    ("bits unknown", (Kind.BITS_UNKNOWN,)),
    ("right as before", (Kind.AS_BEFORE,)),
    ("wrong as before", (Kind.STILL_WRONG,)),
    ("not answered", (Kind.NOT_ANSWERED,)),
)
ALWAYS_SHOWN = 5
_FACTOR_CAP = 1e6
_MOST_NAMES = 6


def head(target: Matched) -> str:
    """``torch 2.12.0 -> 2.13.0``; names and how they were paired where they differ."""
    told = ", ".join(target.versions)
    if target.old == target.new:
        return told if told.startswith(f"{target.new} ") else f"{target.new}: {told}" if told else target.new
    how = "paired by --map" if target.by_hand else "the only target of each report"
    return f"{target.old} -> {target.new} ({how}){': ' if told else ''}{told}"


def sameness(changes: Changes) -> str:
    return f"the same in both: {', '.join(changes.same)}" if changes.same else ""


def differences(changes: Changes) -> list[str]:
    """One line each, without what the heads say."""
    heads = {line for target in changes.targets for line in target.versions}
    return [one.text for one in changes.differences if one.text not in heads]


def table(changes: Changes) -> list[tuple[str, int, str]]:
    """Words, number, remark. The numbers add up to the results that both reports have."""
    counts = changes.counts
    rows = [(words, sum(counts[kind] for kind in kinds), _remark(words, changes)) for words, kinds in ROWS]
    return [row for place, row in enumerate(rows) if row[1] or place < ALWAYS_SHOWN]


def _remark(words: str, changes: Changes) -> str:
    count = changes.counts
    if words == "bits moved":
        return _moved(changes)
    if words == "choices changed":
        elsewhere = sum(bool(p.choices) for p in changes.pairs) - count[Kind.CHOICE_CHANGED]
        return f"and {thousands(elsewhere)} among the less accurate" if elsewhere else ""
    if words in ("newly wrong", "wrong, not answered before", "no longer run"):
        kinds = dict(ROWS)[words]
        known = sum(bool(p.accepted) for p in changes.pairs if p.kind in kinds)
        return f"accepted by --known: {thousands(known)}" if known else ""
    if words == "wrong as before":
        mine = [p.bits for p in changes.pairs if p.kind is Kind.STILL_WRONG]
        told = ((Bits.SAME, "same bits"), (Bits.MOVED, "bits moved"), (Bits.UNKNOWN, "bits unknown"))
        return ", ".join(f"{text}: {thousands(mine.count(bits))}" for bits, text in told if bits in mine)
    return {
        "bits unknown": "a report has no digest of the output",
        "right as before": "by status alone: properties, identities, drift of long rows, refusals",
        "not answered": "declined, not run or undecided, and not right before",
    }.get(words, "")


def _moved(changes: Changes) -> str:
    count = changes.counts
    parts = []
    if count[Kind.MOVED]:
        parts.append(f"no less accurate: {thousands(count[Kind.MOVED])}")
    if count[Kind.LESS_ACCURATE]:
        worst = groups.worst_growth(p for p in changes.pairs if p.less_accurate)
        worst_text = f" (worst {factor(worst)})" if worst is not None else ""
        parts.append(f"less accurate: {thousands(count[Kind.LESS_ACCURATE])}{worst_text}")
    if count[Kind.MOVED_UNMEASURED]:
        parts.append(f"without a figure, as of nan: {thousands(count[Kind.MOVED_UNMEASURED])}")
    return ", ".join(parts)


def factor(value: float) -> str:
    """``x1.4``, rounded down."""
    return "from 0" if math.isinf(value) else f"more than x{thousands(int(_FACTOR_CAP))}" if value > _FACTOR_CAP else f"x{rounded_down(value)}"


def block_title(group: Group) -> str:
    """``torch: logsumexp returns inf ... (4 results)``."""
    new = group.first.new
    if group.kind is Kind.NO_LONGER_RUN:
        what = "was right, and was not run"
    elif group.kind is Kind.NO_LONGER_DECIDED:
        what = "was right, and could not be decided: a fault of smxcheck, please report it"
    elif new.status in (Status.CRASHED, Status.HUNG):
        what = f"{'crashes' if new.status is Status.CRASHED else 'hangs'}"
    else:
        check = find_check(new.check)
        what = f"{check.title} ({check.code})" if check else new.check
    return f"{new.target}: {new.function}: {what} ({plural(len(group.pairs), 'result')})"


def block_lines(group: Group, *, everything: bool = False) -> list[tuple[str, str]]:
    """Label and text; empty ones are left out."""
    old, new = group.first.old, group.first.new
    others = [dtype for dtype in group.dtypes if dtype != new.dtype]
    same = "the bits are the same: what is demanded or what a case is has changed, and not the target"
    lines = (
        ("smallest", f"{new.input}, {new.dtype}" if new.input else new.case),
        ("also in", ", ".join(others)),
        ("right", new.right or old.right),
        ("old", _answer(group.first, old=True)),
        ("new", _answer(group.first, old=False)),
        ("note", same if group.first.bits is Bits.SAME else ""),
        ("known", group.accepted),
        ("again", f"smxcheck verify {shlex.quote(new.target)} --case {shlex.quote(new.case)}"),
        ("cases", " ".join(dict.fromkeys(p.new.case for p in group.pairs)) if everything else ""),
    )
    return [(label, text) for label, text in lines if text]


def _answer(pair: Pair, *, old: bool) -> str:
    """What was got, and what became of it where that is no answer."""
    r = pair.old if old else pair.new
    said = r.got or r.message
    status = "" if r.status in (Status.OK, Status.WRONG) else r.status.value.replace("-", " ")
    return f"{said} ({status})" if said and status else said or status or "right"


def less_accurate_line(group: Group) -> str:
    """``torch: softmax float32: 8 results, worst x2.4: 2.1 -> 5.2 ulp of 60 allowed, softmax/normal/...``."""
    return f"{group.target}: {group.function} {group.first.new.dtype}: {plural(len(group.pairs), 'result')}, worst {accuracy(group.first)}"


def accuracy(pair: Pair) -> str:
    """How much less accurate one result is, and where."""
    old, new = pair.old, pair.new
    parts = []
    if pair.growth is not None and old.largest_error_ulp is not None and new.largest_error_ulp is not None:
        bound = new.largest_allowed_ulp
        limit = f" (allowed {in_ulp(allowed(bound))})" if bound is not None else ""
        errors = f"{rounded_down(old.largest_error_ulp)} -> {in_ulp(rounded_down(new.largest_error_ulp))}"
        parts.append(f"{factor(pair.growth)}: {errors}{limit}")
    if pair.flushed:
        parts.append(f"{plural(pair.flushed, 'element')} more flushed to zero")
    return f"{', '.join(parts)}, {new.case}"


def choice_line(choice: str, was: str, now: str, pairs: list[Pair]) -> str:
    """``all-masked: nan -> zero, 12 results (torch: softmax, log_softmax)``."""
    targets = list(dict.fromkeys(p.new.target for p in pairs))
    functions = list(dict.fromkeys(p.new.function for p in pairs))
    return f"{choice}: {was} -> {now}, {plural(len(pairs), 'result')} ({', '.join(targets)}: {_some(functions, 'function')})"


def kind_line(group: Group, words: str) -> str:
    """``newly right: torch: log_softmax: 3 results, log_softmax/...``."""
    message = group.first.new.message if group.kind is Kind.NEWLY_DECLINED else ""
    why = f": {message}" if message else ""
    return f"{words}: {group.target}: {group.function}: {plural(len(group.pairs), 'result')}, {group.first.new.case}{why}"


def doubts(changes: Changes) -> list[str]:
    """What makes the verdict worth less, in sentences; it stands before the verdict."""
    about = {one.about for one in changes.differences}
    found = [text for subject, text in _ABOUT.items() if subject in about]
    found += changes.notices
    found += [_lone(one) for one in changes.lone]
    if changes.other_inputs:
        number = plural(len(changes.other_inputs), "case")
        found.append(f"{number} with another input under the same id, not compared: {_some(list(changes.other_inputs), 'case')}.")
    for side, name in changes.unmatched:
        found.append(f"{name} is a target of {side.upper()} alone, not compared: --map OLD=NEW pairs two names.")
    return found + list(_known(changes))


def _known(changes: Changes) -> Iterator[str]:
    reasons = sorted({p.accepted for p in changes.pairs if p.accepted and p.kind in groups.BLOCKS})
    if reasons:
        number = sum(bool(p.accepted) for p in changes.pairs if p.kind in groups.BLOCKS)
        yield f"Accepted as known: {plural(number, 'result')} ({'; '.join(reasons)})."


def _lone(one: Lone) -> str:
    told = _some([f"{name} {thousands(count)}" for name, count in one.functions], "function")
    return f"{plural(one.results, 'result')} in {one.side.upper()} alone, not compared: {told}."


def _some(names: list[str], noun: str) -> str:
    """A few names, or how many there are."""
    return ", ".join(names) if len(names) <= _MOST_NAMES else plural(len(names), noun)


def verdict(changes: Changes) -> Verdict:
    """The verdict in words; the exit code decides which."""
    code, total = changes.exit_code, len(changes.pairs)
    word = {0: "OK", 1: "FAIL", 3: "UNDECIDED", 5: "NOTHING COMPARED"}[code]
    if code == 5:
        answered = f"None of the {plural(total, 'result')} that both reports have was answered in NEW."
        why = answered if total else "The reports have no result in common."
        return Verdict(word, (why,))
    sentences = [*_failures(changes)] if code else []
    undecided = changes.counts[Kind.NO_LONGER_DECIDED]
    if undecided:
        sentences.append(f"{plural(undecided, 'result')} {_were(undecided)} right and could not be decided: please report it.")
    if not code:
        sentences.append("Nothing is newly wrong." if not any(p.accepted for p in _open_or_known(changes)) else
                         "Nothing is newly wrong but what is accepted as known.")  # fmt: skip
    return Verdict(word, (*sentences, _moved_sentence(changes, total)))


def _open_or_known(changes: Changes) -> Iterator[Pair]:
    return (p for p in changes.pairs if p.kind in (Kind.NEWLY_WRONG, Kind.WRONG_NOW, Kind.NO_LONGER_RUN))


def _failures(changes: Changes) -> Iterator[str]:
    """A sentence for each kind that fails."""
    told = {
        Kind.NEWLY_WRONG: "newly wrong",
        Kind.WRONG_NOW: "wrong, and not answered before",
        Kind.NO_LONGER_RUN: "no longer run",
    }
    failed = [p.kind for p in changes.failures]
    for kind, words in told.items():
        if number := failed.count(kind):
            yield f"{plural(number, 'result')} {_is(number)} {words}."
    if others := [kind for kind in failed if kind not in told]:
        wishes = ", ".join(sorted(changes.fail_on))
        yield f"{plural(len(others), 'result')} changed as --fail-on {wishes} forbids."


def _moved_sentence(changes: Changes, total: int) -> str:
    """Of the results that are right in both: how many have other bits, as in the table."""
    count = changes.counts
    moved = count[Kind.MOVED] + count[Kind.LESS_ACCURATE] + count[Kind.MOVED_UNMEASURED]
    told = f"{thousands(moved)} of {plural(total, 'result')} {_is(moved)} right with other bits"
    worse = count[Kind.LESS_ACCURATE]
    return f"{told}, {thousands(worse)} of them less accurate." if worse else f"{told}."


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
