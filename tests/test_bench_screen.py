"""What the terminal and a log show of a run: everything that was found, in 80 columns, the verdict last."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from smxcheck.benchmark.compare import ranking
from smxcheck.benchmark.compare.against import CONFIRMED, Change, Comparison, NewlyWrong, compare
from smxcheck.benchmark.compare.statistics import Interval
from smxcheck.benchmark.files import as_markdown, page
from smxcheck.benchmark.results import COPY, EMPTY, EXP, YARDSTICKS, Judgement, Launch, Run, Verdict
from smxcheck.benchmark.shapes import LADDER, NAMED, Shape
from smxcheck.benchmark.show import figures, means, remarks, screen, tables, words
from smxcheck.benchmark.show.columns import bar, sparkline, table
from smxcheck.report.as_rich import print_lines
from smxcheck.report.escape import to_ascii
from smxcheck.report.screen import Layout, plain

from . import bench_samples as samples

ONE = samples.SHAPES[:1]
SEVEN = [shape for shape, _ in NAMED.values()]
SIX = ("builtin", "builtin.fast", "scipy", "torch", "jax", "onnxruntime")
alphabets = pytest.mark.parametrize("unicode", [True, False], ids=["utf-8", "ascii"])


def text(run: Run, comparison: Comparison | None = None, *, unicode: bool = True, everything: bool = False) -> str:
    found = screen.lines(run, Layout(unicode=unicode), comparison, everything)
    return "\n".join("".join(piece for piece, _ in line) for line in found)


def flat(shown: str) -> str:
    return " ".join(shown.split())


def log(run: Run, comparison: Comparison | None = None) -> list[str]:
    return list(screen.facts(run, comparison))


def with_entry(run: Run, name: str, **changes: object) -> Run:
    """The run with fields of every entry of that name replaced."""
    return replace(run, benchmarks=tuple(
        replace(b, entries=tuple(replace(e, **changes) if e.name == name else e for e in b.entries)) for b in run.benchmarks
    ))  # fmt: skip


def wrong_on(run: Run, name: str, shapes: Sequence[Shape]) -> Run:
    """The run with a target wrong on some of the shapes."""
    return _on(run, name, shapes, judgement=samples.JUDGEMENTS[samples.OWN])


def without(run: Run, name: str, *shapes: Shape) -> Run:
    """The run with a target that was not timed on some of the shapes."""
    return _on(run, name, shapes, judgement=None, launches=(), failure="declined: it has none")


def _on(run: Run, name: str, shapes: Sequence[Shape], **changes: object) -> Run:
    return replace(run, benchmarks=tuple(
        replace(b, entries=tuple(replace(e, **changes) if e.name == name and b.shape in shapes else e for e in b.entries))
        for b in run.benchmarks
    ))  # fmt: skip


def found_verdict(found: words.Findings, title: str, name: str) -> Verdict | None:
    return next(s.verdict for s in found.standings[title] if s.entry.name == name)


def change(verdict: Verdict, ratio: float = 1.0, note: str = "", target: str = "torch") -> Change:
    low, high = (0.8, 1.3) if verdict is Verdict.UNDECIDED else (ratio * 0.98, ratio * 1.02)
    return Change("softmax float32 4096 x 1000", target, Interval(ratio, low, high), verdict, 0.01, 0.01 * ratio, note)


# Widths.

_WORDS = st.text("abcdefghijklmnopqrstuvwxyz_.:/é×", min_size=1, max_size=70)
_SHAPES = st.lists(
    st.builds(Shape, st.lists(st.integers(1, 99_999), min_size=1, max_size=6).map(tuple), st.just(-1),
              st.sampled_from(["contiguous", "every-other", "transposed"])),
    min_size=1, max_size=9, unique_by=lambda shape: shape.title,
)  # fmt: skip


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.lists(_WORDS.filter(lambda w: w not in YARDSTICKS), min_size=1, max_size=8, unique=True), _SHAPES, st.data())
def test_no_line_is_wider_than_80_columns_and_nothing_is_cut(names, shapes, data):
    """Names of up to 70 characters, shapes of up to 6 axes, times over 18 orders of magnitude, any target wrong or failed."""
    wrong = data.draw(st.lists(st.sampled_from(names), unique=True))
    failed = dict.fromkeys(data.draw(st.lists(st.sampled_from(names), unique=True)), "it was killed")
    slower = {name: 10.0 ** data.draw(st.integers(-9, 9)) for name in names}
    run = samples.sample_run(targets=names, shapes=shapes, dtypes=["float64"], wrong=wrong, failed=failed, slower=slower,
                             launches=1, rounds=2)  # fmt: skip
    comparison = Comparison(tuple(change(v, 1.5, "a note", names[0]) for v in Verdict), 0.1, ("torch differs",), ("one",))
    for unicode in (True, False):
        shown = text(run, comparison, unicode=unicode, everything=True)
        assert all(len(line) <= 80 for line in shown.splitlines()), shown
        assert unicode or shown.isascii()
        assert "…" not in shown and "..." not in shown
        for name in names:
            assert (name if unicode else to_ascii(name)) in shown


@alphabets
def test_seven_shapes_of_six_targets_and_a_ladder_fit_one_block_each(unicode):
    """Each name of a target starts one line of the matrix of named shapes, one of the ladder, and one of the ranking."""
    run = samples.sample_run(targets=SIX, wrong=(), dtypes=["float32"], shapes=[s for s, _ in NAMED.values()] + [*LADDER])
    group = words.findings(run).groups[0]
    lines = tables.matrix(group, Layout(unicode=unicode))
    shown = ["".join(piece for piece, _ in line) for line in lines]
    assert max(map(len, shown)) <= 80
    for name in (*SIX, COPY, EXP):
        assert sum(line.split()[0] == name for line in shown if line[:1].strip()) == 2


@alphabets
@pytest.mark.parametrize("long", ["kernel.py:softmax", "a_folder/with/a/kernel.py:softmax"])
def test_every_ranked_row_of_the_summary_has_a_bar(unicode, long):
    """Also where a name is long, a target is wrong on some shapes and another one lacks a shape: the name stands above."""
    run = wrong_on(samples.sample_run(targets=(*SIX, long), wrong=(), dtypes=["float32"], shapes=SEVEN), "torch", SEVEN[4:5])
    run = without(run, "jax", SEVEN[6])
    found = words.findings(run)
    lines = tables.overall_ranking(found, found.groups[0], Layout(unicode=unicode))
    shown = ["".join(piece for piece, _ in line) for line in lines]
    assert max(map(len, shown)) <= 80
    ranked = [line for line in shown if re.search(r"FASTER|SLOWER|SAME|UNDECIDED|the base", line)]
    assert len(ranked) == len(SIX) and all(re.search(r"[█▏▎▍▌▋▊▉#]", line) for line in ranked)
    assert "torch and jax: mean of 6 of 7 shapes, where each and builtin are right and timed" in flat("\n".join(shown))


@pytest.mark.parametrize(
    ("shape", "heading"),
    [(Shape((100_000, 10)), "100000\nx 10"), (Shape((1, 1 << 22)), "1\nx 4194304"), (Shape((64, 10)), "64 x 10"),
     (Shape((1000, 4096), axis=0), "1000\nx 4096\naxis 0"), (Shape((4096, 1000), layout="every-other"), "4096\nx 1000\nstrided"),
     (Shape((7,)), "7"), (Shape((2, 3, 4, 5)), "2 x 3 x 4\nx 5")],
)  # fmt: skip
def test_a_heading_of_the_matrix_breaks_before_a_sign_and_no_more_than_it_must(shape, heading):
    assert tables._heading(shape) == heading


# What is told.


@alphabets
@pytest.mark.parametrize("everything", [False, True])
def test_every_target_and_every_wrong_one_is_told(unicode, everything):
    run = samples.sample_run()
    shown = flat(text(run, unicode=unicode, everything=everything))
    assert all(name in shown for name in samples.TARGETS)
    shapes = "; ".join(shape.title for shape in samples.SHAPES)
    assert f"{samples.OWN} is WRONG on softmax float32 and float64 {shapes}: got nan, right 0.5: softmax returns nan" in shown
    assert shown.count("WRONG: not ranked") == 2 + (6 if everything else 0)


def test_a_wrong_target_is_timed_and_has_neither_ratio_nor_bar_nor_star():
    """It is the fastest of the sample: every way to rank it would put it first."""
    lines = text(samples.sample_run(shapes=ONE, dtypes=["float32"])).splitlines()
    rows = [line for line in lines if samples.OWN in line and "is WRONG" not in line]
    ranked, timed = rows[:2]
    assert re.fullmatch(r"  kernel.py:softmax +WRONG: not ranked; worst error inf ulp", ranked)
    assert re.match(r"kernel.py:softmax +2\.\d\d ms", timed)
    facts = [fact for fact in log(samples.sample_run()) if f" {samples.OWN}: " in fact]
    assert facts and all("times as fast" not in fact and "WRONG" in fact for fact in facts)


def test_a_target_that_is_wrong_on_some_shapes_has_the_mean_of_the_others_and_no_rank():
    """It would be the fastest. Without noise torch takes 0.19 and scipy 1.1 ns a byte on every shape: 5.79 times."""
    run = wrong_on(samples.sample_run(targets=("scipy", "torch"), wrong=(), dtypes=["float32"], noise=0), "torch", ONE)
    found = words.findings(run)
    lines = tables.overall_ranking(found, found.groups[0], Layout())
    row = next(line for line in lines if line[0][0].strip() == "torch")
    assert re.fullmatch(r"  torch +5\.79 +WRONG on 1 of 3 +inf ulp", "".join(piece for piece, _ in row))
    assert next(style for piece, style in row if "WRONG" in piece) == "bad"
    assert "torch: mean of 2 of 3 shapes, where it and scipy are right and timed" in text(run)
    assert screen.verdict(run).startswith("softmax float32: scipy alone is ranked; torch is WRONG on 1 shape.")
    fact = next(f for f in log(run) if f.startswith("softmax float32 torch: "))
    assert fact.startswith("softmax float32 torch: WRONG on 1 of 3 shapes: not ranked; 5.79 times as fast as scipy in the mean of"
                           " 2 shapes on which it is right; ")  # fmt: skip


def test_a_base_that_is_wrong_on_some_shapes_is_the_base_of_the_others():
    run = wrong_on(samples.sample_run(dtypes=["float32"], wrong=(), noise=0), "scipy", ONE)
    run = replace(run, settings=replace(run.settings, relative_to="scipy"))
    assert re.search(r"  scipy +1\.00 +WRONG on 1 of 3", text(run))
    assert "kernel.py:softmax is 6.88 times as fast as scipy in the mean of 2 shapes; scipy is WRONG on 1 shape" in screen.verdict(run)


def test_the_mean_cost_is_geometric_and_over_the_same_shapes_for_all():
    """Without noise scipy takes 1.1 ns for a byte of the argument, on every shape but one of twice the time."""
    run = samples.sample_run(targets=("scipy", "torch"), wrong=(), dtypes=["float32"], noise=0)
    twice = tuple(replace(one, seconds=tuple(2 * s for s in one.seconds)) for one in run.benchmarks[1].entries[0].launches)
    run = _on(run, "scipy", [run.benchmarks[1].shape], launches=twice)
    cost = means.mean_costs(words.findings(run).groups[0])[0]
    assert cost.nanoseconds == pytest.approx(4.4 * 2 ** (1 / 3)) and cost.elements == pytest.approx(1e9 / cost.nanoseconds)
    assert cost.gigabytes == pytest.approx(8 / cost.nanoseconds) and cost.copies == pytest.approx(10 * 2 ** (1 / 3))
    assert cost.peak_bytes == max(b.moved // 2 for b in run.benchmarks)
    assert "cost, geometric mean over the 3 shapes" in text(run)
    fewer = without(run, "torch", run.benchmarks[1].shape)
    group = words.findings(fewer).groups[0]
    assert means.mean_costs(group)[0].nanoseconds == pytest.approx(4.4)
    assert "cost, geometric mean over 2 of 3 shapes, those that all were timed on" in text(fewer)
    assert "scipy: cost, geometric mean over 2 of 3 shapes, those that all were timed on: 4.40 ns per element; " in "\n".join(log(fewer))
    none = without(without(run, "torch", *samples.SHAPES[:2]), "scipy", samples.SHAPES[2])
    assert means.mean_costs(words.findings(none).groups[0]) == [] and "cost, " not in text(none)


def test_a_page_and_a_summary_have_the_same_means_as_the_screen():
    """Without noise scipy takes 1.1 ns for a byte and the copy 0.11: 4.4 ns for an element, 10 times the copy."""
    run = wrong_on(samples.sample_run(wrong=(), dtypes=["float32"], noise=0), "torch", ONE)
    for made in (page.render(run), as_markdown.render(run)):
        assert "Cost, geometric mean over the 3 shapes:" in made
        assert "| scipy | 4.40 | 227 | 1.82 | 10.0 | 16.4 MB |" in made and "| torch | 0.760 WRONG | " in made
        assert re.search(r"\| torch \| 5\.79 \| WRONG on 1 of 3 \| 2 \|", made)
    assert "geometric mean" not in page.render(samples.sample_run(shapes=ONE))


def test_a_mean_cost_with_a_wrong_shape_in_it_is_marked():
    run = wrong_on(samples.sample_run(wrong=(), dtypes=["float32"]), "torch", ONE)
    lines = tables.means(words.findings(run).groups[0], Layout())
    marked = [line[0][0].strip() for line in lines if any(piece.strip().endswith("!") for piece, _ in line)]
    assert marked == ["torch"]


@pytest.mark.parametrize(
    ("judgement", "told"),
    [(Judgement("wrong", 3266.9, 2201.5, "error 3.27e+03 ulp, 2.2e+03 ulp allowed", "0.0667 at [0, 12]", "0.0668 at [0, 12]"),
      "at [0, 12] got 0.0667, right 0.0668: error 3,260 ulp, 2,200 allowed"),
     (Judgement("wrong", math.inf, 3.2, "nan where the answer is finite", "nan", "0.5"),
      "got nan, right 0.5: nan where the answer is finite"),
     (Judgement("wrong", None, None, "error 5.25 ulp, 1.5 ulp allowed; is no distribution", "1 at [0]", "2 at [1]"),
      "got 1 at [0], right 2 at [1]: error 5.25 ulp, 1.5 allowed; is no distribution"),
     (Judgement("wrong", 7.0, None, "error 7 ulp, ? ulp allowed"), "error 7 ulp, ? ulp allowed"),
     (Judgement("wrong"), "its values are wrong")],
)  # fmt: skip
def test_a_wrong_value_is_told_with_its_place_once(judgement, told):
    assert words.wrong_text(judgement) == told


def test_equal_reasons_are_told_in_one_sentence():
    """Functions and dtypes that share their shapes are together; what differs in its shapes is not."""
    run = samples.sample_run(functions=("softmax", "log_softmax"), wrong=(), shapes=samples.SHAPES[:2])
    both = without(run, "torch", samples.SHAPES[0])
    titles = samples.SHAPES[0].title
    assert remarks.failures(both) == [f"torch was not timed on softmax and log_softmax float32 and float64 {titles}: declined: it has none"]
    apart = replace(both, benchmarks=both.benchmarks[:3])
    apart = without(apart, "torch", samples.SHAPES[1])
    assert remarks.failures(apart) == [
        f"torch was not timed on softmax float32 4096 x 1000; 64 x 50257, on softmax float64 {titles}: declined: it has none"
    ]


def test_the_ranking_starts_with_the_fastest_and_marks_the_front():
    run = samples.sample_run(dtypes=["float32"])
    lines = text(run).splitlines()
    order = [line[2:].split()[0] for line in lines if re.match(r"[* ] (torch|scipy|kernel.py:softmax) {2,}", line)]
    assert order == ["torch", "scipy", samples.OWN]
    assert next(line for line in lines if line.startswith("* torch")).split()[-2:] == ["ulp,", "tight"]
    assert "*: no other right one is as fast and as accurate, and better in one of the two" in flat(text(run))


def test_speed_is_the_inverse_of_the_ratio_of_times():
    """scipy costs 1.1 ns a byte and torch 0.19 in the sample, without noise: 5.79 times."""
    assert "torch: 5.79 times as fast as scipy in the mean of 3 shapes, FASTER" in "\n".join(log(samples.sample_run(noise=0)))


def test_a_name_and_its_version_stay_on_one_line():
    run = samples.sample_run()
    versions = {f"library{i}": f"{i}.{i}.0+cpu" for i in range(12)}
    lines = text(replace(run, targets=(replace(run.targets[0], versions=versions), *run.targets[1:]))).splitlines()
    assert all(any(f"{name} {version}" in line for line in lines) for name, version in versions.items())


@pytest.mark.parametrize("everything", [False, True])
def test_sections_come_in_order_and_the_verdict_is_last(everything):
    run = replace(samples.sample_run(trust=True), notes=("a shape was left out",), complete=False)
    comparison = compare(samples.sample_run(seed=2), run, 0.1)
    shown = flat(text(run, comparison, everything=everything))
    marks = ["smxcheck 0.1.0 | Xeon", "ratios are to scipy", "softmax float32, 3 shapes", "softmax float64, 3 shapes",
             "*: no other right one", "is WRONG on", "incomplete", "a shape was left out", "timing an empty call",
             "put to the test", "compared with the base", "INCOMPLETE: "]  # fmt: skip
    places = [shown.index(mark) for mark in marks]
    assert places == sorted(places)
    assert shown.endswith(screen.verdict(run, comparison)) and log(run, comparison)[-1] == screen.verdict(run, comparison)


def test_facts_carry_every_figure():
    run = samples.sample_run(trust=True)
    facts = log(run)
    assert all("\n" not in fact for fact in facts)
    found = words.findings(run)
    for benchmark in run.benchmarks:
        for entry in benchmark.entries:
            fact = next(f for f in facts if f.startswith(f"{benchmark.title} {entry.name}: "))
            assert figures.seconds_text(entry.median) in fact
            if entry.name != EMPTY:
                assert f"{figures.figure(entry.median / benchmark.shape.elements * 1e9)} ns per element" in fact
                assert f"{figures.figure(benchmark.moved / entry.median / 1e9)} GB/s" in fact
                assert "elements/s" in fact and (entry.name == COPY or "× copy" in fact)
        for standing in found.standings[benchmark.title]:
            fact = next(f for f in facts if f.startswith(f"{benchmark.title} {standing.entry.name}: "))
            assert "worst error" in fact and figures.bytes_text(standing.entry.peak_bytes) in fact and "first call" in fact
            if standing.ratio is not None and standing.entry.name != found.base:
                assert f"{figures.interval(words.speed(standing.ratio))} times as fast as scipy, {standing.verdict}" in fact


def test_cells_of_the_tables_are_those_of_the_facts():
    run = samples.sample_run(shapes=ONE, dtypes=["float32"])
    shown, facts = text(run), "\n".join(log(run))
    told = re.findall(r"[\d.]+–[\d.]+|[\d.]+ ms", shown[shown.index("quartiles") : shown.index("*:")])
    assert len(told) >= 10 and all(figure in facts for figure in told)


def test_what_was_not_timed_is_told_with_its_reason():
    run = samples.sample_run(failed={"torch": "out of memory"})
    shapes = "; ".join(shape.title for shape in samples.SHAPES)
    assert f"torch was not timed on softmax float32 and float64 {shapes}: out of memory" in flat(text(run))
    assert "softmax float32 4096 x 1000 torch: not timed: out of memory" in log(run)
    nothing = samples.sample_run(failed=dict.fromkeys(samples.TARGETS, "no library"))
    assert screen.verdict(nothing) == "NOTHING TIMED. Measured in 61.5 s."
    assert "no target is right that could be the base" in text(nothing)


def test_without_a_right_base_nothing_is_compared():
    run = samples.sample_run(wrong=samples.TARGETS)
    assert "times as fast" not in "\n".join(log(run))
    assert "no target is right" in screen.verdict(run)
    asked = replace(samples.sample_run(), settings=replace(samples.sample_run().settings, relative_to=samples.OWN))
    assert words.NOT_COMPARED in flat(text(asked))
    assert f"nothing is compared: {samples.OWN}, the base, is not ranked" in screen.verdict(asked)


# Notes.


def test_a_harness_that_takes_more_than_a_percent_is_named():
    run = samples.sample_run(shapes=[Shape((4, 10)), Shape((4096, 1000))], dtypes=["float32"], wrong=())
    assert "above 1 %: do not trust 4 x 10" in flat(text(run))
    assert "above 1 %" not in flat(text(samples.sample_run()))


def test_first_calls_that_compile_and_processors_beyond_the_threads_are_told():
    launch = Launch(10, (0.001, 0.001), first_call=0.35, cpus=1.9)
    run = with_entry(samples.sample_run(), "torch", launches=(launch,) * 3)
    shown = flat(text(run))
    assert re.search(r"torch: first call 350 ms on softmax \S+ [^;]*, of which compiling is the most", shown)
    assert "torch used 1.9 CPUs: more than the 1 thread asked for" in shown
    quiet = flat(text(samples.sample_run()))
    assert "first call" not in quiet and "CPUs: more" not in quiet


@pytest.mark.parametrize(("first", "median", "told"), [(0.35, 0.03, True), (0.35, 0.04, False), (0.019, 0.001, False)])
def test_a_first_call_compiles_from_ten_times_the_median_and_20_ms_on(first, median, told):
    entry = samples.sample_run().benchmarks[0].targets[0]
    assert words.compiles(replace(entry, launches=(Launch(1, (median,), first),))) is told


def test_the_gate_s_own_test_is_told():
    expected = (
        "0 false alarms in 40 runs, 20 of unchanged code and 20 with one target slowed by 20 % (SLOWER for what had not changed,"
        " 4 comparisons in each run); the slowed target found in 20 of 20; unchanged code took from 0.990 to 1.01 times as long as"
        " before, in 3 ratios"
    )
    assert expected in remarks.trust_text(samples.sample_trust())
    assert expected in flat(text(samples.sample_run(trust=True)))


def test_what_a_call_includes_stands_in_the_facts_and_under_all():
    run = samples.sample_run()
    sentence = "the result is allocated in each call"
    assert sentence in "\n".join(log(run)) and sentence in flat(text(run, everything=True))


def test_a_base_is_not_compared_with_itself(monkeypatch):
    monkeypatch.setattr(ranking, "verdict", lambda ratio, margin: Verdict.UNDECIDED)
    told = remarks.undecided(words.findings(samples.sample_run(wrong=())))
    assert told and not any(text.startswith("scipy against") for text in told)


# The comparison.


def test_a_confirmed_slowdown_says_so_in_the_table_and_in_the_last_line():
    comparison = Comparison((change(Verdict.SLOWER, 1.5, CONFIRMED),), 0.1)
    run = samples.sample_run()
    table_, _, last = flat(text(run, comparison)).rpartition("SLOWER: ")
    assert re.search(r"SLOWER confirmed", table_) and "on softmax float32 4096 x 1000, confirmed." in last


def test_a_slowdown_is_told_with_its_times_and_interval():
    new = samples.sample_run(slower={"torch": 1.3}, seed=2)
    comparison = compare(samples.sample_run(), new, 0.1)
    last = screen.verdict(new, comparison)
    assert re.match(r"SLOWER: torch by \d+ % \(\d+–\d+ %\) on softmax float32 4096 x 1000; ", last)
    shown = text(new, comparison)
    assert shown.count("SLOWER") >= 6 and " SAME " not in shown[shown.index("verdict", shown.index("compared with")) :]


@pytest.mark.parametrize(
    ("verdicts", "word"),
    [("SAME SAME", "OK: 2 compared, none slower by 10 %"), ("FASTER SAME", "OK: 2 compared"),
     ("SAME UNDECIDED", "OK: 1 of 2 compared are not slower by 10 %; 1 UNDECIDED"),
     ("UNDECIDED UNDECIDED", "UNDECIDED: none of 2"), ("SLOWER UNDECIDED", "SLOWER: torch by 50 % (47–53 %)"),
     ("", "NOTHING COMPARED")],
)  # fmt: skip
def test_the_first_word_of_the_gate_is_that_of_the_exit_code(verdicts, word):
    comparison = Comparison(tuple(change(Verdict(v), 1.5 if v == "SLOWER" else 1.0) for v in verdicts.split()), 0.1)
    run = samples.sample_run()
    assert screen.verdict(run, comparison).startswith(word)
    code = {"OK": 0, "SLOWER": 1, "UNDECIDED": 3, "NOTHING COMPARED": 5}[word.partition(":")[0]]
    assert comparison.exit_code == code


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(list(Verdict)), min_size=1, max_size=6))
def test_what_is_undecided_is_never_told_as_the_same(verdicts):
    """Each stands in the table; the counts are those of the verdicts; OK is never said of all of them."""
    comparison = Comparison(tuple(change(v, target=f"target{i}") for i, v in enumerate(verdicts)), 0.1)
    told = flat("\n".join("".join(p for p, _ in line) for line in screen._comparison(comparison, Layout(), False)))
    undecided = [f"target{i}" for i, v in enumerate(verdicts) if v is Verdict.UNDECIDED]
    for name in undecided:
        assert re.search(rf"{name} [\d. ms()–]+ UNDECIDED", told)
    assert (f"{len(undecided)} UNDECIDED" in told) is bool(undecided)
    assert not undecided or "none slower" not in remarks.gate(comparison)


def test_undecided_in_a_run_is_told_as_such():
    run = samples.sample_run(slower={"torch": 1.1 / 0.19 * 1.05}, noise=10, rounds=3, dtypes=["float32"], wrong=())
    found = words.findings(run)
    assert {o.verdict for o in found.groups[0].overall if o.target == "torch"} == {Verdict.UNDECIDED}
    assert re.search(r"torch +[\d.]+ \([\d.–]+\) .*UNDECIDED", text(run))
    facts = [f for f in log(run) if f.startswith("softmax float32 torch: ")]
    assert "UNDECIDED" in facts[0] and "SAME" not in facts[0]
    titles = [b.shape.title for b in run.benchmarks if found_verdict(found, b.title, "torch") is Verdict.UNDECIDED]
    assert titles and f"torch against scipy is UNDECIDED on softmax float32 {'; '.join(titles)}: " in flat(text(run))


def test_what_is_newly_wrong_fails_the_gate_in_words():
    comparison = Comparison((change(Verdict.SAME),), 0.1, newly_wrong=(NewlyWrong("softmax float32 4096 x 1000", "torch", "nan"),))
    told = "WRONG: torch on softmax float32 4096 x 1000, where the base is right: nan"
    run = samples.sample_run()
    assert screen.verdict(run, comparison).startswith(told)
    assert flat(text(run, comparison)).count(told) == 2 and log(run, comparison).count(told) == 1


# Terminals.


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["no-color", "dumb"])
def test_no_escape_sequences_where_there_are_no_colours(environment):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=40, _environ={"TERM": "xterm-256color", **environment})
    print_lines(screen.lines(samples.sample_run(), Layout()), console)
    assert "\x1b" not in stream.getvalue() and "FASTER" in stream.getvalue()


def test_what_targets_supply_is_made_harmless():
    run = samples.sample_run(failed={"torch": "dead \x1b[31mred\x07 ::error::x"})
    for shown in (text(run), "\n".join(log(run))):
        assert "\x1b" not in shown and "\x07" not in shown and " ::error" not in shown


def test_styles_are_never_the_only_carrier():
    """Every coloured piece has a word or a mark that says the same."""
    for line in screen.lines(samples.sample_run(), Layout(), compare(samples.sample_run(), samples.sample_run(), 0.1)):
        for piece, style in line:
            if style == "good":
                assert re.search(r"FASTER|<|█|OK", piece), piece
            if style == "bad":
                assert re.search(r"WRONG|!|SLOWER|ms|kernel|[\d.]|softmax|finite", piece), piece


# Figures and drawings.


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (9.996, "10.0"), (99.96, "100"), (0.9996, "1.00"), (0.462, "0.462"), (11_204.3, "11,204"), (2.5e-7, "2.50e-07"),
     (float("inf"), "inf"), (float("nan"), "nan")],
)  # fmt: skip
def test_figures_have_three_significant_digits(value, shown):
    assert figures.figure(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(4.5e-8, "45.0 ns"), (9.9996e-7, "1.00 µs"), (3.1e-6, "3.10 µs"), (0.0182, "18.2 ms"), (0.99969, "1.00 s"), (125, "2 min 5 s")],
)
def test_times_have_the_unit_in_which_they_are_one_or_more(seconds, shown):
    assert figures.seconds_text(seconds) == shown
    assert to_ascii(shown) == shown.replace("µ", "u")


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.floats(0, 1), st.floats(0, 1), st.integers(5, 24), st.booleans())
def test_a_bar_grows_with_its_share_and_stays_in_its_width(one, other, width, unicode):
    low, high = sorted((one, other))
    assert 1 <= len(bar(low, width, unicode=unicode)) <= len(bar(high, width, unicode=unicode)) <= width


def test_a_sparkline_starts_at_zero():
    """A flat curve is flat at the top; half of the largest is the middle: no difference is blown up."""
    assert sparkline([2.0, 2.0], unicode=True) == "██"
    assert sparkline([1.0, 8.0, None, 4.0], unicode=False) == "28 5"


def test_columns_beyond_the_width_stand_below_with_the_names_again():
    row = tuple((f"figure{i}", "") for i in range(12))
    lines = ["".join(p for p, _ in line) for line in table([f"h{i}" for i in range(12)], [row, plain("x") + plain("runs on")], Layout())]
    assert all(len(line) <= 80 for line in lines)
    assert sum(line.startswith("figure0") for line in lines) == 2
    assert sum("runs on" in line for line in lines) == 1
    assert all(any(f"figure{i}" in line for line in lines) for i in range(12))
