"""Right implementations of the functions, each written another way; also usable as a user's file:
``smxcheck verify tests/implementations/right_numpy.py:softmax_online``.

They take NumPy arrays of float16, bfloat16, float32 or float64 with any number of axes and an ``axis``. 16-bit input is
computed in float32 and rounded once. None of them warns.
"""

import functools
import math

import numpy as np


def _wide(x):
    x = np.asarray(x)
    if x.dtype.kind in "iub":
        return x.astype(np.float64)
    return x.astype(np.float32) if x.dtype.itemsize < 4 else x


def _quiet(function):
    """Wide arithmetic inside, the input's dtype outside, no warnings."""

    @functools.wraps(function)
    def call(x, *args, **kwargs):
        x = np.asarray(x)
        dtype = np.float64 if x.dtype.kind in "iub" else x.dtype
        with np.errstate(all="ignore"):
            return np.asarray(function(_wide(x), *args, **kwargs)).astype(dtype)

    return call


def _same(function):
    """The same for results of the input's shape: an array without entries is its own answer."""
    inner = _quiet(function)

    @functools.wraps(function)
    def call(x, axis=-1):
        x = np.asarray(x)
        return inner(x, axis=axis) if x.size else np.array(x)

    return call


def _rows(function):
    """A function of one row, row by row, along one axis of an array that has entries."""

    @functools.wraps(function)
    def call(x, axis=-1):
        x = np.asarray(x)
        if x.size == 0 or x.ndim == 0 or not isinstance(axis, int):
            raise NotImplementedError("one axis, at least one entry")
        dtype = np.float64 if x.dtype.kind in "iub" else x.dtype
        with np.errstate(all="ignore"):
            return np.asarray(np.apply_along_axis(function, axis, _wide(x))).astype(dtype)

    return call


# softmax


@_same
def softmax_two_pass(x, axis=-1):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


@_same
def softmax_reciprocal(x, axis=-1):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e * np.reciprocal(np.sum(e, axis=axis, keepdims=True))


@_same
def softmax_division_free(x, axis=-1):
    d = x - np.max(x, axis=axis, keepdims=True)
    return np.exp(d - np.log(np.sum(np.exp(d), axis=axis, keepdims=True)))


@_same
def softmax_exp2(x, axis=-1):
    d = (x - np.max(x, axis=axis, keepdims=True)) * x.dtype.type(math.log2(math.e))
    e = np.exp2(d)
    return e / np.sum(e, axis=axis, keepdims=True)


@_same
def softmax_float64(x, axis=-1):
    z = x.astype(np.float64)
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@_same
def softmax_einsum(x, axis=-1):
    z = np.moveaxis(x, axis, -1)
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    p = np.einsum("...i,...->...i", e, 1 / np.einsum("...i->...", e))
    return np.moveaxis(p, -1, axis)


@_same
def softmax_in_place(x, axis=-1):
    out = np.array(x)
    out -= out.max(axis=axis, keepdims=True)
    np.exp(out, out=out)
    out /= out.sum(axis=axis, keepdims=True)
    return out


@_rows
def softmax_fsum(row):
    e = np.exp(row - row.max())
    return e / row.dtype.type(math.fsum(e.tolist()))


@_rows
def softmax_online(row):
    """One pass for maximum and sum, entry by entry."""
    top, total = -np.inf, row.dtype.type(0)
    for v in row:
        new = np.maximum(top, v)
        total = total * (np.exp(top - new) if total else 0) + (np.exp(v - new) if v > -np.inf or np.isnan(v) else 0)
        top = new
    return np.exp(row - row.dtype.type(top)) / total


@_rows
def softmax_blockwise(row):
    """Blocks of 16, each with its own maximum and sum, merged in pairs."""
    parts = []
    for start in range(0, row.size, 16):
        block = row[start : start + 16]
        top = block.max()
        parts.append((top, np.exp(block - (top if top > -np.inf or np.isnan(top) else 0)).sum()))
    while len(parts) > 1:
        merged = [_merge(a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)]
        parts = merged + parts[len(merged) * 2 :]
    top, total = parts[0]
    return np.exp(row - top) / total


def _merge(a, b):
    top = np.maximum(a[0], b[0])
    return top, sum((s * np.exp(m - top) for m, s in (a, b) if s != 0), np.zeros_like(a[1]))


@_rows
def softmax_kahan(row):
    e = np.exp(row - row.max())
    total, lost = row.dtype.type(0), row.dtype.type(0)
    for v in e:
        term = v - lost
        new = total + term
        lost = (new - total) - term
        total = new
    return e / total


@_rows
def softmax_smallest_first(row):
    e = np.exp(row - row.max())
    return e / np.add.accumulate(np.sort(e))[-1]


