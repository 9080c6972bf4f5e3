"""Which functions are certified, and how a whole batch is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from smxcheck.oracle.certified import core, derivatives, information, logistic, loss, softmax
from smxcheck.oracle.certified.columns import columns as as_columns
from smxcheck.oracle.certified.guard import ensure_sound
from smxcheck.oracle.certified.rows import Rows, blocks, rows
from smxcheck.oracle.certified.scaled import Scaled, enclosure
from smxcheck.oracle.enclosure import Enclosure, zeros

Array = npt.NDArray[Any]

#: Where the float64 tier is enough, and how narrow the double-double tier gets where nothing cancels.
SINGLE_BITS, DOUBLE_BITS = 40, 80


@dataclass(frozen=True)
class Certified:
    """How one function is answered.

    ``call(rows, **keywords)`` gives a Scaled of shape (R,), or yields (columns, Scaled) for results of the shape of the
    row; for an ``entrywise`` function it takes the flat arguments and gives a Scaled. ``cancels``: so many bits less are
    asked of an element, since the answer may be small against what it is made from. Below ``least`` elements the
    reference is faster. ``view`` makes the rows that it takes from the arguments, (R, n), or (R, 1) where there is one
    value for each row.
    """

    call: Callable[..., Any]
    shape: Literal["same", "reduced", "entrywise"]
    cancels: int = 0
    least: int = 64
    view: Callable[..., Any] = rows


@dataclass(frozen=True)
class Answer:
    """An enclosure of shape (R, n), (R,) or that of the arguments, and which elements each tier answered."""

    enclosure: Enclosure
    decided: npt.NDArray[np.bool_]
    single: int  # elements answered in float64

    @property
    def open(self) -> int:
        """How many elements are undecided. Where float64 answered all of them, nothing is counted."""
        return 0 if self.single == self.decided.size else self.decided.size - int(np.count_nonzero(self.decided))


#: What an answer that may be a small difference is asked less, in bits.
CANCELS = 16

_SOFTMAX = Certified(softmax.double, "same", least=16)
_SOFTMAX_VJP = Certified(core.softmax_vjp, "same", CANCELS)
_SIGMOID_GRAD = Certified(logistic.sigmoid_grad, "entrywise")


def _columns(call: Callable[..., Any], shape: Literal["same", "reduced"], cancels: int = 0) -> Certified:
    return Certified(call, shape, cancels, view=as_columns)


TABLE: dict[str, Certified] = {
    "softmax": _SOFTMAX,
    "logsumexp_grad": _SOFTMAX,
    "log_softmax": Certified(core.log_softmax, "same"),
    "logsumexp": Certified(core.logsumexp, "reduced"),
    "softmax_vjp": _SOFTMAX_VJP,
    "softmax_jvp": _SOFTMAX_VJP,
    "softmax_backward": _columns(derivatives.softmax_backward, "same", CANCELS),
    "log_softmax_vjp": Certified(derivatives.log_softmax_vjp, "same", CANCELS),
    "log_softmax_backward": _columns(derivatives.log_softmax_backward, "same", CANCELS),
    "sigmoid": Certified(logistic.sigmoid, "entrywise"),
    "log_sigmoid": Certified(logistic.log_sigmoid, "entrywise"),
    "sigmoid_grad": _SIGMOID_GRAD,
    "log_sigmoid_grad": Certified(logistic.log_sigmoid_grad, "entrywise"),
    "binary_cross_entropy_with_logits": Certified(logistic.binary_cross_entropy, "entrywise", CANCELS),
    "binary_cross_entropy_with_logits_grad": Certified(logistic.binary_cross_entropy_grad, "entrywise", CANCELS),
    "binary_cross_entropy_with_logits_hessian": Certified(logistic.binary_cross_entropy_hessian, "entrywise"),
    "cross_entropy": Certified(loss.cross_entropy, "reduced", CANCELS),
    "cross_entropy_grad": Certified(derivatives.cross_entropy_grad, "same", CANCELS),
    "nll_loss": _columns(loss.nll_loss, "reduced", CANCELS),
    "nll_loss_grad": _columns(derivatives.nll_loss_grad, "same"),
    "entropy": _columns(information.entropy, "reduced", CANCELS),
    "entropy_grad": Certified(information.entropy_grad, "entrywise", CANCELS),
    "softmax_entropy": Certified(information.softmax_entropy, "reduced"),
    "softmax_entropy_grad": Certified(derivatives.softmax_entropy_grad, "same", CANCELS),
    "kl_divergence": _columns(information.kl_divergence, "reduced", CANCELS),
    "kl_divergence_grad": Certified(derivatives.kl_divergence_grad, "same", CANCELS),
    "distribution_cross_entropy": _columns(information.distribution_cross_entropy, "reduced", CANCELS),
    "distribution_cross_entropy_grad": Certified(information.distribution_cross_entropy_grad, "entrywise"),
}


def covers(function: str, bits: int, elements: int) -> bool:
    """Whether `answer` is worth asking."""
    entry = TABLE.get(function)
    return entry is not None and bits <= DOUBLE_BITS and elements >= entry.least


def answer(function: str, columns: tuple[Array, ...], bits: int, keywords: Mapping[str, Any] | None = None) -> Answer:
    """Enclosures of ``function`` for rows (R, n) of its arguments; class labels are (R,). Logits are finite or -inf, with a
    finite entry in each row. What has no number for an answer stays undecided, and so does what is infinite,
    but for log_softmax at -inf: the kind of that is plain from the logit, and a place holder stands there.

    Elements are decided where the bound is at most 2^-bits (less where the function cancels), or the element is known to
    be below every format. Raises UnsoundArithmetic under another rounding mode or flush-to-zero.
    """
    ensure_sound()
    entry = TABLE[function]
    with np.errstate(all="ignore"):
        if entry.call is softmax.double:
            return _softmax(columns[0], bits)
        found = _collect(entry, tuple(_widened(np.asarray(c)) for c in columns), dict(keywords or {}))
    return Answer(found, decided(found, bits - entry.cancels), 0)


def reduced(function: str, losses: Answer, divisor: Array | None, bits: int) -> Answer:
    """The sum of the losses of all rows, divided by the sum of ``divisor`` where there is one; of shape (1,)."""
    with np.errstate(all="ignore"):
        found = loss.reduced(losses.enclosure, divisor)
    return Answer(found, decided(found, bits - TABLE[function].cancels), 0)


def decided(found: Enclosure, bits: int) -> npt.NDArray[np.bool_]:
    """Narrow enough, or known to be nothing: |y| ≤ 2^exponent far below every format."""
    nothing = (found.hi == 0) & (found.bound == 1) & (found.exponent < -(2**20))
    return np.asarray((found.bound <= 2.0**-bits) | nothing)


def _softmax(x: Array, bits: int) -> Answer:
    if bits > SINGLE_BITS:
        found = softmax.double(x.astype(np.float64, copy=False))
        return Answer(found, decided(found, bits), 0)
    found, covered = softmax.single(x)
    everywhere = np.broadcast_to(True, found.shape)
    if covered.all():
        return Answer(found, everywhere, x.size)
    rest = softmax.double(x[~covered].astype(np.float64))
    lo, bound = np.zeros(found.shape), np.array(found.bound)
    found.hi[~covered], found.exponent[~covered] = rest.hi, rest.exponent
    lo[~covered], bound[~covered] = rest.lo, rest.bound
    return Answer(Enclosure(found.hi, lo, found.exponent, bound), everywhere, int(covered.sum()) * x.shape[1])


def _widened(column: Array) -> Array:
    """Floats as float64, which the error-free transformations are made for; class labels as they are."""
    return column if column.dtype.kind in "iub" else column.astype(np.float64, copy=False)


def _collect(entry: Certified, columns: tuple[Array, ...], keywords: dict[str, Any]) -> Enclosure:
    if entry.shape == "entrywise":
        return _entrywise(entry.call, columns)
    count, n = columns[0].shape
    beside = tuple(c if c.ndim == 2 else c[:, None] for c in columns)
    out = zeros((count, n) if entry.shape == "same" else (count,))
    for some in blocks(count, n):
        view = entry.view(*(c[some] for c in beside))
        if entry.shape == "reduced":
            _put(out, some, entry.call(view, **keywords))
        else:
            for place, value in entry.call(view, **keywords):
                _put(out, (some, place), value)
    return out


def _entrywise(call: Callable[..., Scaled], columns: tuple[Array, ...]) -> Enclosure:
    flat = tuple(c.reshape(-1) for c in columns)
    out = zeros(flat[0].shape)
    for some in blocks(len(flat[0]), 1):
        _put(out, some, call(*(c[some] for c in flat)))
    return out.reshape(columns[0].shape)


def _put(out: Enclosure, where: Any, value: Scaled) -> None:
    part = enclosure(value)
    for name in ("hi", "lo", "exponent", "bound"):
        getattr(out, name)[where] = getattr(part, name)


__all__ = ["Answer", "CANCELS", "Certified", "DOUBLE_BITS", "Rows", "SINGLE_BITS", "TABLE", "answer", "covers", "decided", "reduced"]
