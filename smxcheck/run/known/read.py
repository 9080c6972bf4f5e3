"""Reading a file of accepted problems: nothing in it is passed over, and every complaint names the line.

A TOML file of tables::

    [[known]]
    target = "torch"            # optional, like function, dtype, check, case and cases; at least one of them
    function = "log_softmax"
    check = "SMX101"            # code or name
    cases = ["log_softmax/dominant/17/float32"]
    reason = "log of a rounded softmax"
    link = "https://github.com/pytorch/pytorch/issues/113708"
    until = 2027-03-31
"""

from __future__ import annotations

import datetime
import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from smxcheck.caseset import load_cases
from smxcheck.caseset.found import GROUP as FOUND
from smxcheck.caseset.load import parse_id
from smxcheck.caseset.model import CaseError
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.judge.codes import CHECKS, CHECKS_BY_NAME
from smxcheck.run.known.model import PLACEHOLDER, Known, KnownError

#: A file that is longer was not written by hand, nor by --write-known: that is about 200,000 cases.
_MAX_BYTES = 16 << 20
_LONGEST_LINK = 2000
#: Groups of cases that no shipped file has: drawn inputs, and those of --inputs.
_UNCHECKED = (FOUND, "inputs")

_MATCHING = ("target", "function", "dtype", "check", "case", "cases")
_TEXTS = ("target", "function", "dtype", "check", "case", "reason", "link")
_KEYS = (*_TEXTS, "cases", "until")
_HEADER = re.compile(r"\s*\[\[\s*(?:known|\"known\"|'known')\s*\]\]")


def load(path: str) -> tuple[Known, ...]:
    """Read the file. Raises KnownError for anything that is not understood: nothing is skipped."""
    return parse(path, text_of(path))


def text_of(path: str, option: str = "--known") -> str:
    """The text of the file. Raises KnownError."""
    try:
        if Path(path).exists() and not Path(path).is_file():
            raise KnownError(f"{option} {path}: a folder, pipe or device; name a file")
        if Path(path).exists() and Path(path).stat().st_size > _MAX_BYTES:
            raise KnownError(f"{option} {path} has more than {_MAX_BYTES:,} bytes: this is no file of known problems")
        return Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise KnownError(f"{option} {path}:{line}: not in UTF-8: save it so") from error
    except (OSError, ValueError) as error:
        raise KnownError(f"{option} {path}: {getattr(error, 'strerror', None) or error}") from error


