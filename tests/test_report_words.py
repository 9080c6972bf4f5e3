"""Numbers as text, harmless text, and the figures of a row."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.judge.result import Level, Status
from smxcheck.report import numbers
from smxcheck.report.caveats import caveats
from smxcheck.report.escape import clean, cleaned, one_line, to_ascii
from smxcheck.report.sentences import functions_of, row_verdict, verdict
from smxcheck.report.summary import by_harm, quantile, table

from . import report_samples as samples

law = settings(derandomize=True, deadline=None, max_examples=100)
finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite)
@law
def test_rounding_goes_the_way_it_says_and_keeps_three_digits(value):
    down, up = (float(f(value).replace(",", "")) for f in (numbers.rounded_down, numbers.rounded_up))
    assert down <= value <= up or math.isinf(up) or math.isinf(down)
    assert up - down <= 0.0101 * abs(value) or math.isinf(up - down) or abs(value) < 1e-300


@given(st.floats(0, 1e300), st.floats(0, 1e300))
@law
def test_an_error_within_its_bound_never_reads_as_larger(error, bound):
    error, bound = sorted((error, bound))
    shown = [
        float(t.removeprefix("≥ ").replace(",", ""))
        for t in (numbers.at_least(error), numbers.allowed(bound))
    ]
    assert shown[0] <= shown[1]


@pytest.mark.parametrize(
    ("value", "text"),
    [(63.19, "≥ 63.1"), (100.0, "≥ 100"), (0.5, "≥ 0.5"), (0.0, "0"), (1234567.8, "≥ 1.23e6"), (12345.6, "≥ 12,300"),
     (1e-9, "≥ 1e-9"), (1.23456e-5, "≥ 1.23e-5"), (math.inf, "inf"), (math.nan, "nan"), (None, "-")],
)  # fmt: skip
def test_a_sampled_maximum(value, text):
    assert numbers.at_least(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0042, "4.2 ms"),
        (18.24, "18.2 s"),
        (125.0, "2 min 5 s"),
        (0.9996, "1.0 s"),
        (99.96, "1 min 40 s"),
        (59.4, "59.4 s"),
    ],
)
def test_seconds(value, text):
    assert numbers.seconds(value) == text


def test_plural_thousands_and_lists():
    assert [numbers.plural(n, "result") for n in (0, 1, 1712)] == ["0 results", "1 result", "1,712 results"]
    assert [numbers.listed(["a", "b", "c"][:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert [numbers.signed(v) for v in (0.0123, -1.5, 0.0, None)] == ["+0.012", "-1.5", "0", "-"]


@given(
    st.lists(st.one_of(st.just(0.0), st.floats(1e-6, 1e12)), min_size=1, max_size=60),
    st.sampled_from([0.5, 0.99, 1.0]),
)
@law
def test_a_quantile_bounds_the_true_one_by_a_bin(errors, share):
    """quantile(histogram) lies between the ⌈share·N⌉-th smallest error and 2^(1/8) times it."""
    histogram: dict[int | None, int] = {}
    for error in errors:
        key = math.ceil(8 * math.log2(error)) if error else None
        histogram[key] = histogram.get(key, 0) + 1
    true = sorted(errors)[math.ceil(share * len(errors)) - 1]
    assert true * (1 - 1e-12) <= quantile(histogram, share) <= true * 2 ** (1 / 8) * (1 + 1e-12)


def test_quantiles_of_nothing_and_beyond_the_floats():
    assert quantile({}, 0.5) is None
    assert quantile({8 * 2000: 1}, 0.5) == math.inf
    assert quantile({8: 1}, 0.5, 1.9) == 1.9


@given(st.text())
@law
def test_any_text_becomes_one_harmless_line(text):
    line = one_line(text)
    assert (
        len(line.splitlines()) <= 1 and not line.startswith("::") and " ::" not in line and "##[" not in line
    )
    assert one_line(line) == line
    line.encode()
    assert to_ascii(line).isascii()


@pytest.mark.parametrize(
    "command", ["::error::x", "a ::error::x", "##[group]x", "a##[error]", "\n::add-mask::x"]
)
def test_no_text_can_be_a_workflow_command(command):
    assert (
        not one_line(command).startswith("::")
        and " ::" not in one_line(command)
        and "##[" not in one_line(command)
    )


def test_colons_inside_words_stay():
    assert one_line("std::exp, kernel.py::f") == "std::exp, kernel.py::f"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("\x1b[1;31mred\x1b[0m", "red"), ("\x1b]0;title\x07x", "x"), ("\x1b]8;;http://a\x1b\\x", "x"), ("\x9b31mx", "x"), ("\x1bcx", "x"),
     ("a\x00b\x08", "a\\x00b\\x08"), ("\u202eabc", "\\u202eabc"), ("a\tb\nc", "a\tb\nc"), ("\ud800", "\\ud800"), ("é", "é")],
)  # fmt: skip
def test_clean(text, shown):
    assert clean(text) == shown


def test_cleaning_reaches_every_string_and_keeps_a_clean_report():
    report = samples.every_status()
    assert "\x1b" in report.targets[0].notes[0] + report.problems[0].got + report.results[1].got
    found = cleaned(report)
    assert "\x1b" not in found.targets[0].notes[0] + found.problems[0].got + found.results[1].got
    assert cleaned(samples.one_wrong()) == samples.one_wrong()


def row(*results):
    return table(replace(samples.report((samples.target(),), list(results))))[0]


def test_a_row_takes_the_worst_level_and_the_largest_error():
    first = samples.ok("kernel.py", "softmax", "float32", "a/1", 0.5, Level.ULP1)
    second = samples.ok("kernel.py", "softmax", "float32", "a/2", 9.0, Level.TIGHT)
    found = row(first, second)
    assert (found.level, found.worst_ulp, found.worst_case) == (Level.TIGHT, 9.0, "softmax/a/2/float32")
    assert found.mean_ulp == pytest.approx((-0.75 * 9.5) / 6)
    assert row_verdict(found) == "ok, tight" and row_verdict(row(first)) == "ok, 1 ulp"


def test_the_allowed_error_is_that_of_the_largest_error_or_none():
    """error_ulp and allowed_ulp belong to the largest error over bound, which may be another element."""
    base = samples.ok("kernel.py", "softmax", "float32", "a/1", 0.5)
    assert row(replace(base, largest_error_ulp=40.0, largest_allowed_ulp=90.0)).allowed_ulp == 90.0
    assert row(replace(base, largest_error_ulp=40.0, largest_allowed_ulp=None)).allowed_ulp is None
    assert row(replace(base, largest_allowed_ulp=None)).allowed_ulp == 100.0


@pytest.mark.parametrize(
    ("got", "right", "shown"),
    [("[0, -inf]", "[0, -200]", "-inf, not -200"), ("nan", "0.5", "nan, not 0.5"), ("[1, 2]", "[1, 3]", "not-finite"),
     ("[nan, 1, ...]", "[0.5, 1]", "not-finite"), ("nan", "0.12345678901234567", "not-finite")],
)  # fmt: skip
def test_what_stands_for_an_error_without_a_distance(got, right, shown):
    wrong = samples.wrong("kernel.py", "softmax", "float32", "a/1")
    assert row(replace(wrong, got=got, right=right)).worst_text == shown


@pytest.mark.parametrize(
    ("status", "word"),
    [(Status.DECLINED, "declined"), (Status.NOT_RUN, "NOT RUN"), (Status.CRASHED, "CRASHED"), (Status.HUNG, "HUNG"),
     (Status.UNDECIDED, "UNDECIDED"), (Status.CANNOT_TELL, "no answer"), (Status.NO_SINGLE_ANSWER, "no answer")],
)  # fmt: skip
def test_no_status_but_ok_reads_as_ok(status, word):
    assert row_verdict(row(samples.other(status, "a/1"))) == word


def test_problems_stand_in_order_of_harm():
    problem = samples.LOG_OF_SOFTMAX
    codes = ["SMX202", "SMX302", "SMX401", "SMX101", "SMX502"]
    found = by_harm(
        [replace(problem, check=c) for c in codes] + [replace(problem, check="SMX101", count=900)]
    )
    assert [(p.check, p.count) for p in found] == [
        ("SMX101", 60), ("SMX101", 900), ("SMX401", 60), ("SMX302", 60), ("SMX202", 60), ("SMX502", 60)
    ]  # fmt: skip; within a kind the order that they came in stays
    assert by_harm([replace(problem, known="yes"), replace(problem, check="SMX502")])[-1].known


def test_caveats_name_everything_that_was_not_checked():
    text = "\n".join(caveats(samples.every_status()))
    for part in ("three crashes in a row", "negative strides", "cannot tell right from wrong", "undecided"):
        assert part in text
    assert caveats(replace(samples.one_wrong(), environment={"flush_to_zero": True}))[0].startswith(
        "The processor flushes"
    )


def test_a_callable_of_another_name_is_shown_by_both():
    target = replace(
        samples.target(), functions={"softmax": "kernel.py:fused_softmax", "logsumexp": "torch.logsumexp"}
    )
    assert functions_of(target) == "fused_softmax as softmax, logsumexp"
    derived = {"softmax_vjp": "autograd of k.py:softmax", "entropy_grad": "autograd of torch.special.entr(p).sum"}
    assert functions_of(replace(target, functions=derived)) == (
        "autograd of softmax as softmax_vjp, autograd of torch.special.entr(p).sum as entropy_grad"
    )


def test_beside_and_purpose_do_not_enter_the_verdict():
    report = samples.right_beside()
    worse = [
        replace(r, status=Status.WRONG, level=Level.WRONG) if r.target == "torch" else r
        for r in report.results
    ]
    assert verdict(replace(report, results=tuple(worse))).word == "OK"
