"""The files of `bench`: its own JSON there and back, what other programs read, and names that say a format."""

from __future__ import annotations

import copy
import csv
import gzip
import io
import json
import math
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyperf import BenchmarkSuite

from smxcheck.benchmark.compare import against
from smxcheck.benchmark.compare.ranking import overall, standings
from smxcheck.benchmark.files import as_csv, as_gh_benchmark, as_markdown, as_pyperf, derived, formats
from smxcheck.benchmark.files.document import load, read, render
from smxcheck.benchmark.results import (
    COPY,
    YARDSTICKS,
    Benchmark,
    Entry,
    Judgement,
    Launch,
    Run,
    Settings,
    TimedTarget,
    Trust,
)
from smxcheck.benchmark.shapes import LAYOUTS, Shape
from smxcheck.judge.result import Level

from . import bench_samples as samples
from .report_samples import HOSTILE

SCHEMA = json.loads(files("smxcheck.benchmark.files").joinpath("schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
drawn = settings(derandomize=True, deadline=None, max_examples=30)

SMALL = (Shape((8, 10)), Shape((10, 8), axis=0), Shape((8, 10), layout="every-other"))
SAMPLES: dict[str, Run] = {
    "usual": samples.sample_run(trust=True),
    "small": samples.sample_run(shapes=SMALL, dtypes=["float32"]),
    "all_wrong": samples.sample_run(shapes=SMALL[:1], wrong=samples.TARGETS),
    "failed": samples.sample_run(shapes=SMALL[:1], failed={"torch": HOSTILE}),
    "hostile": samples.sample_run(shapes=SMALL[:1], targets=["scipy", HOSTILE.replace("\ud800", "")]),
    "one_time": samples.sample_run(shapes=SMALL[:1], launches=1, rounds=1),
    "incomplete": replace(samples.sample_run(shapes=SMALL), complete=False),
    "none": replace(samples.sample_run(shapes=SMALL[:1]), benchmarks=()),
}
every_sample = pytest.mark.parametrize("run", SAMPLES.values(), ids=SAMPLES)


# What a run may hold.

TEXT = st.text(max_size=12)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
TIME = st.floats(1e-12, 1e6)
SHARE = st.floats(0, 10)
#: A judgement may have an infinite error; ratios and limits may not.
ERROR = st.none() | st.floats(0, allow_nan=False)
SHAPE = st.builds(Shape, st.lists(st.integers(1, 9), min_size=2, max_size=3).map(tuple), st.sampled_from([-1, 0]), st.sampled_from(list(LAYOUTS)))
JUDGEMENT = st.builds(Judgement, st.sampled_from([str(level) for level in Level]), ERROR, ERROR, TEXT, TEXT, TEXT)
PLAIN = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(0, 9) | TEXT
SETTINGS = st.builds(
    Settings, TEXTS, TEXTS, TEXTS, st.lists(SHAPE, max_size=2).map(tuple), st.booleans(), st.booleans(), st.integers(1, 9), TEXT, SHARE,
    st.integers(1, 9), st.floats(0, math.inf), TEXT, TEXT,
    st.dictionaries(TEXT, st.sampled_from([None, True, 1, 0.5, math.inf, -math.inf, "mean"]), max_size=2), TEXTS,
)  # fmt: skip
TARGET = st.builds(TimedTarget, TEXT, TEXT, st.dictionaries(TEXT, TEXT, max_size=2), TIME, TEXT, TEXT, TEXTS, TEXT)
TRUST = st.builds(Trust, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), TIME, SHARE, st.lists(TIME, max_size=2).map(tuple), TEXTS, TEXTS)


@st.composite
def benchmarks(draw: st.DrawFn) -> Benchmark:
    """Timed entries of one benchmark have as many launches and rounds: they take turns."""
    rounds = draw(st.lists(st.integers(1, 3), min_size=1, max_size=2))
    names = draw(st.lists(TEXT | st.sampled_from(YARDSTICKS), max_size=4, unique=True))
    made = []
    for name in names:
        launches = tuple(
            Launch(draw(st.integers(1, 99)), tuple(draw(TIME) for _ in range(r)), draw(TIME), draw(SHARE), draw(st.none() | st.integers(0, 2**62)))
            for r in rounds
        )
        failure = draw(st.sampled_from(["", "", "it died"]))
        judged = None if name in YARDSTICKS else draw(st.none() | JUDGEMENT)
        made.append(Entry(name, () if failure else launches, judged, failure, draw(TEXT)))
    return Benchmark(draw(TEXT), draw(TEXT), draw(SHAPE), draw(st.integers(0, 2**40)), tuple(made))


RUN = st.builds(
    Run, SETTINGS, st.dictionaries(TEXT, PLAIN | st.dictionaries(TEXT, PLAIN, max_size=2), max_size=3),
    st.lists(TARGET, max_size=2, unique_by=lambda t: t.name).map(tuple),
    st.lists(benchmarks(), max_size=2, unique_by=lambda b: b.title).map(tuple), TIME, st.booleans(), TEXTS, TEXT, TEXT, st.none() | TRUST,
)  # fmt: skip


# There and back.


@pytest.mark.slow
@drawn
@given(RUN)
def test_a_run_comes_back_from_its_document_exactly(run: Run) -> None:
    text = render(run)
    assert load(text) == run
    VALIDATOR.validate(json.loads(text, parse_constant=pytest.fail))


@every_sample
def test_samples_come_back_and_follow_the_schema(run: Run) -> None:
    text = render(run)
    data = json.loads(text, parse_constant=pytest.fail)
    VALIDATOR.validate(data)
    again = load(text)
    assert render(again) == text
    assert again.settings == run.settings and len(again.benchmarks) == len(run.benchmarks)


def test_the_schema_is_valid_and_closed() -> None:
    """Every object but the machine's facts and the keywords names all of its keys, so a typing error cannot pass."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["$defs"]["figures"]["properties"]) == set(derived.COLUMNS)
    assert set(SCHEMA["properties"]) >= {field.name for field in fields(Run)}


def test_each_benchmark_is_a_line() -> None:
    run = SAMPLES["usual"]
    found = [json.loads(line.rstrip(",")) for line in render(run).splitlines() if line.startswith('{"title"')]
    assert [data["title"] for data in found] == [b.title for b in run.benchmarks]


def test_a_compressed_file_is_read_as_the_other(tmp_path: Path) -> None:
    run = SAMPLES["small"]
    for name in ("a.json", "a.json.gz"):
        (tmp_path / name).write_bytes(formats.content(run, "json", tmp_path / name))
        assert read(tmp_path / name) == run
    assert (tmp_path / "a.json.gz").read_bytes()[:2] == b"\x1f\x8b"
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.json")


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"\x1f\x8b", gzip.compress(b"{}"), gzip.compress(b"{" * 9)[:-3], gzip.compress(b"x" * 999)[:40] + b"\0" * 40],
    ids=["empty", "no-utf8", "gzip-head", "gzip-empty", "gzip-cut", "gzip-broken"],
)
def test_a_file_that_is_no_run_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"^[^\n]+\Z"):
        read(tmp_path / "a.json")


# What follows from the times.


def test_figures_are_those_of_their_formulas() -> None:
    """Times that are all equal: every figure is a quotient of round numbers."""
    launch = Launch(1, (2e-3,) * 3, 5e-3, 1.5, 4096)
    entries = (Entry("a", (launch,), Judgement("tight", 1.0)), Entry(COPY, (replace(launch, seconds=(5e-4,) * 3),)))
    benchmark = Benchmark("softmax", "float32", Shape((1000, 1000)), 8_000_000, entries)
    found = derived.figures(benchmark, entries[0])
    assert (found.median_seconds, found.ns_per_element, found.elements_per_second) == (2e-3, 2.0, 5e8)
    assert (found.gb_per_second, found.times_copy, found.first_call_seconds) == (4.0, 4.0, 5e-3)
    assert (found.peak_bytes, found.cpus, found.status, found.ratio) == (4096, 1.5, "right", None)


def test_ratios_and_verdicts_are_those_of_the_ranking() -> None:
    run = SAMPLES["usual"]
    for benchmark, told in zip(run.benchmarks, json.loads(render(run))["benchmarks"], strict=True):
        by_name = {entry["name"]: entry["figures"] for entry in told["entries"]}
        for standing in standings(benchmark, "scipy", run.settings.margin, run.benchmarks):
            own, ratio = by_name[standing.entry.name], standing.ratio
            assert own["verdict"] == (standing.verdict and str(standing.verdict))
            assert own["ratio"] == (ratio and pytest.approx(ratio.value, rel=1e-5))
            assert own["pareto"] == standing.pareto
        assert by_name[samples.OWN]["ratio"] is None and by_name[samples.OWN]["status"] == "wrong"
    assert [row["wrong"] for row in json.loads(render(run))["overall"]] == [of.wrong for of in overall(run)]


def test_an_incomplete_run_is_not_compared() -> None:
    """It is written after every benchmark: what takes long is left out, the times are not."""
    data = json.loads(render(SAMPLES["incomplete"]))
    figures = [e["figures"] for b in data["benchmarks"] for e in b["entries"]]
    assert not data["overall"] and all(f["ratio"] is None for f in figures)
    assert all(f["median_seconds"] for f in figures)


# What is wrong with a document.


def changed(path: tuple[Any, ...], value: Any) -> str:
    data = json.loads(render(SAMPLES["small"]))
    place = data
    for key in path[:-1]:
        place = place[key]
    if value is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return json.dumps(data)


ENTRY = ("benchmarks", 0, "entries", 0)
LAUNCH = (*ENTRY, "launches", 0)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("schema",), "smxcheck-bench/2", "not a document of schema"),
        (("settings",), KeyError, "run lacks settings"),
        (("complete",), KeyError, "run lacks complete"),
        ((*LAUNCH, "loops"), KeyError, "lacks loops"),
        (("seconds",), "long", "run.seconds: a number is expected, not a text"),
        (("seconds",), math.nan, "NaN is no JSON"),
        (("seconds",), "nan", "a time that is none"),
        (("seconds",), True, "not true or false"),
        (("complete",), 1, "true or false is expected"),
        (("benchmarks",), {}, "a list is expected, not an object"),
        (("benchmarks", 0, "shape", "shape"), [0], "a shape that there is not"),
        (("benchmarks", 0, "shape", "shape"), [2**40, 2**40], "a shape that there is not"),
        (("benchmarks", 0, "shape", "axis"), 2, "a shape that there is not"),
        (("benchmarks", 0, "shape", "layout"), "spiral", "a shape that there is not"),
        (("benchmarks", 0, "moved"), 10**400, "too large"),
        (("benchmarks", 0, "moved"), -1, "fewer than no bytes"),
        (("benchmarks", 1, "shape"), {"shape": [8, 10], "axis": -1, "layout": "contiguous"}, "a benchmark is there twice"),
        ((*ENTRY, "name"), "torch", "an? entry is there twice"),
        ((*ENTRY, "judgement", "level"), "best", "no level"),
        ((*ENTRY, "judgement", "worst"), -1, "an error below zero"),
        ((*LAUNCH, "seconds", 0), -1e-3, "not positive and finite"),
        ((*LAUNCH, "seconds", 0), 0, "not positive and finite"),
        ((*LAUNCH, "seconds", 0), "inf", "not positive and finite"),
        ((*LAUNCH, "seconds", 0), 1e999, "no JSON|not positive and finite"),
        ((*LAUNCH, "seconds", 0), None, "a number is expected, not null"),
        ((*LAUNCH, "seconds"), [1e-3], "different numbers of launches or rounds"),
        ((*LAUNCH, "seconds"), [], "different numbers|without a call"),
        ((*LAUNCH, "loops"), 0, "without a call"),
        ((*LAUNCH, "peak_bytes"), -1, "memory below nothing"),
        ((*ENTRY, "launches"), [], "^$"),
        (("settings", "threads"), 0, "settings that no run has"),
        (("settings", "margin"), "inf", "settings that no run has"),
        (("machine", "deep"), [[[[[[[1]]]]]]], "deeper than"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_one_line(path: tuple[Any, ...], value: Any, told: str) -> None:
    text = changed(path, value)
    if told == "^$":
        assert not load(text).benchmarks[0].entries[0].timed  # no launch came to it yet: nothing is wrong
        return
    with pytest.raises(ValueError, match=told) as error:
        load(text)
    assert "\n" not in str(error.value) and len(str(error.value)) < 200


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 100_000, '{"schema": 1}', "1" * 5000, '"\\ud800"'])
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]{10,200}\Z"):
        load(text)


#: Values that a field may be corrupted to.
VALUES = (None, True, 0, -1, 1e308, -1e308, 10**30, "", "nan", "inf", "x", [], {}, [1], [[]], {"a": 1}, 5e-324, "wrong")


def test_hundreds_of_corrupted_documents_give_a_run_or_one_line() -> None:
    """Cut, swapped, dropped, replaced. What loads can be written and compared: no corruption shows up only later."""
    run = samples.sample_run(shapes=SMALL[:1], dtypes=["float32"], targets=["scipy", samples.OWN], launches=2, rounds=2, trust=True)
    text, chance = render(run), random.Random(20)
    pristine = json.loads(text)
    loaded = 0
    for turn in range(400):
        corrupted = text[: chance.randrange(len(text))] if turn % 10 == 0 else _corrupted(pristine, chance)
        try:
            found = load(corrupted)
        except ValueError as error:
            assert str(error) and "\n" not in str(error)
            continue
        loaded += 1
        if turn % 20 == 1:
            assert load(render(found)) == found
            as_csv.render(found), as_gh_benchmark.render(found), as_markdown.render(found)
            against.compare(found, run, 0.1)
    assert 20 < loaded < 360  # derived figures are not read back, so some corruption is none


def _corrupted(pristine: dict[str, Any], chance: random.Random) -> str:
    data = copy.deepcopy(pristine)
    places = list(_places(data))
    for _ in range(chance.choice((1, 1, 2))):
        container, key = chance.choice(places)
        if chance.random() < 0.2 and isinstance(container, dict):
            container.pop(key, None)
        elif isinstance(container, dict) or key < len(container):
            container[key] = chance.choice(VALUES)
    return json.dumps(data)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield value, key
        yield from _places(one)


# The table of formats.


def test_a_page_names_the_files_that_the_same_command_writes(tmp_path):
    others = [("json", tmp_path / "data" / "run.json.gz"), ("svg", tmp_path / "plot.svg"), ("page", tmp_path / "bench.md")]
    page = formats.content(SAMPLES["small"], "page", tmp_path / "bench.md", None, others).decode()
    assert "(data/run.json.gz)" in page and "(plot.svg)" in page
    assert "Raw data" not in formats.render(SAMPLES["small"], "page").decode()


@pytest.mark.parametrize(
    ("text", "format", "found"),
    [
        ("a.json", "", ("json", "a.json")), ("a.json.gz", "", ("json", "a.json.gz")), ("a.MD", "", ("markdown", "a.MD")),
        ("b/a.csv", "", ("csv", "b/a.csv")), ("a.svg", "", ("svg", "a.svg")), ("a.png", "", ("png", "a.png")),
        ("pyperf:a.json", "", ("pyperf", "a.json")), ("a.json", "pyperf", ("pyperf", "a.json")),
        ("gh-benchmark:x", "csv", ("gh-benchmark", "x")), ("./a:b.csv", "", ("csv", "a:b.csv")), ("C:a.csv", "", ("csv", "C:a.csv")),
    ],
)  # fmt: skip
def test_a_destination_says_its_format(text: str, format: str, found: tuple[str, str]) -> None:
    assert formats.destination(text, format) == (found[0], Path(found[1]))


@pytest.mark.parametrize(("text", "format"), [("a.txt", ""), ("a", ""), ("junit:a.json", ""), ("a.json", "junit"), ("", "")])
def test_a_destination_without_a_format_is_refused_with_the_list(text: str, format: str) -> None:
    with pytest.raises(ValueError, match="pyperf, gh-benchmark, csv, markdown") as error:
        formats.destination(text, format)
    assert "\n" not in str(error.value)


def test_every_format_has_a_module_and_every_module_a_format() -> None:
    found = {p.stem for p in Path(formats.__file__).parent.glob("as_*.py")} | {"document", "page"}
    assert found == {f.module.rpartition(".")[2] for f in formats.FORMATS.values()}
    assert all(name == entry.name for name, entry in formats.FORMATS.items())


def test_a_picture_is_asked_for_by_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    from smxcheck.benchmark.files import as_plot

    monkeypatch.setattr(as_plot, "render", lambda run, kind: kind.encode())
    assert [formats.render(SAMPLES["small"], kind) for kind in as_plot.KINDS] == [b"svg", b"png"]


@pytest.mark.parametrize("name", [n for n, f in formats.FORMATS.items() if not f.picture])
def test_every_format_is_written_and_the_same_again(name: str) -> None:
    for run in (SAMPLES["small"], SAMPLES["hostile"], SAMPLES["failed"]):
        assert formats.render(run, name) == formats.render(run, name)
        assert formats.render(run, name).endswith(b"\n")


# pyperf.


def pyperf(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "pyperf", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, Run], str]:
    def write(name: str, run: Run) -> str:
        (tmp_path / name).write_text(as_pyperf.render(run), encoding="utf-8")
        return str(tmp_path / name)

    return write


def test_pyperf_reads_what_was_measured(written: Callable[[str, Run], str]) -> None:
    run = SAMPLES["usual"]
    suite = BenchmarkSuite.load(written("a.json", run))
    ranked = {as_pyperf.name(b, e.name): e for b, e in samples.entries(run) if e.ranked}
    assert {bench.get_name() for bench in suite} == set(ranked) and len(ranked) == 12
    for bench in suite:
        entry = ranked[bench.get_name()]
        assert bench.get_values() == entry.seconds and bench.median() == entry.median
        assert [(r.values, r.warmups) for r in bench.get_runs()] == [(o.seconds, ((1, o.first_call),)) for o in entry.launches]
        assert bench.get_metadata()["smx_gbps"] > 0 and bench.get_metadata()["smx_level"] in ("standard", "tight")
    assert "kernel.py" in suite.get_metadata()["smx_left_out"]


def test_pyperf_compares_two_files(written: Callable[[str, Run], str]) -> None:
    base = written("a.json", SAMPLES["usual"])
    slower = written("b.json", samples.sample_run(slower={"torch": 1.3}, seed=2))
    told = pyperf("compare_to", base, slower, "--table")
    factors = [float(f) for f in re.findall(r"\[torch\].*: (\d\.\d\d)x slower", told)]
    assert len(factors) == 6 and all(1.25 < f < 1.35 for f in factors) and "kernel.py" not in told
    assert "slower" not in pyperf("compare_to", base, written("c.json", SAMPLES["usual"]))


@pytest.mark.slow
@pytest.mark.parametrize("command", ["check", "stats", "metadata", "hist", "slowest"])
@pytest.mark.parametrize("name", ["usual", "hostile", "one_time"])
def test_pyperf_takes_the_files_in_its_other_commands(written: Callable[[str, Run], str], command: str, name: str) -> None:
    assert pyperf(command, written("a.json", SAMPLES[name])).strip()


@drawn
@given(RUN)
def test_names_are_unique_and_metadata_are_what_pyperf_takes(run: Run) -> None:
    """Numbers, and lines of text that are not empty; https://pyperf.readthedocs.io, Metadata."""
    try:
        data = json.loads(as_pyperf.render(run), parse_constant=pytest.fail)
    except ValueError as error:
        assert "nothing for pyperf" in str(error)
        return
    metadata = [data["metadata"], *(b["metadata"] for b in data["benchmarks"])]
    values = [v for fields in metadata for v in fields.values()]
    assert all(type(v) in (int, float) or (type(v) is str and v.strip() and v.splitlines() == [v]) for v in values)


def test_names_of_shapes_differ_where_the_shapes_do() -> None:
    names = [as_pyperf.name(b, "torch") for b in SAMPLES["small"].benchmarks]
    assert names == ["softmax float32 8x10 [torch]", "softmax float32 10x8 axis=0 [torch]", "softmax float32 8x10 every other column [torch]"]


def test_nothing_right_is_nothing_for_pyperf() -> None:
    with pytest.raises(ValueError, match="no target was timed and is right"):
        as_pyperf.render(SAMPLES["all_wrong"])


# github-action-benchmark.


@every_sample
def test_points_have_the_fields_of_custom_smaller_is_better(run: Run) -> None:
    points = json.loads(as_gh_benchmark.render(run), parse_constant=pytest.fail)
    assert [p["name"] for p in points] == [as_pyperf.name(b, e.name) for b, e in samples.entries(run) if e.ranked]
    for point in points:
        assert set(point) - {"range"} == {"name", "unit", "value", "extra"} and point["unit"] == "ns"
        assert isinstance(point["value"], float) and point["value"] > 0 and "GB/s" in point["extra"]
        assert float(point.get("range", "± 1").removeprefix("± ")) > 0


def test_the_range_is_half_of_an_interval_that_narrows_with_rounds() -> None:
    few, many = (samples.sample_run(shapes=SMALL[:1], dtypes=["float32"], rounds=r, launches=5) for r in (4, 64))
    half = [as_gh_benchmark.half_interval(run, run.benchmarks[0], run.benchmarks[0].targets[0]) for run in (few, many)]
    assert 0 < half[1] < half[0] < few.benchmarks[0].targets[0].median
    once = SAMPLES["one_time"]
    assert math.isinf(as_gh_benchmark.half_interval(once, once.benchmarks[0], once.benchmarks[0].targets[0]))
    assert "range" not in json.loads(as_gh_benchmark.render(once))[0]


# CSV and Markdown.


@every_sample
def test_the_table_has_a_row_for_each_entry_with_its_status(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv.render(run))))
    expected = [(e, derived.status(e)) for b in run.benchmarks for e in b.entries]
    assert [row["status"] for row in rows] == [status for _, status in expected]
    assert all(set(row) == set(as_csv.COLUMNS) for row in rows)
    for row, (entry, status) in zip(rows, expected, strict=True):
        if entry.timed:
            assert float(row["median_seconds"]) == pytest.approx(entry.median, rel=1e-5)
        assert bool(row["ratio"]) <= (status == "right"), "what is wrong is never ranked"


