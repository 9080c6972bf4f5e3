"""``smxcheck repro``: the script runs without smxcheck, gets what the judge got, and shows the same right value and verdict."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from smxcheck.caseset import load_cases
from smxcheck.caseset.found import found_case
from smxcheck.caseset.model import LAYOUTS, Case
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.judge.call import Demand
from smxcheck.judge.result import Level, Status
from smxcheck.store import Entry, files
from smxcheck.store.definitions import LOSSES, ROWS
from smxcheck.store.literals import array_source
from smxcheck.store.script import Script, script
from smxcheck.targets.load import open_session, parse_target
from smxcheck.targets.options import WorkerOptions

from .cli_support import Done, called, write

#: Runs a script in a process in which smxcheck cannot be imported, with warnings of the target's own arithmetic left out.
ALONE = """
import runpy, sys
sys.modules.update({"smxcheck": None, "smxref": None})
if sys.argv[1] == "no-mpmath":
    sys.modules["mpmath"] = None
runpy.run_path(sys.argv[2], run_name="__main__")
"""

KERNEL = """
    import numpy as np

    def softmax(x, dim=-1):
        e = np.exp(x)
        return e / e.sum(axis=dim, keepdims=True)

    def cross_entropy(logits, labels, weight=None, reduction="mean"):
        rows = np.log(softmax(logits))[np.arange(len(labels)), labels]
        w = np.ones(len(labels)) if weight is None else weight[labels]
        return (-(w * rows).sum() / (w.sum() if reduction == "mean" else 1)).astype(logits.dtype)

    def softmax_vjp(x, g):
        p = softmax(x)
        return p * g
