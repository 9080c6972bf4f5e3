"""GitHub workflow commands: an error for each block that fails, notices for what moved, the verdict as the last line.

GitHub shows ten annotations of each kind for a step, hence one per cause and never one per case.
"""

from __future__ import annotations

from collections.abc import Iterator

from smxcheck.changes import groups, words
from smxcheck.changes.model import Changes, Kind
from smxcheck.report.as_github import annotation
from smxcheck.report.escape import cleaned

_TITLE = "smxcheck compare"


def render(changes: Changes, *, quiet: bool = False) -> str:
    """The annotations, then the verdict; ``quiet`` leaves the verdict."""
    changes = cleaned(changes)
    found = [] if quiet else list(_annotations(changes))
    return "".join(f"{line}\n" for line in [*found, words.verdict(changes).text])


def _annotations(changes: Changes) -> Iterator[str]:
    blocks = groups.blocks(changes)
    for group in blocks:
        told = [words.block_title(group), *(f"{label}: {text}" for label, text in words.block_lines(group))]
        title = f"{_TITLE}: {words.HEADINGS[group.kind].lower()}"
        yield annotation("notice" if group.accepted else "error", title, "\n".join(told))
    asked = any(pair.kind not in groups.BLOCKS for pair in changes.failures)
    if asked or changes.exit_code in (3, 5):
        yield annotation("error", _TITLE, words.verdict(changes).text)
    moved = [words.less_accurate_line(group) for group in groups.less_accurate(changes)]
    moved += [f"choice changed: {words.choice_line(*one)}" for one in groups.choices(changes)]
    moved += [words.kind_line(group, "newly declined") for group in groups.of_kind(changes, Kind.NEWLY_DECLINED)]
    if moved:
        yield annotation("warning", f"{_TITLE}: less accurate, or otherwise", "\n".join(moved))
    if doubts := words.doubts(changes):
        yield annotation("warning", f"{_TITLE}: what makes the verdict worth less", "\n".join(doubts))