@_rows
def softmax_plain_python(row):
    values = row.tolist()
    top = max(values)
    if any(math.isnan(v) for v in values) or math.isinf(top):
        return np.full_like(row, np.nan)
    e = [math.exp(v - top) for v in values]
    return np.array(e, row.dtype) / row.dtype.type(sum(e))


# log_softmax


@_same
def log_softmax_textbook(x, axis=-1):
    d = x - np.max(x, axis=axis, keepdims=True)
    return d - np.log(np.sum(np.exp(d), axis=axis, keepdims=True))


@_rows
def log_softmax_log1p(row):
    d = row - row.max()
    e = np.exp(d)
    e[np.argmax(row)] = 0
    return d - np.log1p(e.sum())


@_same
def log_softmax_base_two(x, axis=-1):
    d = x - np.max(x, axis=axis, keepdims=True)
    log_two = x.dtype.type(math.log(2))
    e = np.exp2(d * x.dtype.type(math.log2(math.e)))
    return d - np.log2(np.sum(e, axis=axis, keepdims=True)) * log_two


@_same
def log_softmax_float64(x, axis=-1):
    return np.asarray(log_softmax_textbook(x.astype(np.float64), axis=axis))


# logsumexp


def _guard(top):
    return np.where(np.isfinite(top), top, 0).astype(top.dtype)


@_quiet
def logsumexp_textbook(x, axis=-1):
    shift = _guard(np.max(x, axis=axis, keepdims=True, initial=-np.inf))
    total = np.sum(np.exp(x - shift), axis=axis)
    return np.squeeze(shift, axis=axis) + np.log(total)


@_rows
def logsumexp_log1p(row):
    k = np.argmax(row)
    if not np.isfinite(row[k]):
        return row[k]
    e = np.exp(row - row[k])
    e[k] = 0
    return row[k] + np.log1p(e.sum())


@_quiet
def logsumexp_logaddexp(x, axis=-1):
    """A fold of log(exp a + exp b) in float64, of shifted numbers: unshifted, each step rounds to the ulp of the
    offset, which is more than the textbook form does."""
    wide = x.astype(np.float64)
    shift = _guard(np.max(wide, axis=axis, keepdims=True, initial=-np.inf))
    return np.squeeze(shift, axis=axis) + np.logaddexp.reduce(wide - shift, axis=axis)


# sigmoid and its logarithm


@_quiet
def sigmoid_two_branches(x):
    t = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, t) / (1 + t) + 0 * np.where(np.isnan(x), x, 0)


@_quiet
def sigmoid_float64(x):
    return 1 / (1 + np.exp(-x.astype(np.float64)))


@_quiet
def log_sigmoid_log1p(x):
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


@_quiet
def log_sigmoid_logaddexp(x):
    return -np.logaddexp(0, -x)


# losses


def _losses(log_p, labels, smoothing, weight, ignore_index):
    """Loss of each row and its weight in the mean, for classes on the last axis."""
    k = log_p.shape[-1]
    w = np.ones(k, log_p.dtype) if weight is None else np.asarray(weight).astype(log_p.dtype)
    if labels.dtype.kind in "iu":
        kept = labels != ignore_index
        if np.any(kept & ((labels < 0) | (labels >= k))):
            raise IndexError("a label is out of range")
        index = np.where(kept, labels, 0)
        picked = np.take_along_axis(log_p, index[..., None], -1)[..., 0]
        loss = -(1 - smoothing) * w[index] * picked
        if smoothing:
            loss = loss - smoothing / k * (w * log_p).sum(-1)
        return np.where(kept, loss, 0), np.where(kept, w[index], 0)
    target = ((1 - smoothing) * labels.astype(log_p.dtype) + smoothing / k) * w
    terms = np.where(target == 0, 0, target * log_p)
    return -terms.sum(-1), np.ones(log_p.shape[:-1])


def _mean(loss, row_weight, reduction):
    if reduction == "none":
        return loss
    return loss.sum() / row_weight.sum() if reduction == "mean" else loss.sum()


def cross_entropy_gather(
    logits, labels, *, axis=-1, weight=None, ignore_index=-100, label_smoothing=0.0, reduction="mean"
):
    dtype = np.asarray(logits).dtype
    labels = np.asarray(labels)
    z = np.moveaxis(np.asarray(logits).astype(np.float64), axis, -1)
    if labels.dtype.kind not in "iu":
        labels = np.moveaxis(labels.astype(np.float64), axis, -1)
    with np.errstate(all="ignore"):
        loss, row_weight = _losses(log_softmax_textbook(z), labels, label_smoothing, weight, ignore_index)
        return np.asarray(_mean(loss, row_weight, reduction)).astype(dtype)