"""


def alone(path: Path, mpmath: bool = True) -> Done:
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ALONE, "mpmath" if mpmath else "no-mpmath", str(path)], cwd=os.sep,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return Done(ran.returncode, ran.stdout, ran.stderr)


def executed(text: str) -> Done:
    """A script in this process: many are quick so."""
    out = io.StringIO()
    code: object = 0
    with contextlib.redirect_stdout(out), np.errstate(all="ignore"):
        try:
            exec(compile(text, "script", "exec"), {"__name__": "__main__"})
        except SystemExit as end:
            code = end.code
    return Done(code if isinstance(code, int) else 1, out.getvalue() + (code if isinstance(code, str) else ""), "")


def made(case: Case, target: str, demand: Demand | None = None, mpmath: bool = True, **options: Any) -> Script:
    opts = WorkerOptions(derive=(case.function,), **options)
    session = open_session(parse_target(target), opts)
    try:
        return script(case, session, parse_target(target), demand or Demand(), opts, mpmath)
    finally:
        session.close()


def facts(out: str) -> dict[str, str]:
    return {line.split()[0]: line.split(maxsplit=1)[1].strip() for line in out.splitlines()}


def agrees(a: str, b: str) -> bool:
    """Two decimals to 37 digits, which leaves room for the roundings of the last of them."""
    from mpmath import mp

    with mp.workdps(60):
        return bool(abs(mp.mpf(a) - mp.mpf(b)) <= abs(mp.mpf(a)) * mp.mpf(10) ** -37)


@pytest.mark.parametrize(
    ("case", "got", "exact"),
    [
        ("softmax/acceptance/1000-and-1001/float32", "nan", "0.2689414213699951207488407581781637256349"),
        ("cross_entropy", "inf", None), ("softmax_vjp", None, None),
    ],
)  # fmt: skip
def test_the_script_alone_shows_what_the_judge_saw(case: str, got: str | None, exact: str | None, tmp_path: Path) -> None:
    """A function, a loss with labels and keywords, a derivative: same value, same error, exit code 1."""
    kernel = write(tmp_path, "k.py", KERNEL)
    logits = np.array([[0, 200], [1, 2], [3, 4]], np.float32)
    weight = np.array([1, 2], np.float32)
    chosen = {
        "cross_entropy": lambda: found_case("cross_entropy", "float32", {"logits": logits, "labels": np.array([0, 1, 1])},
                                            {"weight": weight, "reduction": "sum"}),
        "softmax_vjp": lambda: found_case("softmax_vjp", "float32", {"x": logits[0], "g": np.array([1, 0.1], np.float32)}),
    }.get(case, lambda: load_cases(ids=[case])[0])()  # fmt: skip
    text = made(chosen, f"{kernel}:{chosen.function}")
    path = tmp_path / "bug.py"
    path.write_text(text.text, encoding="utf-8")
    done = alone(path)
    assert done.code == 1 and text.result.status is Status.WRONG, done.err
    told = facts(done.out)
    assert told["error"].endswith("WRONG") and (got is None or told["got"] == got) and (exact is None or told["exact"] == exact)
    if text.result.error_ulp is not None and np.isfinite(text.result.error_ulp):
        shown = float(told["error"].split()[0])
        assert shown == pytest.approx(text.result.error_ulp, rel=1e-5)
    assert float(told["exact"]) == pytest.approx(float(text.result.right_digits or told["exact"]), rel=1e-15)
    assert "smxcheck" not in re.sub(r"#.*", "", text.text)
    if "again" in told:
        assert agrees(told["again"], told["exact"])
    if exact:
        assert "not installed" in alone(path, mpmath=False).out


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_a_script_and_plain_definitions_agree_with_the_reference(function: str) -> None:
    """Of smxcheck's own function at a case: the script's verdict is the judge's, and mpmath's value the reference's."""
    some = [c for c in load_cases([function], ("float64",)) if 1 < c.elements < 20 and c.check == "accuracy"]
    if FUNCTIONS[function].shape == "drawn":
        return
    defined = 0
    for case in some[:1]:
        text = made(case, "builtin")
        done = executed(text.text)
        told = facts(done.out)
        assert done.code == (text.result.status is Status.WRONG) and "got" in told
        if "again" in told:
            defined += 1
            assert agrees(told["again"], told["exact"])
    assert defined or function not in (ROWS.keys() | LOSSES.keys())


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "contiguous"])
def test_the_script_lays_the_array_out_as_the_case_does(layout: str, tmp_path: Path) -> None:
    """The strides and flags that the target sees are those of the worker."""
    kernel = write(tmp_path, "k.py", """
        def softmax(x, axis=-1):
            seen.append((x.flags.c_contiguous, x.flags.writeable, tuple(s > 0 for s in x.strides)))
            return x * 0 + sum(k << i for i, k in enumerate((*seen[-1][:2], *seen[-1][2])))

        seen = []
    """)  # fmt: skip
    x = np.ones((3, 4), np.float32)
    case = found_case("softmax", "float32", {"x": x}, {"axis": -1}, layout)
    text = made(case, f"{kernel}:softmax", mpmath=False)
    assert facts(executed(text.text).out)["got"] == text.result.got.split()[0] + ".0"


@given(data=st.data(), dtype=st.sampled_from([*FORMATS, "int64"]))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_arrays_as_source_read_back_to_the_same_bits(data: st.DataObject, dtype: str) -> None:
    import base64

    import ml_dtypes

    kind = FORMATS[dtype].numpy() if dtype in FORMATS else np.dtype(dtype)
    shape = data.draw(arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5))
    x = data.draw(arrays_of.arrays(f"u{kind.itemsize}", shape)).view(kind)
    back = eval(array_source(x), {"np": np, "ml_dtypes": ml_dtypes, "io": io, "base64": base64})
    assert back.shape == x.shape and back.dtype == x.dtype and back.tobytes() == x.tobytes()


def test_bfloat16_says_that_it_needs_ml_dtypes(tmp_path: Path) -> None:
    kernel = write(tmp_path, "k.py", KERNEL)
    case = found_case("softmax", "bfloat16", {"x": np.array([100, 1]).astype(FORMATS["bfloat16"].numpy())})
    path = tmp_path / "bug.py"
    path.write_text(made(case, f"{kernel}:softmax").text, encoding="utf-8")
    done = alone(path)
    assert "NumPy and ml_dtypes and k.py" in " ".join(path.read_text().replace("#", "").split()) and done.code == 1
    assert facts(done.out)["got"] == "nan" and facts(done.out)["exact"].startswith("1")


