"""From an entry of a case file to the arguments of one call."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from smxcheck.caseset import arrays
from smxcheck.caseset.recipes import Recipe
from smxcheck.caseset.schema import Entry, Labels, first_shape, label_shape
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS, Format


def build(entry: Entry, function: str, dtype: str) -> dict[str, Any]:
    """Argument name -> array, in the order of the catalog. Labels are int64, soft labels are of the dtype."""
    fmt = FORMATS[dtype]
    first = arrays.build(entry.values, fmt).reshape(first_shape(entry, function))
    if entry.as_dtype:
        first = first.astype(entry.as_dtype)
    arguments = {}
    for position, name in enumerate(FUNCTIONS[function].arguments):
        if position == 0:
            arguments[name] = first
        elif name == "labels":
            arguments[name] = _labels(entry, function, first, fmt)
        else:
            arguments[name] = _other(entry.others[name], first.shape, fmt)
    return arguments


def _other(recipe: Recipe, shape: tuple[int, ...], fmt: Format) -> Any:
    """Of the first argument's shape, but for a last axis of its own length."""
    return _like(recipe, (*shape[:-1], *recipe.shape[-1:]) if recipe.shape else shape, fmt)


def _like(recipe: Recipe, shape: tuple[int, ...], fmt: Format) -> Any:
    """An array of the given shape; one number stands in every place."""
    made = arrays.build(recipe, fmt)
    return np.full(shape, made[()]) if made.ndim == 0 else made.reshape(shape)


def _labels(entry: Entry, function: str, logits: Any, fmt: Format) -> Any:
    if entry.soft_labels is not None:
        return _like(entry.soft_labels, logits.shape, fmt)
    assert entry.labels is not None  # check_arguments saw to it
    return class_labels(entry.labels, logits, entry.keywords.get("axis", -1), label_shape(entry, function))


def class_labels(labels: Labels, logits: Any, axis: int, shape: tuple[int, ...]) -> Any:
    """The class index of every row, int64, of the logits' shape without the class axis."""
    count = math.prod(shape)
    if labels.stored is not None:
        return arrays.stored_rows(labels.stored).astype(np.int64)
    if not labels.rule:
        flat = labels.flat if labels.shape is not None else labels.flat * count
        return np.array(flat, np.int64).reshape(shape)
    classes = logits.shape[axis]
    if labels.rule == "smallest":
        return np.argmin(logits, axis=axis).astype(np.int64)
    if labels.rule == "largest":
        return np.argmax(logits, axis=axis).astype(np.int64)
    if labels.rule == "cycle":
        return (np.arange(count, dtype=np.int64) % classes).reshape(shape)
    return np.full(shape, 0 if labels.rule == "first" else classes - 1, np.int64)
