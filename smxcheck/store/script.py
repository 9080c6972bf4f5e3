"""A failing call as a script of its own: input, call, what came out, the exact value in 40 digits, and the verdict.

The script needs NumPy and the target. Nothing in it is hidden: the exact value, the ulp and what is allowed are numbers in
its text, and the error is worked out in fractions before the reader's eyes. It exits with 1 where the call is wrong.
"""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.caseset import describe_call
from smxcheck.caseset.model import Case
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.judge.call import Demand, Question, ask, judge_call, result_dtype
from smxcheck.judge.errors import measure
from smxcheck.judge.result import Level, Result
from smxcheck.judge.ruler import Ruler
from smxcheck.oracle import Kind
from smxcheck.report.escape import one_line
from smxcheck.run.applicable import Lacking, keywords_in_force
from smxcheck.store.definitions import definition
from smxcheck.store.digits import exact
from smxcheck.store.literals import array_source
from smxcheck.store.spelling import spelled
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.protocol import Call, Session, TargetError
from smxcheck.targets.spec import TargetSpec
from smxcheck.version import CASE_SET_VERSION, JUDGE_VERSION, __version__

Array = npt.NDArray[Any]

#: Larger inputs are stored in a file beside the script.
MOST_EMBEDDED = 1 << 20
#: In the first two lines of a file this names its encoding (PEP 263), in UTF-7 of which "+AAo-" is the end of a line.
_CODING = re.compile(r"coding(?=[:=])")
_LAYOUTS = {
    "transposed": "{0} = np.asfortranarray({0})",
    "every-other": "{0} = np.repeat({0}, 2, axis=-1)[..., ::2]",
    "reversed": "{0} = {0}[..., ::-1].copy()[..., ::-1]",
    "offset": "{0} = np.concatenate([np.zeros(3, {0}.dtype), {0}.reshape(-1)])[3:].reshape({0}.shape)",
    "broadcast": "{0} = np.lib.stride_tricks.as_strided({0}[(0,) * ({0}.ndim - 1)].copy(), {0}.shape,"
                 " (0,) * ({0}.ndim - 1) + ({0}.itemsize,))",
    "read-only": "{0}.flags.writeable = False",
}
_SPECIAL = {
    Kind.NAN: ("nan", "np.isnan(value)"), Kind.PLUS_INFINITY: ("inf", "value == np.inf"),
    Kind.MINUS_INFINITY: ("-inf", "value == -np.inf"),
    Kind.MINUS_INFINITY_OR_NAN: ("-inf or nan", "value == -np.inf or np.isnan(value)"),
    Kind.PLUS_INFINITY_OR_NAN: ("inf or nan", "value == np.inf or np.isnan(value)"),
}  # fmt: skip


@dataclass(frozen=True)
class Script:
    """The text, the arrays that go into an .npz beside it (none where they are embedded), and the result as judged."""

    text: str
    beside: Mapping[str, Array]
    result: Result


def script(
    case: Case, session: Session, spec: TargetSpec, demand: Demand, options: WorkerOptions, with_mpmath: bool = False
) -> Script:
    """The script of one case through one target, whose worst element it shows. Raises TargetError where there is none."""
    offer = session.info.offers.get(case.function)
    if offer is None:
        raise TargetError(f"{spec.text} offers no {case.function}")
    force = keywords_in_force(case, offer)
    if isinstance(force, Lacking):
        raise TargetError(f"{spec.text}: {case.function} takes no {force.keyword}, which the case gives")
    if FUNCTIONS[case.function].shape == "drawn":
        raise TargetError(f"{case.function} is judged by how often each class is drawn: no one value shows what is wrong")
    arguments = case.build()
    call = Call(case.function, tuple(arguments.values()), {k: v for k, v in case.keywords.items() if k in offer.keywords}, case.layout)
    question = ask(case, call.arguments, force, describe_call(case))
    seen = session.call(call)
    judged = judge_call(session.info.name, question, seen, demand)
    result = judged.results[0]
    arrays = {**arguments, **{k: v for k, v in call.keywords.items() if isinstance(v, np.ndarray)}}
    beside = arrays if sum(a.nbytes for a in arrays.values()) > MOST_EMBEDDED else {}
    written = spelled(spec, call, session.info.arrays, options)
    dtype = result_dtype(case, call.arguments, seen.dtype_name)
    refuses, index = bool(question.expected.must_raise), _index(question, result, judged.values, demand, dtype)
    check = _refusal(question) if refuses else _check(question, index, demand, dtype)
    lines = [
        *_head(case, spec, demand, written.needs, arrays, result),
        *_imports(arrays, beside, written.lines), "", *_arrays(arrays, beside), *_laid_out(case, call, arguments),
        *(line for line in written.lines if not _is_import(line)), *_called(written.call, refuses, session.info.arrays), "", *check,
    ]  # fmt: skip
    if with_mpmath and not refuses:
        lines += ["", *_again(question, arguments, index)]
    if not refuses:
        lines += ["", "sys.exit(0 if right else 1)"]
    return Script("\n".join(lines) + "\n", beside, result)


