"""Bounds of sparsemax, 1.5-entmax and their Jacobians: sort, cumulative sums, threshold.

With d_i = max z - z_i (half of it for entmax) and t = max - τ the algorithm forms t from the k entries of the support
and then p_i = (t - d_i)₊ or its square. ``tight`` and ``standard`` shift by the maximum first. ``standard`` also admits
the published algorithms as they are written, without a shift (Martins & Astudillo 2016, Algorithm 1; Peters et al. 2019,
Algorithm 2), on rows whose entries are at most `UNSHIFTED` in size: further from the origin they lose u·|τ|, as
x - (max + log Σ) does, and are not granted it. So for bisection of τ with division by the sum (the same paper's
Algorithm 1), which `smxcheck.judge.bounds.bisected` derives: with the shift, and near the origin without.

Where an entry lies so close to the threshold that rounding decides about it, the support may have another size: t then
moves by what the exact thresholds of these sizes differ by, named "support". An entry outside is 0 unless rounding puts
it inside, so its error is what is left of its own roundings after the distance to the threshold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.bounds import bisected
from smxcheck.judge.bounds.families import RowsBound
from smxcheck.judge.bounds.running import ARITHMETIC, SUMMATION, Computed, exact, larger
from smxcheck.judge.bounds.sums import others, root, sum_of
from smxcheck.judge.result import Level

Array = npt.NDArray[Any]

#: The largest |z| of a row on which `standard` admits the algorithms without a shift.
UNSHIFTED = 8.0
#: A gap beyond which an entry is out of reach: t ≤ 1.
_FAR = 2.0
SUPPORT = "support"


@dataclass(frozen=True)
class _Row:
    """A form of the algorithm on rows: what it computes with (d, or -z without a shift), and the exact quantities."""

    held: Computed  # (R, n)
    gaps: Array  # d, cut where an entry is out of reach
    t: Array  # (R, 1)
    shifted: bool

    @property
    def inside(self) -> Array:
        return np.asarray(self.gaps < self.t)

    @property
    def k(self) -> Array:
        return np.asarray(self.inside.sum(axis=1, keepdims=True))

    def clear(self) -> Array:
        """Shifted rows with one entry in the support and none in reach of rounding: every operation is exact, (R, 1)."""
        near = ~self.inside & (self.gaps < 1 + 4 * self.held.fmt.u)
        return np.asarray((self.k == 1) & ~near.any(axis=1, keepdims=True) & self.shifted)


def _gaps(z: Array, divisor: int) -> Array:
    return np.asarray(np.minimum(z.max(axis=1, keepdims=True) / divisor - z / divisor, _FAR))


def _row(z: Array, divisor: int, fmt: Format, level: Level, shifted: bool) -> _Row:
    gaps = _gaps(z, divisor)
    if shifted:
        held = Computed(gaps, {ARITHMETIC: fmt.u * gaps}, fmt, level)
    else:
        held = exact(np.where(np.isfinite(z), -z / divisor, 0.0), fmt, level)
    return _Row(held, gaps, _threshold(gaps, divisor), shifted)


def _threshold(gaps: Array, divisor: int) -> Array:
    """The exact t, (R, 1): ever longer prefixes hold their own last entry up to the support, and none after it does."""
    ordered = np.sort(gaps, axis=1)
    t = _thresholds(ordered, divisor)
    size = np.maximum((t > ordered).sum(axis=1, keepdims=True), 1)
    return np.take_along_axis(t, size - 1, axis=1)


def _thresholds(ordered: Array, divisor: int) -> Array:
    """The exact threshold of the k smallest gaps for every k, (R, n)."""
    k = np.arange(1, ordered.shape[1] + 1)
    first = np.cumsum(ordered, axis=1)
    if divisor == 1:
        return np.asarray((1 + first) / k)
    mean = first / k
    variance = np.maximum(np.cumsum(ordered**2, axis=1) / k - mean**2, 0.0)
    return np.asarray(mean + np.sqrt(np.maximum(1 / k - variance, 0.0)))


def _over(x: Computed, k: Array) -> Computed:
    """x / k for a whole number k: exact where k is a power of two or x is 0."""
    value = x.value / k
    rounds = (np.frexp(k.astype(np.float64))[0] != 0.5) & (value != 0)
    errors = {c: e / k for c, e in x.errors.items()}
    errors[ARITHMETIC] = errors.get(ARITHMETIC, 0.0) + np.where(rounds, x.fmt.u * np.abs(value), 0.0)
    return replace(x, value=value, errors=errors)


def _linear(r: _Row) -> Computed:
    """t = (1 + Σ d) / k; 1 + 0 is exact."""
    held = r.held.where(r.inside, exact(np.zeros(r.gaps.shape), r.held.fmt, r.held.level))
    summed = sum_of(held, r.k)
    one = exact(np.ones(summed.value.shape), held.fmt, held.level)
    return _over((one + summed).where(summed.value != 0, one), r.k)


def _two_passes(r: _Row, moments: bool) -> Computed:
    """t = μ + √((1 - Σ (d - μ)²)/k); with ``moments`` the sum is k(Σ d²/k - μ²), whose difference cancels."""
    fmt, level = r.held.fmt, r.held.level
    nothing, one = (exact(np.full(shape, v), fmt, level) for shape, v in ((r.gaps.shape, 0.0), (r.k.shape, 1.0)))
    held = r.held.where(r.inside, nothing)
    mean = _over(sum_of(held, r.k), r.k)
    if moments:
        variance = _over(sum_of(held * held, r.k), r.k) - mean * mean
        square = variance * exact(r.k, fmt, level)
    else:
        distance = (r.held - mean).where(r.inside, nothing)
        square = sum_of(distance * distance, r.k)
    return mean + root(_over(one - square, r.k))


def _support_error(r: _Row, t: Computed, divisor: int) -> Computed:
    """t with what a support of another size changes, where rounding decides about an entry.

    Sparsemax: the exact thresholds of the sizes within reach. Entmax: a borderline entry brings at most the square of
    its distance E to Σ (t - d)² = 1, and moves t by less than E² / (2 Σ (t - d)), Σ (t - d) ≥ 1; E² is granted for each.
    """
    near = _near(r, t)
    if divisor == 2:
        reach = (t.error + r.held.error) * near
        moved = (reach**2).sum(axis=1, keepdims=True)
    else:
        thresholds = _thresholds(np.sort(r.gaps, axis=1), divisor)
        sizes = np.arange(1, r.gaps.shape[1] + 1)
        least = r.k - (near & r.inside).sum(axis=1, keepdims=True)
        most = r.k + (near & ~r.inside).sum(axis=1, keepdims=True)
        within = (sizes >= np.maximum(least, 1)) & (sizes <= most)
        moved = np.where(within, np.abs(thresholds - r.t), 0.0).max(axis=1, keepdims=True)
    return replace(t, errors={**t.errors, SUPPORT: moved})


def _near(r: _Row, t: Computed) -> Array:
    """Entries about which rounding may decide: the test 1 + k·z > Σ z and the sign of z - τ are off by at most the error
    of t and d, and by u·(|t| + |d|) for the two sides of the test."""
    reach = t.error + r.held.error + t.fmt.u * (np.abs(t.value) + 2 * np.abs(r.held.value))
    return np.asarray((np.abs(r.t - r.gaps) <= reach) & (r.gaps < 1 + reach) & (r.gaps > 0))


def _distances(r: _Row, t: Computed) -> Computed:
    """(t - d)₊; t - 0 is exact."""
    difference = t - r.held
    rounding = t.fmt.u * np.abs(difference.value)
    errors = {**difference.errors, ARITHMETIC: difference.errors[ARITHMETIC] - np.where(r.held.value == 0, rounding, 0.0)}
    whole = np.asarray(sum(errors.values()))
    outside = np.maximum(r.gaps - r.t, 0.0)
    left = np.maximum(whole - outside, 0.0) / np.where(whole > 0, whole, 1.0)
    left = np.where(r.clear(), 0.0, left)
    return replace(t, value=np.maximum(r.t - r.gaps, 0.0), errors={c: e * left for c, e in errors.items()})


def _near_origin(z: Array) -> Array:
    return np.asarray(np.where(np.isfinite(z), np.abs(z), 0.0).max(axis=1, keepdims=True) <= UNSHIFTED)


def _bisections(z: Array, divisor: int, fmt: Format, level: Level) -> list[tuple[_Row, Array]]:
    """The rows and where they are admitted, (R, 1), of the forms by bisection: `standard` alone has them."""
    if level is Level.TIGHT:
        return []
    near = _near_origin(z)
    return [(_row(z, divisor, fmt, level, shifted), near | shifted) for shifted in (True, False)]


def _by_bisection(z: Array, divisor: int, fmt: Format, level: Level) -> list[tuple[Computed, Array]]:
    """p of these forms."""
    rows = _bisections(z, divisor, fmt, level)
    return [(_exact_where(r.clear(), bisected.bisected(r.held, r.gaps, r.t, divisor)), where) for r, where in rows]


def _forms(z: Array, divisor: int, fmt: Format, level: Level) -> list[tuple[_Row, Computed, Array]]:
    """The rows, (t - d)₊ and the rows (R, 1) on which a form is admitted, for every form of the level."""
    near = _near_origin(z)
    out = []
    for shifted in (True,) if level is Level.TIGHT else (True, False):
        r = _row(z, divisor, fmt, level, shifted)
        thresholds = [_linear(r)] if divisor == 1 else [_two_passes(r, False)]
        if divisor == 2 and shifted and level is Level.STANDARD:
            thresholds.append(_two_passes(r, True))
        for t in thresholds:
            whole = _support_error(r, t, divisor)
            out.append((r, _distances(r, whole), near | shifted))
    return out


def _largest(forms: list[tuple[Computed, Array]]) -> Computed:
    """Element by element the largest error of the admitted forms; the first is admitted everywhere."""
    out = forms[0][0]
    for other, admitted in forms[1:]:
        out = larger(out, other).where(admitted, out)
    return out


def sparsemax(z: Array, *, fmt: Format, level: Level) -> Computed:
    """(t - d_i)₊ with t = (1 + Σ d)/k over the support; ``standard`` also admits bisection and division by the sum."""
    forms = [(p, admitted) for _, p, admitted in _forms(z, 1, fmt, level)]
    return _largest(forms + _by_bisection(z, 1, fmt, level))


def entmax15(z: Array, *, fmt: Format, level: Level) -> Computed:
    """(t - d_i)₊² with t = μ + √((1 - Σ (d - μ)²)/k); ``standard`` also admits k(Σ d²/k - μ²) for the sum,
    and bisection with division by the sum."""
    forms = [(_exact_where(r.clear(), s * s), admitted) for r, s, admitted in _forms(z, 2, fmt, level)]
    return _largest(forms + _by_bisection(z, 2, fmt, level))


def _exact_where(rows: Array, x: Computed) -> Computed:
    """Without any error in these rows."""
    return exact(x.value, x.fmt, x.level).where(rows, x)


def sparsemax_jacobian(z: Array, *, fmt: Format, level: Level) -> Computed:
    """δ_ij - 1/k on the support: ``tight`` as (k - 1)/k and -1/k, each rounded once; ``standard`` rounds 1/k before.

    Where rounding decides about the support, an element may be that of any support within reach.
    """
    forms = _forms(z, 1, fmt, level)
    for r, admitted in _bisections(z, 1, fmt, level):
        forms.append((r, bisected.distances(r.held, r.gaps, r.t, 1), admitted))
    return _largest([(_projection(r, p), admitted[:, :, None]) for r, p, admitted in forms])


def _projection(r: _Row, p: Computed) -> Computed:
    fmt, level = r.held.fmt, r.held.level
    near = _near(r, replace(p, value=r.t))
    rank = np.argsort(np.argsort(r.gaps, axis=1, kind="stable"), axis=1, kind="stable")
    least = np.maximum(r.k - (near & r.inside).sum(axis=1, keepdims=True), 1)
    most = r.k + (near & ~r.inside).sum(axis=1, keepdims=True)
    value = _centring(rank < r.k, r.k)
    moved = np.zeros_like(value)
    for size in range(int(least.min()), int(most.max()) + 1):
        reached = ((size >= least) & (size <= most))[:, :, None]
        moved = np.maximum(moved, np.where(reached, np.abs(_centring(rank < size, np.full_like(r.k, size)) - value), 0.0))
    rounding = fmt.u * np.abs(value)
    if level is Level.STANDARD:
        rounding = rounding + fmt.u * np.where((value != 0), 1 / r.k[:, :, None], 0.0)
    return Computed(value, {ARITHMETIC: np.where(r.k[:, :, None] == 1, 0.0, rounding), SUPPORT: moved}, fmt, level)


def _centring(inside: Array, k: Array) -> Array:
    """δ_ij - 1/k where both are inside, else 0."""
    both = inside[:, :, None] & inside[:, None, :]
    return np.where(both, np.eye(inside.shape[1]) - 1 / k[:, :, None], 0.0)


def entmax15_jacobian(z: Array, *, fmt: Format, level: Level) -> Computed:
    """s_i (δ_ij - s_j / Σ s), s = (t - d)₊: ``tight`` with s_i Σ_{k≠i} s_k / Σ s on the diagonal; ``standard`` subtracts,
    and may have s as √p of the stored p, that by bisection too."""
    out = []
    for r, s, admitted in _forms(z, 2, fmt, level):
        stored = s if level is Level.TIGHT else larger(s, root((s * s).rounded()))
        out.append((_centred(r, stored), admitted[:, :, None]))
    for r, admitted in _bisections(z, 2, fmt, level):
        s = root(bisected.bisected(r.held, r.gaps, r.t, 2).rounded())
        out.append((_centred(r, s), admitted[:, :, None]))
    return _largest(out)


def _centred(r: _Row, s: Computed) -> Computed:
    """s_i δ_ij - s_i s_j / Σ s; the difference on the diagonal has derivatives (1 - s_i/Σ)² by s_i and (s_i/Σ)² by the
    others, whose errors it carries so, beside its own three roundings and the sum's."""
    fmt, level = s.fmt, s.level
    whole = s.total()
    diagonal = s * others(s) / whole
    if level is Level.STANDARD:
        share = s.value / whole.value
        errors = {
            c: e * (1 - share) ** 2 + share**2 * (np.broadcast_to(e, share.shape).sum(axis=-1, keepdims=True) - e)
            for c, e in s.errors.items()
        }  # fmt: skip
        summed = whole.errors.get(SUMMATION, 0.0) - s.errors.get(SUMMATION, np.zeros(share.shape)).sum(-1, keepdims=True)
        errors[SUMMATION] = errors.get(SUMMATION, 0.0) + share**2 * summed
        errors[ARITHMETIC] = errors[ARITHMETIC] + fmt.u * (2 * share * s.value + diagonal.value)
        diagonal = larger(diagonal, Computed(diagonal.value, errors, fmt, level))
    row, column = s.at((slice(None), slice(None), None)), s.at((slice(None), None, slice(None)))
    away = -(row * column / whole.at((slice(None), slice(None), None)))
    eye = np.eye(r.gaps.shape[1], dtype=bool)[None]
    out = diagonal.at((slice(None), slice(None), None)).where(eye, away)
    return _exact_where(r.clear()[:, :, None], out)


def _terms(z: Array) -> Array:
    """t + d on the support: p is their difference."""
    gaps = _gaps(z, 1)
    t = _threshold(gaps, 1)
    return np.where(gaps < t, t + gaps, 0.0)


TABLE: dict[str, RowsBound] = {
    "sparsemax": RowsBound(sparsemax, _terms),
    "sparsemax_jacobian": RowsBound(sparsemax_jacobian),
    "entmax15": RowsBound(entmax15),
    "entmax15_jacobian": RowsBound(entmax15_jacobian),
}
