"""On which line each key and each element of a TOML document stands: tomllib reads values, but keeps no positions.

The text must be one that tomllib has read: what follows relies on that, and checks nothing again.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

#: Keys from the root; the number of an element of an array, or of a table of an array of tables, stands for itself.
Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
#: The longest opening first: three quotes are no empty string with a third one behind it.
_STRING = re.compile("|".join([
    r'"""(?:[^"\\]|\\[\s\S]|"(?!""))*"{3,5}', r"'''(?:[^']|'(?!''))*'{3,5}",
    r'"(?:[^"\\\n]|\\.)*"', r"'[^'\n]*'",
]))  # fmt: skip
_SCALAR = re.compile(r"[^,\]}#\n]*")


def lines(text: str) -> dict[Path, int]:
    """The line, from 1 on, of each key and each element of an array; that of a table's header for the table."""
    return _Scanner(text).document()


class _Scanner:
    """Where the reading stands, and what was met so far."""

    def __init__(self, text: str) -> None:
        self._text = text.removeprefix("\ufeff")
        self._at = 0
        self._counted, self._number = 0, 1
        self._found: dict[Path, int] = {}
        self._tables: dict[Path, int] = {}  # array of tables -> how many there are so far

    def document(self) -> dict[Path, int]:
        table: Path = ()
        self._blank()
        while self._at < len(self._text):
            if self._take("[["):
                table = self._next_table(self._absolute(self._key()))
                self._skip("]]")
            elif self._take("["):
                table = self._absolute(self._key())
                self._note(table)
                self._skip("]")
            else:
                self._pair(table)
            self._blank()
        return self._found

    def _absolute(self, key: Path) -> Path:
        """A header's key: below an array of tables it goes on in the last one of them."""
        out: Path = ()
        for part in key[:-1]:
            out += (part,)
            out += (self._tables[out] - 1,) if out in self._tables else ()
        return out + key[-1:]

    def _next_table(self, array: Path) -> Path:
        self._tables[array] = self._tables.get(array, 0) + 1
        table = (*array, self._tables[array] - 1)
        self._note(table)
        return table

    def _pair(self, table: Path) -> None:
        line, key = self._line(), table + self._key()
        self._note(key, line, len(table))
        self._skip("=")
        self._value(key)

    def _value(self, path: Path) -> None:
        self._blank()
        if self._take("["):
            for number in self._members("]"):
                self._note((*path, number))
                self._value((*path, number))
        elif self._take("{"):
            for _ in self._members("}"):
                self._pair(path)
        elif not self._match(_STRING):
            self._match(_SCALAR)

    def _members(self, end: str) -> Iterator[int]:
        """The members of an array or an inline table: the reader of each goes on behind it."""
        number = 0
        self._blank()
        while not self._take(end):
            yield number
            number += 1
            self._blank()
            self._take(",")
            self._blank()

    def _key(self) -> Path:
        """``a."b c".d`` with blanks between its parts."""
        parts = [self._part()]
        while self._take("."):
            parts.append(self._part())
        return tuple(parts)

    def _part(self) -> str:
        self._blank()
        word = self._match(_BARE_KEY)
        if not word:
            quoted = self._match(_STRING)
            word = str(tomllib.loads(f"key = {quoted}")["key"])
        self._blank()
        return word

    def _note(self, path: Path, line: int | None = None, known: int = 0) -> None:
        """The path and, where nothing stood for them before, those that lead to it from its first ``known`` parts on."""
        line = self._line() if line is None else line
        for size in range(known + 1, len(path) + 1):
            self._found.setdefault(path[:size], line)

    def _line(self) -> int:
        self._number += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._number

    def _blank(self) -> None:
        self._match(_BLANK)

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match[0]

    def _take(self, text: str) -> bool:
        if not self._text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _skip(self, text: str) -> None:
        self._blank()
        self._take(text)
