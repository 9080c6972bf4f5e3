"""What the pages of words show by numbers: ulps, levels, exact values and results that tell nothing, all computed now."""

from __future__ import annotations

import numpy as np

from smxcheck.caseset import load_cases
from smxcheck.dtypes import FORMATS
from smxcheck.functions import ALGORITHMS
from smxcheck.judge.call import Demand
from smxcheck.judge.errors import errors
from smxcheck.judge.result import Level, Result
from smxcheck.judge.words import digits, ulps
from smxcheck.mistakes import mistakes_in
from smxcheck.oracle import Expected, expect
from smxcheck.oracle.enclosure import Enclosure
from smxcheck.pages.exhibit import ours, results
from smxcheck.pages.model import Block, Facts, Prose, Table

_FLOAT32 = FORMATS["float32"]

#: What is to be seen, the exact value, and a result in float32.
_ULP_ROWS = (
    ("a number", 0.75, 0.75000006),
    ("a power of two", 1.0, 1.0000001),
    ("just below it", 1 - 2.0**-30, 1.0),
    ("subnormal", 1e-40, 0.0),
    ("zero", 0.0, 1e-45),
    ("overflows", -6.8e38, -np.inf),
    ("does not", -3.4e38, -np.inf),
)


def ulp_table() -> Block:
    """The ulp of exact values of every kind, and the error of a result there."""
    header: tuple[Prose, ...] = (("",), ("exact value",), ("its ulp",), ("result",), ("error",))
    return Table(header, tuple(_ulp_row(*row) for row in _ULP_ROWS), caption=("float32",))


def _ulp_row(label: str, exact: float, result: float) -> tuple[Prose, ...]:
    hi, exponent = np.frexp(np.array([exact]))
    enclosure = Enclosure(hi, np.zeros(1), exponent.astype(np.int64), np.zeros(1))
    found = errors(np.array([result], np.float32), enclosure, _FLOAT32)
    ulp = f"2^{int(found.ulp_exponent[0])}"
    value = "1 - 2^-30" if exact == 1 - 2.0**-30 else f"{exact:g}"
    got = f"{np.float32(result):.8g}"
    return (label,), (value,), (ulp,), (got,), (f"{ulps(float(found.size[0]))} ulp",)


def level_table() -> Block:
    """Algorithms that ship, each with the level that it earns on one input."""
    rows = [
        _earned("log_softmax", "accurate", "log_softmax/dominant/9-above-0/float32"),
        _earned("log_softmax", "log1p", "log_softmax/acceptance/1000-and-1001/float32"),
        _earned("log_softmax", "shifted", "log_softmax/dominant/9-above-0/float32"),
        _earned("log_softmax", "subtract_lse", "log_softmax/dominant/9-above-0/float32"),
    ]
    header: tuple[Prose, ...] = (("level",), ("algorithm",), ("call",), ("largest error",))
    return Table(header, tuple(rows), caption=("float32",))


def _earned(function: str, algorithm: str, case: str) -> tuple[Prose, ...]:
    call = ALGORITHMS[function][algorithm].call
    r = results({function: call}, load_cases(ids=[case]), Demand())[0]
    return (str(r.level),), (f"builtin.{algorithm}",), (r.input,), (f"{ulps(r.largest_error_ulp)} ulp",)


def exact_value() -> Block:
    """One exact value in digits, beside what float64 arithmetic gives by the definition."""
    case = load_cases(ids=["logsumexp/acceptance/0-and-minus-40/float64"])[0]
    arguments = tuple(case.build().values())
    expected: Expected = expect(case.function, arguments, case.keywords)
    naive = np.log(np.sum(np.exp(arguments[0])))
    return Facts((
        ("call", ("logsumexp([0, -40]), float64",)),
        ("exact value", (digits(expected, ()),)),
        ("by the definition", (f"{float(naive):g} in float64: a test against it would pass 0, and fail a right result",)),
    ))  # fmt: skip


def tells_nothing() -> Block:
    """A result of zeros where the bound would accept it, and the same under a stricter level."""
    case = load_cases(ids=["log_softmax/dominant/17-over-4/float32"])
    wrong = next(m for m in mistakes_in("log_softmax") if m.id == "log_softmax/log-of-sum")
    calls = {"log_softmax": wrong.call}
    usual, strict = (results(calls, case, Demand(require=level))[0] for level in (Level.STANDARD, Level.TIGHT))
    return Facts((
        ("call", (f"{usual.input}, float32",)),
        ("gives", (usual.got,)),
        ("right", (usual.right,)),
        ("at standard", (_said(usual),)),
        ("at tight", (_said(strict),)),
    ))  # fmt: skip


def _said(r: Result) -> str:
    if r.cannot_tell:
        return f"{r.status}: {r.cannot_tell} would be accepted, too"
    return f"{r.status}: {r.message}" if r.message else str(r.status)


def own_choice() -> Block:
    """What our own softmax does with a row of -inf."""
    r = ours(load_cases(ids=["softmax/all-masked/2/float32"]))
    return Facts((("call", (r.input,)), ("gives", (r.got,)), ("judged", (str(r.status),))))