def stored(arrays: Mapping[str, Array]) -> bytes:
    """The .npz that a script of large arrays reads; bfloat16 by its bits."""
    stream = io.BytesIO()
    members = {name: a.view(np.uint16) if a.dtype.name == "bfloat16" else a for name, a in arrays.items()}
    np.savez(stream, allow_pickle=False, **members)
    return stream.getvalue()


def _head(
    case: Case, spec: TargetSpec, demand: Demand, needs: str, arrays: Mapping[str, Array], result: Result
) -> list[str]:
    bits = " and ml_dtypes" if any(a.dtype.name == "bfloat16" for a in arrays.values()) else ""
    text = (
        f"{case.id} through {spec.text}, level {demand.require}, written by smxcheck {__version__} (case set {CASE_SET_VERSION},"
        f" judge {JUDGE_VERSION}). It needs NumPy{bits} and {needs}, and exits with 1 where the call is wrong."
    )
    if result.message:
        text += f" It was: {result.message}."
    return [f"# {line}" for line in textwrap.wrap(_CODING.sub("coding ", one_line(text)), 110)]


def _is_import(line: str) -> bool:
    return line.startswith(("import ", "from "))


def _imports(arrays: Mapping[str, Array], beside: Mapping[str, Array], more: tuple[str, ...]) -> list[str]:
    embedded = any("base64" in array_source(a) for a in arrays.values()) if not beside else False
    bits = any(a.dtype.name == "bfloat16" for a in arrays.values())
    return [
        *(["import base64", "import io"] if embedded else []), "import sys", "from fractions import Fraction",
        *(["from pathlib import Path"] if beside else []), "", *(["import ml_dtypes"] if bits else []), "import numpy as np",
        *filter(_is_import, more),
    ]  # fmt: skip


def _arrays(arrays: Mapping[str, Array], beside: Mapping[str, Array]) -> list[str]:
    if not beside:
        return [f"{name} = {array_source(values)}" for name, values in arrays.items()]
    lines = ['stored = np.load(Path(__file__).with_suffix(".npz"), allow_pickle=False)']
    for name, values in arrays.items():
        view = ".view(ml_dtypes.bfloat16)" if values.dtype.name == "bfloat16" else ""
        lines.append(f"{name} = stored[{name!r}]{view}")
    return lines


def _laid_out(case: Case, call: Call, arguments: Mapping[str, Array]) -> list[str]:
    """The layout of the first argument, and of those like it, as the worker lays them out."""
    first = call.arguments[0]
    alike = [n for n, a in arguments.items() if a is first or (a.shape == first.shape and a.dtype == first.dtype)]
    if case.layout == "broadcast":
        alike = alike[:1]
    return [_LAYOUTS[case.layout].format(name) for name in alike] if case.layout in _LAYOUTS else []


def _called(call: str, refuses: bool, arrays: str) -> list[str]:
    """The call, its result as ``got``, and the name of the result's dtype."""
    if refuses:
        return ["try:", f"    got = {call}", "except Exception as error:", "    print('raised', repr(error))", "    sys.exit(0)"]
    lines = [f"got = {call}", 'dtype = str(got.dtype).removeprefix("torch.")']
    if arrays == "torch":
        return [*lines, 'got = (got.float() if dtype == "bfloat16" else got).detach().cpu().numpy()']
    return [*lines, "got = np.asarray(got)"]


def _refusal(question: Question) -> list[str]:
    return [
        "values = np.asarray(got, dtype=float)",
        'print("got  ", values)',
        f"print({'right an error: ' + question.expected.must_raise!r})",
        "sys.exit(0 if np.isnan(values).all() else 1)",
    ]


def _index(
    question: Question, result: Result, values: Array | None, demand: Demand, dtype: str
) -> tuple[int, ...]:
    """The element that exceeds what is demanded most, else the first that has a right answer."""
    kinds = np.asarray(question.expected.kind)
    if len(result.index) == kinds.ndim or not kinds.size:
        plain = demand.require is Level.STANDARD and demand.max_ulp is None
        return result.index if plain or values is None or not kinds.size else _worst(question, values, demand, dtype)
    answered = np.argwhere(kinds != Kind.FREE)
    return tuple(int(i) for i in (answered[0] if len(answered) else np.zeros(kinds.ndim, int)))


def _worst(question: Question, values: Array, demand: Demand, dtype: str) -> tuple[int, ...]:
    """Where the error is largest against a demand of its own: the judge shows the worst against level standard."""
    fmt, flat = FORMATS[dtype], values.reshape(-1)
    largest, at = -1.0, 0
    for ruler in question.rulers(fmt):
        part = flat[ruler.offset : ruler.offset + ruler.kinds.size]
        with np.errstate(all="ignore"):
            ratio = measure(part, ruler.scale, fmt).size / _allowed(ruler, demand)
        ratio = np.where(ruler.number, np.where(np.isnan(ratio), np.inf, ratio), -1.0)
        if ratio.max(initial=-1.0) > largest:
            largest, at = float(ratio.max()), ruler.offset + int(ratio.argmax())
    return tuple(int(i) for i in np.unravel_index(at, question.expected.shape)) if question.expected.shape else ()


