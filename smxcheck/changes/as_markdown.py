"""A comment for a pull request, in GitHub's Markdown: the verdict and the counts; what they are made of is folded up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from smxcheck.changes import groups, words
from smxcheck.changes.as_text import LISTED
from smxcheck.changes.model import Changes
from smxcheck.report.as_markdown import code, text
from smxcheck.report.escape import cleaned
from smxcheck.report.numbers import thousands

#: Blocks and lines of a part: a comment may have 65,536 characters.
_MOST = 20


def render(changes: Changes) -> str:
    """The comparison as Markdown."""
    return "\n".join(_lines(cleaned(changes)))


def _lines(changes: Changes) -> Iterator[str]:
    found = words.verdict(changes)
    yield f"## smxcheck compare: {text(found.word)}"
    yield ""
    yield from (f"{text(sentence)}  " for sentence in found.sentences)
    yield ""
    yield from _bullets([*map(words.head, changes.targets), *filter(None, [words.sameness(changes)])])
    if doubts := words.doubts(changes):
        yield "### What makes this verdict worth less"
        yield ""
        yield from _bullets(doubts)
    yield "| results | number | |"
    yield "| --- | ---: | --- |"
    yield from (f"| {text(name)} | {thousands(number)} | {text(remark)} |" for name, number, remark in words.table(changes))
    yield ""
    blocks = groups.blocks(changes)
    for group in blocks[:_MOST]:
        yield from _folded(f"{words.HEADINGS[group.kind]}: {words.block_title(group)}", _block(words.block_lines(group)))
    yield from _left(len(blocks))
    worse = groups.less_accurate(changes)
    told = [words.less_accurate_line(group) for group in worse[:_MOST]]
    yield from _part("Less accurate", [*told, words.DEFINITION] if told else [], len(worse))
    chosen = groups.choices(changes)
    yield from _part("Choices changed", [words.choice_line(*one) for one in chosen[:_MOST]], len(chosen))
    for kind, name in LISTED:
        of_kind = groups.of_kind(changes, kind)
        yield from _part(name.capitalize(), [words.kind_line(group, name) for group in of_kind[:_MOST]], len(of_kind))
    yield from _part("What differs beside the results", words.differences(changes), 0)


def _block(facts: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield from (f"- {label}: {code(fact)}" for label, fact in facts)
    yield ""


def _part(title: str, told: list[str], number: int) -> Iterator[str]:
    """A folded list, where there is anything in it."""
    if told:
        yield from _folded(title, _bullets(told))
        yield from _left(number)


def _folded(title: str, body: Iterable[str]) -> Iterator[str]:
    yield f"<details><summary>{text(title)}</summary>"
    yield ""
    yield from body
    yield "</details>"
    yield ""


def _bullets(facts: Iterable[str]) -> Iterator[str]:
    yield from (f"- {text(fact)}" for fact in facts)
    yield ""


def _left(number: int) -> Iterator[str]:
    if number > _MOST:
        yield f"+{number - _MOST} more: smxcheck compare --all"
        yield ""
