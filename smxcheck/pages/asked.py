"""What a reader asks for besides a topic: numbers for letters, and letters of his own, as text or as Python values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

from smxcheck.formula.lexicon import Lexicon
from smxcheck.formula.notation import Notation, notation

#: Numbers for letters: ``"0,4,5"``, ``["0,4,5", "y=0,1,0"]``, ``[0, 4, 5]``, ``{"z": [0, 4, 5], "t": 0.5}``.
At: TypeAlias = "str | Sequence[Any] | Mapping[str, Any]"
#: Letters by role or name: ``"logits=o,probabilities=y"``, ``{"logits": "o"}``.
Symbols: TypeAlias = "str | Mapping[str, str]"

#: Vectors of a reader's point have at most so many entries, which no number exceeds in size: its exponential would fill
#: pages, and a longer vector takes minutes.
MOST_ENTRIES, LARGEST = 12, 100_000

_NUMBER = re.compile(r"[-+−]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][-+]?\d{1,2})?|[-+−]?\d{1,12}/\d{1,12}", re.ASCII)
_MOST_SYMBOLS = 30


def point(at: At, lexicon: Lexicon, letters: Notation) -> dict[str, tuple[Fraction, ...]]:
    """The numbers by letter of the grammar; those without a letter are logits.

    A letter is named as the grammar names it, by its role, or as ``letters`` print it. Raises ValueError with the remedy.
    """
    found: dict[str, tuple[Fraction, ...]] = {}
    for key, values in _assigned(at):
        name = _name(key, lexicon, letters) if key else "z"
        if name in found:
            raise ValueError(f"{key or 'z'} is given twice")
        found[name] = tuple(map(_number, values))
        if not 1 <= len(values) <= MOST_ENTRIES:
            raise ValueError(f"{len(values)} numbers for {key or 'z'}; at most {MOST_ENTRIES} can be given, and at least one")
    return found


def _assigned(at: At) -> Iterator[tuple[str, list[str]]]:
    """Letter, empty where none is named, and the texts of its numbers."""
    if isinstance(at, Mapping):
        for key, value in at.items():
            yield str(key), _texts(value)
    elif isinstance(at, str):
        key, sign, values = at.rpartition("=")
        if sign and not key.strip():
            raise ValueError(f"a letter is missing in {at!r}; as in y=0,1,0")
        yield key.strip(), values.split(",")
    else:
        entries = list(at) if isinstance(at, Iterable) else [at]
        if any(isinstance(entry, str) and ("=" in entry or "," in entry) for entry in entries):
            for entry in entries:
                yield from _assigned(str(entry))
        else:
            yield "", _texts(entries)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return value.split(",")
    return [str(entry) for entry in value] if isinstance(value, Iterable) else [str(value)]


def _number(text: str) -> Fraction:
    stripped = text.strip()
    if not _NUMBER.fullmatch(stripped):
        raise ValueError(f"{stripped[:40]!r} is no number; decimals or fractions, separated by commas: 0,4,5 or y=0.5,1/3")
    try:
        value = Fraction(stripped.replace("−", "-"))
    except ZeroDivisionError:
        raise ValueError(f"{stripped} divides by 0") from None
    if abs(value) > LARGEST:
        raise ValueError(f"{stripped} is too large; numbers are at most {LARGEST:,} in size")
    return value


def _name(key: str, lexicon: Lexicon, letters: Notation) -> str:
    """The grammar's name of what a reader calls by the letter that he chose, else by its role, name or usual letter."""
    for name, letter in letters.letters.items():
        if key in (letter.text, letter.ascii):
            return name
    return _named(key, lexicon)


def _named(key: str, lexicon: Lexicon) -> str:
    return next(iter(notation(lexicon, {key: "s"}).letters))


def renames(symbols: Symbols) -> dict[str, str]:
    """Letters by what they stand for. Raises ValueError for a text that is not of the form ROLE=LETTER,ROLE=LETTER."""
    if isinstance(symbols, Mapping):
        return {str(key): str(letter) for key, letter in symbols.items()}
    found: dict[str, str] = {}
    for part in symbols.split(","):
        key, sign, letter = (text.strip() for text in part.partition("="))
        if not (key and sign and letter):
            raise ValueError(f"{part.strip()[:40]!r} is no ROLE=LETTER; as in logits=o,probabilities=y")
        if key in found:
            raise ValueError(f"{key} is given twice")
        found[key] = letter
    if len(found) > _MOST_SYMBOLS:
        raise ValueError(f"{len(found)} letters; at most {_MOST_SYMBOLS} can be chosen")
    return found


def notation_for(lexicon: Lexicon, usual: Mapping[str, str], own: Mapping[str, str]) -> Notation:
    """The notation of a page: ``usual`` letters that the page brings along, and a reader's ``own``, which win.

    Raises ValueError for a name that no letter has, and for one letter that would stand for two.
    """
    taken = {_named(key, lexicon) for key in own}
    return notation(lexicon, {**{k: v for k, v in usual.items() if _named(k, lexicon) not in taken}, **own})
