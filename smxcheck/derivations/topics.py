"""The topics: every derivation that ships, read from the case set, by id."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from smxcheck.derivations.model import Derivation
from smxcheck.derivations.schema import DataError, Fields, derivation


@cache
def topics() -> Mapping[str, Derivation]:
    """Every derivation, by id, in the order of the files and of what stands in them. Raises DataError."""
    found: dict[str, Derivation] = {}
    for name, tables in read_folder("derivations"):
        fields = Fields(tables, name)
        for table in fields.tables("topic"):
            entry = derivation(table, name)
            if entry.id in found:
                raise DataError(f"{name}: the id {entry.id} is taken")
            found[entry.id] = entry
        fields.finish()
    return MappingProxyType(found)


def read_folder(folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and tables of every TOML file in a folder of the case set, by name. Raises DataError."""
    entries = sorted((e for e in files("smxcases").joinpath(folder).iterdir() if e.name.endswith(".toml")), key=lambda e: e.name)
    for entry in entries:
        try:
            yield entry.name, tomllib.loads(entry.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise DataError(f"{entry.name}: {error}") from error
