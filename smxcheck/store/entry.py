"""One failing call as one file: the bytes of an .npz that holds a description in JSON and the arrays, and back.

The arrays of the call, and those among its keywords, are the members ``0``, ``1``, …; the member ``description`` is JSON
text as bytes, in which ``{"array": 1}`` stands for one of them. bfloat16, which NumPy's format lacks, is stored by its
bits as uint16. Whoever wrote a file, reading it executes nothing, and believes no size and no name in it.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from smxcheck.caseset.found import GROUP, found_case
from smxcheck.caseset.model import LAYOUTS, Case, CaseError
from smxcheck.caseset.readers import read_npz
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.judge.call import Demand
from smxcheck.judge.choices import parse_expectations
from smxcheck.judge.codes import CHECKS, CHECKS_BY_NAME
from smxcheck.judge.result import Level
from smxcheck.targets.options import ARRAYS, DEVICES
from smxcheck.targets.wire import WireError, dtype_named, from_json, to_json

SCHEMA = "smxcheck-failing/1"
SUFFIX = ".npz"
#: Bytes of the arrays of one entry: a row of 2^21 float64 has as many, and no check needs a longer one to fail.
MOST_BYTES = 16 << 20
#: Bytes of the description.
_MOST_TEXT = 1 << 20
_DIGITS = 12
_TEXTS = ("target", "only", "where", "check", "message", "input", "got", "right", "command", "date", "shrunk_from", "note")


class EntryError(Exception):
    """A file of the store is not usable: one line that says why."""


@dataclass(frozen=True)
class Entry:
    """A call that failed, and all that it takes to put and judge it again.

    ``target`` is the text that names it; ``where`` the folder of the run, from that which holds the store. ``worker`` has
    the fields of ``WorkerOptions`` that change values: arrays, device, fixed. ``check`` is the code that failed, with what
    was ``got`` where what was ``right``. ``shrunk_from`` is the id of the case that this one was made from in ``tried``
    calls; ``note`` says why there is none, where there is none.
    """

    target: str
    case: Case
    demand: Demand = field(default_factory=Demand)
    worker: Mapping[str, Any] = field(default_factory=dict)
    gradients: tuple[str, ...] = ()
    only: str = ""
    where: str = "."
    check: str = "SMX101"
    message: str = ""
    input: str = ""
    got: str = ""
    right: str = ""
    command: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    date: str = ""
    shrunk_from: str = ""
    tried: int = 0
    note: str = ""

    @property
    def id(self) -> str:
        """The same for the same target and case, so that a newer entry takes the place of an older one."""
        return hashlib.sha256(f"{self.where}\n{self.target}\n{self.case.id}".encode(errors="replace")).hexdigest()[:_DIGITS]

    @property
    def file_name(self) -> str:
        return f"{self.id}-{self.case.function}-{self.case.dtype}{SUFFIX}"


def pack(entry: Entry) -> bytes:
    """The file's content. Raises EntryError where the arrays are larger than an entry may be, or of a foreign kind."""
    arrays: list[np.ndarray[Any, Any]] = []
    case = entry.case
    try:
        described = {name: to_json(value, arrays) for name, value in case.build().items()}
        keywords = {name: to_json(value, arrays) for name, value in case.keywords.items()}
    except WireError as error:
        raise EntryError(f"{case.id}: {error}") from error
    size = sum(a.nbytes for a in arrays)
    if size > MOST_BYTES:
        raise EntryError(f"{case.id}: {size >> 20} MiB are more than the {MOST_BYTES >> 20} MiB of an entry")
    document = {
        "schema": SCHEMA, **{name: getattr(entry, name) for name in _TEXTS}, "function": case.function, "group": case.group,
        "name": case.name, "dtype": case.dtype, "case_check": case.check, "layout": case.layout, "arguments": described,
        "keywords": keywords, "dtypes": [a.dtype.name for a in arrays], "gradients": list(entry.gradients),
        "worker": {k: dict(v) if isinstance(v, Mapping) else v for k, v in entry.worker.items()},
        "demand": {"require": entry.demand.require, "max_ulp": entry.demand.max_ulp,
                   "expectations": dict(entry.demand.expectations), "allow": sorted(entry.demand.allow)},
        "versions": dict(entry.versions), "tried": entry.tried,
    }  # fmt: skip
    text = np.frombuffer(json.dumps(document).encode("ascii"), np.uint8)
    members = {str(i): _storable(a) for i, a in enumerate(arrays)}
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, description=text, **members)
    return stream.getvalue()


