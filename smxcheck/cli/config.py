"""``[tool.smxcheck]`` of the nearest pyproject.toml, or a smxcheck.toml: defaults, overruled by the command line.

Every complaint names the file and the line.
"""

from __future__ import annotations

import difflib
import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from smxcheck.cli import config_lines
from smxcheck.cli.errors import Fail

#: key -> (kind, what it is); kinds: texts, text, number, flag, table.
KEYS: Mapping[str, str] = {
    "targets": "texts", "functions": "texts", "dtypes": "texts", "cases": "text", "require": "text",
    "max-ulp": "number", "allow": "texts", "expect": "table", "known": "text", "only": "text", "arrays": "text",
    "device": "text", "fixed": "table", "timeout": "number", "compile-timeout": "number", "time-limit": "number",
    "jobs": "number", "fuzz": "number", "store": "flag", "inputs": "text", "beside": "text", "gradient": "texts",
}  # fmt: skip
_PYTHON = {"texts": list, "text": str, "number": (int, float), "flag": bool, "table": dict}
_SPOKEN = {"texts": "a list of strings", "text": "a string", "number": "a number", "flag": "true or false",
           "table": "a table of strings, whole numbers, true or false"}  # fmt: skip
#: Keys that describe the targets of the section; the others hold for any target.
_OF_ITS_TARGETS = ("targets", "functions", "fixed", "gradient", "only", "arrays", "inputs", "expect")
#: Keys that name files: relative to the folder of the file that names them.
_FILES = ("known", "inputs")
#: The file with the keys at its top, and the one that has them in a section among others' sections.
OWN, SHARED = "smxcheck.toml", "pyproject.toml"
_SECTION: config_lines.Path = ("tool", "smxcheck")
#: A file that is longer was not written by hand.
_MAX_BYTES = 4 << 20
_SYNTAX_AT = re.compile(r"\(at line (\d+), column")


@dataclass(frozen=True)
class Config:
    """What the section says, and on which line; empty where there is none."""

    path: Path | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[config_lines.Path, int] = field(default_factory=dict)  # of keys in the section; () is the section

    def __getitem__(self, key: str) -> Any:
        return self.values.get(key)

    def where(self, *path: str | int) -> str:
        """``pyproject.toml:7`` for a key, or a member of its value."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.path}:{self.lines[path]}" if path in self.lines else str(self.path)

    def of_any_target(self) -> Config:
        """The same without the keys that describe the section's own targets."""
        return Config(self.path, {k: v for k, v in self.values.items() if k not in _OF_ITS_TARGETS}, self.lines)


def load(start: Path, named: str = "") -> Config:
    """The configuration of the nearest folder that has one; ``named`` is a file instead, or ``none``.

    The nearest folder is the first from ``start`` upwards with a pyproject.toml or a smxcheck.toml. Raises Fail for a
    file or a section that is not understood, and where both files of a folder have a configuration.
    """
    if named == "none":
        return Config()
    if named:
        return _of_file(Path(named), required=True)
    folder = next((p for p in (start, *start.parents) if any((p / n).is_file() for n in (OWN, SHARED))), None)
    if folder is None:
        return Config()
    shared = _of_file(folder / SHARED) if (folder / SHARED).is_file() else Config()
    if not (folder / OWN).is_file():
        return shared
    if shared.path:
        raise Fail(f"{folder / OWN} and [tool.smxcheck] at {shared.where('')} both configure smxcheck: remove one")
    return _of_file(folder / OWN)


def _of_file(path: Path, *, required: bool = False) -> Config:
    text = _read(path)
    section, lines = _parsed(path, text)
    name = path.name
    if path.name == SHARED:
        section, lines = _section(path, section, lines, required)
        name = "[tool.smxcheck]"
    if section is None:
        return Config()
    config = Config(path, {}, {(): 1, **lines})
    values = {key: _checked(config, name, key, value) for key, value in section.items()}
    if not values.get("targets"):
        raise Fail(f'{config.where("targets")}: {name} names no targets; add targets = ["kernel.py:softmax"]')
    return Config(path, values, config.lines)


