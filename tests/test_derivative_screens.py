"""What a user with a derivative reads: calls that cannot be meant are refused with the remedy, nothing is said twice,
and tables keep to the width of the terminal."""

from __future__ import annotations

import sys
from functools import partial

import pytest

import smxcheck as package
from smxcheck.caseset import load_cases
from smxcheck.catalog import FUNCTIONS, Group
from smxcheck.cli import listing
from smxcheck.identities.table import IDENTITIES, identity_of, missing
from smxcheck.judge.codes import CHECKS
from smxcheck.run.applicable import Lacking, sentences
from smxcheck.targets.gradients import which_derivative
from smxcheck.targets.protocol import TargetError
from smxcheck.targets.roles import in_other_order
from smxcheck.targets.signature import bind

from .cli_support import called, write

KERNEL = """
    import numpy as np

    def softmax(x, axis=-1):
        e = np.exp(x - x.max(axis=axis, keepdims=True))
        return e / e.sum(axis=axis, keepdims=True)

    def softmax_backward(y, dy):
        return y * (dy - (y * dy).sum(-1, keepdims=True))

    def bwd(probs, dout):
        return softmax_backward(probs, dout)

    def from_logits(x, g):
        return softmax_backward(softmax(x), g)

    def as_list_softmax_vjp(x, g):
        p = softmax(x)
        return (p * (g - (p * g).sum(-1, keepdims=True))).tolist()

    def wide_softmax_jvp(x, v):
        p = softmax(x.astype(np.float64))
        return p * (v - (p * v).sum(-1, keepdims=True))

    def lending_softmax_jvp(x, v):
        p = softmax(x)
        v -= (p * v).sum(-1, keepdims=True)
        v *= p
        return v

    def gumbel_softmax(logits, tau=1.0):
        return softmax(logits / tau)

    def gumbel_max_sample(logits):
        return logits.argmax(-1)
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """The command line in this process, in a folder with the kernel."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    write(tmp_path, "kernel.py", KERNEL)
    yield partial(called, monkeypatch, capsys)
    for name in [n for n, m in sys.modules.items() if str(getattr(m, "__file__", "")).startswith(str(tmp_path))]:
        del sys.modules[name]


# ---- arrays that would land in the wrong parameter


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["kernel.py:softmax_backward"], ["takes (y, dy), in the other order", "(grad_output, output)"]),
        (["softmax_backward=kernel.py:from_logits"], ["takes (x, g)", "or say softmax_vjp=kernel.py:from_logits"]),
        (["softmax_backward=kernel.py:bwd"], ["takes (probs, dout), in the other order"]),
        (["kernel.py:gumbel_softmax"], ["has tau where gumbel_softmax has noise", "(logits, noise)"]),
        (["softmax_vjp=kernel.py:softmax"], ["has axis where softmax_vjp has g"]),
        (
            ["kernel.py:softmax", "--gradient", "kernel.py:bwd"],
            ["takes probs, dout", "(grad_output, output)", "--gradient softmax_vjp=kernel.py:bwd"],
        ),
        (["kernel.py", "--function", "softmax_backward"], ["it offers softmax", "in the other order"]),
        (["kernel.py:bwd", "--function", "softmax_backward"], ["as in softmax_backward=kernel.py:bwd"]),
        (["scipy", "--gradient", "kernel.py:bwd"], ["scipy has its own derivatives, or none"]),
    ],
)
def test_a_call_that_cannot_be_meant_is_one_line_with_the_remedy(run, words, parts):
    done = run("verify", *words, "--dtype", "float32", "--no-isolate")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("smxcheck: ") and done.err.count("\n") == 1
    assert [part for part in parts if part not in done.err] == [], done.err


def test_what_is_left_out_of_a_file_is_said(run):
    done = run("verify", "kernel.py", "-k", "acceptance/1000-and-1001", "--dtype", "float32", "--no-isolate")
    assert done.code == 0
    for name in ("softmax_backward", "gumbel_softmax"):
        assert f"left out: kernel.py:{name} cannot be called as {name}" in done.out


@pytest.mark.parametrize(
    ("own", "wanted", "swapped"),
    [
        (("y", "dy"), ("grad_output", "output"), True),
        (("g", "x"), ("x", "g"), True),
        (("dy", "y"), ("grad_output", "output"), False),
        (("a", "b"), ("grad_output", "output"), False),
        (("dx", "y"), ("grad_output", "output"), False),
        (("x",), ("x",), False),
    ],
)
def test_the_order_is_judged_only_where_both_names_tell(own, wanted, swapped):
    assert in_other_order(own, wanted) is swapped


@pytest.mark.parametrize("function", list(FUNCTIONS))
def test_the_catalogs_own_parameters_are_accepted(function):
    entry = FUNCTIONS[function]
    names = ", ".join((*entry.arguments, *(f"{k}=None" for k in entry.keywords)))
    assert bind(function, eval(f"lambda {names}: None"), "f", "numpy").offer.function == function


def test_a_product_by_the_logits_may_still_call_them_anything_but_an_output():
    assert which_derivative("f", "f", lambda logits, dout: None, ("softmax",)) == "softmax_vjp"
    assert which_derivative("f", "f", lambda dout, probs: None, ("softmax",)) == "softmax_backward"
    assert which_derivative("f", "f", lambda probs, dout: None, ("softmax",), "softmax_vjp") == "softmax_vjp"
    with pytest.raises(TargetError, match="if probs is the stored output"):
        which_derivative("f", "f", lambda probs, dout: None, ("softmax",))


