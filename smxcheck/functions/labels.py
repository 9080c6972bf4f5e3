"""Labels of a batch: one class number for each row, or one weight for each class; read, checked and gathered.

Logits of shape (…, K, …) with the classes along ``axis`` have integer labels of the other axes' shape, in their order,
or soft labels (a floating-point dtype) of the logits' own shape.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions.arrays import Array, as_real, as_rows, kept_axes, reduced_axes


@dataclass(frozen=True)
class Batch:
    """Logits or log-probabilities as rows of classes, and where those rows come from."""

    rows: Array  # (m, K), in the dtype of the input
    lead: tuple[int, ...]  # the other axes, in order; their product is m
    axes: tuple[int, ...]  # the class axis
    shape: tuple[int, ...]

    @property
    def classes(self) -> int:
        return int(self.rows.shape[1])


@dataclass(frozen=True)
class IntegerLabels:
    """A class in [0, K) for each row that is kept; ``classes`` is 0 where it is not."""

    classes: Array  # (m,), intp
    kept: Array  # (m,), bool


@dataclass(frozen=True)
class SoftLabels:
    """A weight for each class of each row; rows need not add up to 1."""

    weights: Array  # (m, K), in the dtype of the labels


Labels = IntegerLabels | SoftLabels


def read_batch(logits: ArrayLike, axis: int, name: str) -> Batch:
    """Raises TypeError for a dtype that is not real or an axis that is not one integer, AxisError out of range."""
    array = as_real(logits, name)
    if array.ndim == 0:
        raise ValueError(f"{name} is 0-d; it needs a class axis, so pass at least one axis")
    axes = reduced_axes(operator.index(axis), array.ndim)
    lead = tuple(array.shape[a] for a in kept_axes(axes, array.ndim))
    return Batch(as_rows(array, axes), lead, axes, array.shape)


def read_labels(labels: ArrayLike, batch: Batch, ignore_index: int | None) -> Labels:
    """Integer labels by their integer dtype, soft labels by their floating-point dtype.

    Raises ValueError for a wrong shape or a class outside [0, K) that is not ``ignore_index``, naming the first such
    label; TypeError for any other dtype, and for floating-point numbers where only class numbers fit.
    """
    array = np.asarray(labels)
    if (
        array.size == 0
        and array.dtype == np.float64
        and array.shape == batch.lead
        and array.shape != batch.shape
    ):
        array = array.astype(np.intp)  # [] has no dtype of its own
    if array.dtype.kind in "iu":
        return _integer_labels(array, batch, ignore_index)
    if array.dtype.kind in "bcOSUmM":
        raise TypeError(
            f"labels have dtype {array.dtype}; pass class numbers as integers or a distribution as floats"
        )
    soft = as_real(array, "labels")
    if soft.shape != batch.shape and soft.shape == batch.lead:
        raise TypeError(
            f"labels have dtype {array.dtype} and one value for each row; pass class numbers as integers"
        )
    if soft.shape != batch.shape:
        raise ValueError(f"soft labels have shape {soft.shape}; pass the logits' shape {batch.shape}")
    if ignore_index is not None and ignore_index >= 0:
        raise ValueError(
            f"ignore_index={ignore_index} needs integer labels; give ignored rows zero soft labels"
        )
    return SoftLabels(as_rows(soft, batch.axes))


def _integer_labels(labels: Array, batch: Batch, ignore_index: int | None) -> IntegerLabels:
    if labels.shape != batch.lead:
        raise ValueError(
            f"integer labels have shape {labels.shape}; pass {batch.lead}, the logits' shape without the class axis"
        )
    flat = labels.reshape(-1)
    # Compared in their own dtype: a conversion first would wrap large unsigned labels.
    kept = np.ones(flat.shape, bool) if ignore_index is None else flat != ignore_index
    wrong = kept & ((flat < 0) | (flat >= batch.classes))
    if wrong.any():
        first = int(wrong.argmax())
        place = tuple(int(i) for i in np.unravel_index(first, labels.shape)) if labels.ndim else ()
        at = f" at {list(place)}" if place else ""
        raise ValueError(
            f"label {flat[first]}{at} is outside the {batch.classes} classes [0, {batch.classes})"
        )
    return IntegerLabels(np.where(kept, flat, 0).astype(np.intp), kept)


def read_class_weights(weight: ArrayLike | None, classes: int) -> Array | None:
    """Class weights in float64, shape (K,); ValueError for another shape."""
    if weight is None:
        return None
    array = as_real(weight, "weight")
    if array.shape != (classes,):
        raise ValueError(
            f"weight has shape {array.shape}; pass one weight for each class, shape ({classes},)"
        )
    return array.astype(np.float64)