def _read(path: Path) -> str:
    """The text of a file. A byte-order mark, which some editors put there, says nothing and is left out."""
    try:
        if not path.is_file():
            raise Fail(f"--config {path}: there is no such file")
        if path.stat().st_size > _MAX_BYTES:
            raise Fail(f"{path} has more than {_MAX_BYTES:,} bytes: this is no configuration")
        data = path.read_bytes()
    except OSError as error:
        raise Fail(f"{path} is not readable: {error.strerror or error}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Fail(f"{path}:{line}: byte {error.object[error.start]:#04x} is no UTF-8: save the file as UTF-8") from error


def _parsed(path: Path, text: str) -> tuple[dict[str, Any], dict[config_lines.Path, int]]:
    """The document, and where its keys stand."""
    try:
        return tomllib.loads(text), config_lines.lines(text)
    except tomllib.TOMLDecodeError as error:
        found = _SYNTAX_AT.search(str(error))
        line = int(found[1]) if found else max(len(text.splitlines()), 1)
        raise Fail(f"{path}:{line}: not readable TOML: {error}") from error
    except ValueError as error:  # a whole number of thousands of digits
        raise Fail(f"{path}: not readable TOML: {error}") from error
    except RecursionError as error:
        raise Fail(f"{path}: not readable TOML: nested too deeply") from error


def _section(
    path: Path, document: dict[str, Any], lines: dict[config_lines.Path, int], required: bool
) -> tuple[Any, dict[config_lines.Path, int]]:
    """[tool.smxcheck] of a pyproject.toml, None where it has none; the lines begin with the section."""
    tool = document.get("tool")
    section = tool.get("smxcheck") if isinstance(tool, dict) else None
    inside = {place[2:]: line for place, line in lines.items() if place[:2] == _SECTION}
    if section is None and required:
        raise Fail(f"--config {path}: it has no [tool.smxcheck]")
    if section is not None and not isinstance(section, dict):
        raise Fail(f"{path}:{inside[()]}: [tool.smxcheck] is one table")
    return section, inside


def _checked(config: Config, name: str, key: str, value: Any) -> Any:
    where = config.where(key)
    if key not in KEYS:
        near = difflib.get_close_matches(key, KEYS, n=1)
        raise Fail(f"{where}: {name} has no key {key!r}" + (f"; did you mean {near[0]}?" if near else
                   f"; there are {', '.join(KEYS)}"))  # fmt: skip
    kind = KEYS[key]
    expected: Any = _PYTHON[kind]
    if not isinstance(value, expected) or (isinstance(value, bool) and kind != "flag"):
        raise Fail(f"{where}: {key} is {_SPOKEN[kind]}")
    if kind == "texts" and (bad := [i for i, v in enumerate(value) if not isinstance(v, str)]):
        raise Fail(f"{config.where(key, bad[0])}: {key} is {_SPOKEN[kind]}")
    if kind == "table" and (odd := [k for k, v in value.items() if not isinstance(v, str | int | float)]):
        raise Fail(f"{config.where(key, odd[0])}: {key} is {_SPOKEN[kind]}; {odd[0]} is none of them")
    assert config.path is not None
    folder = config.path.parent
    if key in _FILES:
        return _file(where, key, folder, value)
    return [_target(folder, v) for v in value] if key in ("targets", "gradient") else value


def _file(where: str, key: str, folder: Path, text: str) -> str:
    """A file that is there; what is wrong inside it is told with its own name."""
    path = folder / text if folder.resolve() != Path.cwd() else Path(text)
    try:
        there = bool(text) and path.is_file()
    except (OSError, ValueError):  # a name too long, or with a NUL in it
        there = False
    if not there:
        raise Fail(f"{where}: {key}: there is no file {text!r} in {folder.resolve()}")
    return str(path)


def _target(folder: Path, text: str) -> str:
    """A file target, or a program, is relative to the file that names it."""
    function, command, line = text.partition("command:")
    if command and (not function or function.endswith("=")):
        return f"{function}{command}{_program(folder, line)}"
    function, equals, body = text.rpartition("=")
    file, colon, name = body.partition(":")
    if file.endswith(".py") and not Path(file).is_absolute() and folder.resolve() != Path.cwd():
        body = f"{folder / file}{colon}{name}"
    return f"{function}{equals}{body}"


def _program(folder: Path, text: str) -> str:
    """A program with a folder in its name is relative to the file that names it; one without is on the PATH."""
    try:
        words = shlex.split(text)
    except ValueError:
        return text  # said where it is opened
    if words and "/" in words[0] and not Path(words[0]).is_absolute() and folder.resolve() != Path.cwd():
        return shlex.join([str(folder / words[0]), *words[1:]])
    return text
