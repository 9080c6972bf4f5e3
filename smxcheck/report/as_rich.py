"""A report for a terminal: 80 columns, no boxes, colour never the only carrier, the verdict last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from smxcheck.judge.result import Report, Status
from smxcheck.report.caveats import cannot_tell, caveats, choices
from smxcheck.report.details import details
from smxcheck.report.escape import cleaned
from smxcheck.report.exactness import exact_values, rechecked
from smxcheck.report.formats import DEFAULT_OPTIONS, RenderOptions
from smxcheck.report.fuzzed import fuzzed_lines
from smxcheck.report.groups import group_lines, purpose_lines
from smxcheck.report.published import published_line
from smxcheck.report.screen import BLANK, LABEL, Layout, Line, plain, verdict_style
from smxcheck.report.sentences import (
    NEXT_STEPS,
    OWN_FIRST,
    ULP,
    called_with,
    functions_of,
    machine,
    problem_lines,
    title,
    verdict,
    wrong_on_purpose,
)
from smxcheck.report.summary import Row, beside_row, judged_targets, known_problems, open_problems, table

if TYPE_CHECKING:
    from rich.console import Console

#: Problems shown without --all.
MOST_PROBLEMS = 5
_STYLES = {"good": "green", "bad": "bold red", "doubt": "yellow", "dim": "dim", "strong": "bold", "": ""}
_FEW_ROWS = 2


def print_report(report: Report, console: Console, *, options: RenderOptions = DEFAULT_OPTIONS) -> None:
    """Print on a Rich console. Off a terminal, and under NO_COLOR or TERM=dumb, no escape sequence is
    written.
    """
    options = replace(options, unicode=options.unicode and console.encoding.startswith("utf"))
    print_lines(lines(report, options), console)


def print_lines(content: Iterable[Line], console: Console) -> None:
    """Print styled lines as they are, neither wrapped nor cut; styles only where the console has colours."""
    from rich.text import Text

    coloured = console.is_terminal and not console.no_color and console.color_system is not None
    for line in content:
        pieces = [(text, _STYLES[style] if coloured else "") for text, style in line]
        text = Text.assemble(*pieces, no_wrap=True, overflow="ignore", end="")
        console.print(text, soft_wrap=True, highlight=False, markup=False, emoji=False)


def render(report: Report, *, options: RenderOptions = DEFAULT_OPTIONS) -> str:
    """The same text without styles."""
    return "".join("".join(text for text, _ in line).rstrip() + "\n" for line in lines(report, options))


def lines(report: Report, options: RenderOptions) -> list[Line]:
    """The whole screen, top to bottom."""
    report, layout = cleaned(report), Layout(options.width, options.unicode)
    if options.quiet:
        return [_headed(layout.fit(verdict(report).text))]
    sections = [
        _header(report, layout, options),
        _results(report, layout, options),
        *_problems(report, layout, options),
        _doubts(report, layout, options),
        _verdict(report, layout),
    ]
    return [line for section in sections if section for line in (*section, BLANK)][:-1]


def _header(report: Report, layout: Layout, options: RenderOptions) -> list[Line]:
    own = [plain(text, "strong") for text in OWN_FIRST] if report.own else []
    head = layout.wrapped(machine(report), rest="  ", style="dim")
    if report.own and not options.verbose:
        return [*own, *head]
    for target in report.targets:
        if target.expected_wrong:
            continue
        what = " | ".join(filter(None, (functions_of(target), called_with(target))))
        beside = " (beside)" if target.beside else ""
        head += layout.wrapped(f"{target.name}{beside}: {what}", rest="  ")
        for note in target.notes:
            head += layout.wrapped(note, first="  ", rest="  ", style="dim")
    return [*own, *head]


def _results(report: Report, layout: Layout, options: RenderOptions) -> list[Line]:
    rows = table(report)
    if report.own and not (options.everything or options.verbose):
        return [*group_lines(report), *purpose_lines(report, layout)]
    shown: list[Line] = []
    judged = judged_targets(report)
    named = [(t, [r for r in rows if r.target == t.name]) for t in judged]
    named = [(t, found) for t, found in named if found]
    for target, found in named:
        if len(named) > 1:
            shown += [*([BLANK] if shown else []), plain(layout.fit(target.name), "strong")]
        shown += layout.table(_with_beside(found, rows, report))
        if options.verbose or options.everything or (len(named) == 1 and len(found) <= _FEW_ROWS):
            for row in found:
                head = f"{row.function} {row.dtype}: " if len(found) > 1 or options.verbose else ""
                shown += _details(row, beside_row(row, rows, report), head, layout, options.verbose)
    if shown:
        shown += layout.wrapped(ULP, style="dim")
    if wrong_on_purpose(report):
        shown += [*([BLANK] if shown else []), *purpose_lines(report, layout)]
    return shown


def _with_beside(found: list[Row], rows: Iterable[Row], report: Report) -> list[tuple[Row, str, str]]:
    """Each row, and dim under it the same function and dtype of the target beside."""
    result = []
    for row in found:
        result.append((row, row.function, ""))
        if other := beside_row(row, rows, report):
            result.append((other, f"  {other.target}", "dim"))
    return result


def _details(row: Row, beside: Row | None, head: str, layout: Layout, verbose: bool) -> list[Line]:
    own = details(row, verbose=verbose)
    found = layout.wrapped(f"{head}{own}", rest="  ", style="dim") if own else []
    if beside and (other := details(beside, verbose=verbose)):
        found += layout.wrapped(f"{beside.target}: {other}", first="  ", rest="    ", style="dim")
    return found


def _problems(report: Report, layout: Layout, options: RenderOptions) -> list[list[Line]]:
    found = open_problems(report)
    several = len(judged_targets(report)) > 1
    shown = found if options.everything else found[:MOST_PROBLEMS]
    blocks = []
    for number, problem in enumerate(shown, 1):
        head = f"PROBLEM {number} of {len(found)}: {title(problem, with_target=several)}"
        block = layout.wrapped(head, rest="  ", style="bad")
        for label, text in problem_lines(problem):
            put = layout.command if label in ("again", "run that", "why") else layout.labelled
            block += put(label, text)
        if options.everything:
            block += layout.labelled("cases", " ".join(problem.cases))
        blocks.append(block)
    if more := len(found) - len(shown):
        blocks.append([plain(f"+{more} more: --all")])
    if options.everything or options.verbose:
        for problem in known_problems(report):
            head = f"KNOWN: {title(problem, with_target=several)}"
            text = f"{problem.known}; smallest {problem.smallest}"
            blocks.append([*layout.wrapped(head, rest="  "), *layout.labelled("reason", text)])
    return blocks


def _doubts(report: Report, layout: Layout, options: RenderOptions) -> list[Line]:
    texts = [*caveats(report), *(choices(report) if not report.own or options.verbose else [])]
    found = [line for text in texts for line in layout.wrapped(text, rest="  ")]
    for text in (exact_values(report) if options.verbose else "", rechecked(report), published_line(report)):
        found += layout.wrapped(text, rest="  ", style="dim")
    for text in fuzzed_lines(report, options.verbose):
        found += layout.wrapped(text, rest="  ")
    if options.everything:
        for result in cannot_tell(report):
            found += layout.wrapped(f"cannot tell: {result.case}", first="  ", rest="    ", style="dim")
        for result in report.results:
            if result.status is Status.DECLINED:
                text = f"declined: {result.case} {result.message}"
                found += layout.wrapped(text, first="  ", rest="    ", style="dim")
    return found


def _verdict(report: Report, layout: Layout) -> list[Line]:
    found = verdict(report)
    indent = " " * (len(found.word) + 2)
    result: list[Line] = []
    for number, sentence in enumerate(found.sentences):
        first = f"{found.word}  " if number == 0 else indent
        block = layout.wrapped(sentence, first=first, rest=indent)
        result += [_headed(block[0][0][0]), *block[1:]] if number == 0 else block
    if report.own:
        result += [plain(f"    {label:<{LABEL}}{text}") for label, text in NEXT_STEPS]
    return result


def _headed(text: str) -> Line:
    """A verdict line with its first word in its colour."""
    word, _, rest = text.partition("  ")
    return ((word, verdict_style(word)), (f"  {rest}", ""))
