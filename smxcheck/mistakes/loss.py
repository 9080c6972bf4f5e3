"""Cross-entropy and negative log-likelihood: the logarithm, the labels, the weights, the mean."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from smxcheck.mistakes import formula, shapes, shift
from smxcheck.mistakes.loss_parts import Batch, Loss, nll, row_sum, smoothed, sum_of_terms, weighted_mean
from smxcheck.mistakes.model import Example, Mistake, ex
from smxcheck.mistakes.rows import (
    Axis,
    Rows,
    axes_of,
    divide_by_sum,
    number,
    right_log_softmax,
    right_softmax,
)

LOG_SOFTMAX = "log_softmax: x - max(x) - log(sum(exp(x - max(x))))"
_REFUSE = "raise an error for a label below 0 or beyond the last class"


def whole_array_program(x: Rows) -> Rows:
    """log of exp(x)/sum(exp(x)), both over the whole batch and unshifted: a published cross-entropy program."""
    return np.log(divide_by_sum(np.exp(x.reshape(1, -1))).reshape(x.shape))


def twice(x: Rows) -> Rows:
    """The model ends in a softmax, and the loss applies it again."""
    return right_log_softmax(right_softmax(x))


def base_two(x: Rows) -> Rows:
    return right_log_softmax(x) * number(x, math.log2(math.e))


def wrapped(labels: np.ndarray, classes: int) -> np.ndarray:
    """A negative label counts from the end, as in Python; one beyond the last class is an error."""
    if np.any((labels < -classes) | (labels >= classes)):
        raise IndexError(f"a label is not between {-classes} and {classes - 1}")
    return np.asarray(labels % classes)


def unchecked(labels: np.ndarray, classes: int) -> np.ndarray:
    """A one-hot row of zeros for a label out of range: it costs 0."""
    return labels


def clamped(labels: np.ndarray, classes: int) -> np.ndarray:
    return np.asarray(np.clip(labels, 0, classes - 1))


def counted_from_one(labels: np.ndarray, classes: int) -> np.ndarray:
    return np.asarray((labels - 1) % classes)


def never_ignored(labels: np.ndarray, ignore_index: int) -> np.ndarray:
    return np.zeros(labels.shape, np.bool_)


def ignored_if_negative(labels: np.ndarray, ignore_index: int) -> np.ndarray:
    """Any negative label is ignored, and the one that was named only if it is negative."""
    return np.asarray(labels < 0)


def zero_times_infinity(batch: Batch, log_p: Rows) -> Rows:
    """y·log p with y = 0 and log p = -inf is NaN."""
    return -row_sum(smoothed(batch) * batch.weight * log_p)


def sign_missing(batch: Batch, log_p: Rows) -> Rows:
    return -sum_of_terms(batch, log_p)


def all_classes_averaged(batch: Batch, log_p: Rows) -> Rows:
    return sum_of_terms(batch, log_p) / number(log_p, batch.x.shape[1])


def smoothing_over_others(batch: Batch, log_p: Rows) -> Rows:
    """1 - ε for the label and ε/(K - 1) for each other class."""
    k, eps = batch.x.shape[1], batch.smoothing
    other = number(log_p, eps / max(k - 1, 1))
    target = batch.target * number(log_p, 1.0 - eps) + (number(log_p, 1.0) - batch.target) * other
    return sum_of_terms(replace(batch, target=target, smoothing=0.0), log_p)


def smoothing_added(batch: Batch, log_p: Rows) -> Rows:
    """y + ε/K: the label keeps its 1."""
    share = number(log_p, batch.smoothing / batch.x.shape[1])
    return sum_of_terms(replace(batch, target=batch.target + share, smoothing=0.0), log_p)


def smoothing_unweighted(batch: Batch, log_p: Rows) -> Rows:
    """The class weights reach the label's term, not the uniform part."""
    if not batch.smoothing:
        return sum_of_terms(batch, log_p)
    share = number(log_p, batch.smoothing / batch.x.shape[1])
    label = sum_of_terms(replace(batch, smoothing=0.0), log_p)
    return number(log_p, 1.0 - batch.smoothing) * label - share * row_sum(log_p)


