"""A target is found by what the user types, or one line says what to type instead."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from smxcheck.catalog import FUNCTIONS
from smxcheck.targets.load import in_process, open_session, open_sessions, parse_target
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.protocol import Call, TargetError
from smxcheck.targets.table import LIBRARIES, names

SOFTMAX = """import numpy as np
def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)
"""
X = np.array([[0.0, 1.0, 3.0]])

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a file into an empty current folder; what an import here adds to the interpreter is taken
    back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))

    def put(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return put


HERE = WorkerOptions(isolate=False)


def refusal(text: str, options: WorkerOptions = HERE) -> str:
    """The one line that a target is refused with."""
    with pytest.raises(TargetError) as caught:
        for session in open_sessions(parse_target(text), options):
            session.close()
    message = str(caught.value)
    assert "\n" not in message and "Traceback" not in message
    return message


# ---- what can be typed


def test_a_file_and_name_is_that_callable(write):
    write("lib/kernel.py", SOFTMAX)
    session = open_session(parse_target("lib/kernel.py:softmax"), HERE)
    offer = session.info.offers["softmax"]
    assert (offer.spelled, offer.keywords, session.info.path) == (
        "lib/kernel.py:softmax",
        {"axis"},
        "lib/kernel.py",
    )
    assert session.call(Call("softmax", (X,))).value.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    "name", ["log_softmax", "logsoftmax", "LogSoftmax", "FusedLogSoftmax", "my_log_softmax_v2"]
)
def test_a_logarithm_is_never_taken_for_the_function_itself(write, name):
    write("kernel.py", f"def {name}(x): return x\n")
    assert list(open_session(parse_target("kernel.py"), HERE).info.offers) == ["log_softmax"]


def test_a_name_is_the_longest_function_name_in_it_and_a_prefix_overrides_it(write):
    write("kernel.py", "def fused_log_softmax(x): return x\ndef f(x): return x\n")
    assert list(open_session(parse_target("kernel.py:fused_log_softmax"), HERE).info.offers) == [
        "log_softmax"
    ]
    assert list(open_session(parse_target("sigmoid=kernel.py:f"), HERE).info.offers) == ["sigmoid"]


def test_a_whole_file_is_every_public_callable_defined_in_it_that_fits(write):
    write(
        "kernel.py",
        "from functools import partial\nfrom other import logsumexp\n"
        "def _softmax(x): return x\ndef test_softmax(x): return x\ndef fused_softmax(x): return x\n"
        "def softmax_of_two(g, y): return g\ndef cross_entropy(z, y): return z\n"
        "class Rows:\n    def __call__(self, x): return x\n"
        "log_softmax = Rows()\nsigmoid = partial(fused_softmax)\nclass SoftmaxConfig: pass\nSOFTMAX = 3\n",
    )
    write("other.py", "def logsumexp(x): return x\n")
    info = open_session(parse_target("kernel.py"), HERE).info
    spelled = {name: offer.spelled for name, offer in info.offers.items()}
    assert spelled == {
        "softmax": "kernel.py:fused_softmax",
        "log_softmax": "kernel.py:log_softmax",
        "sigmoid": "kernel.py:sigmoid",
        "cross_entropy": "kernel.py:cross_entropy",
    }
    assert any("softmax_of_two" in note and "needs y" in note for note in info.notes)


def test_several_callables_for_one_function_are_several_targets(write):
    write(
        "kernel.py", "def naive_softmax(x): return x\ndef softmax(x): return x\ndef logsumexp(x): return x\n"
    )
    sessions = open_sessions(parse_target("kernel.py"), HERE)
    assert [s.info.name for s in sessions] == ["kernel.py", "kernel.py:naive_softmax"]
    assert sessions[0].info.offers["softmax"].spelled == "kernel.py:softmax"
    with pytest.raises(TargetError, match=r"name one of .*kernel.py:naive_softmax"):
        open_session(parse_target("kernel.py"), HERE)


def test_a_class_is_instantiated_and_its_forward_signature_counts(write):
    write(
        "model.py",
        "class Module:\n    def __call__(self, *a, **k): return self.forward(*a, **k)\n"
        "class Softmax(Module):\n    def forward(self, x, dim=-1): return x\n",
    )
    session = open_session(parse_target("model.py:Softmax"), HERE)
    assert session.info.offers["softmax"].keywords == {"axis"}
    assert session.call(Call("softmax", (X,), {"axis": 0})).outcome == "returned"


def test_a_method_and_an_instance_are_callables(write):
    write("kernel.py", "class Ops:\n    @staticmethod\n    def softmax(x): return x\nops = Ops()\n")
    for text in ("kernel.py:Ops.softmax", "kernel.py:ops.softmax"):
        assert list(open_session(parse_target(text), HERE).info.offers) == ["softmax"]


def test_a_module_is_found_in_the_current_folder_and_among_the_installed_packages(write):
    write("pkg/__init__.py", "")
    write("pkg/ops.py", SOFTMAX)
    assert list(open_session(parse_target("pkg.ops:softmax"), HERE).info.offers) == ["softmax"]
    installed = open_session(parse_target("smxcheck.functions:logsumexp"), HERE)
    assert installed.info.offers["logsumexp"].keywords == {"axis"}


def test_a_file_imports_its_neighbours_and_is_never_main(write):
    write("lib/helper.py", "K = 2\n")
    write(
        "lib/kernel.py", "from helper import K\nassert __name__ != '__main__'\ndef softmax(x): return x * K\n"
    )
    session = open_session(parse_target("lib/kernel.py"))
    try:
        assert session.call(Call("softmax", (X,))).value.tolist() == (2 * X).tolist()
    finally:
        session.close()


def test_a_file_named_like_a_module_in_use_does_not_take_its_place(write):
    write("json.py", "def softmax(x): return x\n")
    before = sys.modules["json"]
    open_session(parse_target("json.py"), HERE)
    assert sys.modules["json"] is before


def test_what_an_import_prints_is_dropped(write, capfd):
    write("kernel.py", "print('hello')\nimport os, sys\nprint('there', file=sys.stderr)\n" + SOFTMAX)
    session = open_session(parse_target("kernel.py"))
    assert session.call(Call("softmax", (X,))).printed == 0
    session.close()
    assert capfd.readouterr() == ("", "")


def test_fixed_keywords_leave_what_is_tested_and_reach_the_callable(write):
    write(
        "kernel.py",
        "def cross_entropy(z, y, reduction='mean', axis=-1):\n    return z[:, 0] * (reduction == 'none')\n",
    )
    options = WorkerOptions(isolate=False, fixed={"reduction": "none"})
    session = open_session(parse_target("kernel.py"), options)
    offer = session.info.offers["cross_entropy"]
    assert offer.keywords == {"axis"} and offer.fixed["reduction"] == "none"
    arguments = (np.ones((2, 3)), np.zeros(2, np.int64))
    assert session.call(Call("cross_entropy", arguments)).value.tolist() == [1.0, 1.0]
    assert session.call(Call("cross_entropy", arguments, {"reduction": "none"})).outcome == "returned"
    assert session.call(Call("cross_entropy", arguments, {"reduction": "sum"})).outcome == "not-passed"


def test_the_worker_says_of_a_target_what_this_process_says_of_it(write):
    write("kernel.py", SOFTMAX + "def cross_entropy(logits, target, ignore_index=-1): return logits.sum()\n")
    options = WorkerOptions(fixed={"label_smoothing": 0.1})
    isolated = open_session(parse_target("kernel.py"), options)
    isolated.close()
    here = open_session(
        parse_target("kernel.py"), WorkerOptions(isolate=False, fixed={"label_smoothing": 0.1})
    )
    assert isolated.info.offers == here.info.offers
    assert (isolated.info.versions, isolated.info.arrays) == (here.info.versions, here.info.arrays)
    assert isolated.info.import_seconds > 0


# ---- shipped targets


def test_the_table_names_what_ships():
    assert set(LIBRARIES) == {"builtin", "scipy", "torch", "jax", "onnxruntime"}
    assert {"builtin", "builtin.shifted", "builtin.textbook"} <= set(names())
    assert all(library.install for library in LIBRARIES.values() if library.needs)


def test_builtin_offers_every_function_with_every_keyword():
    info = open_session(parse_target("builtin"), HERE).info
    assert list(info.offers) == list(FUNCTIONS)
    for name, offer in info.offers.items():
        assert offer.keywords == set(FUNCTIONS[name].keywords), name


def test_an_algorithm_is_a_target_of_the_functions_that_have_it():
    info = open_session(parse_target("builtin.textbook"), HERE).info
    assert {"softmax", "log_softmax", "logsumexp"} <= set(info.offers) and "kl_divergence" not in info.offers
    assert info.offers["softmax"].keywords == {"axis"}


def test_a_missing_library_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr("smxcheck.targets.table.importlib.util.find_spec", lambda name: None)
    assert refusal("torch") == "torch needs torch, not installed here: pip install 'smxcheck[torch]'"


def test_arrays_that_a_library_does_not_take_are_refused():
    assert "takes numpy arrays" in refusal("builtin", WorkerOptions(isolate=False, arrays="torch"))


# ---- what cannot be used


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("pytorch", "no target 'pytorch'; did you mean torch?"),
        ("builtin.shfted", "did you mean builtin.shifted"),
        ("gone.py:softmax", "no file gone.py here"),
        ("kernels.py:softmax", "did you mean kernel.py?"),
        ("sub/gone", "does not exist, and a target in a file ends in .py"),
        ("sub", "sub is a folder: name a Python file in it"),
        ("sub/", "is a folder"),
        ("kernel.cu:softmax", "kernel.cu is no Python file (.py)"),
        ("pkg.ops", "name the callable in the module, as in pkg.ops:softmax"),
        ("sofmax=kernel.py:f", "no function 'sofmax'; did you mean softmax"),
        ("softmax=torch", "write torch --function softmax"),
        ("nowhere.ops:softmax", "no module 'nowhere'"),
        ("pkg.nowhere:softmax", "no module 'pkg.nowhere'"),
        ("pkg:softmax", "pkg has no softmax; its callables are: none"),
        ("kernel.py:sotfmax", "kernel.py has no sotfmax; its callables are: f, softmax, Model"),
        ("kernel.py:f", "say which it is, as in softmax=kernel.py:f"),
        ("softmax=kernel.py:K", "kernel.py:K (int) cannot be called with an array"),
        ("softmax=kernel.py:Model", "instantiated without arguments: TypeError"),
        (
            "cross_entropy=kernel.py:f",
            "takes 1 positional arguments where cross_entropy has 2 arrays (logits, labels)",
        ),
        ("blocked.py", "needs block_size, which softmax does not have; give it a default"),
        (
            "none.py",
            "no callable with a function's name in its own (its callables: f); write softmax=none.py:NAME",
        ),
        ("syntax.py", "syntax.py is not valid Python: '(' was never closed (syntax.py:2)"),
        ("raising.py", "raises when it is imported: ZeroDivisionError: division by zero (raising.py:3)"),
        ("deep.py", "raises when it is imported: ZeroDivisionError: division by zero (raising.py:3)"),
        ("exiting.py", "exits when it is imported (exiting.py:2); put that below if __name__ == '__main__'"),
        (
            "needing.py",
            "No module named 'nonesuch' (needing.py:1); nonesuch must be installed where smxcheck is",
        ),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line_with_the_remedy(write, text, says):
    files = {
        "kernel.py": "def f(x): return x\ndef softmax(x): return x\nK = 3\n"
        "class Model:\n    def __init__(self, n): pass\n    def forward(self, x): return x\n",
        "kernel.cu": "",
        "sub/a.py": "",
        "pkg/__init__.py": "",
        "pkg/ops.py": SOFTMAX,
        "none.py": "def f(x): return x\n",
        "blocked.py": "def softmax(x, block_size): return x\n",
        "syntax.py": "x = 1\ndef softmax(x:\n    return x\n",
        "raising.py": "\ndef f():\n    return 1 / 0\nf()\n",
        "deep.py": "import raising\n",
        "exiting.py": "import sys\nsys.exit(0)\n",
        "needing.py": "import nonesuch\n",
    }
    for name, content in files.items():
        write(name, content)
    assert says in refusal(text)


def test_a_file_that_ends_the_process_or_hangs_at_import_is_refused(write):
    write("ending.py", "import os\nos._exit(3)\n")
    write("hanging.py", "import time\ntime.sleep(60)\n")
    write("crashing.py", "import ctypes\nctypes.string_at(0)\n")
    isolated = WorkerOptions(compile_timeout=20.0)
    assert "its import ended the process: the process ended with exit status 3" in refusal(
        "ending.py", isolated
    )
    assert "its import ended the process: killed by SIGSEGV" in refusal("crashing.py", isolated)
    assert "did not end within 1 s; raise --compile-timeout" in refusal(
        "hanging.py", WorkerOptions(compile_timeout=1.0)
    )


def test_a_refusal_crosses_the_worker_unchanged(write):
    write("raising.py", "\ndef f():\n    return 1 / 0\nf()\n")
    assert refusal("raising.py", WorkerOptions()) == refusal("raising.py")


def test_a_file_that_cannot_be_loaded_again_is_a_crash_of_that_call(write):
    kernel = write("kernel.py", "import os\ndef softmax(x): os._exit(1)\n")
    session = open_session(parse_target("kernel.py"))
    assert session.call(Call("softmax", (X,))).outcome == "exited"
    kernel.write_text("1 / 0\n")
    seen = session.call(Call("softmax", (X,)))
    assert seen.outcome == "crashed" and "could not be loaded again" in seen.error
    session.close()


# ---- callables of this process


def test_a_callable_says_its_function_by_name_or_by_argument():
    def fused_softmax(x):
        return x

    assert list(in_process(fused_softmax).info.offers) == ["softmax"]
    assert in_process(lambda x: x, "sigmoid", "mine").info.name == "mine"
    with pytest.raises(TargetError, match="function='softmax'"):
        in_process(lambda x: x)
    with pytest.raises(TargetError, match="no function 'sofmax'"):
        in_process(lambda x: x, "sofmax")
