"""By what each check is shown: one wrong implementation that it must find, and cases of the case set that expose it.

The implementations are those of `smxcheck.mistakes`; where a mistake that people make is found by the check it is
preferred to one that was built for the check alone. What cannot be run beside everything else says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from smxcheck.caseset import load_cases
from smxcheck.judge.call import Demand
from smxcheck.judge.result import Level
from smxcheck.mistakes import MISBEHAVIOURS, MISTAKES, Misbehaviour, Mistake
from smxcheck.mistakes.fatal import FATAL
from smxcheck.pages.exhibit import Exhibit, of_cases


@dataclass(frozen=True)
class Shown:
    """A wrong implementation by its id, the cases by ``group/name/dtype``, right functions beside it, and the demand."""

    wrong: str
    cases: tuple[str, ...]
    beside: tuple[str, ...] = ()
    demand: Demand = field(default_factory=Demand)

    @property
    def implementation(self) -> Mistake | Misbehaviour:
        """The entry of the tables of wrong implementations."""
        return wrong_ones()[self.wrong]

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the cases."""
        function = self.wrong.partition("/")[0]
        return tuple(f"{function}/{case}" for case in self.cases)

    def exhibit(self, code: str) -> Exhibit | None:
        """Runs it now; None where the check does not find it."""
        by_id = {case.id: case for case in load_cases(ids=self.ids)}
        return of_cases(self.implementation, code, [by_id[i] for i in self.ids], self.demand, self.beside)


def wrong_ones() -> dict[str, Mistake | Misbehaviour]:
    """Every wrong implementation that ships, by id."""
    everything: tuple[Mistake | Misbehaviour, ...] = (*MISTAKES, *MISBEHAVIOURS, *FATAL)
    return {m.id: m for m in everything}


def _shown(wrong: str, *cases: str, beside: tuple[str, ...] = ()) -> Shown:
    return Shown(wrong, cases, beside)


_PLAIN = "acceptance/1000-and-1001/float32"
_TIGHT, _NAN_DECLARED = Demand(require=Level.TIGHT), Demand(expectations={"all-masked": "nan"})

SHOWN: Mapping[str, Shown] = MappingProxyType({
    "SMX101": _shown("softmax/base-two", _PLAIN),
    "SMX102": _shown("softmax/unshifted", _PLAIN),
    "SMX103": _shown("log_softmax/minus-infinity-as-minus-1e4", "masked/masked-and-0/float32"),
    "SMX104": _shown("softmax/nan-dropped", "acceptance/nan-and-0/float32"),
    "SMX105": _shown("softmax/global-maximum", "rows/one-row-1000-higher/float32"),
    "SMX106": _shown("softmax/padded-with-zero", "row-length/2/float32"),
    "SMX107": _shown("softmax/accumulator-of-16-bits", "long-rows/zeros-4096/float16"),
    "SMX108": Shown("softmax/leaning", ("drift/1000/float32",), demand=_TIGHT),
    "SMX109": _shown("gumbel_max_sample/argmax", "gumbel/masked-class/float32"),
    "SMX201": _shown("logsumexp/keeps-dims", _PLAIN),
    "SMX202": _shown("softmax/always-float64", _PLAIN),
    "SMX203": _shown("softmax/axis-ignored", "axes/3-by-1-axis-0/float32"),
    "SMX204": _shown("softmax/memory-order", "layout/reversed-row-of-9/float32"),
    "SMX205": _shown("softmax/writes-input", _PLAIN),
    "SMX206": _shown("log_softmax/returns-input", "length-one/0/float32"),
    "SMX207": _shown("softmax/last-bits", _PLAIN),
    "SMX208": _shown("softmax/none", _PLAIN),
    "SMX209": _shown("softmax/integers-truncated", "empty/integers/float64"),
    "SMX301": _shown("softmax/matrices-only", _PLAIN),
    "SMX401": _shown("cross_entropy/negative-label-wraps", "label-range/label--1-alone/float32"),
    "SMX402": _shown("cross_entropy/mean-over-ignored", "acceptance/ignored-label/float32"),
    "SMX403": _shown("cross_entropy/weighted-mean-over-rows", "class-weights/one-row/float32"),
    "SMX404": _shown("cross_entropy/smoothing-unused", "label-smoothing/far-tail-20/float32"),
    "SMX405": _shown("cross_entropy/mean-over-entries", "reductions/mean-of-1-by-5/float32"),
    "SMX406": _shown("cross_entropy/class-axis-reshaped", "class-axis/soft-labels-on-axis-1/float32"),
    "SMX501": _shown("softmax/masked-by-length", "all-masked/2/float32", "all-masked/128/float32"),
    "SMX502": Shown("softmax/masked-is-zero", ("all-masked/2/float32",), demand=_NAN_DECLARED),
    "SMX601": _shown("softmax_jacobian/diagonal", "identities/row-sums-generic/float32"),
    "SMX602": _shown("softmax_jacobian/without-kronecker", "identities/symmetry-generic/float32"),
    "SMX603": _shown("softmax_jacobian/sign", "identities/semidefinite-two/float32"),
    "SMX604": _shown("softmax_vjp/uncentred", "identities/null-vector-ties/float32"),
    "SMX605": _shown("softmax_jvp/plain-mean", "identities/adjoint-generic/float32", beside=("softmax_vjp",)),
    "SMX606": _shown("logsumexp_grad/of-maximum", "identities/equal-generic/float32", beside=("softmax",)),
    "SMX607": _shown("cross_entropy_grad/labels-sum-to-one", "identities/loss-gradient-sum-1.5/float32",
                     beside=("softmax",)),
    "SMX608": _shown("softmax/without-exp", "identities/shift-generic/float32"),
    "SMX609": _shown("softmax/last-not-in-sum", "identities/permutation-generic/float32"),
    "SMX610": _shown("sigmoid/hard", "identities/two-classes/float32", beside=("softmax",)),
    "SMX611": _shown("distribution_cross_entropy/base-two", "identities/decomposition-generic/float32",
                     beside=("entropy", "kl_divergence")),
    "SMX612": _shown("logsumexp/mean", "identities/range-dominant/float32"),
    "SMX613": _shown("softmax_entropy_hessian/published", "identities/expansion-three/float32",
                     beside=("softmax_entropy", "softmax_entropy_grad")),
    "SMX614": _shown("softmax/sharpened", "identities/lipschitz-two/float32"),
    "SMX615": _shown("logsumexp_grad/of-maximum", "own-forward/generic/float32", beside=("logsumexp",)),
})  # fmt: skip

#: What only a worker process can show: the wrong implementation, and what it does to its caller. The tests of the
#: checks run each of them in a worker.
IN_A_WORKER: Mapping[str, str] = MappingProxyType({
    "SMX302": "softmax/aborts",
    "SMX303": "softmax/sleeps-forever",
    "SMX304": "softmax/eats-memory",
    "SMX305": "softmax/exits",
    "SMX306": "softmax/chatty",
})  # fmt: skip
