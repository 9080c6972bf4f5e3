"""Each option of ``verify`` does what its help says; what was not run or not checked is said, and fails where it must."""

from __future__ import annotations

import json
import subprocess
from functools import partial

import numpy as np
import pytest

from .cli_support import COMMAND, FEW, KERNEL, called, environment, smxcheck, write

MORE = """
    import numpy as np

    class ModelNew:
        def forward(self, x):
            e = np.exp(x - x.max(axis=-1, keepdims=True))
            return e / e.sum(axis=-1, keepdims=True)

    class Softmax:
        def __call__(self, x):
            return ModelNew().forward(x)

    def fused_softmax(x, dim=-1):
        e = np.exp(x - x.max(axis=dim, keepdims=True))
        return e / e.sum(axis=dim, keepdims=True)

    def softmax_in_place(x):
        x -= x.max(axis=-1, keepdims=True)
        np.exp(x, out=x)
        return x / x.sum(axis=-1, keepdims=True)

    def softmax_of_matrices(x):
        if x.ndim != 2:
            raise ValueError("two axes only")
        return ModelNew().forward(x)

    def cross_entropy(logits, labels):
        z = logits - logits.max(-1, keepdims=True)
        loss = np.log(np.exp(z).sum(-1)) - np.take_along_axis(z, labels[..., None], -1)[..., 0]
        return loss.mean()
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "kernel.py", KERNEL)
    write(tmp_path, "more.py", MORE)
    return tmp_path


@pytest.fixture
def run(here, monkeypatch, capsys):
    """The command line in this process."""
    return partial(called, monkeypatch, capsys)


@pytest.fixture
def report(run):
    """Exit code and report of ``verify``, as JSON."""

    def command(*words: str) -> tuple[int, dict]:
        done = run("verify", *words, "--format", "json")
        return done.code, json.loads(done.out)

    return command


@pytest.mark.slow
def test_require_and_max_ulp_add_up(report):
    def at(*words: str) -> int:
        return report("kernel.py:softmax", *FEW, *words)[0]

    assert [at(), at("--require", "tight"), at("--require", "1ulp")] == [0, 0, 1]
    assert [at("--max-ulp", "1000"), at("--max-ulp", "1.5"), at("--max-ulp", "0")] == [0, 1, 1]


@pytest.mark.slow
def test_known_problems_are_shown_and_do_not_fail_until_their_day(run, here):
    text = '[[known]]\nfunction = "log_softmax"\nreason = "fixed upstream in 2.0"\n'
    (here / "known.toml").write_text(text)
    done = run("verify", "kernel.py", *FEW, "--known", "known.toml")
    assert done.code == 0
    assert "Accepted by --known: 1 problem (fixed upstream in 2.0)." in done.out
    assert "wrong as known" in done.out.splitlines()[-1]
    (here / "known.toml").write_text(text + "until = 2020-01-01\n")
    done = run("verify", "kernel.py", *FEW, "--known", "known.toml")
    assert done.code == 1 and "known problem over since 2020-01-01" in done.out
    (here / "known.toml").write_text(text.replace("log_softmax", "sigmoid"))
    done = run("verify", "kernel.py", *FEW, "--known", "known.toml")
    assert done.code == 1 and "known.toml" not in done.out  # the run says nothing about what it has not


@pytest.mark.slow
def test_an_allowed_property_is_no_problem(report):
    code, found = report("more.py:softmax_in_place", *FEW)
    assert code == 1 and [p["check"] for p in found["problems"]] == ["SMX205"]
    assert report("more.py:softmax_in_place", *FEW, "--allow", "writes-input")[0] == 0
    assert report("more.py:softmax_in_place", *FEW, "--allow", "SMX205")[0] == 0


@pytest.mark.slow
def test_an_expected_choice_is_demanded(report):
    case = ("--dtype", "float32", "-k", "all-masked")
    code, found = report("kernel.py:softmax", *case)
    assert code == 0 and found["targets"][0]["choices"]["a row of -inf"] == "nan, always"
    assert report("kernel.py:softmax", *case, "--expect", "all-masked=nan")[0] == 0
    code, found = report("kernel.py:softmax", *case, "--expect", "all-masked=zero")
    assert code == 1 and found["problems"][0]["check"] == "SMX502"


def test_a_refusal_beyond_only_is_declined_and_said(run):
    assert run("verify", "more.py:softmax_of_matrices", *FEW, "-q").code == 1
    done = run("verify", "more.py:softmax_of_matrices", *FEW, "--only", "2d")
    assert done.code == 0 and "declined by the target" in done.out and "two axes only" in done.out


def test_a_library_beside_has_a_row_and_no_vote(report):
    code, found = report("kernel.py:softmax", *FEW, "--beside", "builtin.textbook")
    assert code == 0
    assert {r["target"]: r["verdict"] for r in found["rows"]} == {"kernel.py:softmax": "ok, tight", "builtin.textbook": "WRONG"}


def test_exit_zero_hides_1_and_nothing_else(run):
    assert run("verify", "kernel.py", *FEW, "-q", "--exit-zero").code == 0
    assert run("verify", "kernel.py", "-k", "no-such-case", "--exit-zero").code == 5
    assert run("verify", "missing.py", "--exit-zero").code == 2


def test_x_stops_at_the_first_problem_and_the_rest_is_not_run(report):
    code, found = report("kernel.py:log_softmax", *FEW, "-x")
    assert code == 1
    assert found["counts"]["wrong"] == 1 and found["counts"]["not-run"] > 0
    order = [r["status"] for r in found["results"] if r["group"] != "properties"]
    assert set(order[order.index("wrong") + 1 :]) == {"not-run"}


@pytest.mark.slow
def test_a_time_limit_leaves_the_rest_not_run_which_fails_and_is_said(run, here):
    write(here, "slow.py", KERNEL.replace("e = np", "import time; time.sleep(0.05); e = np"))
    done = run("verify", "slow.py:softmax", *FEW, "--time-limit", "1")
    assert done.code == 1
    assert "not run: softmax" in done.out and "the time limit was reached" in done.out
    assert done.out.splitlines()[-1].startswith("FAIL  slow.py:softmax: softmax is not run to the end")


def test_one_case_by_its_id_is_exact(report):
    _, found = report("kernel.py:log_softmax", "--case", "log_softmax/far-tail/20/float32")
    assert {r["case"] for r in found["results"] if r["group"] != "properties"} == {"log_softmax/far-tail/20/float32"}


@pytest.mark.slow
def test_the_again_line_runs_the_same_failure(run, report):
    _, found = report("kernel.py", *FEW)
    command = found["problems"][0]["again"].split()
    code, again = report(*command[2:])
    assert code == 1 and again["problems"][0]["smallest"] == found["problems"][0]["smallest"]


def test_list_prints_the_ids_that_would_run_and_stops(run):
    done = run("verify", "kernel.py:softmax", "-k", "acceptance", "--dtype", "float32", "--list")
    ids = done.out.splitlines()
    assert done.code == 0 and "softmax/acceptance/1000-and-1001/float32" in ids
    assert all(i.startswith("softmax/acceptance/") and i.endswith("/float32") for i in ids)


@pytest.mark.slow
def test_dtypes_are_a_set_in_the_order_given(report):
    _, found = report("kernel.py:softmax", "-k", "acceptance", *(w for d in ("float16", "float32", "float16") for w in ("--dtype", d)))
    assert found["dtypes"] == ["float16", "float32"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "function"),
    [
        ("softmax=more.py:ModelNew", "softmax"),
        ("softmax=more:ModelNew", "softmax"),
        ("more.py:Softmax", "softmax"),
        ("more.py:fused_softmax", "softmax"),
        ("more:fused_softmax", "softmax"),
    ],
)
def test_every_way_to_name_a_callable(report, target, function):
    code, found = report(target, *FEW)
    assert code == 0 and list(found["targets"][0]["functions"]) == [function]


@pytest.mark.slow
def test_a_file_alone_means_every_function_found_in_it(report):
    _, found = report("more.py", *FEW)
    assert [t["name"] for t in found["targets"]] == [
        "more.py", "more.py:fused_softmax", "more.py:softmax_in_place", "more.py:softmax_of_matrices"
    ]  # fmt: skip
    assert found["targets"][0]["functions"] == {"softmax": "more.py:Softmax", "cross_entropy": "more.py:cross_entropy"}


def test_a_lacking_keyword_is_named_once_for_all_functions(run, here):
    done = run("verify", "kernel.py", "--dtype", "float32", "-k", "axis")
    assert [line for line in done.out.splitlines() if line.startswith("Not checked")] == [
        "Not checked: axis of softmax, log_softmax: tested at -1 alone"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_side_by_side_finds_the_same(report, jobs):
    code, found = report("kernel.py", *FEW, "-j", jobs)
    assert code == 1
    counts = {(r["function"], r["dtype"]): (r["results"], r["wrong"]) for r in found["rows"]}
    assert counts == {("softmax", "float32"): (24, 0), ("log_softmax", "float32"): (24, 1)}


@pytest.mark.slow
def test_cases_of_two_functions_side_by_side(report):
    ids = ("softmax/acceptance/1000-and-1001/float32", "log_softmax/far-tail/200/float32")
    code, found = report("kernel.py", "-j", "2", *(w for i in ids for w in ("--case", i)))
    assert code == 1
    assert {r["case"] for r in found["results"]} == set(ids)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.csv", "a.json", "a.toml"])
def test_own_inputs_from_every_kind_of_file(report, here, name):
    rows = np.array([[0.0, -200.0, 3.0], [1.0, 2.0, 4.0]], dtype=np.float32)
    match name[2:]:
        case "npy":
            np.save(here / name, rows)
        case "npz":
            np.savez(here / name, rows=rows)
        case "csv":
            (here / name).write_text("0,-200,3\n1,2,4\n")
        case "json":
            (here / name).write_text(json.dumps(rows.tolist()))
        case "toml":
            head = 'schema = "smxcases/1"\ngroup = "mine"\npurpose = "mine"\nfunctions = ["softmax", "log_softmax"]\n'
            (here / name).write_text(head + '[[case]]\nname = "one"\nvalues = [0, -200, 3]\n')
    done = report("kernel.py", "--dtype", "float32", "--inputs", name)
    code, found = done
    assert code == 1
    assert [(p["function"], p["check"]) for p in found["problems"]] == [("log_softmax", "SMX102")]
    again = found["problems"][0]["again"]
    assert f"--inputs {name}" in again
    assert report(*again.split()[2:])[0] == 1


def test_own_labels_come_with_own_logits(report, here):
    np.savez(here / "a.npz", logits=np.array([[0.0, 2.0], [1.0, 2.0]]), labels=np.array([1, 0]))
    code, found = report("more.py:cross_entropy", "--inputs", "a.npz")
    assert code == 0 and found["rows"][0]["function"] == "cross_entropy"


@pytest.mark.slow
def test_a_target_of_the_nearest_pyproject_is_what_a_bare_verify_checks(run, here, monkeypatch):
    section = 'targets = ["kernel.py:log_softmax"]\ndtypes = ["float32"]\n'
    (here / "pyproject.toml").write_text(f"[tool.smxcheck]\n{section}")
    (here / "below").mkdir()
    monkeypatch.chdir(here / "below")
    done = run("verify", "-k", "acceptance", "-q")
    assert done.code == 1 and "log_softmax is wrong" in done.out
    # An option overrules the section; targets of the command line leave out what describes the section's own.
    assert run("verify", "-k", "acceptance", "-q", "--dtype", "float64", "--exit-zero").code == 0
    done = run("verify", "builtin.shifted", "-f", "softmax", "-k", "acceptance", "-q")
    assert done.code == 0 and done.out.startswith("OK  builtin.shifted")


def test_an_option_overrules_the_section_even_with_its_default(here):
    from smxcheck.cli.config import load
    from smxcheck.cli.settle import Given, settle

    (here / "pyproject.toml").write_text('[tool.smxcheck]\ntargets = ["kernel.py"]\njobs = 2\ntimeout = 3\n')
    nothing = dict.fromkeys(("max_ulp", "jobs", "timeout", "compile_timeout", "time_limit"))
    texts = dict.fromkeys(("targets", "functions", "dtypes", "ids", "fixed", "gradients", "allow", "expect", "reports"), ())
    words = dict.fromkeys(("cases", "text", "inputs", "arrays", "device", "only", "require", "known", "format", "beside"), "")
    flags = dict.fromkeys(("list_only", "everything", "quiet", "verbose", "stop_first", "exit_zero"), False)
    plain = {**nothing, **texts, **words, **flags, "seed": 0, "isolate": True}
    found = settle(Given(**plain), load(here))
    assert (found.jobs, found.worker["timeout"]) == (2, 3)
    found = settle(Given(**{**plain, "jobs": 1, "timeout": 10.0}), load(here))
    assert (found.jobs, found.worker["timeout"]) == (1, 10)


@pytest.mark.slow
@pytest.mark.parametrize("format", ["plain", "rich", "github"])
def test_a_bare_run_says_first_and_last_that_none_of_the_users_code_was_checked(run, format):
    done = run("verify", "-f", "sigmoid", "--dtype", "float32", "-k", "acceptance", "--format", format, "-j", "1")
    assert done.code == 0, done
    lines = done.out.splitlines()
    assert "NONE OF YOUR CODE IS CHECKED" in "\n".join(lines[:2])
    assert "NONE OF YOUR CODE IS CHECKED" in "\n".join(lines[-5:])
    if format == "github":
        assert lines[0].startswith("::warning")
    assert "smxcheck verify file.py:softmax" in done.out


@pytest.mark.slow
def test_the_target_runs_under_a_debugger_without_isolation(here):
    write(here, "debug.py", KERNEL.replace("e = np", "breakpoint()\n        e = np"))
    ran = subprocess.run(
        [*COMMAND, "verify", "debug.py:softmax", "--no-isolate", "--case", "softmax/acceptance/1000-and-1001/float32", "-q"],
        input="p x.tolist()\nc\nc\n", capture_output=True, text=True, cwd=here, env=environment(), timeout=60,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "[1000.0, 1001.0]" in ran.stderr
    assert ran.stdout.startswith("OK  debug.py:softmax") and ran.stdout.count("\n") == 1


@pytest.mark.slow
def test_what_a_target_prints_stays_out_of_the_report(here):
    write(here, "noisy.py", KERNEL.replace("e = np", "print('x' * 100); e = np"))
    done = smxcheck(here, "verify", "noisy.py:softmax", *FEW, "-q")
    assert (done.code, done.out.count("\n"), done.err) == (0, 1, "")
