"""Shapes and what a run consists of."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.benchmark.measure import plan
from smxcheck.benchmark.results import Settings
from smxcheck.benchmark.shapes import CUBED, LADDER, NAMED, SQUARED, Shape, defaults, parse
from smxcheck.targets.protocol import Offer, TargetError, TargetInfo

SETTINGS = Settings(("builtin", "scipy"), ("softmax",), ("float32", "float64"))


def info(name: str, *functions: str) -> TargetInfo:
    return TargetInfo(name, {}, "numpy", {f: Offer(f, f"{name}.{f}", frozenset()) for f in functions})


INFOS = [info("builtin", "softmax", "sigmoid", "softmax_jacobian"), info("scipy", "softmax")]


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=6), st.sampled_from(["x", "×", "*", ",", " x "]))
@settings(derandomize=True, deadline=None)
def test_a_shape_is_read_as_it_is_written(lengths, sign):
    text = sign.join(map(str, lengths))
    assert parse(text) == parse(text.upper()) == parse(f"[{text}]") == parse(str(tuple(lengths))) == Shape(tuple(lengths))


@given(st.lists(st.integers(1, 99), min_size=1, max_size=6), st.data())
@settings(derandomize=True, deadline=None)
def test_a_title_reads_back_and_the_last_axis_has_one_name(lengths, data):
    axis = data.draw(st.integers(-len(lengths), len(lengths) - 1))
    shape = parse("x".join(map(str, lengths)), axis)
    assert shape.n == lengths[axis]
    assert (shape.axis == -1) == (axis in (-1, len(lengths) - 1))


@pytest.mark.parametrize(
    ("text", "axis", "told"),
    [("", -1, "write 4096x1000"), ("big", -1, "one of ten"), ("4x0", -1, "no elements"), ("4x4", 2, "no axis 2"),
     ("4x4", -3, "no axis -3"), ("1x1x1x1x1x1x1", -1, "axes"), ("-4x4", -1, "write"), ("1e6x10", -1, "write"), ("(4x4", -1, "write"), ("()", -1, "write")],
)  # fmt: skip
def test_what_is_no_shape_is_refused_with_the_remedy(text, axis, told):
    with pytest.raises(ValueError, match=told):
        parse(text, axis)


def test_names_titles_and_defaults_are_unique_and_cover_what_is_promised():
    shapes = [shape for shape, _ in NAMED.values()]
    assert len({s.title for s in (*shapes, *LADDER)}) == len(shapes) + len(LADDER)
    wanted = {(100_000, 10), (20_000, 100), (4096, 1000), (64, 50_257), (1, 2**22)}
    assert wanted <= {s.shape for s in shapes if s.axis == -1 and s.layout == "contiguous"}
    assert any(s.axis != -1 for s in shapes) and any(s.layout != "contiguous" for s in shapes)
    assert {s.elements for s in LADDER} == {1 << 20}
    assert defaults("same") == tuple(shapes)
    assert (defaults("jacobian"), defaults("hessian")) == (SQUARED, CUBED)


def test_every_function_dtype_and_shape_is_an_item_with_the_targets_that_have_it():
    found = plan.items(SETTINGS, INFOS)
    assert len(found) == len({i.title for i in found}) == 2 * len(NAMED)
    assert {i.targets for i in found} == {("builtin", "scipy")}


def test_a_function_without_an_axis_has_no_shape_along_another():
    found = plan.items(Settings(("builtin",), ("sigmoid",), ("float32",)), INFOS)
    assert {i.shape.axis for i in found} == {-1}
    assert {i.targets for i in found} == {("builtin",)}


def test_the_ladder_comes_on_top_of_what_was_asked_for():
    asked = (Shape((4, 4)),)
    both = Settings(("builtin",), ("softmax",), ("float32",), asked, ladder=True)
    assert [i.shape for i in plan.items(both, INFOS)] == [*asked, *LADDER]


@pytest.mark.parametrize("shape", [s for s, _ in NAMED.values()])
def test_quick_shapes_have_a_quarter_and_keep_the_row_where_there_are_rows(shape):
    short = plan.shortened(shape)
    assert short.elements == shape.elements // 4
    assert short.n == shape.n or shape.shape[0] == 1


def test_a_user_s_file_says_what_is_timed_and_libraries_alone_are_timed_on_softmax(tmp_path):
    file = tmp_path / "kernel.py"
    file.write_text("")
    unasked = Settings((str(file), "scipy"), (), ("float32",))
    assert plan.functions(unasked, [info(str(file), "logsumexp"), INFOS[1]]) == ("logsumexp",)
    assert plan.functions(unasked, [INFOS[1]]) == ("softmax",)


def test_a_function_that_no_target_has_is_an_error():
    with pytest.raises(TargetError, match="sparsemax"):
        plan.items(Settings(("scipy",), ("sparsemax",), ("float32",)), INFOS)


def test_what_ratios_are_to_is_one_of_what_is_timed():
    """A file is called as it was typed, and a callable of it by that name alone is nobody: nothing would be compared."""
    kernel = info("kernel.py", "softmax")
    with pytest.raises(TargetError, match=r"--relative-to kernel\.py:softmax: what is timed is called kernel\.py;"):
        plan.items(replace(SETTINGS, relative_to="kernel.py:softmax"), [kernel])
    assert plan.items(replace(SETTINGS, relative_to="kernel.py"), [kernel])


def test_a_target_that_lacks_a_function_is_named_and_further_callables_of_a_file_are_not():
    both = replace(SETTINGS, functions=("softmax", "sigmoid"))
    assert plan.lacking(both, [*INFOS, info("kernel.py:other", "softmax")]) == ["scipy has no sigmoid: not timed there"]
    assert plan.lacking(SETTINGS, INFOS) == []


def test_launches_share_the_seconds_and_leave_some_for_what_is_undecided():
    each = plan.seconds_each(SETTINGS, 14)
    assert each * 14 * SETTINGS.launches < SETTINGS.seconds