def test_no_cell_is_a_formula() -> None:
    """A target may be named as it likes, and fail with any message."""
    for name in ("hostile", "failed"):
        cells = [cell for row in csv.reader(io.StringIO(as_csv.render(SAMPLES[name]))) for cell in row]
        assert any(cell.startswith("'=cmd") for cell in cells)
        assert not any(cell.startswith(("=", "@", "\t", "\r")) or "\x1b" in cell for cell in cells)


@every_sample
def test_the_page_names_every_target_and_every_wrong_one(run: Run) -> None:
    page = as_markdown.render(run)
    for target in {e.name for b in run.benchmarks for e in b.targets} & set(samples.TARGETS):
        assert target in page
    wrong = any(e.judgement and e.judgement.wrong for _, e in samples.entries(run))
    assert wrong == ("Wrong: timed, never ranked" in page)
    assert "\x1b" not in page and "<script" not in page
    tables = [line for line in page.splitlines() if line.startswith("|")]
    assert bool(tables) == bool(run.benchmarks)


def test_the_page_of_a_comparison_tells_what_is_slower_first() -> None:
    slow = samples.sample_run(slower={"torch": 1.3}, seed=2)
    comparison = against.compare(SAMPLES["usual"], slow, 0.1)
    page = formats.render(slow, "markdown", comparison).decode()
    assert page == as_markdown.render(slow, comparison) != as_markdown.render(slow)
    rows = [line for line in page.partition("### Compared")[2].splitlines() if line.startswith("| softmax")][:12]
    assert [("SLOWER" in row, "| torch |" in row) for row in rows] == [(True, True)] * 6 + [(False, False)] * 6
    assert page.splitlines()[2].startswith("SLOWER: torch")
    assert "now: wrong" in page


def test_files_and_screen_borrow_noise_from_the_same_function_and_dtype_alone() -> None:
    """What is told of a benchmark is the same wherever it is told: other dtypes of the run are no prior for it."""
    run = samples.sample_run()
    for benchmark, figures in derived.table(run):
        alike = [b for b in run.benchmarks if (b.function, b.dtype) == (benchmark.function, benchmark.dtype)]
        for standing in standings(benchmark, "scipy", run.settings.margin, alike):
            told = figures[standing.entry.name]
            assert told.verdict == (str(standing.verdict) if standing.verdict else None)
            if standing.ratio:
                wanted = standing.ratio.value, standing.ratio.low, standing.ratio.high
                assert (told.ratio, told.ratio_low, told.ratio_high) == pytest.approx(wanted, rel=1e-5)
