"""``[tool.smxcheck]`` of the nearest pyproject.toml: defaults for ``verify``, overruled by the command line."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from smxcheck.cli.errors import Fail

#: key -> (kind, what it is); kinds: texts, text, number, table.
KEYS: Mapping[str, str] = {
    "targets": "texts", "functions": "texts", "dtypes": "texts", "cases": "text", "require": "text",
    "max-ulp": "number", "allow": "texts", "expect": "table", "known": "text", "only": "text", "arrays": "text",
    "device": "text", "fixed": "table", "timeout": "number", "compile-timeout": "number", "time-limit": "number",
    "jobs": "number", "fuzz": "number", "inputs": "text", "beside": "text", "gradient": "texts",
}  # fmt: skip
_PYTHON = {"texts": list, "text": str, "number": (int, float), "table": dict}
_SPOKEN = {"texts": "a list of strings", "text": "a string", "number": "a number", "table": "a table"}
#: Keys that name files: relative to the folder of the pyproject.toml.
_FILES = ("known", "inputs")


@dataclass(frozen=True)
class Config:
    """What the section says; empty where there is none."""

    path: Path | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Any:
        return self.values.get(key)


def nearest(start: Path) -> Path | None:
    """The first pyproject.toml from ``start`` upwards."""
    return next((p / "pyproject.toml" for p in (start, *start.parents) if (p / "pyproject.toml").is_file()), None)


def load(start: Path) -> Config:
    """The section of the nearest pyproject.toml. Raises Fail for a file or a section that is not understood."""
    path = nearest(start)
    if path is None:
        return Config()
    try:
        text = path.read_text(encoding="utf-8")
        tool = tomllib.loads(text).get("tool", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Fail(f"{path} is not readable TOML: {error}") from error
    section = tool.get("smxcheck") if isinstance(tool, dict) else None
    if section is None:
        return Config()
    if not isinstance(section, dict) or not section.get("targets"):
        raise Fail(f'{path}: [tool.smxcheck] names no targets; add targets = ["kernel.py:softmax"]')
    return Config(path, {key: _checked(path, text, key, value) for key, value in section.items()})


def _checked(path: Path, text: str, key: str, value: Any) -> Any:
    where = f"{path}:{_line(text, key)}"
    if key not in KEYS:
        near = difflib.get_close_matches(key, KEYS, n=1)
        raise Fail(f"{where}: [tool.smxcheck] has no key {key!r}" + (f"; did you mean {near[0]}?" if near else
                   f"; there are {', '.join(KEYS)}"))  # fmt: skip
    kind = KEYS[key]
    expected: Any = _PYTHON[kind]
    if not isinstance(value, expected) or isinstance(value, bool):
        raise Fail(f"{where}: {key} is {_SPOKEN[kind]}")
    if kind == "texts" and not all(isinstance(v, str) for v in value):
        raise Fail(f"{where}: {key} is {_SPOKEN[kind]}")
    if key in _FILES:
        return str(path.parent / value)
    return [_target(path.parent, v) for v in value] if key in ("targets", "gradient") else value


def _target(folder: Path, text: str) -> str:
    """A file target is relative to the pyproject.toml that names it."""
    function, equals, body = text.rpartition("=")
    file, colon, name = body.partition(":")
    if file.endswith(".py") and not Path(file).is_absolute() and folder != Path.cwd():
        body = f"{folder / file}{colon}{name}"
    return f"{function}{equals}{body}"


def _line(text: str, key: str) -> int:
    """The line of a key of the section, for the message; 1 where it cannot be found."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            inside = stripped.startswith("[tool.smxcheck")
            if inside and stripped.rstrip("]").endswith(f".{key}"):
                return number
        elif inside and stripped.partition("=")[0].strip().strip('"') == key:
            return number
    return 1
