"""``smxcheck bench TARGET`` as a command: what is refused before it starts, what is kept, and how it ends."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.benchmark.files.document import read, render
from smxcheck.benchmark.measure import execute, machine, memory, trust
from smxcheck.benchmark.measure.execute import Step
from smxcheck.benchmark.measure.plan import Item, shortened
from smxcheck.benchmark.results import Run, Settings
from smxcheck.benchmark.shapes import LADDER, NAMED, Shape, parse
from smxcheck.catalog import FUNCTIONS
from smxcheck.cli.errors import Fail
from smxcheck.cli.settle_bench import percent
from smxcheck.dtypes import FORMATS
from smxcheck.targets.table import LIBRARIES

from .bench_samples import MACHINE, sample_run, sample_trust
from .cli_support import KERNEL, Done, called, smxcheck, write

BASE, NEW = "builtin", "builtin.shifted"
TARGETS = (BASE, NEW)
sample = partial(sample_run, targets=TARGETS, wrong=(), dtypes=("float32",), noise=0.3, rounds=12)


class Measured:
    """Stands for `execute.run`: gives the runs in turn, benchmark by benchmark, and remembers what it was asked for."""

    def __init__(self, *runs: Run, interrupted_after: int = 0) -> None:
        self.runs, self.interrupted_after = list(runs), interrupted_after
        self.settings: list[Settings] = []
        self.only: list[Collection[str]] = []
        self.before: list[Run | None] = []

    def __call__(self, settings, progress, keep=lambda run: None, before=None, only=(), slowed=None, command=""):
        self.settings.append(settings)
        self.only.append(only)
        self.before.append(before)
        run = replace(self.runs.pop(0), command=command)
        for count in range(1, len(run.benchmarks) + 1):
            progress(Step(count / len(run.benchmarks), 3.0, "here"))
            keep(replace(run, benchmarks=run.benchmarks[:count], complete=False))
            if count == self.interrupted_after:
                raise KeyboardInterrupt
        keep(run)
        return run


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An own folder, on the machine of the samples."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(machine, "facts", lambda threads: {**MACHINE, "threads": threads})
    write(tmp_path, "kernel.py", KERNEL)
    (tmp_path / "folder").mkdir()
    return tmp_path


@pytest.fixture
def run(here, monkeypatch, capsys):
    """The command line in this process, with the runs that it is to measure."""

    def command(*words: str, measures: Measured | Run | None = None) -> Done:
        fake = measures if isinstance(measures, Measured) else Measured(*([measures] if measures else []))
        monkeypatch.setattr(execute, "run", fake)
        return called(monkeypatch, capsys, "bench", *words)

    return command


def kept(name: str, run: Run) -> str:
    Path(name).write_text(render(run), encoding="utf-8")
    return name


def refused(done: Done, *parts: str) -> None:
    """One line with the remedy, before anything was measured."""
    assert (done.code, done.out) == (2, ""), done
    assert done.err.startswith("smxcheck: ") and done.err.count("\n") == 1, done.err
    assert all(part in done.err for part in parts), done.err


# What is refused.


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["builtin.fast"], ["TARGET is builtin.fast", BASE]),
        (["-f", "sigmoid"], ["--function is sigmoid", "softmax"]),
        (["--dtype", "float64"], ["--dtype is float64", "float32"]),
        (["--shape", "3x5"], ["--shape is 3x5", "4096 x 1000"]),
        (["--shape", "4096x1000", "--quick"], ["--shape is 4096x1000"]),
        (["--quick"], ["1024 x 1000", "4096 x 1000", "the options of the base"]),
    ],
)
def test_a_base_with_nothing_of_what_was_typed_is_told_before_the_run(run, words, parts):
    refused(run(*words, "--against", kept("base.json", sample())), "nothing to compare", *parts)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ([], ["name what to time", "kernel.py:softmax", "[tool.smxcheck]"]),
        (["scypi"], ["no target 'scypi'", "did you mean scipy?"]),
        (["kernell.py"], ["no file kernell.py here", "did you mean kernel.py?"]),
        (["folder"], ["is a folder"]),
        ([BASE, BASE], ["builtin is named 2 times"]),
        ([BASE, "-f", "sofmax"], ["--function: no function 'sofmax'", "did you mean softmax?"]),
        ([BASE, "--dtype", "float33"], ["--dtype: no dtype 'float33'", "did you mean float32?"]),
        ([BASE, "--shape", "thousnd"], ["no shape 'thousnd'", "thousand", "smxcheck list shapes"]),
        ([BASE, "--shape", "0x10"], ["has no elements"]),
        ([BASE, "--shape", "4x-10"], ["no shape '4x-10'"]),
        ([BASE, "--shape", "9" * 5000], ["--shape has 5,000 characters"]),
        ([BASE, "--shape", "4x10", "--axis", "2"], ["has no axis 2"]),
        ([BASE, "--shape", "thousand", "--axis", "0"], ["--shape 4096x1000 --axis 0"]),
        ([BASE, "--axis", "0"], ["--axis is that of --shape"]),
        ([BASE, "-f", "sigmoid", "--shape", "4x10", "--axis", "0"], ["sigmoid takes no axis"]),
        ([BASE, NEW, "--shape", "1000000x1000000"], ["--shape 1000000x1000000 needs about", "TiB for 2 targets", "are free"]),
        ([BASE, "--shape", "x".join(["999999999999"] * 6)], ["EiB for 1 target"]),
        ([BASE, "--relative-to", NEW], [f"--relative-to {NEW} is not measured", "name one of builtin"]),
        ([BASE, "--same-within", "5"], ["5 % or a factor of 5? write 5%"]),
        ([BASE, "--same-within", "0%"], ["above 0"]),
        ([BASE, "--relative-to", BASE, "--fail-above", "-5%"], ["above 0"]),
        ([BASE, "--relative-to", BASE, "--fail-above", "1000%"], ["below 1000%"]),
        ([BASE, "--fail-above", "5%"], ["--against FILE, or --relative-to TARGET"]),
        ([BASE, "--threads", "0"], ["--threads is a whole number from 1 to"]),
        ([BASE, "--threads", "100000"], ["the processors here"]),
        ([BASE, "--launches", "0"], ["--launches is a whole number from 1 on"]),
        ([BASE, "--launches", "100"], ["from 1 to 99"]),
        ([BASE, "--time-limit", "0"], ["--time-limit is a number above 0"]),
        ([BASE, "--time-limit", "nan"], ["--time-limit is a number above 0"]),
        ([BASE, "--false-alarms", "0"], ["--false-alarms is a whole number from 1 on"]),
        ([BASE, "--arrays", "cupy"], ["--arrays is one of"]),
        ([BASE, "--device", "tpu"], ["--device is one of"]),
        ([BASE, "--fixed", "axes=0"], ["--fixed axes=0"]),
        ([BASE, "--gradient", "nothing"], ["--gradient nothing"]),
        ([BASE, "-q", "-v"], ["-q and -v exclude each other"]),
        ([BASE, "--any-machine"], ["--any-machine is about", "--against"]),
        ([BASE, "--save", "run.txt"], ["end the name in .json or .json.gz"]),
        ([BASE, "--save", "nowhere/run.json"], ["there is no folder nowhere"]),
        ([BASE, "--output", "run.xyz"], ["--output run.xyz", ".csv"]),
        ([BASE, "--output", "folder/a/run.md"], ["there is no folder"]),
        ([BASE, "--output", "a.json", "--output", "json:a.json"], ["writes the same file"]),
        ([BASE, "--save", "a.json", "--output", "a.json"], ["--save and --output both write a.json"]),
        ([BASE, "--format", "yaml"], ["--format is one of rich, plain", "pyperf"]),
        ([BASE, "--format", "rich", "--output", "a.md"], ["is for the screen"]),
        ([BASE, "--format", "svg"], ["--output bench.svg"]),
        ([BASE, "-q", "--format", "json"], ["exclude each other"]),
        ([BASE, "--against", "none.json"], ["--against none.json: there is no such file"]),
        ([BASE, "--against", "folder"], ["--against folder: cannot be read"]),
        ([BASE, "--against", "kernel.py"], ["--against kernel.py: not JSON"]),
        ([BASE, "--resume", "none.json"], ["leave TARGET out"]),
        (["--resume", "none.json", "--quick"], ["leave --quick out"]),
        (["--resume", "none.json"], ["--resume none.json: there is no such file"]),
        ([BASE, "--quik"], ["did you mean --quick?"]),
        ([BASE, "functions"], ["functions is a suite", "builtin a target"]),
        (["functions", "--shape", "4x10"], ["leave --shape out"]),
        (["oracle", "--against", "a.json"], ["leave --against out"]),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_with_the_remedy(run, words, parts):
    refused(run(*words), *parts)
    assert sorted(p.name for p in Path().iterdir()) == ["folder", "kernel.py"]


@pytest.mark.slow
def test_a_library_that_is_not_installed_is_told_with_its_command(run, monkeypatch):
    monkeypatch.setitem(LIBRARIES, "scipy", replace(LIBRARIES["scipy"], needs=("not_installed_anywhere",)))
    refused(run("scipy"), "scipy needs not_installed_anywhere", "pip install 'smxcheck[scipy]'")


def test_plots_without_matplotlib_are_refused_before_the_run(run, monkeypatch):
    monkeypatch.setattr("smxcheck.benchmark.files.as_plot.available", lambda: "plots need matplotlib: pip install it")
    refused(run(BASE, "--output", "a.svg"), "plots need matplotlib")


@pytest.mark.parametrize(
    ("change", "words", "parts"),
    [
        ({"complete": False}, [], ["not measured to its end", "--resume base.json"]),
        ({"machine": {**MACHINE, "cpu": "another"}}, [], ["another", "Xeon 2.0 GHz", "--any-machine"]),
        ({}, ["--threads", "2"], ["threads 1, this is 2"]),
        ({}, ["--save", "base.json"], ["would be written over"]),
        ({}, ["--output", "./base.json"], ["would be written over"]),
        ({"benchmarks": ()}, [], ["no times of a right target"]),
    ],
)
def test_a_base_that_cannot_be_compared_with_is_refused(run, monkeypatch, change, words, parts):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0, 1}, raising=False)
    file = kept("base.json", replace(sample(), **change))
    refused(run("--against", file, *words), "--against base.json", *parts)


def test_a_base_of_another_machine_is_taken_where_that_is_asked_and_told(run):
    file = kept("base.json", replace(sample(), machine={**MACHINE, "cpu": "another"}))
    done = run("--against", file, "--any-machine", measures=sample(seed=2))
    assert done.code == 0 and "compared nevertheless, as --any-machine says" in done.err


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"complete": True}, "measured to its end"),
        ({"machine": {**MACHINE, "cpu": "another"}}, "another machine"),
        ({"machine": {**MACHINE, "numpy": "1.0"}}, "numpy 1.0, this is 2.4.6"),
    ],
)
def test_a_run_is_gone_on_with_only_where_nothing_has_changed(run, change, part):
    file = kept("part.json", replace(sample(), **{"complete": False, **change}))
    refused(run("--resume", file), "--resume part.json", part)


def test_a_run_of_a_file_that_has_changed_is_not_gone_on_with(run):
    part = replace(sample_run(targets=("kernel.py:softmax",)), complete=False)  # its digest is made up
    refused(run("--resume", kept("part.json", part)), "kernel.py has changed since")


# What is measured.


def test_what_was_typed_is_what_is_measured(run):
    fake = Measured(sample())
    done = run(
        *TARGETS, "-f", "softmax", "--dtype", "float16", "--shape", "4x10", "--shape", "ten", "--axis", "0", measures=fake
    )
    refused(done, "--axis is of a shape in numbers")
    done = run(
        *TARGETS, "-f", "softmax", "--dtype", "float16", "--shape", "4x10", "--shape", "8,20", "--axis", "0", "--ladder",
        "--relative-to", NEW, "--same-within", "3 %", "--time-limit", "7", "--launches", "5", "--arrays", "numpy",
        "--fixed", "axis=-1", measures=fake,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert fake.settings == [
        Settings(
            TARGETS, ("softmax",), ("float16",), (Shape((4, 10), 0), Shape((8, 20), 0)), ladder=True, relative_to=NEW,
            margin=0.03, seconds=7.0, launches=5, arrays="numpy", fixed={"axis": -1},
        )
    ]  # fmt: skip


def test_the_defaults_are_those_of_the_settings_and_quick_is_less_of_all(run):
    usual, quick = Measured(sample()), Measured(sample())
    run(BASE, measures=usual)
    run(BASE, "--quick", measures=quick)
    assert usual.settings == [Settings((BASE,), (), ("float32", "float64"))]
    (settings,) = quick.settings
    assert settings.quick and settings.launches == 1 and settings.seconds < usual.settings[0].seconds


@pytest.mark.slow
def test_targets_of_the_project_are_timed_where_none_is_typed(run):
    section = '[tool.smxcheck]\ntargets = ["kernel.py:softmax"]\ndtypes = ["float64"]\nfunctions = ["softmax"]\n'
    write(Path(), "pyproject.toml", section)
    fake = Measured(sample(), sample())
    run(measures=fake)
    run(BASE, measures=fake)
    assert [(s.targets, s.dtypes, s.functions) for s in fake.settings] == [
        (("kernel.py:softmax",), ("float64",), ("softmax",)),
        ((BASE,), ("float64",), ()),
    ]


def test_a_comparison_measures_what_the_base_measured_unless_something_else_is_typed(run):
    base = sample()
    shorter = tuple(replace(b, shape=shortened(b.shape)) for b in base.benchmarks)
    base = replace(base, settings=replace(base.settings, launches=4, margin=0.02, quick=True, seconds=9.0), benchmarks=shorter)
    file = kept("base.json", base)
    fake = Measured(sample(seed=2), sample(seed=3))
    run("--against", file, measures=fake)
    run(NEW, "--against", file, "--launches", "2", measures=fake)
    assert fake.settings == [base.settings, replace(base.settings, targets=(NEW,), launches=2)]


def test_a_run_is_gone_on_with_as_it_began_and_kept_in_its_file(run):
    whole = sample()
    part = replace(whole, benchmarks=whole.benchmarks[:1], complete=False)
    fake = Measured(whole)
    done = run("--resume", kept("part.json", part), measures=fake)
    assert done.code == 0 and fake.settings == [part.settings] and fake.before == [part]
    assert read(Path("part.json")).benchmarks == whole.benchmarks


@given(st.floats(0.001, 0.99), st.sampled_from(["", " "]))
@settings(derandomize=True, deadline=None)
def test_a_share_means_the_same_however_it_is_written(share, space):
    text = f"{share:.6f}"
    assert percent("--o", text) == float(text)
    assert percent("--o", f"{float(text) * 100:.4f}{space}%") == pytest.approx(float(text), rel=1e-9, abs=1e-9)


@given(st.text(max_size=8))
@settings(derandomize=True, deadline=None, max_examples=300)
def test_whatever_is_typed_as_a_share_is_one_or_is_refused(text):
    try:
        assert 0 < percent("--o", text) < 10
    except Fail as error:
        assert error.code == 2 and str(error).startswith("--o ")


# What it ends with.


def slower(factor: float = 1.3, **changes: object) -> Run:
    return sample(slower={NEW: factor}, seed=5, **changes)


def test_measured_is_0_and_the_last_line_is_all_that_quiet_leaves(run):
    done = run(*TARGETS, measures=sample())
    quiet = run(*TARGETS, "-q", measures=sample())
    assert (done.code, quiet.code) == (0, 0)
    assert quiet.out == done.out.splitlines()[-1] + "\n" and quiet.err == ""


def test_the_same_code_passes_the_gate(run):
    done = run("--against", kept("base.json", sample()), measures=sample(seed=2))
    assert done.code == 0, done.out


def test_slower_twice_is_1_and_only_what_was_slower_is_measured_again(run):
    base = kept("base.json", sample())
    fake = Measured(slower(), slower(noise=0.2))
    done = run("--against", base, measures=fake)
    assert done.code == 1 and "SLOWER" in done.out.splitlines()[-1]
    first, second = fake.only
    assert first == () and set(second) == {b.title for b in sample().benchmarks}


def test_slower_once_is_not_1(run):
    """With a target that is SAME it passes, told as undecided; where nothing at all was decided it does not pass."""
    base = kept("base.json", sample())
    done = run("--against", base, measures=Measured(slower(), sample(seed=6)))
    assert done.code == 0 and "3 UNDECIDED" in done.out.splitlines()[-1]
    alone = [sample(targets=(NEW,), slower={NEW: factor}, seed=seed) for factor, seed in ((1.3, 5), (1.0, 6))]
    done = run(NEW, "--against", base, measures=Measured(*alone))
    assert done.code == 3 and "UNDECIDED" in done.out.splitlines()[-1]


def test_the_threshold_is_what_was_typed(run):
    base = kept("base.json", sample())
    assert run("--against", base, "--fail-above", "50%", measures=slower()).code == 0
    assert run("--against", base, "--fail-above", "0.1", measures=Measured(slower(), slower())).code == 1


def test_wrong_where_the_base_was_right_is_1(run):
    done = run("--against", kept("base.json", sample()), measures=sample(wrong=(NEW,), seed=2))
    assert done.code == 1 and "WRONG" in done.out.splitlines()[-1]


def test_two_targets_of_one_run_can_be_the_gate(run):
    """The other target is the base; no file is needed."""
    words = (*TARGETS, "--relative-to", BASE, "--fail-above", "10%")

    def relative(**changes: object) -> Run:
        made = sample(**changes)
        return replace(made, settings=replace(made.settings, relative_to=BASE))

    assert run(*words, measures=relative()).code == 0
    twice = Measured(relative(slower={NEW: 1.4}), relative(slower={NEW: 1.4}, seed=3))
    assert run(*words, measures=twice).code == 1
    once = Measured(relative(slower={NEW: 1.4}), relative(seed=3))
    assert run(*words, measures=once).code != 1


def test_nothing_timed_is_5_with_the_reason(run):
    done = run(*TARGETS, measures=sample(failed=dict.fromkeys(TARGETS, "declined: no such dtype")))
    assert done.code == 5 and "nothing was timed: builtin: declined: no such dtype" in done.err and done.out == ""


def test_nothing_compared_is_5(run):
    """A gate that compared nothing is no pass."""
    done = run("--against", kept("base.json", sample()), measures=sample(functions=("log_softmax",)))
    assert done.code == 5


def test_a_target_that_cannot_be_used_is_2(run, monkeypatch, capsys):
    from smxcheck.targets.protocol import TargetError

    def fails(*_, **__):
        raise TargetError("kernel.py: no function of the catalog is in it")

    run()  # the folder
    monkeypatch.setattr(execute, "run", fails)
    done = called(monkeypatch, capsys, "bench", "kernel.py")
    assert (done.code, done.err) == (2, "smxcheck: kernel.py: no function of the catalog is in it\n")


def test_the_gate_is_put_to_the_test_where_that_is_asked(run, monkeypatch):
    monkeypatch.setattr(trust, "put_to_test", lambda run, n, threshold, progress: replace(sample_trust(), repetitions=n))
    done = run(*TARGETS, "--false-alarms", "7", "--save", "a.json", measures=sample())
    told = read(Path("a.json")).trust
    assert done.code == 0 and told is not None and told.repetitions == 7


# What is kept and written.


@pytest.mark.slow
def test_an_interrupted_run_keeps_what_it_has_and_says_how_to_go_on(run):
    done = run(*TARGETS, "--save", "my run.json", measures=Measured(sample(), interrupted_after=2))
    assert (done.code, done.out) == (130, "")
    assert "2 benchmarks are kept in my run.json: go on with smxcheck bench --resume 'my run.json'" in done.err
    assert read(Path("my run.json")) == replace(
        sample(), benchmarks=sample().benchmarks[:2], complete=False, command=read(Path("my run.json")).command
    )


def test_an_interrupted_run_without_a_file_says_that_nothing_is_kept(run):
    done = run(*TARGETS, measures=Measured(sample(), interrupted_after=2))
    assert (done.code, done.err) == (
        130, "smxcheck: interrupted; nothing was kept: with --save FILE.json a run can be gone on with\n"
    )  # fmt: skip


def test_an_interrupt_while_slower_ones_are_measured_again_leaves_the_run_whole(run):
    class Second(Measured):
        def __call__(self, *words, **named):
            if len(self.runs) == 1:
                raise KeyboardInterrupt
            return super().__call__(*words, **named)

    done = run("--against", kept("base.json", sample()), "--save", "new.json", measures=Second(slower(), slower()))
    assert done.code == 130 and "whole in new.json" in done.err
    assert read(Path("new.json")).complete


def test_the_file_is_whole_even_where_the_writing_is_interrupted(run, monkeypatch):
    """What stands in it is always a run: the earlier one, until the later is written to its end."""
    count = 0

    def synced(number: int) -> None:
        nonlocal count
        count += 1
        if count == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", synced)
    done = run(*TARGETS, "--save", "a.json.gz", measures=sample())
    assert done.code == 130
    assert len(read(Path("a.json.gz")).benchmarks) == 1
    assert sorted(p.name for p in Path().iterdir()) == ["a.json.gz", "folder", "kernel.py"]


def test_outputs_are_written_in_the_formats_that_their_names_say(run):
    done = run(
        *TARGETS, "--output", "a.md", "--report", "csv:b.txt", "--output", "c.json.gz", "--save", "d.json", measures=sample()
    )
    assert done.code == 0
    assert done.err.splitlines() == ["wrote d.json", "wrote a.md", "wrote b.txt", "wrote c.json.gz"]
    assert read(Path("c.json.gz")) == read(Path("d.json"))
    assert "," in Path("b.txt").read_text().splitlines()[0] and "|" in Path("a.md").read_text()


def test_a_format_is_that_of_the_files_or_of_stdout(run):
    done = run(*TARGETS, "--format", "pyperf", "--output", "a.json", measures=sample())
    assert "benchmarks" in json.loads(Path("a.json").read_text()) and done.out.splitlines()[-1]
    with pytest.raises(json.JSONDecodeError):
        json.loads(done.out)
    shown = run(*TARGETS, "--format", "json", measures=sample())
    assert json.loads(shown.out)["schema"] == "smxcheck-bench/1" and shown.err == ""


def test_a_gate_whose_stdout_is_data_tells_its_verdict_on_stderr(run):
    base = kept("base.json", sample())
    done = run("--against", base, "--format", "json", measures=Measured(slower(), slower()))
    assert done.code == 1 and "SLOWER" in done.err
    json.loads(done.out)


@pytest.mark.parametrize("to_file", [True, False])
def test_markdown_tells_what_the_gate_found(run, to_file):
    """A comment on a change is about the change: the verdict and the times before and now, not the times alone."""
    words = ("--output", "gate.md") if to_file else ("--format", "markdown")
    done = run("--against", kept("base.json", sample()), *words, measures=Measured(slower(), slower(noise=0.2)))
    text = Path("gate.md").read_text() if to_file else done.out
    assert done.code == 1 and "Compared with the base" in text and text.splitlines()[2].startswith("SLOWER")


def test_a_run_that_a_format_cannot_hold_is_one_line_wherever_it_goes(run):
    """pyperf reads no file without a benchmark, and what is wrong is in none."""
    for words in (("--format", "pyperf"), ("--output", "pyperf:a.json", "-q")):
        done = run(*TARGETS, *words, measures=sample(wrong=TARGETS))
        assert done.code == 2 and done.err.count("\n") == 1 and "no target was timed and is right" in done.err
    assert not Path("a.json").exists()


def test_progress_tells_the_share_done_and_the_time_left(run, monkeypatch):
    lines: list[str] = []
    monkeypatch.setattr("smxcheck.cli.run_bench.overwrite", lines.append)
    assert run(*TARGETS, measures=sample()).err == ""
    assert lines == ["33%, 3.0 s left: here", "67%, 3.0 s left: here", "100%, 3.0 s left: here"]


def test_the_command_stands_in_what_is_kept(run):
    run(*TARGETS, "--save", "a.json", measures=sample())
    assert read(Path("a.json")).command == f"smxcheck bench {BASE} {NEW} --save a.json"


def test_everything_shows_more_than_the_usual_screen(run):
    usual, all_ = (run(*TARGETS, "--format", "rich", *more, measures=sample()).out for more in ([], ["--all"]))
    assert len(all_.splitlines()) > len(usual.splitlines())
    assert max(map(len, all_.splitlines())) <= 80


# The memory that a benchmark takes.


@given(
    st.sampled_from(sorted(FUNCTIONS)), st.sampled_from(sorted(FORMATS)), st.integers(1, 2000), st.integers(1, 2000),
    st.integers(1, 9),
)  # fmt: skip
@settings(derandomize=True, deadline=None)
def test_more_rows_and_more_targets_never_need_less(function, dtype, rows, n, targets):
    need = partial(memory.needed, function, dtype)
    one = need(Shape((rows, n)), targets)
    assert one <= need(Shape((rows + 1, n)), targets) and one <= need(Shape((rows, n)), targets + 1)
    assert one <= need(Shape((rows, n), layout="every-other"), targets)
    width = {"float64": 8, "float32": 4}.get(dtype, 2)
    arguments = len(FUNCTIONS[function].arguments) * rows * n * width
    assert one >= targets * arguments


def test_a_benchmark_that_memory_cannot_hold_is_left_out_and_told(monkeypatch):
    """Also of the default shapes, and of functions that are known only once a file is loaded."""
    monkeypatch.setattr(execute, "available", lambda: 1 << 20)
    work = execute._Work(Settings(TARGETS, (), ("float32",)), lambda step: None, lambda run: None, {}, 0.0)
    with pytest.raises(execute._LeftOut):
        work._benchmark(Item("softmax", "float32", Shape((1000, 1000)), TARGETS), {})
    (note,) = work.notes
    assert note.startswith("softmax float32 1000 x 1000: left out: needs about 244 MiB for") and note.endswith("; 1 MiB are free")


def test_every_width_is_that_of_numpy():
    for name, fmt in FORMATS.items():
        assert memory._width(fmt) == FORMATS[name].numpy().itemsize


def test_what_fits_is_not_refused_and_what_does_not_says_how_much_there_is():
    shape = Shape((1000, 1000))
    need = memory.needed("softmax", "float32", shape, 2)
    assert memory.lacking("softmax", "float32", shape, 2, need) == ""
    told = memory.lacking("softmax", "float32", shape, 2, need - 1)
    assert told == f"needs about {memory.in_words(need)} for 2 targets; {memory.in_words(need - 1)} are free"
    assert memory.lacking("softmax", "float32", shape, 2, None) == ""
    assert "more than a machine can address" in memory.lacking("softmax", "float32", Shape((1 << 40, 1 << 40)), 1, None)


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({"proc/meminfo": "MemTotal: 8 kB\nMemAvailable:    1000 kB\n"}, 1_024_000),
        ({"proc/meminfo": "MemAvailable: 1000 kB\n", "group/memory.max": "max\n"}, 1_024_000),
        ({"proc/meminfo": "MemAvailable: 1000 kB\n", "group/memory.max": "9000\n", "group/memory.stat": "file 7\nanon 8000\n"}, 1000),
        ({"proc/meminfo": "MemAvailable: 1000 kB\n", "group/memory/memory.limit_in_bytes": "900\n",
          "group/memory/memory.stat": "total_rss 1000\n"}, 0),
        ({"proc/meminfo": "MemAvailable: 1 kB\n", "group/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 1024),
    ],
)  # fmt: skip
def test_what_is_free_is_the_least_that_the_system_tells(tmp_path, files, free):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert memory.available(tmp_path / "proc", tmp_path / "group") == free


def test_elsewhere_posix_tells_what_is_free_or_nobody_does(tmp_path, monkeypatch):
    assert (memory.available(tmp_path, tmp_path) or 0) > 0
    monkeypatch.setattr(os, "sysconf_names", {})
    assert memory.available(tmp_path, tmp_path) is None


@pytest.mark.parametrize(
    ("count", "text"),
    [(512, "512 bytes"), (1024, "1 KiB"), (1_288_490_189, "1.2 GiB"), (1023 << 30, "1,020 GiB"), (3 << 60, "3 EiB")],
)
def test_bytes_are_told_in_three_digits(count, text):
    assert memory.in_words(count) == text


# The table of shapes, and the help.


def test_the_list_of_shapes_has_every_shape_and_its_names_are_understood(monkeypatch, capsys):
    text = called(monkeypatch, capsys, "list", "shapes").out
    rows = {line.split()[0]: line for line in text.splitlines() if line}
    assert all(shape.title in rows[name] and parse(name) == shape for name, (shape, _) in NAMED.items())
    assert all(shape.title in text for shape in LADDER)


def test_the_help_has_codes_and_examples_in_80_columns(tmp_path):
    done = smxcheck(tmp_path, "bench", "--help", COLUMNS="80")
    assert done.code == 0 and max(map(len, done.out.splitlines())) <= 80
    assert all(f"\n    {code} " in done.out for code in ("0", "1", "2", "3", "5", "130"))
    assert done.out.count("\n    smxcheck bench ") >= 4
    default = Settings((), (), ())
    assert all(f"[default: {value:g}]" in done.out for value in (default.seconds, default.launches, default.threads))