def test_refusals_specials_levels_and_numbers_far_below_every_format() -> None:
    label = found_case("cross_entropy", "float32", {"logits": np.zeros((1, 3), np.float32), "labels": np.array([7])})
    assert executed(made(label, "builtin").text).code == 0  # it raises, which is right
    nan = found_case("softmax", "float32", {"x": np.array([np.nan, 1], np.float32)})
    done = executed(made(nan, "builtin").text)
    assert done.code == 0 and "right nan" in done.out
    far = found_case("softmax", "float64", {"x": np.array([0, -1e300])})
    done = executed(made(far, "builtin").text)
    assert done.code == 0 and "exact" in done.out
    x = np.random.default_rng(1).normal(size=200).astype(np.float32) * 40  # more than 64: embedded as bytes
    text = made(found_case("softmax", "float32", {"x": x}), "builtin.shifted", Demand(Level.ULP1))
    assert text.result.status is Status.WRONG and "base64" in text.text and executed(text.text).code == 1
    assert executed(made(found_case("softmax", "float32", {"x": x}), "builtin.shifted").text).code == 0


@pytest.mark.parametrize(
    ("library", "function", "spelled"),
    [
        ("scipy", "logsumexp", "special.logsumexp(x, axis=0)"),
        # Loading these takes seconds, here and in the worker.
        pytest.param("torch", "cross_entropy", "F.cross_entropy(torch.from_numpy(logits), torch.from", marks=pytest.mark.slow),
        pytest.param("torch", "softmax_jacobian", "the way that smxcheck takes", marks=pytest.mark.slow),
        pytest.param("jax", "softmax", "jax.jit(lambda x: jax.nn.softmax", marks=pytest.mark.slow),
    ],
)
def test_libraries_are_called_as_their_users_do(
    library: str, function: str, spelled: str, needs: Callable[..., None]
) -> None:
    needs(library)
    x = np.array([[1, 2], [3, -100]], np.float32)
    given_ = {"logits": x, "labels": np.array([1, 1])} if function == "cross_entropy" else {"x": x}
    keywords = {"axis": 0} if "axis" in FUNCTIONS[function].keywords and function != "cross_entropy" else {}
    text = made(found_case(function, "float32", given_, keywords), library)
    done = executed(text.text)
    assert spelled in text.text and done.code == (text.result.status is Status.WRONG)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    name = "softmax/acceptance/1000-and-1001/float32"
    assert called(monkeypatch, capsys, "repro", name).code == 2
    assert called(monkeypatch, capsys, "repro", name, "--target", "nowhere.py").code == 2
    assert called(monkeypatch, capsys, "repro", "softmax/found/0123456789ab/float32", "--target", "builtin").code == 2
    done = called(monkeypatch, capsys, "repro", "gumbel_max_sample/two-classes/even/float32", "--target", "builtin")
    assert done.code == 2 and len(done.err.splitlines()) == 1
    done = called(monkeypatch, capsys, "repro", name, "--target", "builtin.textbook")
    assert done.code == 0 and executed(done.out).code == 1
    kept = Entry("builtin.textbook", found_case("softmax", "float32", {"x": np.array([90], np.float32)}))
    files.put(Path(".smxcheck"), [kept])
    assert executed(called(monkeypatch, capsys, "repro", kept.case.id).out).code == 1  # its own target
    assert executed(called(monkeypatch, capsys, "repro", kept.case.id, "--target", "builtin").out).code == 0


@pytest.mark.slow
def test_large_arrays_go_into_a_file_beside_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    large = found_case("sigmoid", "float32", {"x": np.linspace(-9, 9, 300_000, dtype=np.float32)})
    files.put(Path(".smxcheck"), [Entry("builtin", large)])
    assert called(monkeypatch, capsys, "repro", large.id).code == 2
    done = called(monkeypatch, capsys, "repro", large.id, "-o", "big.py")
    assert done.code == 0 and "big.npz" in done.err and Path("big.py").stat().st_size < 4000
    ran = subprocess.run([sys.executable, "big.py"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0 and "right" in ran.stdout
