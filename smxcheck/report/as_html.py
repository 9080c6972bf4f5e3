"""One HTML file that needs no script, no network and no colour: the facts are text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from smxcheck.judge.result import Report
from smxcheck.report.caveats import caveats, choices
from smxcheck.report.escape import cleaned
from smxcheck.report.formats import DEFAULT_OPTIONS, RenderOptions
from smxcheck.report.page import COLUMNS, Page, page
from smxcheck.report.sentences import DEFINITIONS

# Nothing may be loaded or run, whatever an unescaped text might contain.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #999; vertical-align: top; }
td:nth-child(n+4):nth-child(-n+10) { font-variant-numeric: tabular-nums; }
td, dd, code { overflow-wrap: anywhere; }
h1 { border-left: .5rem solid currentColor; padding-left: .7rem; }
.FAIL, .UNDECIDED { color: #8b0000; }
dl { display: grid; grid-template-columns: 8rem 1fr; margin: 0; }
dd { margin: 0; white-space: pre-wrap; font-family: ui-monospace, monospace; }
tr.bad td { font-weight: bold; }
"""


def render(report: Report, *, options: RenderOptions = DEFAULT_OPTIONS) -> str:
    """The report as one HTML document. ``options`` change nothing: the page shows every problem."""
    report = cleaned(report)
    return "\n".join(_lines(page(report), caveats(report), choices(report))) + "\n"


def _lines(content: Page, doubts: list[str], chosen: list[str]) -> Iterator[str]:
    word = escape(content.verdict.word)
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>smxcheck: {word}</title>\n<style>{_STYLE}</style>\n</head>\n<body>"
    yield f'<h1 class="{escape(word.partition(" ")[0])}">{word}</h1>'
    yield from (f"<p>{escape(sentence)}</p>" for sentence in content.verdict.sentences)
    yield from _list("What makes this verdict worth less", doubts)
    if content.rows:
        yield "<h2>Results</h2>"
        yield from _table(content.rows)
        yield from _list("Definitions", DEFINITIONS)
    for heading, facts in content.problems:
        yield f"<h2>{escape(heading)}</h2>"
        yield from _facts(facts)
    yield from _list("No single right answer", chosen)
    yield from _list("Wrong on purpose", content.purpose)
    yield "<h2>Environment</h2>"
    yield from _facts(content.environment)
    if content.again:
        yield f"<p>Run again: <code>{escape(content.again)}</code></p>"
    yield "</body>\n</html>"


def _list(heading: str, items: Iterable[str]) -> Iterator[str]:
    texts = [f"<li>{escape(item)}</li>" for item in items]
    if texts:
        yield f"<h2>{escape(heading)}</h2>\n<ul>"
        yield from texts
        yield "</ul>"


def _facts(facts: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield "<dl>"
    yield from (f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in facts)
    yield "</dl>"


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in COLUMNS)
    yield f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>"
    for row in rows:
        kind = ' class="bad"' if row[-1].isupper() else ""
        yield f"<tr{kind}>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
    yield "</tbody>\n</table>"
