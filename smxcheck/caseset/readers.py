"""Reading a user's file of inputs. Nothing in the file is executed, and no size that it claims is believed."""

from __future__ import annotations

import json
import math
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np

from smxcheck.caseset import recipes
from smxcheck.caseset.model import CaseError
from smxcheck.caseset.recipes import Recipe

#: An array as it was stored, or numbers written as text, which are rounded to the dtype that is asked for.
Source: TypeAlias = "np.ndarray[Any, Any] | Recipe"

#: numpy.lib.format's own limit; a longer header is no array that anybody wrote.
_MAX_HEADER = 10_000
_MAX_TEXT_BYTES = 64 << 20


def read_npy(path: Path, max_bytes: int) -> Source:
    """The array of a .npy file."""
    with path.open("rb") as stream:
        return _array(stream, path.stat().st_size, max_bytes, path.name)


def read_npz(path: Path, max_bytes: int) -> dict[str, Source]:
    """The arrays of a .npz file by name. The sizes in the zip directory bound what is unpacked."""
    if path.exists() and not path.is_file():  # what is no file is not opened: a pipe would be waited for
        raise CaseError(f"{path.name} is no file")
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            total = sum(member.file_size for member in members)
            if total > max_bytes:
                raise CaseError(f"{path.name} unpacks to {total} bytes, more than {max_bytes}; split it")
            found: dict[str, Source] = {}
            for member in members:
                if not member.filename.endswith(".npy"):
                    raise CaseError(f"{path.name} holds {member.filename!r}, which is no .npy; use numpy.savez")
                with archive.open(member) as stream:
                    name = member.filename.removesuffix(".npy")
                    found[name] = _array(stream, member.file_size, max_bytes, f"{path.name}, array {name}")
            return found
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise CaseError(f"{path.name} is not a readable .npz file ({error}); write it with numpy.savez") from None


def _array(stream: IO[bytes], size: int, max_bytes: int, what: str) -> np.ndarray[Any, Any]:
    """One array in NumPy's format. Shape and dtype must account for exactly the bytes that are there."""
    if size > max_bytes:
        raise CaseError(f"{what} has {size} bytes, more than {max_bytes}; split it")
    try:
        version = np.lib.format.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"format version {version}")
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran, dtype = read_header(stream, max_header_size=_MAX_HEADER)
    except (ValueError, EOFError, TypeError, SyntaxError, RecursionError, MemoryError, tokenize.TokenError) as error:
        # What NumPy's reader of headers raises for text that is damaged.
        raise CaseError(f"{what} is not a NumPy array file ({str(error).splitlines()[0] if str(error) else 'damaged'})") from None
    if dtype.hasobject:
        raise CaseError(f"{what} holds Python objects (a pickle), which are never loaded; save an array of numbers")
    expected = math.prod(shape) * dtype.itemsize
    if any(axis < 0 for axis in shape) or not dtype.itemsize:
        raise CaseError(f"{what} has shape {shape} of {dtype}: it is damaged")
    data = stream.read(min(expected, size) + 1)  # no more than there is, whatever the header says
    if len(data) != expected:
        raise CaseError(f"{what} should hold {expected} bytes of data, found {len(data)}; it is damaged")
    try:
        return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
    except (ValueError, OverflowError) as error:  # more axes, or a longer one, than an array may have
        raise CaseError(f"{what} has a shape that no array has ({error}); it is damaged") from None


def read_csv(path: Path) -> Source:
    """A table of numbers separated by commas: one row per line, empty lines left out."""
    rows: list[list[object]] = []
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip():
            continue
        cells: list[object] = [cell.strip() for cell in line.split(",")]
        try:
            recipes.parse(cells)
        except CaseError as error:
            raise CaseError(f"{path.name}, line {number}: {error}") from None
        if rows and len(cells) != len(rows[0]):
            raise CaseError(f"{path.name}, line {number}: {len(cells)} numbers, {len(rows[0])} in the lines above")
        rows.append(cells)
    if not rows:
        raise CaseError(f"{path.name} is empty; write one row of numbers per line")
    return recipes.parse(rows)


def read_json(path: Path) -> dict[str, Source]:
    """Nested lists of numbers, or an object of them by name."""
    try:
        document = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise CaseError(f"{path.name} is not JSON: {error}") from None
    except (RecursionError, ValueError) as error:
        raise CaseError(f"{path.name} is not usable JSON ({type(error).__name__}); write lists of numbers") from None
    named = document if isinstance(document, dict) else {"x": document}
    found: dict[str, Source] = {}
    for name, written in named.items():
        try:
            if isinstance(written, dict):
                raise CaseError("must be a list of numbers")
            found[name] = recipes.parse(written)
        except CaseError as error:
            raise CaseError(f"{path.name}, {name}: {error}") from None
        except RecursionError:
            raise CaseError(f"{path.name}, {name}: too deeply nested") from None
    return found


def _text(path: Path) -> str:
    if path.stat().st_size > _MAX_TEXT_BYTES:
        raise CaseError(f"{path.name} has more than {_MAX_TEXT_BYTES} bytes of text; save the array as .npy")
    return read_text(path)


def read_text(path: Path) -> str:
    """The text of a file, which must be UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise CaseError(f"{path.name} is not text in UTF-8; for arrays use the suffix .npy or .npz") from None
