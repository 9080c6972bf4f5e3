"""One call judged: from an observation and what is right to results."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.caseset.model import Case
from smxcheck.dtypes import FORMATS, Format
from smxcheck.judge import accuracy, choices, impostors, words
from smxcheck.judge.bounds import Bound, bounds_of_both
from smxcheck.judge.bounds.extra import one_ulp_extra
from smxcheck.judge.checks import conduct, drift, dtype, labels, one_hot, outcome, sampler, shape
from smxcheck.judge.codes import CHECKS_BY_NAME, code_of
from smxcheck.judge.errors import scale
from smxcheck.judge.result import LEVEL_ORDER, Level, Result, Status
from smxcheck.judge.ruler import BLOCK, Allowance, Ruler, bound_block, largest_term, rulers
from smxcheck.oracle import MOST_BITS, RELATIVE_BITS, Expected, expect, first_bits
from smxcheck.targets.protocol import Observation

Array = npt.NDArray[Any]

ACCURACY = CHECKS_BY_NAME["accuracy"].code

#: Larger questions are not asked again for the sake of what is shown.
_ASKED_AGAIN = 1 << 20


@dataclass(frozen=True)
class Demand:
    """What is asked of a result."""

    require: Level = Level.STANDARD
    max_ulp: float | None = None
    expectations: Mapping[str, str] = field(default_factory=dict)
    allow: frozenset[str] = frozenset()  # codes

    def at(self, declared: str | None) -> Demand:
        """The same at the level that a shipped algorithm declares; "wrong" is none that could be asked for."""
        return self if declared in (None, Level.WRONG) else replace(self, require=Level(declared))


@dataclass(frozen=True)
class Question:
    """A case made concrete: arguments, the keywords in force, what is right, what is allowed."""

    case: Case
    arguments: tuple[Array, ...]
    keywords: Mapping[str, Any]
    expected: Expected
    text: str  # the call, short
    _kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def format(self) -> Format:
        return FORMATS[self.case.dtype]

    def keep(self, key: str, compute: Callable[[], Any]) -> Any:
        """What does not depend on the target is worked out once."""
        if key not in self._kept:
            self._kept[key] = compute()
        return self._kept[key]

    def allowance(self, fmt: Format) -> Allowance:
        """What the levels allow to a result of that format (integers may become another than that of the case)."""
        made: Allowance = self.keep(f"allowance {fmt.name}", lambda: self._allowance(fmt))
        return made

    def _allowance(self, fmt: Format) -> Allowance:
        if self.expected.must_raise:
            return Allowance(Bound(), Bound())
        asked = self.case.function, self.arguments, self.keywords, fmt
        return Allowance(*bounds_of_both(*asked), one_ulp_extra(*asked))

    def rulers(self, fmt: Format) -> Iterable[Ruler]:
        """The same, element by element; kept for results of one block, made anew for large ones."""
        if self.expected.kind.size > BLOCK:
            return rulers(self.expected, self.allowance(fmt), fmt)
        kept: list[Ruler] = self.keep(fmt.name, lambda: list(rulers(self.expected, self.allowance(fmt), fmt)))
        return kept


@dataclass(frozen=True)
class Violation:
    """A property of the target that a call broke: one problem per target and function, not one per case."""

    code: str
    message: str


@dataclass(frozen=True)
class Judged:
    """The results of one call, the properties it broke, and the values in the right shape (for later comparison)."""

    results: tuple[Result, ...]
    violations: tuple[Violation, ...] = ()
    values: Array | None = None


def _quiet() -> np.errstate:
    """On extreme inputs a term overflows to inf or is inf·0 where nothing reads it; every such place is masked after."""
    return np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore")


def ask(
    case: Case, arguments: tuple[Array, ...], keywords: Mapping[str, Any], text: str, bits: int | None = None
) -> Question:
    """Everything that does not depend on the target: what is right now, what is allowed when it is first needed.

    More ``bits`` than verdicts mostly need cost once what else is narrowed for each target anew.
    """
    with _quiet():
        return Question(case, arguments, keywords, expect(case.function, arguments, keywords, bits), text)


def result_dtype(case: Case, arguments: tuple[Array, ...], returned: str) -> str:
    """The dtype that a result must have: that of the first argument. Which floating dtype integers become is a choice
    (NumPy's is float64, torch's its default dtype), judged at that dtype."""
    if arguments[0].dtype.kind not in "iub":
        return case.dtype
    return returned if returned in FORMATS else "float64"


def judge_call(target: str, question: Question, seen: Observation, demand: Demand) -> Judged:
    """Judge what one call did. Refusals stay wrong here; the contract settles them once all cases are seen."""
    with _quiet():
        return _judge_call(target, question, seen, demand)


def _judge_call(target: str, question: Question, seen: Observation, demand: Demand) -> Judged:
    case = question.case
    base = Result(target, case.function, case.dtype, case.id, case.group, code_of(case.check), Status.OK,
                  input=question.text, seconds=seen.seconds)  # fmt: skip
    broken = tuple(Violation(c, m) for c, m in conduct.complaints(seen))
    if question.expected.must_raise:
        return _judge_refusal(base, question, seen, demand, broken)
    if seen.outcome != "returned":
        code, status, message = outcome.classify(seen)
        return Judged((_with(base, check=code, status=status, message=message, got=message,
                             right=words.right_text(question)),), broken)  # fmt: skip
    value = np.asarray(seen.value)
    if case.function == sampler.FUNCTION:
        return _judge_draws(base, question, value, seen.dtype_name, broken)
    fitted, complaint = shape.fit(value, question.expected.shape)
    if complaint:
        broken += (Violation(shape.CODE, complaint),)
    wanted = result_dtype(case, question.arguments, seen.dtype_name)
    wrong_dtype = dtype.complaint(seen.dtype_name, seen.returned_type, wanted)
    if wrong_dtype:
        broken += (Violation(dtype.CODE, wrong_dtype),)
    if fitted is None:
        return Judged((_with(base, check=shape.CODE, status=Status.WRONG, message=complaint, got=complaint,
                             right=words.right_text(question)),), broken)  # fmt: skip
    return Judged(_judge_values(base, question, fitted, wanted, demand), broken, fitted)


def _with(result: Result, **changes: Any) -> Result:
    return replace(result, **changes)


def _judge_refusal(
    base: Result, question: Question, seen: Observation, demand: Demand, broken: tuple[Violation, ...]
) -> Judged:
    """A label out of range: an error is right, nan is a choice, a plausible number is wrong."""
    right = f"an error: {question.expected.must_raise}"
    if seen.outcome not in ("returned", "raised"):
        code, status, message = outcome.classify(seen)
        return Judged((_with(base, check=code, status=status, message=message, got=message, right=right),), broken)
    value = np.asarray(seen.value) if seen.outcome == "returned" else None
    answer = labels.answer(value)
    got = "an error" if value is None else words.array_text(value)
    if answer == "raise":
        wanted = demand.expectations.get(labels.CHOICE, "raise")
        status = Status.OK if wanted == "raise" else Status.WRONG
        return Judged((_with(base, status=status, level=Level.ULP1, got=got, right=right, check=labels.CODE),), broken)
    if answer == "nan":
        return Judged((_with(base, status=Status.NO_SINGLE_ANSWER, choice={labels.CHOICE: "nan"}, got=got,
                             right=right, check=labels.CODE),), broken)  # fmt: skip
    return Judged((_with(base, status=Status.WRONG, level=Level.WRONG, got=got, right=right, check=labels.CODE,
                         message=f"returned {got}"),), broken, value)  # fmt: skip


def _judge_values(
    base: Result, question: Question, values: Array, wanted: str, demand: Demand
) -> tuple[Result, ...]:
    fmt = FORMATS[wanted]
    if question.case.function == one_hot.FUNCTION and question.keywords.get("hard", False):
        values = one_hot.canonical(values, question.arguments, question.keywords, question.expected, fmt)
    found, expected = _decided(question, values, fmt)
    observed = {
        name: choices.observe(name, values, mask, expected, found.level is not Level.WRONG)
        for name, mask in expected.choices.items()
        if mask.any()
    }
    if question.arguments[0].dtype.kind in "iub":
        observed[f"{question.arguments[0].dtype}-input"] = wanted
    status, check, message = _status(question, found, demand)
    at = np.unravel_index(found.index, expected.shape) if found.index is not None and expected.shape else ()
    index = tuple(int(i) for i in at)
    result = _with(
        base, status=status, check=check, message=message, level=found.level if found.judged else None,
        index=index, error_ulp=None if found.from_zero else found.error,
        allowed_ulp=None if found.from_zero else found.allowed, largest_error_ulp=found.largest,
        largest_allowed_ulp=found.allowed_at_largest,
        signed_sum=found.signed_sum, elements=found.measured, flushed=found.flushed, blind=found.blind,
        histogram=accuracy.histogram_mapping(found.histogram), choice=observed,
        digest=_digest(values),
        got=words.got_text(values, index), got_hex=words.hex_text(values, index),
        **_right(question, expected, index, status is Status.WRONG),
        largest_term=_term(question, values, found, fmt),
        cannot_tell=_cannot_tell(question, found, fmt, demand) if status is Status.OK else "",
    )  # fmt: skip
    if result.cannot_tell:
        result = _with(result, status=Status.CANNOT_TELL)
    drifted = _drift(base, question, values, expected, fmt, demand)
    return (result, *drifted)


def _right(question: Question, expected: Expected, index: tuple[int, ...], wrong: bool) -> dict[str, str]:
    """What is right, in words, and in all its digits where the result is wrong."""
    if not wrong:
        return {"right": question.keep(f"right {index}", lambda: words.right_text(question, index))}
    if not words.proves(expected, index, RELATIVE_BITS) and question.arguments[0].size <= _ASKED_AGAIN:
        asked = question.case.function, question.arguments, question.keywords, RELATIVE_BITS
        expected = question.keep("in digits", lambda: expect(*asked))
    return {"right": words.right_text(question, index, expected), "right_digits": words.digits(expected, index)}


def _judge_draws(
    base: Result, question: Question, value: Array, dtype_name: str, broken: tuple[Violation, ...]
) -> Judged:
    """Class indices, by how often each is drawn; the values kept for comparison are the frequencies."""
    if value.dtype.kind not in "iu":
        broken += (Violation(dtype.CODE, f"{question.text} has dtype {dtype_name}, right an integer dtype"),)
    bound = question.allowance(question.format).standard
    found = sampler.judge(value, question.expected, question.keywords, bound)
    if found.check == shape.CODE:
        broken += (Violation(shape.CODE, f"{question.text} has {found.message}"),)
    status, level = {
        True: (Status.OK, Level.ULP1), False: (Status.WRONG, Level.WRONG), None: (Status.NO_SINGLE_ANSWER, None),
    }[found.right]  # fmt: skip
    got = found.message if found.frequency is None else f"frequencies {words.array_text(found.frequency, found.index)}"
    result = _with(base, check=found.check, status=status, level=level, message=found.message, index=found.index, got=got,
                   right=f"draws with probabilities {words.right_text(question, found.index)}", digest=_digest(value))  # fmt: skip
    return Judged((result,), broken, found.frequency)


def _digest(values: Array) -> str:
    """Of the bytes, short."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:16]


