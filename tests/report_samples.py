"""Fabricated reports, one per situation that a renderer must put into words. The figures are made up."""

from __future__ import annotations

from dataclasses import replace

from smxcheck.catalog import FUNCTIONS
from smxcheck.judge.result import Level, Problem, Report, Result, Status, TargetReport

INF = float("inf")
#: What a hostile target may put into a message: escapes, markup, a workflow command, a formula, XML's
#: forbidden ones.
HOSTILE = '=cmd|"/c"!A1 \x1b[31mred\x1b[0m [bold]b[/bold] <script>alert(1)</script> `x` | ]]>\x00\x07\n::error::owned\ud800'
ENVIRONMENT = {
    "python": "3.11.7",
    "platform": "Linux x86_64",
    "cpu": "Xeon",
    "numpy_simd": "AVX512_SPR",
    "cpus": 2,
    "flush_to_zero": False,
    "variables": {"OMP_NUM_THREADS": "2"},
}


def ok(
    target: str, function: str, dtype: str, name: str, error: float, level: Level = Level.STANDARD
) -> Result:
    """A right result of three elements."""
    group = name.rpartition("/")[0]
    return Result(
        target, function, dtype, f"{function}/{name}/{dtype}", group, "accuracy", Status.OK, level,
        input=f"{function}([0, -1, -2])", got="0.0900306", right="0.0900305", got_hex="0x1.70c7d2p-4",
        right_digits="0.09003057317038045798022156387", index=(2,), error_ulp=error, allowed_ulp=100.0,
        largest_error_ulp=error, largest_allowed_ulp=100.0, signed_sum=-0.75 * error, elements=3,
        histogram={None: 1, -8: 1, 48 if error > 1 else 0: 1}, largest_term="the rounding of x - max(x)", digest="5f0c", seconds=2e-4,
    )  # fmt: skip


def wrong(target: str, function: str, dtype: str, name: str) -> Result:
    """-inf where a finite value is right."""
    group = name.rpartition("/")[0]
    return Result(
        target, function, dtype, f"{function}/{name}/{dtype}", group, "not-finite", Status.WRONG, Level.WRONG,
        message=f"{function} returns -inf where the answer is finite", input=f"{function}([0, -200])",
        got="[0, -inf]", right="[0, -200]", got_hex="-inf", right_digits="-200.0", index=(1,), error_ulp=INF,
        allowed_ulp=12.0, largest_error_ulp=INF, largest_allowed_ulp=12.0, elements=2, digest="00ff", seconds=1e-4,
    )  # fmt: skip


def other(status: Status, name: str, **more: object) -> Result:
    """A result of kernel.py's softmax in float32 with another status."""
    base = Result(
        "kernel.py",
        "softmax",
        "float32",
        f"softmax/{name}/float32",
        name.rpartition("/")[0],
        "accuracy",
        status,
    )
    return replace(base, **more)  # type: ignore[arg-type]


def target(
    name: str = "kernel.py", functions: tuple[str, ...] = ("softmax", "log_softmax"), **more: object
) -> TargetReport:
    base = TargetReport(
        name, {"torch": "2.13.0"}, "torch", {f: f"{name}:{f}" for f in functions}, 2.4,
        path=name if name.endswith(".py") else "", sha256="ab" * 32 if name.endswith(".py") else "",
    )  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]


def report(
    targets: tuple[TargetReport, ...],
    results: list[Result],
    problems: tuple[Problem, ...] = (),
    **more: object,
) -> Report:
    base = Report(
        targets, tuple(results), problems, Level.STANDARD, "quick", ("float32", "float64"), ENVIRONMENT,
        command="smxcheck verify kernel.py", seconds=3.2,
    )  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]


LOG_OF_SOFTMAX = Problem(
    "kernel.py", "log_softmax", "SMX102", "float32", ("float32", "float64"), "log_softmax/far-tail/200/float32",
    tuple(f"log_softmax/far-tail/{n}/{d}" for d in ("float32", "float64") for n in range(200, 230)), 60,
    "log_softmax returns -inf where the answer is finite", "log_softmax([0, -200])", "[0, -inf]", "[0, -200]",
    behaves_as="log(softmax(x)), in 60 of the 60 wrong results", instead="x - max(x) - log(sum(exp(x - max(x))))",
    again="smxcheck verify kernel.py --case log_softmax/far-tail/200/float32", bugs=("pytorch/pytorch#1020",),
)  # fmt: skip


def one_wrong() -> Report:
    """A kernel whose log_softmax is log(softmax(x)), and whose softmax is right."""
    results = [
        ok("kernel.py", "softmax", d, f"spread/{n}", e)
        for d in ("float32", "float64")
        for n, e in ((1, 0.5), (80, 63.19))
    ]
    for dtype in ("float32", "float64"):
        results += [wrong("kernel.py", "log_softmax", dtype, f"far-tail/{n}") for n in range(200, 230)]
        results += [ok("kernel.py", "log_softmax", dtype, f"spread/{n}", 1.5) for n in range(370)]
    choices = {"a row of -inf": "nan, always, like torch"}
    kernel = target(not_tested=("other axes: the functions take no axis.", "GPU."), choices=choices)
    return report((kernel,), results, (LOG_OF_SOFTMAX,))


