"""The plots and the page of a run of ``bench``: complete, deterministic, honest about what is wrong or missing."""

from __future__ import annotations

import math
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.benchmark.files import as_plot, page
from smxcheck.benchmark.results import COPY, EXP, Run
from smxcheck.benchmark.shapes import LADDER, Shape
from smxcheck.benchmark.show import plots
from smxcheck.benchmark.show.plot_labels import Box, placed, spread
from smxcheck.benchmark.show.words import findings

from .bench_samples import JUDGEMENTS, OWN, TARGETS, sample_run

ONE_DTYPE = ("float32",)
HOSTILE = "a/$x$_<b>&\x1b[31m\x00\"'漢.py:softmax"


def texts(svg: bytes) -> list[str]:
    """Every text of a picture. Raises ParseError where it is no XML."""
    return ["".join(e.itertext()).strip() for e in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.fixture(scope="module")
def run() -> Run:
    return sample_run(dtypes=ONE_DTYPE)


@pytest.fixture(scope="module")
def svg(run: Run) -> bytes:
    return as_plot.render(run, "svg")


@pytest.mark.slow
def test_a_picture_names_targets_yardsticks_axes_and_where_it_was_made(svg: bytes, run: Run) -> None:
    found = texts(svg)
    told = " ".join(found)
    for label in ("scipy", "torch", f"{OWN} (wrong)", f"{OWN}: wrong", COPY, EXP):
        assert label in found
    assert "time, ns for an element" in found
    assert "worst error found (≥), ulp" in found
    assert "n (length of what is normalised)" in found
    assert "time, over that of scipy (geometric mean; left is faster)" in found
    for fact in ("Xeon 2.0 GHz", "1 thread", "numpy 2.4.6", "torch 1.17.0", "lower bounds (≥)", f"never ranked: {OWN}"):
        assert fact in told


def test_equal_runs_give_equal_bytes(svg: bytes, run: Run) -> None:
    assert as_plot.render(run, "svg") == svg
    assert b"<dc:date>" not in svg


@pytest.mark.slow
def test_a_png_is_one_and_fits_a_page(run: Run) -> None:
    png = as_plot.render(run, "png")
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    assert 400 < width < 1600
    assert 600 < height < 1600


def test_global_settings_are_neither_used_nor_changed(svg: bytes, run: Run) -> None:
    import matplotlib

    with matplotlib.rc_context({"font.size": 31, "axes.facecolor": "red", "svg.fonttype": "path"}):
        before = dict(matplotlib.rcParams)
        assert as_plot.render(run, "svg") == svg
        assert dict(matplotlib.rcParams) == before


def test_nothing_is_logged_or_warned_about(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    as_plot.render(sample_run(targets=("scipy", HOSTILE), dtypes=ONE_DTYPE, wrong=()), "svg")
    assert not caplog.records


def test_names_are_text_and_never_markup(run: Run) -> None:
    found = texts(as_plot.render(sample_run(targets=("scipy", HOSTILE), dtypes=ONE_DTYPE, wrong=()), "svg"))
    assert any("a/$x$_<b>&" in text for text in found)
    assert not any("\x1b" in text or "\x00" in text for text in found)


def test_one_shape_has_no_cost_over_the_length_and_says_so() -> None:
    one = sample_run(shapes=(Shape((4096, 1000)),), dtypes=ONE_DTYPE)
    found = texts(as_plot.render(one, "svg"))
    assert not any("float32: cost over" in text for text in found)
    assert any(text.startswith("No cost over the length of a row") for text in found)
    assert "softmax float32: accuracy against time" in found


def test_one_target_is_drawn() -> None:
    assert "torch" in texts(as_plot.render(sample_run(targets=("torch",), dtypes=ONE_DTYPE), "svg"))


def test_where_all_are_wrong_times_are_told_by_the_copy() -> None:
    found = texts(as_plot.render(sample_run(wrong=TARGETS, dtypes=ONE_DTYPE), "svg"))
    assert all(f"{name}: wrong" in found for name in TARGETS)
    assert "time, over that of copy (geometric mean; left is faster)" in found


def test_where_nothing_was_timed_the_reasons_stand_in_the_picture() -> None:
    failed = sample_run(failed={name: f"cannot load {name}" for name in TARGETS}, dtypes=ONE_DTYPE)
    told = " ".join(texts(as_plot.render(failed, "svg")))
    assert all(f"Not marked: {name}: cannot load {name}." in told for name in TARGETS)
    assert "No accuracy against time" in told


@pytest.mark.slow
def test_several_functions_have_panels_each_and_one_can_be_chosen() -> None:
    both = sample_run(functions=("softmax", "logsumexp"), dtypes=ONE_DTYPE)
    panels = ("cost over the length of a row", "accuracy against time")
    titles = [f"{function} float32: {panel}" for function in ("softmax", "logsumexp") for panel in panels]
    found = texts(as_plot.render(both, "svg"))
    assert [text for text in found if text in titles] == titles
    chosen = texts(as_plot.render(both, "svg", "logsumexp"))
    assert [text for text in chosen if text in titles] == titles[2:]


def test_bad_requests_are_refused_in_one_line(run: Run) -> None:
    with pytest.raises(ValueError, match="no picture format 'gif'; there are: svg, png"):
        as_plot.render(run, "gif")
    with pytest.raises(ValueError, match="no benchmark of entropy"):
        as_plot.render(run, "svg", "entropy")
    with pytest.raises(ValueError, match="nothing to draw"):
        as_plot.render(replace(run, benchmarks=()), "svg")


def test_a_missing_matplotlib_is_told_with_the_remedy(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert as_plot.available() == ""
    monkeypatch.setattr(as_plot, "find_spec", lambda name: None)
    assert "pip install 'smxcheck[plot]'" in as_plot.available()
    with pytest.raises(RuntimeError, match="smxcheck\\[plot\\]"):
        as_plot.render(run, "svg")


@pytest.mark.slow  # in a process of its own
def test_matplotlib_is_imported_by_drawing_alone_and_pyplot_never() -> None:
    code = """
import sys
sys.path.insert(0, "tests")
from smxcheck.benchmark.files import as_plot, formats
as_plot.available()
print("matplotlib" in sys.modules, "numpy" in sys.modules)
from bench_samples import sample_run
as_plot.render(sample_run(dtypes=("float32",)), "svg")
print("matplotlib" in sys.modules, "matplotlib.pyplot" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    assert done.stdout.split() == ["False", "False", "True", "False"]
    assert not done.stderr


def test_a_ladder_is_drawn_alone_and_other_layouts_never() -> None:
    shapes = (Shape((4096, 1000)), *LADDER, Shape((1000, 4096), axis=0), Shape((4096, 1000), layout="every-other"))
    found = findings(sample_run(shapes=shapes, dtypes=ONE_DTYPE))
    for curve in plots.curves(found, found.groups[0]):
        assert [point.n for point in curve.points] == [shape.n for shape in LADDER]
    without = findings(sample_run(shapes=[s for s in shapes if s not in LADDER], dtypes=ONE_DTYPE))
    assert plots.curves(without, without.groups[0]) == ()


def test_points_are_medians_between_their_quartiles(run: Run) -> None:
    found = findings(run)
    curve = plots.curves(found, found.groups[0])[0]
    for point, benchmark in zip(curve.points, plots.steps(run.benchmarks), strict=True):
        entry = benchmark.entry(curve.name)
        assert entry is not None
        assert math.isclose(point.nanoseconds, entry.median / benchmark.shape.elements * 1e9)
        assert point.low <= point.nanoseconds <= point.high


def test_a_wrong_target_has_no_error_and_is_never_on_the_front(run: Run) -> None:
    marked = plots.marks(findings(run), findings(run).groups[0])
    by_name = {mark.name: mark for mark in marked.marks}
    assert by_name[OWN].wrong
    assert not by_name[OWN].front
    assert by_name["scipy"].time.value == 1
    assert by_name["torch"].front  # faster and more accurate than the only other right one
    assert by_name["torch"].error == JUDGEMENTS["torch"].worst


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(st.floats(-50, 350), max_size=20), st.floats(1, 12))
def test_spread_labels_keep_their_order_their_distance_and_their_place(wanted: list[float], spacing: float) -> None:
    heights = spread(wanted, spacing, 0, 300)
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    assert all(heights[b] - heights[a] >= spacing - 1e-6 for a, b in pairwise(order))
    assert all(-1e-6 <= h <= 300 + 1e-6 for h in heights)
    apart = all(wanted[b] - wanted[a] >= spacing for a, b in pairwise(order))
    if apart and all(0 <= w <= 300 for w in wanted):
        assert heights == pytest.approx(wanted, abs=1e-6)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.floats(20, 280), st.floats(20, 180)), min_size=1, max_size=7))
def test_labels_beside_marks_cover_no_other_label_where_there_is_room(marks: list[tuple[float, float]]) -> None:
    within = Box(0, 0, 320, 200)
    boxes = placed(marks, [(50, 9)] * len(marks), [], within)
    assert sum(a.shared(b) for i, a in enumerate(boxes) for b in boxes[:i]) == 0
    assert all(math.isclose(box.shared(within), box.area) for box in boxes)


def test_the_page_tells_everything(run: Run) -> None:
    told = replace(
        sample_run(trust=True, failed={"torch": "torch is not installed"}, dtypes=ONE_DTYPE), command="smxcheck bench scipy torch",
        notes=("softmax float32 1 x 4194304 was left out: it does not fit",),
    )  # fmt: skip
    text = page.render(told, ["bench.svg", "more plots.svg"], "bench.json")
    for name in TARGETS:
        assert name in text
    assert "torch is not installed" in text
    assert "1 x 4194304 was left out" in text
    assert "\nsmxcheck bench scipy torch\n" in text
    assert "](bench.svg)" in text
    assert "](more%20plots.svg)" in text
    assert "[bench.json](bench.json)" in text
    assert "got nan, right 0.5" in text
    trust = told.trust
    assert trust is not None
    assert f"| false alarms: SLOWER for what had not changed | {trust.false_alarms} | {2 * trust.repetitions} |" in text
    assert f"| slowdowns of 20 % found | {trust.found} | {trust.repetitions} |" in text
    for benchmark in told.benchmarks:
        assert f"<summary>{benchmark.title}</summary>" in text


def test_the_page_says_nothing_that_the_run_does_not_have(run: Run) -> None:
    text = page.render(replace(run, command="", date=""))
    assert "The gate put to the test" not in text
    assert "## Plots" not in text
    assert "Raw data" not in text
    assert "measures the same again" not in text


def test_pages_of_equal_runs_are_equal_and_tables_have_equal_columns(run: Run) -> None:
    text = page.render(run)
    assert text == page.render(sample_run(dtypes=ONE_DTYPE))
    block: list[int] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            block.append(line.count("|"))
        else:
            assert len(set(block)) <= 1
            block = []


def test_names_are_no_markup_on_the_page() -> None:
    text = page.render(sample_run(targets=("scipy", HOSTILE), dtypes=ONE_DTYPE))
    assert "<b>" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize("what", ["all wrong", "none timed", "no benchmarks", "one target"])
def test_any_run_has_a_page(what: str, run: Run) -> None:
    runs = {
        "all wrong": sample_run(wrong=TARGETS, dtypes=ONE_DTYPE),
        "none timed": sample_run(failed=dict.fromkeys(TARGETS, "it hangs"), dtypes=ONE_DTYPE),
        "no benchmarks": replace(run, benchmarks=(), complete=False),
        "one target": sample_run(targets=("torch",), dtypes=ONE_DTYPE),
    }
    text = page.render(runs[what])
    assert text.startswith("# Speed, and the accuracy that it costs\n")
    assert {"all wrong": "WRONG", "none timed": "it hangs", "no benchmarks": "incomplete", "one target": "torch"}[what] in text