@pytest.mark.parametrize("gradient", [3, {"softmax_vjp": max}, "kernel.py:bwd"])
def test_a_gradient_of_a_callable_that_is_none_is_refused(gradient):
    def softmax(x):
        return x

    with pytest.raises(ValueError, match="is a callable or 'auto'"):
        package.verify(softmax, gradient=gradient)


# ---- what a report says


def test_a_function_without_a_result_is_not_called_tested(run):
    lacking = [Lacking("gumbel_max_sample", "draws", "10000"), Lacking("softmax", "axis", "-1")]
    assert sentences(lacking, {"softmax"}) == (
        "axis of softmax: tested at -1 alone",
        "gumbel_max_sample: every case to be run gives draws, which the callable does not take; add it",
    )
    done = run("verify", "kernel.py:gumbel_max_sample", "--dtype", "float32", "--no-isolate")
    assert done.code == 5
    assert "gives draws, which the callable does not take; add it" in done.out + done.err


def problem_fields(run, name):
    done = run("verify", f"kernel.py:{name}", "-k", "cotangents/one-and-two", "--dtype", "float32", "--no-isolate", "--all")
    assert done.code == 1
    lines = [line.partition(": ") for line in done.out.splitlines()]
    return done.out, [(label.split()[-1], text) for label, _, text in lines if label.startswith("problem ")]


def test_what_is_no_array_is_said_once(run):
    _, fields = problem_fields(run, "as_list_softmax_vjp")
    assert ("got", "returned list, not an array") in fields


def test_a_wrong_dtype_is_said_without_the_call_which_stands_below(run):
    screen, fields = problem_fields(run, "wide_softmax_jvp")
    assert "softmax_jvp: dtype float64, right float32 (" in screen
    assert ("got", "dtype float64, right float32") in fields


def test_what_is_right_is_a_rule_and_not_the_fault(run):
    _, fields = problem_fields(run, "lending_softmax_jvp")
    rights = [text for label, text in fields if label == "right"]
    assert "A call leaves its input as it was" in rights
    assert CHECKS["SMX206"].page.startswith("A result has memory of its own")


# ---- what a gradient is compared with


def test_a_loss_of_logits_and_labels_alone_is_its_gradients_own_forward():
    """A torch-style loss without an axis has the classes on axis 1, the last of the logits of every such case."""
    needs_a_loss = [
        case for case in load_cases(list(FUNCTIONS), ["float64"], "full")
        if (found := identity_of(case)) and any(FUNCTIONS[f].group is Group.LOSS for f in (found.function, *found.needs))
    ]  # fmt: skip
    assert needs_a_loss and all(len(case.shape) <= 2 for case in needs_a_loss)
    own_forward = IDENTITIES["SMX615", "cross_entropy_grad"]
    torch_style = bind("cross_entropy", lambda logits, labels: None, "f", "torch", {"reduction": "mean"}).offer
    assert missing(own_forward, {"cross_entropy": torch_style}) == ()
    summed = bind("cross_entropy", lambda logits, labels: None, "f", "torch", {"reduction": "sum"}).offer
    assert missing(own_forward, {"cross_entropy": summed}) == ("cross_entropy",)


def test_a_function_that_is_offered_at_other_values_is_not_called_absent(run):
    words = ("kernel.py", "-k", "own-forward", "--dtype", "float64", "--no-isolate")
    elsewhere = run("verify", *words, "--fixed", "axis=0")
    assert elsewhere.code == 5 and "since softmax at its defaults is not offered" in elsewhere.err
    assert "at its defaults" not in run("verify", *words).out


# ---- tables and pages


class Terminal:
    """A stdout that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.mark.parametrize("table", ["functions", "checks", "choices", "targets", "cases"])
def test_a_table_keeps_to_the_width_of_the_terminal_and_to_its_words(monkeypatch, table):
    whole = listing._TABLES[table]()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stdout", Terminal())
    narrow = listing._TABLES[table]()
    assert max(map(len, whole)) > 80 >= max(map(len, narrow))
    assert sorted(" ".join(narrow).split()) == sorted(" ".join(whole).split())


def test_a_table_too_wide_for_wrapping_puts_its_cells_below_one_another(monkeypatch):
    monkeypatch.setattr(listing, "_room", lambda: 40)
    rows = [("function", "calls", "keywords"), ("softmax", "a.long.module.name.softmax", "axis")]
    assert listing._columns(rows) == [
        "function", "    calls  keywords", "softmax", "    a.long.module.name.softmax  axis",
    ]  # fmt: skip


@pytest.mark.parametrize("word", ["gradient", "autodiff", "backward pass", "vjp"])
def test_how_to_check_a_derivative_has_a_page(run, word):
    done = run("explain", word)
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    for part in ("--gradient auto", "--function softmax_vjp", "--gradient kernel.py:bwd", "gradient='auto'"):
        assert part in done.out


@pytest.mark.slow
def test_a_refused_number_of_axes_is_answered_with_the_option_for_it(run):
    assert "--only '2d" in run("explain", "SMX301").out