def right_beside() -> Report:
    """A right softmax, torch beside it, and results that cannot tell."""
    results = [ok("kernel.py", "softmax", "float32", f"spread/{n}", 63.19, Level.TIGHT) for n in range(403)]
    results += [
        replace(ok("kernel.py", "softmax", "float32", f"tiny/{n}", 0.5), cannot_tell="zeros", flushed=3)
        for n in range(25)
    ]
    results += [ok("torch", "softmax", "float32", f"spread/{n}", 99.24) for n in range(428)]
    mine = target("kernel.py", ("softmax",))
    return report((mine, target("torch", ("softmax",), beside=True)), results, beside="torch")


def own(*, caught: bool = True) -> Report:
    """A bare run: what smxcheck ships, and the textbook form that must be caught."""
    right = [
        ok("builtin", f, d, f"spread/{n}", 0.9, Level.ULP1)
        for f in FUNCTIONS
        for d in ("float32", "float64")
        for n in (1, 2)
    ]
    textbook = [wrong("builtin.textbook", "softmax", "float32", "overflow/1000")] if caught else []
    problem = replace(
        LOG_OF_SOFTMAX, target="builtin.textbook", function="softmax", smallest="softmax/overflow/1000/float32",
        count=1, cases=("softmax/overflow/1000/float32",), input="softmax([1000, 1001])", got="[nan, nan]",
        right="[0.269, 0.731]", message="softmax returns nan where the answer is finite",
    )  # fmt: skip
    shipped = target("builtin", tuple(FUNCTIONS), arrays="numpy", import_seconds=0.0)
    purpose = target(
        "builtin.textbook", ("softmax",), arrays="numpy", import_seconds=0.0, expected_wrong=True
    )
    return report(
        (shipped, purpose), right + textbook, (problem,) if caught else (), own=True, command="smxcheck verify",
        notices=("Published statements: 60 checked again, all verdicts as recorded.",), seconds=18.2,
    )  # fmt: skip


def every_status() -> Report:
    """One result of every status, with hostile messages and no dependence on one another."""
    crash = other(
        Status.CRASHED, "row-length/513", check="crashes", message=f"SIGSEGV {HOSTILE}", seconds=0.1
    )
    results = [
        ok("kernel.py", "softmax", "float32", "spread/1", 0.5),
        replace(
            wrong("kernel.py", "softmax", "float32", "far-tail/200"), got=HOSTILE, error_ulp=float("nan")
        ),
        other(Status.DECLINED, "layout/reversed", message="ValueError: negative strides"),
        crash,
        other(Status.HUNG, "row-length/1e7", check="hangs", message="no answer in 10 s", seconds=10.0),
        other(Status.NOT_RUN, "row-length/1e8", message="three crashes in a row"),
        other(Status.NO_SINGLE_ANSWER, "no-limit/all-minus-inf", choice={"a row of -inf": "nan"}),
        other(Status.CANNOT_TELL, "tiny/17", cannot_tell="zeros"),
        other(Status.UNDECIDED, "spread/2", message="precision limit"),
    ]
    problems = (
        replace(LOG_OF_SOFTMAX, function="softmax", count=1, got=HOSTILE, message=HOSTILE, smallest=results[1].case, cases=(results[1].case,)),
        Problem("kernel.py", "softmax", "crashes", "float32", ("float32",), crash.case, (crash.case,), 1, crash.message, "softmax(x)", "", ""),
    )  # fmt: skip
    return report((target("kernel.py", ("softmax",), notes=(HOSTILE,)),), results, problems)


def decided() -> Report:
    """``every_status`` without the undecided result: exit code 1."""
    full = every_status()
    return replace(full, results=tuple(r for r in full.results if r.status is not Status.UNDECIDED))


def known() -> Report:
    """``one_wrong`` with its problem accepted."""
    full, reason = one_wrong(), "upstream, until 2027-01-01"
    results = tuple(replace(r, known=reason) if r.status is Status.WRONG else r for r in full.results)
    return replace(full, results=results, problems=tuple(replace(p, known=reason) for p in full.problems))


def interrupted() -> Report:
    return replace(right_beside(), interrupted=True)


def nothing() -> Report:
    """The selection matched no case."""
    return report((target(),), [], command="smxcheck verify kernel.py -k nosuch")


def many_targets() -> Report:
    """Two targets, long function names, seven problems."""
    long = "binary_cross_entropy_with_logits"
    names = (
        "torch",
        "path/to/a-rather-long-folder-name/kernel_with_a_long_name.py:fused_binary_cross_entropy_with_logits",
    )
    results = [
        ok(t, f, d, "spread/1", 1234567.8)
        for t in names
        for f in ("softmax", long)
        for d in ("bfloat16", "float32")
    ]
    results += [wrong(names[1], long, "float32", f"far-tail/{n}") for n in range(7)]
    again = f"smxcheck verify '{names[1]}' --fixed 'reduction=none' --case {long}/far-tail/0/float32"
    problems = tuple(
        replace(
            LOG_OF_SOFTMAX, target=names[1], function=long, count=n + 1, again=again, message=f"cause {n}"
        )
        for n in range(7)
    )
    targets = (target("torch", ("softmax", long)), target(names[1], ("softmax", long)))
    return report(targets, results, problems, dtypes=("bfloat16", "float32"))


ALL = {
    f.__name__: f
    for f in (one_wrong, right_beside, own, every_status, decided, known, interrupted, nothing, many_targets)
}
