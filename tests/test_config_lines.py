"""The line on which a key of a TOML document stands, held against documents that are drawn with their lines known."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.cli.config_lines import lines

_BARE = st.text("abcXYZ019_-", min_size=1, max_size=5)
_BLANK_LINES = st.lists(st.sampled_from(["", "   ", "\t", "# [not.a.table]", '# key = "no key"']), max_size=3)
#: Values as they are written, each with how many lines it takes; all of them try to look like keys or tables.
_VALUES = st.sampled_from([
    "1", "-inf", "true", "1979-05-27T07:32:00Z", '"a # b"', "'c = 1'", '"\\"]"', "[]", '["x", "[y]"]', "{}",
    '"""\nfake = 1\n[fake]\\\\\n"quoted" \\""""', "'''\n[[fake]]\nfake = 2'''", '""""two" quotes"""""',
    "[ # comment ]\n  1,\n\n  2, # ]\n]", '[\n  { x = "}", y.z = 1 },\n  [3,\n 4],\n]',
])  # fmt: skip


@st.composite
def quoted(draw: st.DrawFn, key: str) -> str:
    """A key in one of the ways in which it can be written."""
    escaped = "".join(f"\\u{ord(c):04x}" for c in key)
    return draw(st.sampled_from([key, f'"{key}"', f"'{key}'", f'"{escaped}"']))


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[tuple[str | int, ...], int]]:
    """A document, and the line of each key and table that was put into it."""
    out: list[str] = []
    known: dict[tuple[str | int, ...], int] = {}
    used: set[str] = set()

    def pairs(table: tuple[str | int, ...]) -> None:
        for key in draw(st.lists(_BARE, max_size=3, unique=True)):
            out.extend(draw(_BLANK_LINES))
            dotted = draw(st.booleans())
            name = draw(quoted(key)) + (draw(st.sampled_from([".", " . "])) + draw(quoted("sub")) if dotted else "")
            known[(*table, key)] = len(out) + 1
            if dotted:
                known[(*table, key, "sub")] = len(out) + 1
            out.extend(f"{draw(st.sampled_from(['', '  ']))}{name} = {draw(_VALUES)}  # after".split("\n"))

    pairs(())
    used |= {str(path[0]) for path in known}
    for name in draw(st.lists(_BARE.filter(lambda n: n not in used), max_size=3, unique=True)):
        if name in used:
            continue
        if draw(st.booleans()):
            known[(name,)] = len(out) + 1
            out.append(f"[ {draw(quoted(name))} ] # a table")
            pairs((name,))
        else:
            for number in range(draw(st.integers(1, 3))):
                known[(name, number)] = len(out) + 1
                known.setdefault((name,), len(out) + 1)
                out.append(f"[[{draw(quoted(name))}]]")
                pairs((name, number))
    return draw(st.sampled_from(["\n", "\r\n"])).join(out), known


@pytest.mark.slow
@settings(derandomize=True, deadline=None, max_examples=100)
@given(documents())
def test_every_key_is_found_on_the_line_on_which_it_was_written(document):
    text, known = document
    tomllib.loads(text)
    found = lines(text)
    assert {path: found.get(path) for path in known} == known


@pytest.mark.slow
@settings(derandomize=True, deadline=None, max_examples=100)
@given(documents())
def test_every_key_that_tomllib_reads_has_a_line_and_no_other_has_one(document):
    text, _ = document

    def paths(value, at=()):
        members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, member in members:
            yield (*at, key)
            yield from paths(member, (*at, key))

    assert set(lines(text)) == set(paths(tomllib.loads(text)))


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("\ufeffa = 1\nb = 2", ("b",), 2),
        ("a = [\n 1,\n 2, # x\n\n 3 ]", ("a", 2), 5),
        ("a = { b = 1, c = { d = 2 } }", ("a", "c", "d"), 1),
        ("[[a]]\n[[a.b]]\n[[a]]\n[[a.b]]\n[a.b.c]\nd = 1", ("a", 1, "b", 0, "c", "d"), 6),
        ('[tool.smxcheck]\n[tool."smxcheck".expect]\nall-masked = "zero"', ("tool", "smxcheck", "expect", "all-masked"), 3),
        ('x = """\n\n"""\ny = 1', ("y",), 4),
    ],
)
def test_a_line_that_is_easily_miscounted(text, path, line):
    assert lines(text)[path] == line
