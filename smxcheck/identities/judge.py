"""An identity put to a target: its calls, and the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.caseset.model import Case
from smxcheck.catalog import FUNCTIONS
from smxcheck.derivatives.noise import standard_error
from smxcheck.dtypes import FORMATS
from smxcheck.identities.model import CannotAsk, Claim, Identity, observed
from smxcheck.judge.bounds.running import Computed
from smxcheck.judge.checks import outcome, shape
from smxcheck.judge.result import Result, Status
from smxcheck.judge.words import NOT_FINITE, number
from smxcheck.targets.protocol import Call, Observation, Session

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Put:
    """The result, and what every call of the identity did."""

    result: Result
    seen: tuple[Observation, ...]


class _Unanswered(Exception):
    """A call gave nothing that the identity can be formed from."""

    def __init__(self, code: str, status: Status, message: str) -> None:
        super().__init__(message)
        self.code, self.status, self.message = code, status, message


class _Asker:
    """Asks a session for values, and attaches what `standard` allows them to be off."""

    def __init__(self, session: Session, dtype: str, check: str) -> None:
        self._session, self._format, self._check = session, FORMATS[dtype], check
        self.seen: list[Observation] = []

    def __call__(self, function: str, *arguments: Array, **keywords: Any) -> Computed:
        seen = self._session.call(Call(function, arguments, keywords))
        self.seen.append(seen)
        if seen.outcome != "returned":
            code, status, message = outcome.classify(seen)
            raise _Unanswered(code, status, f"{function} {message}")
        value, complaint = shape.fit(np.asarray(seen.value), result_shape(function, arguments[0].shape))
        if value is None:
            raise _Unanswered(shape.CODE, Status.WRONG, f"{function}: {complaint}")
        wide = value.astype(np.float64)
        if not np.isfinite(wide).all():
            raise _Unanswered(self._check, Status.WRONG, f"{function}: {NOT_FINITE}")
        return observed(wide, standard_error(function, arguments, keywords, wide, self._format))


def result_shape(function: str, x: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of the result for a first argument of that shape and the keywords at their defaults."""
    match FUNCTIONS[function].shape:
        case "same":
            return x
        case "reduced":
            return x[:-1]
        case "jacobian":
            return (*x, x[-1])
        case "hessian":
            return (*x, x[-1], x[-1])
        case "loss":
            return ()
    raise LookupError(f"{function} is part of no identity")


def put(
    identity: Identity, case: Case, arguments: tuple[Array, ...], keywords: Mapping[str, Any], session: Session,
    text: str,
) -> Put:  # fmt: skip
    """Ask the target all that the identity needs, and judge what came. ``text`` is the call of the case, short."""
    base = Result(session.info.name, case.function, case.dtype, case.id, case.group, identity.check, Status.OK,
                  input=text)  # fmt: skip
    asker = _Asker(session, case.dtype, identity.check)
    try:
        with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
            result = _judged(base, identity.claims(asker, *arguments, **keywords))
    except _Unanswered as no:
        result = replace(base, check=no.code, status=no.status, message=no.message, got=no.message)
    except CannotAsk as no:
        result = replace(base, status=Status.CANNOT_TELL, cannot_tell="anything", message=str(no))
    seconds = sum(s.seconds for s in asker.seen)
    return Put(replace(result, seconds=seconds), tuple(asker.seen))


def _judged(base: Result, claims: tuple[Claim, ...]) -> Result:
    """The claim that is broken most, if one is; that nothing can be told, if no claim tells."""
    ratios = [float(np.max(_ratio(c), initial=0.0)) for c in claims]
    worst = claims[int(np.argmax(ratios))]
    if max(ratios) > 1:
        return _broken(base, worst)
    if not any(c.tells for c in claims):
        return replace(base, status=Status.CANNOT_TELL, cannot_tell="values of any sign and half the size")
    return base


def _ratio(claim: Claim) -> Array:
    """How often the excess is what is allowed; above 1 is wrong, infinite where nothing is allowed."""
    excess, allowed = np.broadcast_arrays(claim.excess, claim.allowed)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = excess / allowed
    within = np.where(np.isnan(ratio), 0.0, np.clip(ratio, 0.0, 1.0))
    return np.where(excess <= allowed, within, np.fmax(ratio, 1.0 + 2.0**-40))


def _broken(base: Result, claim: Claim) -> Result:
    ratio = _ratio(claim)
    place = tuple(int(i) for i in np.unravel_index(int(np.argmax(ratio)), ratio.shape))

    def at(array: Any) -> float:
        return float(np.broadcast_to(array, ratio.shape)[place])

    left, right = number(at(claim.left.value)), number(at(claim.right.value))
    apart, allowed = f"{at(claim.excess):.2g}", f"{at(claim.allowed):.2g}"
    where = f" at [{', '.join(map(str, place))}]" if place else ""
    relation = "at most " if claim.at_most else ""
    message = f"{claim.text}: {left} against {right}{where}, {apart} apart, {allowed} allowed"
    return replace(base, status=Status.WRONG, message=message, index=place, got=f"{left}{where}",
                   right=f"{relation}{right}, give or take {allowed}")  # fmt: skip
