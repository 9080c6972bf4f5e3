"""``smxcheck hunt`` as a command: options, reports, resuming, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from smxcheck.cli.errors import Fail
from smxcheck.cli.run_hunt import Given, repeat, settle
from smxcheck.dtypes import FORMATS
from smxcheck.hunt import execute, markdown, plan, screen, words
from smxcheck.hunt.document import load, render
from smxcheck.hunt.model import (
    ALL,
    NORMAL,
    PAIRS,
    SEARCHED,
    SHARDS,
    TWO_CLASS,
    Entry,
    Hunt,
    Settings,
    Worst,
    lacks,
)
from smxcheck.report.screen import Layout

from .cli_support import COMMAND, Done, called, environment, smxcheck, write

NOTHING = Given((), (), (), None, False, "", None, 1, (), "")
SHORT = ("--seconds", "0", "-f", "sigmoid", "--dtype", "float16")


def entry(target: str = "builtin", domain: str = ALL, error: float = 0.5, **fields: object) -> Entry:
    worst = {
        NORMAL: Worst(error, {"x": ("0x1.8000000000000p+1",)}, 0, "0x1.e800000000000p-1", "0x1.e7f0c4p-1")
    }
    fields = {"function": "sigmoid", "dtype": "float32", "inputs": 8, "elements": 8, "worst": worst, **fields}
    return Entry(target=target, domain=domain, **fields)  # type: ignore[arg-type]


MACHINE = {"cpu": "a CPU", "numpy_simd": "AVX2", "python": "3.12", "platform": "Linux"}


def hunt_of(*entries: Entry) -> Hunt:
    targets = tuple(dict.fromkeys(e.target for e in entries))
    return Hunt(Settings(targets), MACHINE, {"builtin": {"numpy": "2.0"}}, entries, 3.0)


def test_a_document_comes_back_as_it_was() -> None:
    example = Worst(float("inf"), {"x": ("0x1p+0", "0x0p+0"), "labels": ("1",)}, 1, "nan", "0x1p-3", 8)
    hunt = hunt_of(
        entry(shards=(1, 2), ceiling={NORMAL: 0.75}),
        entry("torch", wrong=3, example=example, reason="raised"),
    )
    assert load(render(hunt)) == hunt


@pytest.mark.parametrize(
    "text", ["[]", '{"schema": "smxcheck-report/1"}', '{"schema": "smxcheck-hunt/1"}', "{"]
)
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        load(text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"functions": ("sofmax",)}, "did you mean softmax?"),
        ({"dtypes": ("float8",)}, "did you mean float"),
        ({"seconds": -1.0}, "--seconds"),
        ({"seconds": float("nan")}, "--seconds"),
        ({"seed": -1}, "--seed"),
        ({"jobs": 0}, "--jobs"),
        ({"exponents": "3"}, "add that, or leave it out"),
        ({"exponents": "200", "exhaustive": True}, "-127 to 128"),
        ({"exponents": "5:1", "exhaustive": True}, "-127 to 128"),
        ({"exponents": "x", "exhaustive": True}, "-127 to 128"),
        ({"targets": ("scypi",)}, "did you mean scipy?"),
    ],
)
def test_bad_options_are_told_in_one_line(change: dict[str, object], message: str) -> None:
    with pytest.raises(Fail) as failure:
        settle(Given(**{**NOTHING.__dict__, **change}))  # type: ignore[arg-type]
    assert message in str(failure.value) and "\n" not in str(failure.value) and failure.value.code == 2


def test_exponents_are_biased_and_inclusive() -> None:
    given = Given(
        **{**NOTHING.__dict__, "exhaustive": True, "exponents": "-127,0:2", "targets": ("builtin",)}
    )
    assert settle(given).exponents == (0, 127, 128, 129)


def test_the_command_in_the_report_gives_the_same_settings() -> None:
    settings = Settings(("builtin",), ("softmax",), ("float32",), 2.5, True, (127, 130), 4, 3)
    assert repeat(settings, ("a.md",)) == (
        "smxcheck hunt builtin --function softmax --dtype float32 --seconds 2.5 --exhaustive --exponents=0,3 --seed 4 -j 3"
        " --report a.md"
    )


# what is to be done


def test_exhaustive_tasks_cover_every_shard_once() -> None:
    tasks = plan.tasks(Settings(("builtin", "torch"), exhaustive=True))
    for function, domain in (("sigmoid", ALL), ("log_sigmoid", ALL), ("logsumexp", TWO_CLASS)):
        shards = [t.shard for t in tasks if (t.function, t.dtype, t.domain) == (function, "float32", domain)]
        assert sorted(s for s in shards if s is not None) == list(range(SHARDS)) and len(shards) == SHARDS
    searched = {(t.function, t.dtype) for t in tasks if t.domain == SEARCHED}
    assert ("sigmoid", "float64") in searched and ("sigmoid", "float32") not in searched
    assert {t.targets for t in tasks if t.domain == PAIRS} == {("builtin",)}


def test_what_was_done_is_not_done_again() -> None:
    settings = Settings(
        ("builtin", "torch"), ("sigmoid",), ("float32",), exhaustive=True, exponents=(127, 128)
    )
    done = [
        entry("builtin", shards=(127, 383)),
        entry("torch", shards=(127,)),
        entry("builtin", SEARCHED),
        entry("torch", SEARCHED, reason="it has no sigmoid"),
    ]
    left = {(t.shard, t.targets) for t in plan.tasks(settings, done)}
    assert left == {(383, ("torch",)), (128, ("builtin", "torch")), (384, ("builtin", "torch"))}


# the page


def test_an_equals_sign_stands_only_where_every_input_was_gone_through() -> None:
    whole = tuple(range(SHARDS))
    page = markdown.render(
        hunt_of(entry(shards=whole), entry("torch", error=2.5, shards=(1,))), "smxcheck hunt"
    )
    assert "| sigmoid | float32 | = 0.5 | ≥ 2.5 |" in page


def test_a_maximum_that_is_only_bounded_is_not_called_one() -> None:
    open_ = entry(shards=tuple(range(SHARDS)), error=0.5, ceiling={NORMAL: 0.60001})
    assert "| ≥ 0.5, ≤ 0.6001 |" in markdown.render(hunt_of(open_), "smxcheck hunt")


def test_figures_are_never_more_than_was_found() -> None:
    assert words.digits(0.50009999, 4) == "0.5" and words.digits(69.2999, 4) == "69.29"
    assert words.digits(8388607.957, 4) == "8.388e6" and words.digits(0.0, 4) == "0"


def test_answers_without_a_digit_are_marked_and_listed() -> None:
    example = Worst(float("inf"), {"x": ("0x1.0000000000000p+0",)}, 0, "nan", "0x1.762p-1")
    page = markdown.render(hunt_of(entry(domain=SEARCHED, wrong=4, example=example)), "smxcheck hunt")
    assert "| ≥ 0.5 † |" in page and "| 4 of 8 | x = 0x1p+0 | nan | 0x1.762p-1 |" in page


# the screen


WRONG = Worst(float("inf"), {"x": ("0x1.0000000000000p+0",)}, 0, "nan", "0x1.762p-1")
SCREENED = hunt_of(
    entry(shards=tuple(range(SHARDS))),
    entry("torch", SEARCHED, error=2.5, wrong=4, example=WRONG, returned="float64"),
    entry("kernel.py", SEARCHED, inputs=0, elements=0, worst={}, reason="crashed: killed by SIGSEGV"),
)


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("targets", [1, 3, 12])
def test_the_screen_fits_80_columns_whatever_the_targets(unicode: bool, targets: int) -> None:
    hunt = hunt_of(*(entry("kernel.py:softmax_" + "k" * n, SEARCHED) for n in range(targets)))
    text = ["".join(piece for piece, _ in line) for line in screen.lines(hunt, Layout(unicode=unicode))]
    assert max(map(len, text)) <= 80 and (unicode or "\n".join(text).isascii())
    assert all(any(target in line for line in text) for target in hunt.settings.targets)


def test_the_screen_explains_the_signs_that_it_has_and_no_others() -> None:
    text = list(screen.facts(SCREENED))
    assert {line[0] for line in text if line[1] == " " and line[0] != "1"} == {"=", "≥", "!", "*"}
    (plain,) = [line for line in screen.facts(hunt_of(entry(domain=SEARCHED))) if line[1] == " " and line[0] != "1"]
    assert plain.startswith("≥ ")


def test_each_target_is_told_with_its_worst_input_last() -> None:
    *_, own, torch, wrong, crashed, took = screen.facts(SCREENED)
    assert own == "builtin: = 0.5 ulp in sigmoid float32: sigmoid(3) is 0.953125, right is 0.953008771."
    assert torch.startswith("torch: ≥ 2.5 ulp in sigmoid float32: sigmoid(3) is ")
    assert wrong == (
        "torch: 4 answers without one right digit, in sigmoid float32: sigmoid(1) is nan, right is 0.730712890625."
    )
    assert (crashed, took) == ("kernel.py: nothing was judged.", "Hunted for 3.0 s.")


def test_why_a_target_was_given_up_is_on_the_screen_and_on_the_page() -> None:
    told = "kernel.py: sigmoid float32 given up: crashed: killed by SIGSEGV."
    assert words.reasons(SCREENED) == [told] and told in screen.facts(SCREENED)
    assert "## Given up" in markdown.render(SCREENED, "smxcheck hunt")


def test_functions_that_a_target_lacks_are_told_where_they_were_asked_for() -> None:
    lacking = entry(inputs=0, elements=0, worst={}, reason=lacks("sigmoid"))
    asked = Hunt(Settings(("builtin",), ("sigmoid",)), MACHINE, {}, (lacking,))
    assert words.reasons(asked) == ["builtin has no sigmoid."] and words.reasons(hunt_of(lacking)) == []


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_decimals_are_read_back_as_the_number_they_tell(dtype: str) -> None:
    fmt = FORMATS[dtype].numpy()
    values = np.random.default_rng(0).standard_normal(1000).astype(fmt)
    assert all(np.array(words.decimal(float(v).hex(), dtype), float).astype(fmt) == v for v in values)


# the command itself


def run(folder: Path, *words: str) -> Done:
    return smxcheck(folder, "hunt", *words)


@pytest.mark.slow
def test_a_hunt_writes_its_reports_and_is_resumed(tmp_path: Path) -> None:
    done = run(tmp_path, "builtin", *SHORT, "--report", "a.json", "--report", "a.md")
    assert (done.code, done.err) == (0, "wrote a.json\nwrote a.md\n")
    assert "\nsigmoid float16 builtin: worst error in ulp = 0.49" in done.out
    found = load((tmp_path / "a.json").read_text())
    (only,) = found.entries
    assert only.inputs == 2**16 and only.complete
    assert (tmp_path / "a.md").read_text().startswith("# The largest error known")
    data = json.loads((tmp_path / "a.json").read_text())
    data["entries"][0]["target"] = "kept"  # an entry of another name stays, and the missing one is made anew
    (tmp_path / "a.json").write_text(json.dumps(data))
    again = run(tmp_path, "--resume", "a.json")
    assert again.code == 0
    assert [e.target for e in load((tmp_path / "a.json").read_text()).entries] == ["builtin", "kept"]


@pytest.mark.slow
def test_a_hunt_of_another_version_is_not_gone_on_with(tmp_path: Path) -> None:
    run(tmp_path, "builtin", *SHORT, "--report", "a.json")
    data = json.loads((tmp_path / "a.json").read_text())
    data["versions"]["builtin"]["numpy"], data["entries"] = "1.0", []
    (tmp_path / "a.json").write_text(json.dumps(data))
    done = run(tmp_path, "--resume", "a.json")
    assert done.code == 2 and "begin anew, without --resume" in done.err and "numpy 1.0" in done.err


NOT_ASKED = {"inputs": 0, "elements": 0, "worst": {}}


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (entry(reason=lacks("sigmoid"), **NOT_ASKED), "builtin has no sigmoid"),
        (entry(reason="hung: no answer within 10 s", **NOT_ASKED), "given up: hung: no answer within 10 s"),
        (entry(domain=SEARCHED, **NOT_ASKED), "raise --seconds"),
    ],
)
def test_a_hunt_that_judged_nothing_says_why_and_ends_with_code_5(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], found: Entry, told: str
) -> None:
    monkeypatch.setattr(execute, "run", lambda settings, *_: Hunt(settings, MACHINE, {}, (found,)))
    done = called(monkeypatch, capsys, "hunt", "builtin", "-f", "sigmoid")
    assert (done.code, done.out) == (5, "")
    assert told in done.err and done.err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("builtin", "--report", "a.txt"),
        ("builtin", "--report", "no/such/a.md"),
        ("--resume", "none.json"),
        ("nothing.py",),
        ("builtin", "--report", "/proc/self/a.md"),
        ("builtin", "--frobnicate"),
    ],
)
def test_what_cannot_be_done_ends_with_code_2_and_one_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run(tmp_path, *words)
    assert (
        (done.code, done.out) == (2, "") and done.err.startswith("smxcheck: ") and done.err.count("\n") == 1
    )


def test_resuming_takes_the_settings_of_the_file_alone(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(render(hunt_of(entry())))
    done = run(tmp_path, "--resume", "a.json", "--seconds", "5")
    assert done.code == 2 and "leave --seconds out" in done.err


@pytest.mark.slow
def test_a_users_file_is_hunted_in(tmp_path: Path) -> None:
    kernel = """
        import numpy as np

        def sigmoid(x):
            y = np.asarray(1 / (1 + np.exp(-x.astype(np.float64))), x.dtype)
            return np.where(x == 1.5, x.dtype.type(0.75), y)
    """
    write(tmp_path, "kernel.py", kernel)
    done = run(tmp_path, "kernel.py:sigmoid", *SHORT, "--report", "a.json")
    (only,) = load((tmp_path / "a.json").read_text()).entries
    assert done.code == 0 and only.worst[NORMAL].inputs == {"x": ("0x1.8000000000000p+0",)}


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGINT"), reason="no signals to send")
def test_an_interrupted_hunt_keeps_what_it_found(tmp_path: Path) -> None:
    words = (
        "hunt",
        "builtin",
        "-f",
        "sigmoid",
        "--dtype",
        "float16",
        "--dtype",
        "float64",
        "--seconds",
        "60",
    )
    process = subprocess.Popen(
        [*COMMAND, *words, "--report", "a.json"], cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    report = tmp_path / "a.json"
    deadline = time.monotonic() + 60
    while not report.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130 and err.strip() == "smxcheck: interrupted"
    assert [e.dtype for e in load(report.read_text()).entries] == ["float16"]