def _allowed(ruler: Ruler, demand: Demand) -> Array:
    """What is demanded at every element of a block, in ulp."""
    of_level: dict[Level, Array] = {Level.ULP1: np.zeros_like(ruler.tight), Level.TIGHT: ruler.tight}
    allowed: Array = np.maximum(ruler.one, of_level.get(demand.require, ruler.standard))
    return allowed if demand.max_ulp is None else np.minimum(allowed, demand.max_ulp)


def _check(question: Question, index: tuple[int, ...], demand: Demand, dtype: str) -> list[str]:
    """What is right at an element, and the comparison."""
    expected = question.expected
    if not expected.kind.size:
        return [f"right = got.shape == {expected.shape} and dtype == {dtype!r}", 'print("got  ", got.shape, dtype)']
    head = [
        f"if got.size != {expected.kind.size} or dtype != {dtype!r}:",
        f"    sys.exit(f\"got shape {{got.shape}} and {{dtype}}, right {expected.shape} and {dtype}\")",
        f"value = float(got.reshape({expected.shape})[{index}])  # the worst element" if index else "value = float(got.reshape(()))",
    ]  # fmt: skip
    kind = Kind(int(expected.kind[index]))
    if kind in _SPECIAL:
        name, test = _SPECIAL[kind]
        return [*head, f"right = {test}", f'print("got  ", value)\nprint("right {name}")']
    if kind == Kind.FREE:
        return [*head, "right = True", 'print("got  ", value)', 'print("right no single answer")']
    return [*head, *_compared(question, index, demand, dtype, kind)]


def _compared(question: Question, index: tuple[int, ...], demand: Demand, dtype: str, kind: Kind) -> list[str]:
    """The error in ulp of the exact value against what the level allows."""
    flat = int(np.ravel_multi_index(index, question.expected.shape)) if index else 0
    ruler = next(r for r in question.rulers(FORMATS[dtype]) if flat < r.offset + r.kinds.size)
    at = flat - ruler.offset
    allowed = float(_allowed(ruler, demand)[at])
    text = exact(question.case.function, question.arguments, question.keywords, index) or _digits(question, index)
    also = " or value == 0" if ruler.may_flush[at] and demand.require is Level.STANDARD else ""
    also += " or np.isnan(value)" if kind == Kind.VALUE_OR_NAN else ""
    also += f" or value == {'-' * (ruler.scale.beyond[at] < 0)}np.inf" if ruler.scale.beyond[at] else ""
    far = _is_far(text)
    lines = [f'exact = "{text}"  # proven, in up to 40 digits']
    lines += ['nearest = "0"  # so near 0 that no format tells it apart'] if far else []
    return [
        *lines,
        f"ulp = Fraction(2) ** {int(ruler.scale.ulp_exponent[at])}  # the gap between neighbouring {dtype} numbers there",
        f"allowed = {allowed!r}  # ulp, at level {demand.require}",
        "# An infinity stands for the number after the largest of the format.",
        f"stands = Fraction(2) ** {FORMATS[dtype].e_max + 1} * int(np.sign(value)) if np.isinf(value) else value",
        f"error = abs(Fraction(stands) - Fraction({'nearest' if far else 'exact'})) / ulp if not np.isnan(value) else np.inf",
        "ulps = float(error) if error < 1e300 else np.inf",
        f"right = error <= allowed{also}",
        'print("got  ", value)\nprint("exact", exact)',
        'print("error", f"{ulps:.6g} ulp, {allowed:.6g} allowed:", "right" if right else "WRONG")',
    ]


def _digits(question: Question, index: tuple[int, ...]) -> str:
    """As many digits as the judge's enclosure proves, where the reference gives no row of its own."""
    from smxcheck.judge.words import digits

    text = digits(question.expected, index)
    return text if text.lstrip("+-")[:1].isdigit() else "0"


def _is_far(text: str) -> bool:
    """Whether a number is too small to write as a fraction; float64 ends at 1e-324."""
    return int(text.partition("e")[2] or 0) < -5000


def _again(question: Question, arguments: Mapping[str, Array], index: tuple[int, ...]) -> list[str]:
    kinds = question.expected.kind
    if not kinds.size or kinds[index] not in (Kind.VALUE, Kind.VALUE_OR_NAN):
        return []
    lines = definition(question.case.function, arguments, question.keywords, index)
    if not lines:
        return ["# No plain definition of this call for mpmath is at hand, or it would take too many digits."]
    return [
        "try:  # the same from the plain definition, with mpmath",
        "    import mpmath",
        "except ImportError:",
        '    print("mpmath is not installed: pip install mpmath")',
        "else:",
        *(f"    {line}" for line in lines),
        '    print("again", mpmath.nstr(again, 40))',
    ]

