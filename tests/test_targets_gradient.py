"""``--gradient``: which derivative a callable is, one target with both functions, and the line that runs it again."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import smxcheck as package
from smxcheck.targets.gradients import which_derivative
from smxcheck.targets.load import in_process, open_session, parse_target
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.protocol import Call, TargetError

from .cli_support import called, write

KERNEL = """
    import numpy as np

    def softmax(x, axis=-1):
        e = np.exp(x - x.max(axis=axis, keepdims=True))
        return e / e.sum(axis=axis, keepdims=True)

    def my_vjp(x, g, axis=-1):
        y = softmax(x, axis)
        return y * (g - (y * g).sum(axis=axis, keepdims=True))

    def uncentred(x, g, axis=-1):
        return softmax(x, axis) * g

    def backward(dy, y):
        return y * (dy - (y * dy).sum(-1, keepdims=True))

    def unsaid(a, b):
        return my_vjp(a, b)
"""
CASE = "softmax_vjp/cotangents/ones/float32"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a kernel; what is imported from it here is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    write(tmp_path, "kernel.py", KERNEL)
    yield tmp_path
    for name in [n for n, m in sys.modules.items() if str(getattr(m, "__file__", "")).startswith(str(tmp_path))]:
        del sys.modules[name]


@pytest.fixture
def run(here, monkeypatch, capsys):
    """The command line in this process."""
    return partial(called, monkeypatch, capsys, "verify")


@pytest.fixture
def report(run):
    """Exit code and report of ``verify``, as JSON."""

    def command(*words: str) -> tuple[int, dict[str, Any]]:
        done = run(*words, "--format", "json")
        return done.code, json.loads(done.out)

    return command


# ---- which derivative it is


def taking(*names: str) -> Callable[..., Any]:
    """A callable with parameters of those names."""
    made: Callable[..., Any] = eval(f"lambda {', '.join(names)}: None")
    return made


@pytest.mark.parametrize(
    ("name", "parameters", "offered", "meant"),
    [
        ("f", ("x", "g"), ("softmax",), "softmax_vjp"),
        ("f", ("logits", "grad_output"), ("softmax",), "softmax_vjp"),
        ("f", ("x", "dy", "dim"), ("softmax",), "softmax_vjp"),
        ("f", ("x", "v"), ("softmax",), "softmax_jvp"),
        ("f", ("x", "tangent"), ("softmax",), "softmax_jvp"),
        ("f", ("grad_output", "output"), ("softmax",), "softmax_backward"),
        ("f", ("dy", "y"), ("log_softmax",), "log_softmax_backward"),
        ("f", ("x",), ("softmax",), "softmax_jacobian"),
        ("f", ("x",), ("logsumexp",), "logsumexp_grad"),
        ("f", ("z", "y"), ("cross_entropy",), "cross_entropy_grad"),
        ("softmax_vjp", ("a", "b"), ("softmax", "log_softmax"), "softmax_vjp"),
        ("fused_log_softmax_vjp", ("a", "b"), ("softmax", "log_softmax"), "log_softmax_vjp"),
        ("softmax_hessian", ("x",), ("softmax",), "softmax_hessian"),
        ("softmax_grad", ("x", "g"), ("softmax",), "softmax_vjp"),
        # The name is the catalog's, the parameters are those of another product.
        ("softmax_backward", ("x", "g"), ("softmax",), "softmax_vjp"),
        ("softmax_backward", ("a", "b"), ("softmax",), "softmax_backward"),
    ],
)  # fmt: skip
def test_the_name_says_which_derivative_it_is_and_else_the_parameters_do(name, parameters, offered, meant):
    assert which_derivative(f"k.py:{name}", name, taking(*parameters), offered) == meant


@pytest.mark.parametrize(
    ("name", "parameters", "offered", "words"),
    [
        ("f", ("x", "g"), ("softmax", "log_softmax"), "could be softmax_vjp or log_softmax_vjp: say which"),
        ("f", ("a", "b"), ("softmax",), "parameters of none of softmax_jacobian"),
        ("f", ("a", "b", "c"), ("softmax",), "as in --gradient softmax_jacobian=k.py:f"),
        ("log_softmax_vjp", ("x", "g"), ("softmax",), "is log_softmax_vjp, but the target has no log_softmax"),
        ("f", ("x",), ("softmax_vjp",), "has no derivative; leave --gradient out"),
    ],
)
def test_what_does_not_say_which_derivative_it_is_is_refused_with_the_remedy(name, parameters, offered, words):
    with pytest.raises(TargetError) as caught:
        which_derivative(f"k.py:{name}", name, taking(*parameters), offered)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_what_the_user_says_decides():
    assert which_derivative("k.py:f", "softmax_vjp", taking("a", "b"), ("softmax",), "softmax_jvp") == "softmax_jvp"


# ---- one target with both functions


@pytest.mark.parametrize("isolate", [True, False])
def test_one_session_offers_the_function_and_its_gradient(here, isolate):
    options = WorkerOptions(gradients=("kernel.py:my_vjp",), isolate=isolate)
    session = open_session(parse_target("kernel.py:softmax"), options)
    try:
        spelled = {f: offer.spelled for f, offer in session.info.offers.items()}
        assert spelled == {"softmax": "kernel.py:softmax", "softmax_vjp": "kernel.py:my_vjp"}
        x = np.array([[0.0, 1.0, 3.0]])
        seen = session.call(Call("softmax_vjp", (x, np.ones_like(x)), {"axis": 0}))
        assert np.abs(seen.value).max() == 0
    finally:
        session.close()


def test_the_file_that_holds_both_is_run_once(here):
    write(here, "counting.py", "import builtins\nbuiltins.runs = getattr(builtins, 'runs', 0) + 1\n"
          "def softmax(x): return x * builtins.runs\ndef my_vjp(x, g): return g * builtins.runs\n")  # fmt: skip
    session = open_session(parse_target("counting.py:softmax"), WorkerOptions(gradients=("./counting.py:my_vjp",)))
    try:
        assert session.call(Call("softmax_vjp", (np.ones(2), np.ones(2)))).value.tolist() == [1, 1]
    finally:
        session.close()


@pytest.mark.parametrize(
    ("gradient", "function"),
    [
        ("kernel.py:my_vjp", "softmax_vjp"),
        ("kernel.py:backward", "softmax_backward"),
        ("softmax_vjp=kernel.py:unsaid", "softmax_vjp"),
        ("kernel:my_vjp", "softmax_vjp"),
    ],
)
def test_every_way_to_name_it(here, gradient, function):
    options = WorkerOptions(gradients=(gradient,), isolate=False)
    assert open_session(parse_target("kernel.py:softmax"), options).info.offers.keys() == {"softmax", function}


def test_a_gradient_stands_in_the_place_of_the_files_own(here):
    write(here, "both.py", "def softmax(x): return x\ndef softmax_vjp(x, g): return x\ndef right_vjp(x, g): return g\n"
          "def fast_softmax_vjp(x, g): return g\n")  # fmt: skip
    for name in ("right_vjp", "fast_softmax_vjp"):
        options = WorkerOptions(gradients=(f"both.py:{name}",), isolate=False)
        offers = open_session(parse_target("both.py:softmax"), options).info.offers
        assert offers["softmax_vjp"].spelled == f"both.py:{name}"
    offers = open_session(parse_target("both.py"), options).info.offers  # named, so no target of its own
    assert offers["softmax_vjp"].spelled == "both.py:fast_softmax_vjp"


# ---- a run


def test_both_functions_are_checked_and_the_repeat_line_runs_the_same(report, run):
    words = ("kernel.py:softmax", "--gradient", "kernel.py:uncentred", "-k", "ones", "--dtype", "float32")
    code, found = report(*words)
    assert code == 1
    assert {r["function"] for r in found["results"]} >= {"softmax", "softmax_vjp"}
    problem = next(p for p in found["problems"] if p["function"] == "softmax_vjp")
    assert problem["again"].startswith("smxcheck verify kernel.py:softmax --gradient kernel.py:uncentred --case softmax_vjp/")
    again = run(*shlex.split(problem["again"])[2:], "-q")
    assert again.code == 1 and "softmax_vjp is wrong" in again.out


@pytest.mark.parametrize("how", [(), ("-j", "2"), ("--no-isolate",), ("--beside", "builtin")])
def test_a_right_gradient_is_right_wherever_it_runs(report, how):
    words = ("kernel.py:softmax", "--gradient", "kernel.py:my_vjp", "-k", "cotangents", "--dtype", "float32", *how)
    code, found = report(*words, "-f", "softmax", "-f", "softmax_vjp")
    assert code == 0
    assert {r["function"] for r in found["results"] if r["target"] == "kernel.py:softmax"} == {"softmax_vjp"}


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--gradient", "kernel.py:my_vjp"), ["needs a TARGET"]),
        (("torch", "--gradient", "kernel.py:my_vjp"), ["torch has its own derivatives"]),
        (("kernel.py:softmax", "scipy", "--gradient", "kernel.py:my_vjp"), ["is of one target", "name one"]),
        (("kernel.py:softmax", "--gradient", "kernel.py"), ["name a callable"]),
        (("kernel.py:softmax", "--gradient", "kernel.py:nothing"), ["kernel.py has no nothing", "my_vjp"]),
        (("kernel.py:softmax", "--gradient", "none.py:f"), ["--gradient none.py:f", "no file none.py"]),
        (("kernel.py:softmax", "--gradient", "kernel.py:unsaid"), ["say which it is", "kernel.py:unsaid"]),
        (("kernel.py:softmax", "--gradient", "softmax=kernel.py:my_vjp"), ["softmax is no derivative"]),
        (("kernel.py:softmax", "--gradient", "auto"), ["numpy arrays", "torch and jax differentiate"]),
        (("kernel.py:softmax", "-f", "softmax_vjp"), ["offers none of softmax_vjp", "--gradient FILE.py:NAME"]),
    ],
)
def test_a_gradient_that_cannot_be_meant_is_one_line_with_the_remedy(run, words, parts):
    done = run(*words, "--dtype", "float32")
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1 and done.err.startswith("smxcheck: ")
    for part in parts:
        assert part in done.err, done.err


def test_of_several_callables_for_one_function_the_one_must_be_named(here, run):
    write(here, "several.py", "def softmax(x): return x\ndef fast_softmax(x): return x\ndef my_vjp(x, g): return g\n")
    done = run("several.py", "--gradient", "several.py:my_vjp")
    assert done.code == 2 and "say whose gradient several.py:my_vjp is, as in several.py:fast_softmax" in done.err


def test_the_section_names_gradients_of_its_own_targets(here, run, report):
    (here / "pyproject.toml").write_text(
        '[tool.smxcheck]\ntargets = ["kernel.py:softmax"]\ngradient = ["kernel.py:uncentred"]\n', encoding="utf-8"
    )
    code, found = report("--case", CASE)
    assert code == 1 and found["problems"][0]["again"].count("--gradient kernel.py:uncentred") == 1
    assert run("kernel.py:softmax", "-f", "softmax_vjp").code == 2  # typed: another target, and no gradient of it


@pytest.mark.slow
@pytest.mark.libraries
def test_a_case_of_a_derivative_asks_for_differentiation_and_a_refusal_is_no_verdict(here, report, needs):
    needs("torch")
    write(here, "t.py", """
        import torch

        def softmax(x):
            return torch.softmax(x, -1)

        def detached_softmax(x):
            return softmax(x).detach()
    """)  # fmt: skip
    code, found = report("t.py:softmax", "--case", CASE)
    assert code == 0 and {r["function"] for r in found["results"]} == {"softmax_vjp"}
    code, found = report("t.py:detached_softmax", "--case", CASE)
    assert code == 5 and {r["status"] for r in found["results"]} == {"declined"}
    assert "no grad_fn" in found["results"][0]["message"]
    code, found = report("t.py:softmax", "--gradient", "auto", "-k", "cotangents/ones", "--dtype", "float32")
    assert code == 0 and {"softmax_vjp"} <= {r["function"] for r in found["results"]}


@pytest.mark.libraries
def test_a_backward_pass_that_nobody_looks_at_is_told(here, needs):
    """Zeros for a gradient: the forward is right, and the header says what was not checked and how to check it."""
    needs("torch")
    write(here, "own.py", """
        import torch

        class Soft(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return torch.softmax(x, -1)

            @staticmethod
            def backward(ctx, g):
                return torch.zeros_like(g)

        def softmax(x):
            return Soft.apply(x)
    """)  # fmt: skip
    told = "the backward pass of Soft is not checked: --gradient auto checks it"
    for gradients, notes in (((), (told,)), (("auto",), ())):
        session = open_session(parse_target("own.py:softmax"), WorkerOptions(gradients=gradients, isolate=False))
        assert [n for n in session.info.notes if "backward" in n] == list(notes)
        session.close()


# ---- the Python API


def right(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def vjp(x: Any, g: Any, axis: int = -1) -> Any:
    y = right(x, axis)
    return y * (g - (y * g).sum(axis=axis, keepdims=True))


def test_a_callable_and_its_gradient_are_one_session():
    session = in_process(right, "softmax", gradient=vjp)
    assert {f: o.spelled for f, o in session.info.offers.items()} == {"softmax": "right", "softmax_vjp": "vjp"}


def test_verify_takes_the_gradient_of_a_callable(monkeypatch):
    from smxcheck.run import execute

    def few(functions: Any, *_: Any) -> list[Any]:
        return load(functions, ("float32",), "quick", "cotangents", None)

    load = execute.load_cases
    monkeypatch.setattr(execute, "load_cases", few)
    report = package.verify(right, "softmax", gradient=vjp)
    assert report.passed and {r.function for r in report.results} >= {"softmax_vjp"}
    wrong = package.verify(right, "softmax", gradient=lambda x, g: right(x) * g)
    assert {p.function for p in wrong.problems} == {"softmax_vjp"}


@pytest.mark.parametrize(
    ("target", "gradient", "words"),
    [
        ("kernel.py:softmax", vjp, "is a text too"),
        (right, "kernel.py:my_vjp", "a callable or 'auto'"),
    ],
)
def test_verify_refuses_a_gradient_of_the_other_kind(target, gradient, words):
    with pytest.raises(ValueError, match=words):
        package.verify(target, "softmax", gradient=gradient)


def test_auto_of_a_numpy_callable_is_refused():
    with pytest.raises(TargetError, match="torch and jax differentiate"):
        in_process(right, "softmax", options=WorkerOptions(isolate=False, gradients=("auto",)))


def test_an_object_can_be_a_gradient():
    """The name of an object is that of its class."""

    class SoftmaxVjp(SimpleNamespace):
        def __call__(self, a: Any, b: Any) -> Any:
            return vjp(a, b)

    assert in_process(right, "softmax", gradient=SoftmaxVjp()).info.offers.keys() == {"softmax", "softmax_vjp"}