def parse(path: str, text: str, *, placeholders: bool = False, option: str = "--known") -> tuple[Known, ...]:
    """The entries of a file's text; an empty one has none. With ``placeholders``, reasons may still be missing."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError; a number of thousands of digits; deep nesting
        why = "nested too deeply" if isinstance(error, RecursionError) else error
        raise KnownError(f"{option} {path} is not TOML: {why}") from error
    entries = data.pop("known", [])
    if data or not isinstance(entries, list):
        raise KnownError(f"{option} {path}: expected [[known]] tables and nothing else")
    lines = _headers(text)
    places = [f"{path}:{line}" for line in lines] if len(lines) == len(entries) else [path] * len(entries)
    known = tuple(_entry(option, place, n, e, placeholders) for n, (place, e) in enumerate(zip(places, entries, strict=True), 1))
    _check_cases(option, known)
    return known


def _headers(text: str) -> list[int]:
    """The lines at which the tables begin."""
    return [number for number, line in enumerate(text.split("\n"), 1) if _HEADER.match(line)]


def _entry(option: str, place: str, number: int, entry: Any, placeholders: bool) -> Known:
    where = f"{option} {place}" if ":" in place else f"{option} {place}, entry {number}"
    if not isinstance(entry, dict):
        raise KnownError(f"{where}: an entry is a table, as in [[known]]")
    if unknown := sorted(set(entry) - set(_KEYS)):
        raise KnownError(f"{where}: unknown key {unknown[0]!r}; there are {', '.join(sorted(_KEYS))}")
    texts = {key: _text(where, key, entry[key]) for key in _TEXTS if key in entry}
    reason = " ".join(texts.get("reason", "").split())
    if not reason:
        raise KnownError(f"{where}: a reason is required")
    if reason.upper().startswith(PLACEHOLDER) and not placeholders:
        raise KnownError(f"{where}: the reason is still {reason!r}: say why this is accepted")
    cases = _cases(where, entry, texts)
    if not cases and not any(map(texts.get, _MATCHING)):
        raise KnownError(f"{where}: name at least one of {', '.join(_MATCHING)}")
    known = Known(
        reason, texts.get("target", ""), _member(where, "function", texts, FUNCTIONS), _member(where, "dtype", texts, FORMATS),
        _check(where, texts.get("check", "")), cases, _until(where, entry.get("until")),
        _link(where, texts.get("link", "")), place,
    )  # fmt: skip
    _check_agreement(where, known)
    return known


def _text(where: str, key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise KnownError(f"{where}: {key} is a string")
    return value


def _member(where: str, key: str, texts: Mapping[str, str], table: Iterable[str]) -> str:
    """A name that is in the table, or none."""
    name = texts.get(key, "")
    if name and name not in table:
        near = difflib.get_close_matches(name, list(table), n=1)
        told = f"see: smxcheck list {key}s" if key == "function" else f"there are {', '.join(table)}"
        raise KnownError(f"{where}: no {key} {name!r}; {f'did you mean {near[0]}?' if near else told}")
    return name


def _check(where: str, text: str) -> str:
    """The code of a check, by that or its name."""
    if text and text not in CHECKS:
        if text not in CHECKS_BY_NAME:
            raise KnownError(f"{where}: no check {text!r}; see: smxcheck list checks")
        return CHECKS_BY_NAME[text].code
    return text


def _cases(where: str, entry: Mapping[str, Any], texts: Mapping[str, str]) -> frozenset[str]:
    several = entry.get("cases", [])
    if not isinstance(several, list) or not all(isinstance(name, str) and name for name in several):
        raise KnownError(f"{where}: cases is a list of case ids")
    if "cases" in entry and not several:
        raise KnownError(f"{where}: cases is empty: leave it out, or remove the entry")
    return frozenset([*several, *filter(None, [texts.get("case", "")])])


def _until(where: str, value: Any) -> datetime.date | None:
    if isinstance(value, datetime.datetime):
        raise KnownError(f"{where}: until is a date like 2027-03-31, without a time of day")
    if value is not None and not isinstance(value, datetime.date):
        raise KnownError(f"{where}: until is a date like 2027-03-31")
    return value


def _link(where: str, text: str) -> str:
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        right = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:  # brackets that are no address
        right = False
    if not right or len(text) > _LONGEST_LINK or not text.isascii() or not text.isprintable() or " " in text:
        raise KnownError(f"{where}: link is an address that begins with https:// or http://, in ASCII, without spaces")
    return text


def _check_agreement(where: str, known: Known) -> None:
    """A case that cannot be one of the entry's function and dtype is a slip: the entry would never match it."""
    for name in sorted(known.cases):
        parts = {"function": (known.function, name.partition("/")[0]), "dtype": (known.dtype, name.rpartition("/")[2])}
        for key, (wanted, found) in parts.items():
            if wanted and wanted != found:
                raise KnownError(f"{where}: the case {name} is none of {key} {wanted!r}: leave one out")


def _check_cases(option: str, known: Iterable[Known]) -> None:
    """Every case is in the case set; those of the groups that it does not have are looked at no further."""
    for entry in known:
        try:
            ids = [name for name in sorted(entry.cases) if parse_id(name).group not in _UNCHECKED]
            load_cases(ids=ids)
        except CaseError as error:
            raise KnownError(f"{option} {entry.where}: {error}") from error
