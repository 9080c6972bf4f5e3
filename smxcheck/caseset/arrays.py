"""From a recipe to an array. Everything random comes from a published integer hash, so it is the same everywhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from smxcheck.caseset import numerals
from smxcheck.caseset.model import CaseError
from smxcheck.caseset.recipes import Recipe
from smxcheck.dtypes import Format

_GAMMA = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1

#: Sum of four uniform 16-bit integers: 0 to this, mean the half of it. By the central limit theorem close to normal.
_LARGEST_SUM = 4 * 0xFFFF

#: Elements made at a time, so that a row of 10⁷ needs little more memory than its own array.
_CHUNK = 1 << 20

#: A drawn row of probabilities shares out blocks of 2^8 units: no weight needs more than bfloat16's 8 bits.
_BLOCK_UNITS = 256
_BLOCK_ENTRIES = 64


def splitmix64(seed: int, start: int, count: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Outputs ``start`` to ``start + count`` of the generator splitmix64 with the state ``seed``, as uint64.

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, in the form of
    S. Vigna's splitmix64.c. Integer arithmetic modulo 2^64 only.
    """
    z = np.arange(start + 1, start + count + 1, dtype=np.uint64)
    z *= np.uint64(_GAMMA)
    z += np.uint64(seed & _MASK)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def lattice_steps(seed: int, levels: int, start: int, count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Integers k from -(levels-1)/2 to (levels-1)/2, roughly normal with a standard deviation of 0.14·levels.

    The sum s of the four 16-bit words of the hash lies in 0 … 4·65535; k = ⌊s·levels / (4·65535 + 1)⌋ - (levels-1)/2.
    """
    z = splitmix64(seed, start, count)
    s = np.zeros(count, np.int64)
    for shift in (0, 16, 32, 48):
        s += ((z >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.int64)
    return s * levels // (_LARGEST_SUM + 1) - levels // 2


def build(recipe: Recipe, fmt: Format) -> Any:
    """The C-contiguous array of a recipe in the dtype ``fmt``; every value is rounded once, to nearest."""
    made = _MAKERS[recipe.kind](recipe, fmt)
    return np.ascontiguousarray(made).reshape(recipe.shape)


def _list(recipe: Recipe, fmt: Format) -> Any:
    return np.array([numerals.resolve(v, fmt) for v in recipe.parameters["flat"]], np.float64).astype(fmt.numpy())


def _fill(recipe: Recipe, fmt: Format) -> Any:
    return np.full(recipe.shape, numerals.resolve(recipe.parameters["value"], fmt), fmt.numpy())


def _ramp(recipe: Recipe, fmt: Format) -> Any:
    p = recipe.parameters
    k = np.arange(recipe.elements, dtype=np.float64)
    if p["order"] == "descending":
        k = k[::-1]
    elif p["order"] == "alternating":  # first, last, second, last but one, ...
        k = np.where(k % 2 == 0, k // 2, recipe.elements - 1 - k // 2)
    return (p["start"] + p["step"] * k).astype(fmt.numpy())


def _lattice(recipe: Recipe, fmt: Format) -> Any:
    p = recipe.parameters
    out = np.empty(recipe.elements, fmt.numpy())
    for start in range(0, out.size, _CHUNK):
        count = min(_CHUNK, out.size - start)
        steps = lattice_steps(p["seed"], p["levels"], start, count)
        out[start : start + count] = (p["offset"] + p["step"] * steps).astype(out.dtype)
    return out


def _spike(recipe: Recipe, fmt: Format) -> Any:
    p = recipe.parameters
    out = build(p["base"], fmt)
    rows = out.reshape(-1, out.shape[-1])
    where = slice(None) if p["row"] is None else p["row"]
    places = {"first": 0, "middle": rows.shape[1] // 2, "last": -1, "all": slice(None)}
    at = places[p["at"]] if isinstance(p["at"], str) else p["at"]
    rows[where, at] = numerals.resolve(p["value"], fmt)
    return out


def _parts(recipe: Recipe, fmt: Format) -> Any:
    runs = recipe.parameters["runs"]
    values = np.array([numerals.resolve(value, fmt) for value, _ in runs], np.float64).astype(fmt.numpy())
    line = np.repeat(values, [count for _, count in runs])
    return np.broadcast_to(line[:, None] if recipe.parameters["by_column"] else line, recipe.shape)


def _dyadic(recipe: Recipe, fmt: Format) -> Any:
    weights = np.array(recipe.parameters["flat"], np.float64)
    return np.ldexp(weights, -recipe.parameters["bits"]).astype(fmt.numpy())


def _probabilities(recipe: Recipe, fmt: Format) -> Any:
    n = recipe.shape[-1]
    rows = recipe.elements // n
    # A power of two of blocks, so that a unit is a power of two and every probability is exact.
    blocks = 1 << max(math.ceil(math.log2(n / _BLOCK_ENTRIES)), 0)
    hashes = iter(splitmix64(recipe.parameters["seed"], 0, recipe.elements).tolist())
    sizes = [n // blocks + (b < n % blocks) for b in range(blocks)]
    units = [w for _ in range(rows) for size in sizes for w in _share(_BLOCK_UNITS, size, hashes)]
    return (np.array(units, np.float64) / (_BLOCK_UNITS * blocks)).astype(fmt.numpy())


def _share(units: int, entries: int, hashes: Any) -> list[int]:
    """``units`` as a sum of ``entries`` positive integers: each but the last drawn up to twice the fair share."""
    shares = []
    for left in range(entries, 1, -1):
        spare = units - left
        shares.append(1 + next(hashes) % (2 * spare // left + 1))
        units -= shares[-1]
    next(hashes)  # one hash per entry, whether used or not: adding an entry does not shift the others' draws
    return [*shares, units]


def stored_rows(recipe: Recipe) -> Any:
    """The rows that an ``npz`` recipe names, in the dtype in which they are stored."""
    p = recipe.parameters
    stored = _stored(p["file"], p["key"])
    if stored.shape != p["whole"]:
        raise CaseError(f"{p['file']}: {p['key']} has shape {list(stored.shape)}, not {list(p['whole'])}")
    return stored[p["start"] : p["stop"]]


def _npz(recipe: Recipe, fmt: Format) -> Any:
    p, rows = recipe.parameters, stored_rows(recipe)
    if not numerals.is_finite_in(float(np.abs(rows).max()), fmt):
        raise CaseError(f"{p['file']}: {p['key']} has values that are not finite in {fmt.name}; give dtypes")
    return rows.astype(fmt.numpy())


@cache
def _stored(file: str, key: str) -> Any:
    with files("smxcases").joinpath(file).open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        if key not in archive:
            raise CaseError(f"{file} has no array {key}; it has {', '.join(archive.files)}")
        array = archive[key]
    array.flags.writeable = False
    return array


_MAKERS: dict[str, Callable[[Recipe, Format], Any]] = {
    "list": _list,
    "fill": _fill,
    "ramp": _ramp,
    "lattice": _lattice,
    "spike": _spike,
    "parts": _parts,
    "dyadic": _dyadic,
    "probabilities": _probabilities,
    "npz": _npz,
}