def read(path: Path) -> Entry:
    """The entry in a file. Raises EntryError, in one line, for whatever is wrong with it."""
    try:
        if path.stat().st_size > MOST_BYTES + 2 * _MOST_TEXT:
            raise EntryError("larger than any entry")
        members = read_npz(path, MOST_BYTES + _MOST_TEXT)
        return _entry(members)
    except OSError as error:
        raise EntryError(f"{path.name}: {error.strerror or error}") from error
    except (EntryError, CaseError, WireError, ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError,
            AttributeError, struct.error) as error:  # fmt: skip
        reason = str(error).removeprefix(f"{path.name} ").removeprefix("is ")
        raise EntryError(f"{path.name} is damaged ({reason or type(error).__name__}): delete it") from error


def _storable(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return array.view(np.uint16) if array.dtype.name == "bfloat16" else array


def _entry(members: Mapping[str, Any]) -> Entry:
    """Raises EntryError, or one of Python's own errors, where the content is not what ``pack`` writes."""
    text = members["description"]
    if text.dtype != np.uint8 or text.ndim != 1 or text.size > _MOST_TEXT:
        raise EntryError("no description")
    document = json.loads(text.tobytes())
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise EntryError(f"not of schema {SCHEMA}")
    texts = {name: _text(document, name) for name in _TEXTS}
    if texts["check"] not in CHECKS:
        raise EntryError(f"no check {texts['check'][:20]!r}")
    demand = document["demand"]
    return Entry(
        case=_case(document, members), demand=_demand(demand), worker=_worker(document["worker"]),
        gradients=tuple(_all_texts(document["gradients"])), tried=int(document["tried"]),
        versions={str(k): str(v) for k, v in document["versions"].items()}, **texts,
    )  # fmt: skip


def _case(document: Mapping[str, Any], members: Mapping[str, Any]) -> Case:
    function, dtype, layout = (_text(document, name) for name in ("function", "dtype", "layout"))
    if function not in FUNCTIONS or dtype not in FORMATS or layout not in LAYOUTS:
        raise EntryError("a function, dtype or layout that there is not")
    dtypes = _all_texts(document["dtypes"])
    arrays = [_restored(members[str(i)], name) for i, name in enumerate(dtypes)]
    described, given = document["arguments"], document["keywords"]
    if list(described) != list(FUNCTIONS[function].arguments) or not set(given) <= set(FUNCTIONS[function].keywords):
        raise EntryError(f"arguments that {function} does not have")
    arguments = {name: from_json(value, arrays) for name, value in described.items()}
    if not all(isinstance(value, np.ndarray) for value in arguments.values()):
        raise EntryError("an argument that is no array")
    keywords = {name: from_json(value, arrays) for name, value in given.items()}
    found = found_case(function, dtype, arguments, keywords, layout)
    group, name, check = (_text(document, key) for key in ("group", "name", "case_check"))
    if group == GROUP:
        if name != found.name:
            raise EntryError("its name is not that of its content")
        return found
    if check not in CHECKS_BY_NAME and check not in CHECKS:
        raise EntryError(f"no check {check[:20]!r}")
    return Case(
        function, group, name, dtype, check, "quick", found.build, keywords, layout, elements=found.elements,
        shape=found.shape,
    )  # fmt: skip


def _restored(array: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    wanted = dtype_named(name)
    if name == "bfloat16" and array.dtype == np.uint16:
        return array.view(wanted)
    if array.dtype != wanted:
        raise EntryError(f"an array of {array.dtype} where {name} is described")
    return array


def _demand(document: Mapping[str, Any]) -> Demand:
    most = document["max_ulp"]
    if most is not None and not (isinstance(most, int | float) and 0 <= most < float("inf")):
        raise EntryError("a max_ulp that is no number")
    allow = _all_texts(document["allow"])
    if not set(allow) <= set(CHECKS):
        raise EntryError("allows a check that there is not")
    expectations = parse_expectations(tuple(f"{k}={v}" for k, v in document["expectations"].items()))
    return Demand(Level(document["require"]), None if most is None else float(most), expectations, frozenset(allow))


def _worker(document: Mapping[str, Any]) -> dict[str, Any]:
    arrays, device, fixed = document.get("arrays", "auto"), document.get("device", "cpu"), document.get("fixed", {})
    if arrays not in ARRAYS or device not in DEVICES or not isinstance(fixed, dict):
        raise EntryError("options of the target that there are not")
    if not all(v is None or isinstance(v, str | int | float) for v in fixed.values()):
        raise EntryError("a fixed value of a foreign kind")
    return {"arrays": arrays, "device": device, "fixed": fixed}


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document[name]
    if not isinstance(value, str):
        raise EntryError(f"{name} is no text")
    return value


def _all_texts(values: Any) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
        raise EntryError("a list of texts is something else")
    return values
