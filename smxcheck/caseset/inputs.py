"""The user's own inputs (``--inputs FILE``) as cases of the group ``inputs``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smxcheck.caseset import numerals, schema
from smxcheck.caseset.model import Case, CaseError
from smxcheck.caseset.recipes import Recipe
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS, Format

if TYPE_CHECKING:
    from smxcheck.caseset.readers import Source

GROUP = "inputs"
PURPOSE = "inputs that the user gave"
SUFFIXES = (".npy", ".npz", ".csv", ".json", ".toml")
MAX_BYTES = 4 << 30

#: What an argument may be called in a file. Any other name is one more array of logits, a case of its own.
_ARGUMENT_NAMES: dict[str, tuple[str, ...]] = {
    "x": ("x", "logits"),
    "logits": ("logits", "x"),
    "z": ("z", "x", "logits"),
    "log_probabilities": ("log_probabilities",),
    "labels": ("labels",),
    "y": ("y",),
    "p": ("p",),
    "q": ("q",),
    "v": ("v",),
    "g": ("g",),
    "grad_output": ("grad_output",),
    "output": ("output",),
    "noise": ("noise",),
}

#: Longer rows have no case of a Jacobian or of second derivatives: these have n² and n³ elements.
_LONGEST = {"jacobian": 256, "hessian": 32}


def load_inputs(
    path: str | os.PathLike[str],
    functions: Sequence[str],
    dtypes: Sequence[str],
    max_bytes: int = MAX_BYTES,
) -> list[Case]:
    """Read .npy, .npz, .csv (one row per line), .json (lists, or an object of lists) or .toml (a case file).

    Arrays are called ``x`` or ``logits``, ``labels``, ``log_probabilities``, ``y``, ``p``, ``q``; an array of another
    name is one more case of that name. A function is left out where the file has not all its arguments. An array of
    one of the four floating-point dtypes is put in as it is; other numbers are cast to each of ``dtypes``, and a
    stored number that a dtype cannot hold exactly is an error (decimals in text are rounded). A two-byte void array is
    bfloat16: NumPy stores it so.

    Raises CaseError, one line, for whatever is wrong with the file. Nothing in the file is executed or unpickled.
    """
    file = Path(path)
    if file.suffix.lower() not in SUFFIXES:
        raise CaseError(f"{file.name}: unknown suffix; inputs are read from {', '.join(SUFFIXES)}")
    try:
        if file.stat().st_size == 0:
            raise CaseError(f"{file.name} is empty")
        cases = _cases_of_file(file, functions, dtypes, max_bytes)
    except OSError as error:
        raise CaseError(f"{path}: {error.strerror or error}") from None
    if not cases:
        raise CaseError(
            f"{file.name} has no inputs for {', '.join(functions) or 'no function'} in {', '.join(dtypes)}; "
            f"arrays are called {', '.join(_ARGUMENT_NAMES)}"
        )
    return cases


def _cases_of_file(file: Path, functions: Sequence[str], dtypes: Sequence[str], max_bytes: int) -> list[Case]:
    from smxcheck.caseset import readers

    suffix = file.suffix.lower()
    if suffix == ".toml":
        from smxcheck.caseset.load import cases_of

        group = schema.parse_text(readers.read_text(file), file.name)
        return [case for entry in group.entries for case in cases_of(entry, group, functions, dtypes)]
    if suffix == ".npy":
        named: Mapping[str, Source] = {"x": readers.read_npy(file, max_bytes)}
    elif suffix == ".npz":
        named = readers.read_npz(file, max_bytes)
    elif suffix == ".csv":
        named = {"x": readers.read_csv(file)}
    else:
        named = readers.read_json(file)
    reserved = {name for names in _ARGUMENT_NAMES.values() for name in names}
    together = {name: source for name, source in named.items() if name in reserved}
    cases: list[Case] = []
    if together:
        cases += _cases(file, file.stem, together, functions, dtypes)
    for name, source in named.items():
        if name not in reserved:
            cases += _cases(file, name, {"x": source}, functions, dtypes)
    return cases


def _cases(
    file: Path, name: str, named: Mapping[str, Source], functions: Sequence[str], dtypes: Sequence[str]
) -> Iterator[Case]:
    for function in functions:
        arguments = {}
        for argument in FUNCTIONS[function].arguments:
            given = [named[alias] for alias in _ARGUMENT_NAMES.get(argument, ()) if alias in named]
            if given:
                arguments[argument] = given[0]
        if len(arguments) < len(FUNCTIONS[function].arguments):
            continue
        what = f"{file.name}, {name}"
        first = next(iter(arguments.values()))
        if first.shape and first.shape[-1] > _LONGEST.get(FUNCTIONS[function].shape, first.shape[-1]):
            continue
        _check_shapes(function, arguments, what)
        for dtype in _dtypes_of(first, dtypes, what):
            for argument, source in arguments.items():
                if not (argument == "labels" and _are_classes(source, first)):
                    _check_exact(source, FORMATS[dtype], f"{what}, {argument}")
            yield Case(
                function=function,
                group=GROUP,
                name=_id_part(name),
                dtype=dtype,
                check="accuracy",
                tier="quick",
                build=partial(_build, arguments, function, dtype),
                purpose=PURPOSE,
                elements=_elements(first),
                shape=_lifted(first.shape, function),
            )


def _build(arguments: Mapping[str, Source], function: str, dtype: str) -> dict[str, Any]:
    import numpy as np

    first = next(iter(arguments.values()))
    shape = _lifted(first.shape, function)
    built = {}
    for argument, source in arguments.items():
        if argument == "labels" and _are_classes(source, first):
            values = source.parameters["flat"] if isinstance(source, Recipe) else source
            built[argument] = np.asarray(values).astype(np.int64).reshape(shape[:-1])
        else:
            built[argument] = np.ascontiguousarray(_in_dtype(source, FORMATS[dtype])).reshape(shape)
    return built


def _in_dtype(source: Source, fmt: Format) -> Any:
    if isinstance(source, Recipe):
        from smxcheck.caseset import arrays

        return arrays.build(source, fmt)
    if source.dtype.kind == "V":
        return source.view(fmt.numpy())
    return source.astype(fmt.numpy())


def _dtypes_of(first: Source, dtypes: Sequence[str], what: str) -> tuple[str, ...]:
    """An array of a known floating-point dtype is tested in that; anything else in the dtypes that are asked for."""
    if isinstance(first, Recipe):
        return tuple(dtypes)
    if first.dtype.kind == "V" and first.dtype.itemsize == 2 and first.dtype.names is None:
        return ("bfloat16",)
    if first.dtype.name in FORMATS:
        return (first.dtype.name,)
    if first.dtype.kind not in "iu":
        raise CaseError(f"{what} has dtype {first.dtype}; save it as one of {', '.join(FORMATS)} or as integers")
    return tuple(dtypes)


def _check_exact(source: Source, fmt: Format, what: str) -> None:
    import numpy as np

    if isinstance(source, Recipe):
        if not numerals.is_finite_in(source.magnitude, fmt):
            raise CaseError(f"{what} has a number that is not finite in {fmt.name}; use a wider --dtype")
        return
    if source.dtype.kind == "V" or source.dtype.name == fmt.name:
        return
    if source.dtype.kind not in "iuf":
        raise CaseError(f"{what} has dtype {source.dtype}; save it as {fmt.name}")
    with np.errstate(over="ignore"):
        cast = source.astype(fmt.numpy())
    # Comparing integers as Python integers: a comparison in float64 would round both sides.
    back, original = (cast.astype(np.float64), source) if source.dtype.kind == "f" else (cast, source)
    if source.dtype.kind == "f":
        same = np.array_equal(back, original.astype(np.float64), equal_nan=True)
    else:
        same = all(int(a) == int(b) for a, b in zip(back.flat, original.flat, strict=True))
    if not same:
        raise CaseError(f"{what} holds numbers that {fmt.name} cannot hold exactly; use a wider --dtype or cast it")


def _check_shapes(function: str, arguments: Mapping[str, Source], what: str) -> None:
    first, *others = arguments.items()
    shape = first[1].shape
    for name, source in others:
        if name == "labels" and shape and _are_classes(source, first[1]):
            if source.shape != shape[:-1] and (len(shape) > 1 or source.shape != (1,)):
                raise CaseError(f"{what}: labels have shape {list(source.shape)}, the rows {list(shape[:-1])}")
        elif source.shape != shape:
            raise CaseError(f"{what}: {name} has shape {list(source.shape)}, {first[0]} has {list(shape)}")
    if function in schema.ROW_FUNCTIONS and not shape:
        raise CaseError(f"{what}: {function} needs at least one axis")


def _are_classes(labels: Source, logits: Source) -> bool:
    """Whether labels are class indices: whole numbers, one per row. Otherwise they are distributions."""
    if labels.shape == logits.shape:
        return False
    if isinstance(labels, Recipe):
        return all(isinstance(v, float) and v.is_integer() for v in labels.parameters["flat"])
    return bool(labels.dtype.kind in "iu")


def _lifted(shape: tuple[int, ...], function: str) -> tuple[int, ...]:
    return (1, *shape) if function in schema.ROW_FUNCTIONS and len(shape) == 1 else shape


def _elements(source: Source) -> int:
    return source.elements if isinstance(source, Recipe) else int(source.size)


def _id_part(name: str) -> str:
    """A name as a part of an id: other characters than letters, digits, . + - become hyphens."""
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", name).strip("-") or "x"