def _cannot_tell(question: Question, found: accuracy.Accuracy, fmt: Format, demand: Demand) -> str:
    key = f"impostor {fmt.name} {demand.require}"
    text: str = question.keep(key, lambda: impostors.accepted(question, found.tells, fmt, demand.require))
    return text


def _decided(question: Question, values: Array, fmt: Format) -> tuple[accuracy.Accuracy, Expected]:
    """Judge with enclosures that are narrowed until every level is decided (Ziv), or the most bits are spent.

    For a figure alone that is not known as well as it is shown, a step or two is enough, and none on long questions.
    """
    bits, expected = first_bits(question.arguments[0].dtype), question.expected
    found = accuracy.judge_values(values, question.rulers(fmt), fmt)
    few = question.arguments[0].size <= _ASKED_AGAIN
    while bits < MOST_BITS and (found.undecided or (found.vague and bits < (2 if few else 1) * RELATIVE_BITS)):
        bits *= 2
        expected = expect(question.case.function, question.arguments, question.keywords, bits)
        found = accuracy.judge_values(values, rulers(expected, question.allowance(fmt), fmt), fmt)
    return found, expected


def _status(question: Question, found: accuracy.Accuracy, demand: Demand) -> tuple[Status, str, str]:
    code = code_of(question.case.check)
    if found.undecided:
        return Status.UNDECIDED, code, "the enclosure does not decide the verdict at the highest precision"
    if found.judged == 0 and question.expected.kind.size:
        return Status.NO_SINGLE_ANSWER, code, ""
    over = demand.max_ulp is not None and found.largest is not None and found.largest > demand.max_ulp
    if LEVEL_ORDER[found.level] <= LEVEL_ORDER[demand.require] and not over:
        return Status.OK, code, ""
    if found.symptom and code == ACCURACY:
        code = CHECKS_BY_NAME[found.symptom].code
    if found.level is Level.WRONG:
        message = words.complaint(found)
    elif over:
        message = f"an error of {found.largest:.3g} ulp is more than --max-ulp {demand.max_ulp:g}"
    else:
        message = f"level {found.level}, {demand.require} is required"
    return Status.WRONG, code, message