def cross_entropy_one_hot(logits, labels):
    """Rows of a matrix, the mean over those whose label is not -100; integer labels or distributions."""
    dtype, labels = np.asarray(logits).dtype, np.asarray(labels)
    z = np.asarray(logits).astype(np.float64)
    if z.ndim != 2:
        raise NotImplementedError("logits must be a matrix")
    if labels.dtype.kind in "iu":
        z, labels = z[labels != -100], labels[labels != -100]
        if np.any((labels < 0) | (labels >= z.shape[1])):
            raise IndexError("a label is out of range")
        labels = np.eye(z.shape[1])[labels]
    with np.errstate(all="ignore"):
        d = z - z.max(axis=1, keepdims=True)
        log_p = d - np.log(np.exp(d).sum(axis=1, keepdims=True))
        terms = np.where(labels == 0, 0, labels.astype(np.float64) * log_p)
        return np.asarray(-terms.sum() / len(z)).astype(dtype)


def nll_loss_gather(log_probabilities, labels, *, axis=-1, weight=None, ignore_index=-100, reduction="mean"):
    dtype = np.asarray(log_probabilities).dtype
    labels = np.asarray(labels)
    log_p = np.moveaxis(_wide(log_probabilities), axis, -1)
    if labels.dtype.kind not in "iu":
        labels = np.moveaxis(_wide(labels), axis, -1)
    with np.errstate(all="ignore"):
        loss, row_weight = _losses(log_p, labels, 0.0, weight, ignore_index)
        return np.asarray(_mean(loss, row_weight, reduction)).astype(dtype)


@_quiet
def binary_cross_entropy_with_logits_two_softplus(x, y):
    y = np.asarray(y).astype(x.dtype)
    log1p = np.log1p(np.exp(-np.abs(x)))
    yes, no = np.maximum(-x, 0) + log1p, np.maximum(x, 0) + log1p
    return np.where(y == 0, 0, y * yes) + np.where(y == 1, 0, (1 - y) * no)


@_quiet
def cross_entropy_grad_rows(logits, labels):
    labels = np.asarray(labels)
    k = logits.shape[-1]
    if labels.dtype.kind in "iu":
        if np.any((labels < 0) | (labels >= k)):
            raise IndexError("a label is out of range")
        y = np.eye(k, dtype=logits.dtype)[labels]
    else:
        y = labels.astype(logits.dtype)
    m = max(math.prod(logits.shape[:-1]), 1)
    return (np.asarray(softmax_two_pass(logits)) * y.sum(-1, keepdims=True) - y) / m


# entropies and divergences


def _x_log_y(x, log_y):
    return np.where(x == 0, 0, x * log_y)


@_quiet
def entropy_of_terms(p, axis=-1):
    return -_x_log_y(p, np.log(p)).sum(axis=axis)


@_rows
def entropy_fsum(p):
    if np.isnan(p).any():
        return p.dtype.type(np.nan)
    return p.dtype.type(math.fsum(-v * math.log(v) for v in p.tolist() if v > 0))


@_quiet
def softmax_entropy_shifted(z, axis=-1):
    d = z - np.max(z, axis=axis, keepdims=True)
    e = np.exp(d)
    total = e.sum(axis=axis)
    return np.log(total) - _x_log_y(e, d).sum(axis=axis) / total


@_quiet
def kl_divergence_of_logs(p, q, axis=-1):
    return _x_log_y(p, np.log(p) - np.log(_wide(q))).sum(axis=axis)


@_quiet
def distribution_cross_entropy_of_terms(p, q, axis=-1):
    return -_x_log_y(p, np.log(_wide(q))).sum(axis=axis)


#: Everything above: name, function, callable, arrays.
RIGHT = tuple(
    (f.__name__, function, f, "numpy")
    for function, forms in {
        "softmax": (
            softmax_two_pass, softmax_reciprocal, softmax_division_free, softmax_exp2, softmax_float64,
            softmax_einsum, softmax_in_place, softmax_fsum, softmax_online, softmax_blockwise, softmax_kahan,
            softmax_smallest_first, softmax_plain_python,
        ),
        "log_softmax": (log_softmax_textbook, log_softmax_log1p, log_softmax_base_two, log_softmax_float64),
        "logsumexp": (logsumexp_textbook, logsumexp_log1p, logsumexp_logaddexp),
        "sigmoid": (sigmoid_two_branches, sigmoid_float64),
        "log_sigmoid": (log_sigmoid_log1p, log_sigmoid_logaddexp),
        "cross_entropy": (cross_entropy_gather, cross_entropy_one_hot),
        "nll_loss": (nll_loss_gather,),
        "binary_cross_entropy_with_logits": (binary_cross_entropy_with_logits_two_softplus,),
        "cross_entropy_grad": (cross_entropy_grad_rows,),
        "entropy": (entropy_of_terms, entropy_fsum),
        "softmax_entropy": (softmax_entropy_shifted,),
        "kl_divergence": (kl_divergence_of_logs,),
        "distribution_cross_entropy": (distribution_cross_entropy_of_terms,),
    }.items()
    for f in forms
)  # fmt: skip
