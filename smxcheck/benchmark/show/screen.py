"""A run as text: tables in 80 columns for a terminal, one fact per line for everything else; the verdict is last."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from smxcheck.benchmark.compare.against import Comparison
from smxcheck.benchmark.results import COPY, EMPTY, EXP, Benchmark, Run, Verdict
from smxcheck.benchmark.shapes import LAYOUTS
from smxcheck.benchmark.show import means, remarks, tables, words
from smxcheck.benchmark.show.words import Findings, Group, findings
from smxcheck.report.escape import cleaned, to_ascii
from smxcheck.report.numbers import listed, plural
from smxcheck.report.screen import BLANK, Layout, Line

#: First words of a last line that is no good news, and those of one that leaves a question open.
_BAD, _DOUBT = ("SLOWER", "WRONG"), ("UNDECIDED", "NOTHING", "INCOMPLETE")
#: The blank in "numpy 2.4.6,".
_PAIR = re.compile(r"(?<=\w) (?=\d[\w.+]*(?:,|$))")


def lines(run: Run, layout: Layout, comparison: Comparison | None = None, everything: bool = False) -> list[Line]:
    """The whole screen, top to bottom; ``everything`` has a table of each shape, and what a call of each target includes."""
    found, comparison = findings(run), cleaned(comparison)
    sections = [
        _head(found, layout),
        *(section for group in found.groups for section in _group(found, group, layout, everything)),
        _wrapped(_legend(found, everything), layout, "dim"),
        _wrapped(remarks.wrongs(found), layout, "bad"),
        _wrapped([*remarks.failures(found.run), *remarks.doubts(found.run), *remarks.undecided(found)], layout, "doubt"),
        _wrapped(_definitions(found.run, layout, everything), layout, "dim"),
        _comparison(comparison, layout, everything) if comparison is not None else [],
        _verdict(found, comparison, layout),
    ]
    return [line for section in sections if section for line in (*section, BLANK)][:-1]


def facts(run: Run, comparison: Comparison | None = None, *, unicode: bool = True) -> Iterator[str]:
    """The same, one fact per line without a limit of width, with every figure; ASCII unless ``unicode``."""
    for fact in _facts(findings(run), cleaned(comparison)):
        yield fact if unicode else to_ascii(fact)


def verdict(run: Run, comparison: Comparison | None = None) -> str:
    """The last line alone."""
    return remarks.verdict(findings(run), cleaned(comparison))


def _group(found: Findings, group: Group, layout: Layout, everything: bool) -> Iterator[list[Line]]:
    """Who is how fast and exact; then the cost by shape, or all figures of the only shape there is."""
    several = len(group.benchmarks) > 1
    what = f"{len(group.benchmarks)} shapes" if several else group.benchmarks[0].shape.title
    ratios = f"times as fast as {found.base} (95 %)" if found.base else "no target is right that could be the base"
    title = f"{group.title}, {what}: {ratios}{', geometric mean' if several and found.base else ''}"
    yield [*layout.wrapped(title, rest="  ", style="strong"), *tables.overall_ranking(found, group, layout)]
    if several:
        yield tables.means(group, layout)
        yield tables.matrix(group, layout)
    else:
        yield tables.costs(group.benchmarks[0], layout)
    for benchmark in group.benchmarks if several and everything else ():
        head = layout.wrapped(benchmark.title, rest="  ", style="strong")
        yield [*head, *tables.ranking(found, benchmark, layout), *tables.costs(benchmark, layout)]


def _legend(found: Findings, everything: bool) -> Iterator[str]:
    """The signs that stand in the tables, and no others."""
    run = found.run
    signs = []
    if any(o.pareto for group in found.groups for o in group.overall):
        signs.append(f"{words.FRONT}: {words.FRONT_MEANS}")
    matrices = [b for g in found.groups if len(g.benchmarks) > 1 for b in g.benchmarks]
    if any(sum(e.ranked for e in b.targets) > 1 for b in matrices):
        signs.append(f"{words.LEAST}: the least time of the right ones")
    if any(e.timed and e.judgement and e.judgement.wrong for b in matrices for e in b.targets):
        signs.append(f"{words.WRONG_MARK}: wrong there, not ranked")
    layouts = dict.fromkeys(b.shape.layout for b in matrices if b.shape.layout in tables.IN_A_WORD)
    signs += [f"{word}: {LAYOUTS[one]}" for one in layouts if (word := tables.IN_A_WORD[one]) != LAYOUTS[one]]
    if any(tables.ladder(g.benchmarks) for g in found.groups if len(g.benchmarks) > 1):
        signs.append("trend: each row from 0 to its own largest")
    if signs:
        yield "; ".join(signs)
    names = {e.name for b in run.benchmarks for e in words.yardsticks(b)}
    meaning = {COPY: f"{COPY}: one read and one write of the same bytes", EXP: f"{EXP}: the bare exponential of every element"}
    if told := [text for name, text in meaning.items() if name in names]:
        yield "; ".join(told)
    yield f"GB/s: {words.BYTES_MOVED}; {words.PEAK_MEANS}"


def _head(found: Findings, layout: Layout) -> list[Line]:
    """A name and its version stay on one line."""
    lines = _wrapped([_PAIR.sub("\x00", text) for text in words.head(found)], layout, "dim")
    return [tuple((text.replace("\x00", " "), style) for text, style in line) for line in lines]


def _definitions(run: Run, layout: Layout, everything: bool) -> Iterator[str]:
    """All of them, or without those that need more than a line to say what a call includes."""
    hidden = {f"a call of {listed(n)} includes: {s}" for s, n in remarks.measured(run).items()}
    short = {text for text in hidden if len(layout.fit(text)) <= layout.width}
    for text in remarks.definitions(run):
        if everything or text not in hidden or text in short:
            yield text
    if not everything and hidden - short:
        yield "what a call includes (allocation, copies, threads): --all"


def _comparison(comparison: Comparison, layout: Layout, everything: bool) -> list[Line]:
    """What changed, before what did not: SAME is only counted."""
    order = (Verdict.SLOWER, Verdict.UNDECIDED, Verdict.FASTER, *((Verdict.SAME,) if everything else ()))
    shown = [c for v in order for c in comparison.changes if c.verdict is v]
    found = layout.wrapped(f"compared with the base: {remarks.counts(comparison)}", rest="  ", style="strong")
    found += tables.changes(shown, layout) if shown else []
    found += _wrapped([f"WRONG: {text}" for text in remarks.newly_wrong(comparison)], layout, "bad")
    found += _wrapped([f"differs: {note}" for note in comparison.notes], layout, "doubt")
    return found + _wrapped([f"not compared: {text}" for text in comparison.not_compared], layout, "doubt")


def _verdict(found: Findings, comparison: Comparison | None, layout: Layout) -> list[Line]:
    """The last line, its first word in its colour."""
    text = remarks.verdict(found, comparison)
    first, *more = layout.wrapped(text, rest="  ")
    word, separator, rest = first[0][0].partition(":")
    style = "bad" if word.startswith(_BAD) else "doubt" if word.startswith(_DOUBT) else "good" if word == "OK" else ""
    return [((word, style), (separator + rest, "")) if style else first, *more]


def _wrapped(texts: Iterable[str], layout: Layout, style: str) -> list[Line]:
    return [line for text in texts for line in layout.wrapped(text, rest="  ", style=style)]


def _facts(found: Findings, comparison: Comparison | None) -> Iterator[str]:
    run = found.run
    yield from words.head(found)
    for group in found.groups:
        for of in group.overall:
            yield f"{group.title} {of.target}: {words.overall_text(found, group, of)}"
        if len(group.benchmarks) > 1:
            yield from (f"{group.title} {text}" for text in means.means_texts(group))
        for benchmark in group.benchmarks:
            yield from _figures(found, benchmark)
    yield words.BYTES_FORMULA
    yield words.PEAK_MEANS
    yield from remarks.wrongs(found)
    yield from remarks.failures(run)
    yield from remarks.doubts(run)
    yield from remarks.undecided(found)
    yield from remarks.definitions(run)
    if comparison is not None:
        yield f"compared with the base: {remarks.counts(comparison)}"
        yield from (f"{c.title} {c.target}: {remarks.change_text(c)}" for c in comparison.changes)
        yield from (f"WRONG: {text}" for text in remarks.newly_wrong(comparison))
        yield from (f"differs: {note}" for note in comparison.notes)
        yield from (f"not compared: {text}" for text in comparison.not_compared)
    yield remarks.verdict(found, comparison)


def _figures(found: Findings, benchmark: Benchmark) -> Iterator[str]:
    yield f"{benchmark.title}: {plural(benchmark.shape.elements, 'element')}, {plural(benchmark.moved, 'byte')} moved"
    for standing in found.standings[benchmark.title]:
        yield f"{benchmark.title} {standing.entry.name}: {'; '.join(words.standing_figures(found, benchmark, standing))}"
    for entry in benchmark.entries:
        if entry.name in (COPY, EXP, EMPTY) and entry.timed:
            yield f"{benchmark.title} {entry.name}: {'; '.join(words.entry_figures(benchmark, entry))}"
