"""Pairs of fabricated reports, and a strategy for any report. The figures are made up."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from smxcheck.judge.result import Level, Report, Result, Status, TargetReport

TARGET = "kernel.py"
ENVIRONMENT = {"smxcheck": "0.1.0", "case_set": 2, "judge": 3, "numpy": "2.4.6", "cpu": "Xeon", "numpy_simd": "AVX2", "variables": {}}


def result(
    case: str = "normal/1", status: Status = Status.OK, *, function: str = "softmax", dtype: str = "float32", **more: object
) -> Result:
    """A result with an output of two digits, and an error of half an ulp where it is right."""
    group = case.rpartition("/")[0]
    base = Result(
        TARGET, function, dtype, f"{function}/{case}/{dtype}", group, "SMX101", status, Level.ULP1, input=f"{function}({case})",
        got="0.5", right="0.5", largest_error_ulp=0.5, largest_allowed_ulp=10.0, elements=2, digest="aa",
    )  # fmt: skip
    bare = {"level": None, "got": "", "largest_error_ulp": None, "largest_allowed_ulp": None, "elements": 0, "digest": ""}
    if status not in (Status.OK, Status.WRONG, Status.CANNOT_TELL, Status.NO_SINGLE_ANSWER):
        base = replace(base, **bare)  # type: ignore[arg-type]
    return replace(base, **more)  # type: ignore[arg-type]


def target(name: str = TARGET, **more: object) -> TargetReport:
    return replace(TargetReport(name, {"torch": "2.13.0"}, "numpy", {"softmax": "softmax"}, 0.1), **more)  # type: ignore[arg-type]


def report(*results: Result, targets: tuple[TargetReport, ...] | None = None, **more: object) -> Report:
    base = Report(targets or (target(),), results, (), Level.STANDARD, "quick", ("float32", "float64"), ENVIRONMENT)
    return replace(base, **more)  # type: ignore[arg-type]


def moved(error: float | None = 0.5, **more: object) -> Result:
    """Right as before, with other bits."""
    return result(digest="bb", largest_error_ulp=error, **more)  # type: ignore[arg-type]


def in_target(report: Report, name: str) -> Report:
    """The same report, of a target of another name."""
    targets = tuple(replace(t, name=name) for t in report.targets)
    return replace(report, targets=targets, results=tuple(replace(r, target=name) for r in report.results))


_RESULTS = st.builds(
    result,
    st.sampled_from([f"normal/{i}" for i in range(6)]),
    st.sampled_from(Status),
    function=st.sampled_from(("softmax", "logsumexp")),
    digest=st.sampled_from(("", "aa", "bb")),
    largest_error_ulp=st.sampled_from((None, 0.0, 0.5, 4.0, float("inf"), float("nan"))),
    flushed=st.integers(0, 2),
    choice=st.sampled_from(({}, {"all-masked": "nan"}, {"all-masked": "zero"})),
    group=st.sampled_from(("normal", "normal", "normal", "properties")),
)
#: Any report: every status, with and without digests, errors of every kind.
REPORTS = st.lists(_RESULTS, max_size=8, unique_by=lambda r: (r.case, r.group)).map(lambda found: report(*found))