def smoothing_of_ignored_rows(losses: np.ndarray, batch: Batch) -> np.ndarray:
    """The uniform part ε/K Σ is paid by ignored rows as well."""
    if not batch.smoothing:
        return np.where(batch.counted, losses, number(losses, 0.0))
    uniform = replace(batch, target=np.zeros_like(batch.target))
    return np.where(batch.counted, losses, sum_of_terms(uniform, right_log_softmax(batch.x)))


def kept(losses: np.ndarray, batch: Batch) -> np.ndarray:
    """Ignored rows pay for class 0, to which the mask had moved their label."""
    return losses


def without(field: str, value: Any) -> Callable[[Batch], Batch]:
    """The part that leaves one keyword unused."""

    def prepare(batch: Batch) -> Batch:
        return replace(batch, **{field: value})

    return prepare


def weights_unused(batch: Batch) -> Batch:
    ones = np.ones_like(batch.weight)
    return replace(batch, weight=ones, row_weight=np.ones_like(batch.row_weight))


def hard_labels(batch: Batch) -> Batch:
    """argmax of a soft label: a distribution becomes its first largest class."""
    winner = np.argmax(batch.target, axis=1)[:, None] == np.arange(batch.x.shape[1])
    return replace(batch, target=winner.astype(batch.x.dtype))


def normalised_labels(batch: Batch) -> Batch:
    """y/Σy, though any y has a loss."""
    return replace(batch, target=divide_by_sum(batch.target))


def mean_over_all_rows(losses: np.ndarray, batch: Batch) -> Any:
    return losses.astype(np.float64).sum() / len(losses)


def mean_over_rows_that_count(losses: np.ndarray, batch: Batch) -> Any:
    return losses.astype(np.float64).sum() / np.count_nonzero(batch.counted)


def mean_is_sum(losses: np.ndarray, batch: Batch) -> Any:
    return losses.astype(np.float64).sum()


def mean_of_means(losses: np.ndarray, batch: Batch) -> Any:
    """The mean of the first row and the mean of the others, averaged: micro-batches of unequal length weigh the same."""
    if len(losses) < 3:
        return weighted_mean(losses, batch)
    parts = (slice(0, 1), slice(1, None))
    means = [
        weighted_mean(losses[p], replace(batch, counted=batch.counted[p], row_weight=batch.row_weight[p])) for p in parts
    ]
    return (means[0] + means[1]) / 2


def mean_over_entries(losses: np.ndarray, batch: Batch) -> Any:
    return losses.astype(np.float64).sum() / batch.x.size


def always_mean(batch: Batch) -> Batch:
    """``reduction`` is not looked at: "sum" gives the mean. "none" is left right, so that the shape is."""
    return replace(batch, reduction="none" if batch.reduction == "none" else "mean")


def empty_mean_is_zero(losses: np.ndarray, batch: Batch) -> Any:
    """A denominator of max(count, 1) counts rows, so that class weights below 1 are not divided by."""
    return losses.astype(np.float64).sum() / max(float(np.sum(batch.row_weight[batch.counted].astype(np.float64))), 1)


def reshaped_to_rows(x: np.ndarray, axis: Axis) -> tuple[Rows, tuple[int, ...]]:
    """reshape(-1, K) without moving the class axis to the end: entries of other places land in a row."""
    (class_axis,) = axes_of(x, axis)
    left = tuple(n for a, n in enumerate(x.shape) if a != class_axis)
    return np.ascontiguousarray(x).reshape(-1, x.shape[class_axis]), left


def accumulated_in_16_bits(losses: np.ndarray, batch: Batch) -> Any:
    """The sum over the batch is kept in the dtype: 2048 equal losses of 1 and more stop it in float16."""
    weights = batch.row_weight[batch.counted].astype(np.float64).sum()
    if not len(losses):
        return losses.astype(np.float64).sum() / weights
    return np.add.accumulate(losses, dtype=losses.dtype)[-1].astype(np.float64) / weights