def _term(question: Question, values: Array, found: accuracy.Accuracy, fmt: Format) -> str:
    """The largest term of the bound at the worst element, where the error is more than an ulp; small results only,
    where it can be looked at again."""
    if found.error is None or found.error <= 1 or found.index is None or values.size > BLOCK:
        return ""
    one = slice(found.index, found.index + 1)
    on = scale(question.expected.enclosure.reshape((values.size,)).take(one), fmt)
    return largest_term(bound_block(question.allowance(fmt).standard, values.shape, one), on)


def _drift(
    base: Result, question: Question, values: Array, expected: Expected, fmt: Format, demand: Demand
) -> tuple[Result, ...]:
    """The bias of long softmax rows, a result of its own."""
    if question.case.function != "softmax" or fmt.is_16_bit:
        return ()
    axis = question.keywords.get("axis", -1)
    n = values.shape[axis] if isinstance(axis, int) and values.ndim else 0
    if n < drift.SHORTEST:
        return ()
    means = drift.mean_relative_errors(values, expected, axis, fmt)
    if np.isnan(means).any():
        return ()
    bias = float(means.flat[int(np.argmax(np.abs(means)))])
    level = drift.level_of(bias, n, fmt)
    wrong = LEVEL_ORDER[level] > LEVEL_ORDER[demand.require]
    mean = f"{bias:+,.1f}" if abs(bias) < 1e6 else f"{bias:+.1e}".replace("e+", "e")
    text = f"mean error {mean} u over a row of {n:,}"
    right = f"at most {drift.allowed(n, fmt, demand.require):,.0f} u at level {demand.require}"
    return (_with(base, check=drift.CODE, status=Status.WRONG if wrong else Status.OK, level=level,
                  message=text, got=text, right=right),)  # fmt: skip