_INF = float("inf")
_X = [[0.0, 1.0, 3.0], [2.0, -1.0, 0.5]]
_W = [1.0, 4.0, 16.0]
_BATCH = ex(_X, [2, 0])
_FAR = (ex([[0.0, -30.0]], [1]), ex([[0.0, -200.0]], [1]), ex([[0.0, -800.0]], [1]))
_LARGE = (ex([[12.0, 0.0]], [0]), ex([[89.0, 0.0]], [0]), ex([[710.0, 0.0]], [0]))
_OFFSETS = (ex([[1e3, 1e3]], [0]), ex([[1e4, 1e4]], [0]), ex([[1e8, 1e8]], [0]), ex([[1e16, 1e16]], [0]))
_CUBE = [[[0.0, 1.0], [2.0, 4.0], [1.0, 3.0]]]
_CE = "cross_entropy/"
_NLL = "nll_loss/"

_Row = tuple[str, str, str, str, Loss, tuple[Example, ...], str, tuple[str, ...]]

#: Mistakes that the two losses share: what follows the function's name in the id, and so on.
_SHARED: tuple[_Row, ...] = (
    ("sum", "the sum over the rows, for the mean", "divide by the number of rows that count", "SMX405",
     Loss(mean=mean_is_sum), (_BATCH,), "X51", ()),
    ("mean-of-means", "the mean of the means over micro-batches of unequal length",
     "divide the sum over all rows by their number", "SMX405", Loss(mean=mean_of_means),
     (ex([[0.0, 1.0], [2.0, 0.0], [0.0, 3.0], [1.0, 0.0]], [0, 0, 1, 1]),), "X74",
     ("huggingface/transformers#35203",)),
    ("mean-over-entries", "the sum over the rows, divided by rows times classes",
     "divide by the number of rows that count", "SMX405", Loss(mean=mean_over_entries), (_BATCH,), "X51", ()),
    ("mean-over-ignored", "the mean over all rows, the ignored ones included",
     "divide by the number of rows that count", "SMX402", Loss(mean=mean_over_all_rows),
     (ex([[0.25, 0.75], [0.5, 0.5]], [0, -1], ignore_index=-1),), "X51", ("onnx/onnx#8433", "llvm/torch-mlir#3585")),
    ("ignore-index-unmasked", "the loss of class 0 in every ignored row",
     "set the loss of ignored rows to 0, and do not count them", "SMX402", Loss(masked=kept),
     (ex(_X, [2, -100]),), "X52", ("flagos-ai/FlagGems#73",)),
    ("ignore-index-unused", "ignored labels counted as class 0", "leave out the rows whose label is ignore_index",
     "SMX402", Loss(is_ignored=never_ignored, checked=clamped), (ex(_X, [2, -100]),), "X52",
     ("PaddlePaddle/Paddle#17961",)),
    ("negative-labels-ignored", "every negative label ignored, and no other", _REFUSE, "SMX401",
     Loss(is_ignored=ignored_if_negative), (ex(_X, [2, 0], ignore_index=0), ex(_X, [2, -2])), "X52",
     ("pytorch/pytorch#12670",)),
    ("negative-label-wraps", "labels[-1] taken from the end", _REFUSE, "SMX401", Loss(checked=wrapped),
     (ex(_X, [2, -1]),), "X53", ()),
    ("label-out-of-range-free", "a loss of 0 for a label out of range", _REFUSE, "SMX401", Loss(checked=unchecked),
     (ex(_X, [2, 3]),), "X54", ("tensorflow/tensorflow#8484", "pytorch/pytorch#40858")),
    ("label-clamped", "labels clipped to the valid range", _REFUSE, "SMX401", Loss(checked=clamped),
     (ex(_X, [2, -1]), ex(_X, [2, 3])), "X54", ()),
    ("labels-from-one", "the class before the label's", "the first class is 0", "SMX101",
     Loss(checked=counted_from_one), (_BATCH,), "", ()),
    ("weighted-mean-over-rows", "the weighted sum, divided by the number of rows", "divide by the sum of w[y]",
     "SMX403", Loss(mean=mean_over_rows_that_count), (ex(_X, [2, 0], weight=_W),), "X55",
     ("pytorch/pytorch#8062", "pytorch/pytorch#61044")),
    ("weights-unused", "the loss without class weights", "w[y]·ℓ, divided by the sum of w[y]", "SMX403",
     Loss(prepare=weights_unused), (ex(_X, [2, 0], weight=_W),), "X55", ()),
    ("weights-clamped", "the weighted mean, divided by max(sum of w[y], 1)", "divide by the sum of w[y]", "SMX403",
     Loss(mean=empty_mean_is_zero), (ex(_X, [2, 0], weight=[0.25, 0.25, 0.125]),), "X55", ()),
    ("zero-times-infinity", "y·log p for every class, NaN at y = 0 and log p = -inf",
     "leave out the classes with y = 0", "SMX102", Loss(row_loss=zero_times_infinity),
     (ex([[0.0, 1.0, -_INF]], [[0.0, 1.0, 0.0]]),), "X57", ("google-deepmind/optax#896",)),
    ("sign", "Σ y·log p, not negated", "the negative of it", "SMX101", Loss(row_loss=sign_missing), (_BATCH,), "", ()),
    ("hard-labels", "the largest entry of a soft label as the class", "Σ y·log p over all classes", "SMX101",
     Loss(prepare=hard_labels), (ex(_X[:1], [[0.2, 0.3, 0.5]]),), "", ()),
    ("labels-normalised", "labels divided by their sum", "Σ y·log p with y as given", "SMX101",
     Loss(prepare=normalised_labels), (ex(_X[:1], [[0.5, 0.25, 0.75]]),), "", ()),
    ("reduction-unused", "the mean, whatever the reduction", "look at reduction", "SMX405",
     Loss(prepare=always_mean), (ex(_X, [2, 0], reduction="sum"),), "", ()),
    ("class-axis-reshaped", "reshape(-1, K) without moving the class axis to the end",
     "move the class axis to the end before reshaping", "SMX406", Loss(class_axis=reshaped_to_rows),
     (ex(_CUBE, [[2, 1]], axis=1),), "X44", ()),
    ("accumulator-of-16-bits", "the mean over the batch, its sum kept in 16 bits", "sum the rows in float32",
     "SMX107", Loss(mean=accumulated_in_16_bits), (ex([[-1.0, -1.0]] * 4096, [0] * 4096),), "X34", ()),
)  # fmt: skip


def _shared(prefix: str, kind: Callable[[Loss], Loss]) -> tuple[Mistake, ...]:
    narrow = ("float16", "bfloat16")
    made = []
    for name, text, instead, check, loss, examples, number_, precedents in _SHARED:
        mistake = Mistake(prefix + name, text, instead, check, kind(loss), examples, number_, precedents)
        if name == "accumulator-of-16-bits":  # sequential summation, which `standard` grants in the wider formats
            mistake = replace(mistake, dtypes=narrow, equivalent=("float32", "float64"))
        made.append(mistake)
    return tuple(made)


TABLE = (
    Mistake(_CE + "log-of-softmax", "-log(softmax(z))[label]", LOG_SOFTMAX, "SMX102",
            Loss(log_p=formula.log_of_softmax), _FAR, "X26", ("pytorch/pytorch#94043",)),
    Mistake(_CE + "unshifted", "log(sum(exp(z))) - z[label], without subtracting the maximum", LOG_SOFTMAX, "SMX102",
            Loss(log_p=shift.log_unshifted), _LARGE, "X01"),
    Mistake(_CE + "log-of-softmax-plus-1e-8", "-log(softmax(z) + 1e-8)[label]", LOG_SOFTMAX, "SMX101",
            Loss(log_p=formula.log_of_softmax_plus_eps), _FAR, "X27", ("keras-team/tf-keras#242",)),
    Mistake(_CE + "clipped", "-log(clip(softmax(z), 1e-7, 1 - 1e-7))[label]", LOG_SOFTMAX, "SMX101",
            Loss(log_p=formula.log_of_clipped_softmax), _FAR, "X27",
            ("keras-team/keras#17634", "scikit-learn/scikit-learn#24315")),
    Mistake(_CE + "minus-logsumexp", "logsumexp(z) - z[label]", LOG_SOFTMAX, "SMX101",
            Loss(log_p=formula.minus_logsumexp), _OFFSETS, "X28", ("pytorch/pytorch#11752",)),
    Mistake(_CE + "whole-array", "log_softmax over the whole batch", "log_softmax of each row", "SMX105",
            Loss(log_p=shapes.log_whole_array), (_BATCH,), "X10"),
    Mistake(_CE + "whole-array-unshifted", "-log(exp(z)/sum(exp(z)))[label] over the whole batch",
            "log_softmax of each row", "SMX105", Loss(log_p=whole_array_program), (_BATCH,), "X10"),
    Mistake(_CE + "softmax-twice", "-log_softmax(softmax(z))[label]", "give the loss logits, not probabilities",
            "SMX101", Loss(log_p=twice), (_BATCH,)),
    Mistake(_CE + "base-two", "-log2(softmax(z))[label]", LOG_SOFTMAX, "SMX101", Loss(log_p=base_two), (_BATCH,),
            "X18"),
    Mistake(_CE + "classes-averaged", "the mean over the classes of -y·log p", "the sum over the classes", "SMX101",
            Loss(row_loss=all_classes_averaged), (_BATCH,), "X51"),
    Mistake(_CE + "smoothing-over-others", "(1 - ε)·y + ε/(K - 1)·(1 - y)", "(1 - ε)·y + ε/K", "SMX404",
            Loss(row_loss=smoothing_over_others), (ex(_X, [2, 0], label_smoothing=0.25),), "X56",
            ("pytorch/pytorch#148884",)),
    Mistake(_CE + "smoothing-added", "y + ε/K", "(1 - ε)·y + ε/K", "SMX404", Loss(row_loss=smoothing_added),
            (ex(_X, [2, 0], label_smoothing=0.25),), "X56"),
    Mistake(_CE + "smoothing-unused", "the loss without label smoothing", "(1 - ε)·y + ε/K", "SMX404",
            Loss(prepare=without("smoothing", 0.0)), (ex(_X, [2, 0], label_smoothing=0.25),), "X56"),
    Mistake(_CE + "smoothing-unweighted", "class weights on the label's term, not on the smoothing's",
            "w_c on every class", "SMX404", Loss(row_loss=smoothing_unweighted),
            (ex(_X, [2, 0], label_smoothing=0.25, weight=_W),), "X55", ("pytorch/pytorch#104776",)),
    Mistake(_CE + "smoothing-of-ignored-rows", "ε/K·Σ of the ignored rows counted", "leave ignored rows out of both"
            " parts", "SMX404", Loss(masked=smoothing_of_ignored_rows),
            (ex(_X, [2, -100], label_smoothing=0.25),), "X56", ("pytorch/pytorch#73205", "linkedin/Liger-Kernel#198")),
    *_shared(_CE, lambda loss: loss),
    Mistake(_NLL + "log-again", "-log(ℓ)[label], of log-probabilities taken for probabilities", "-ℓ[label]", "SMX102",
            replace(Loss(), log_p=np.log), (ex([[-1.0, -2.0]], [0]),)),
    Mistake(_NLL + "normalised-again", "-log_softmax(ℓ)[label]", "-ℓ[label], as given", "SMX101", Loss(),
            (ex([[-1.0, -2.0]], [0]),)),
    *_shared(_NLL, nll),
)  # fmt: skip
