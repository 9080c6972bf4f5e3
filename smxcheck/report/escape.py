"""Text that a target supplies (error messages, names, reprs) made harmless before it reaches any output.

Escape sequences of terminals are removed; other control characters become visible, for example ``\\x07``.
Workflow commands of CI logs (``::error``, ``##[group]``) are broken up, since wrapping may put any word at
the start of a line.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, TypeVar

# ECMA-48: CSI sequences, then the string sequences (OSC, DCS, SOS, PM, APC) up to BEL or ST, then two-byte
# escapes.
_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]"
)
# Format characters that reorder or hide text: bidirectional controls, zero width, BOM, and the interlinear
# marks.
_HIDDEN = "\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
_CONTROL = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff{_HIDDEN}]")
_WORKFLOW_COMMAND = re.compile(r"(?<!\S)::|##\[")

# Most text: printable ASCII without a colon or number sign, words one space apart. ``one_line`` keeps it.
_HARMLESS = re.compile(r"(?:[!\"$-9;-~]+(?: [!\"$-9;-~]+)*)?")

_ASCII = {
    "≥": ">=", "≤": "<=", "≠": "!=", "≈": "~=", "±": "+-", "−": "-", "–": "-", "—": "-", "·": "*", "×": "x",
    "→": "->", "…": "...", "∞": "inf", "√": "sqrt", "Σ": "sum", "∂": "d", "σ": "sigma", "ε": "eps", "λ": "lambda",
    "η": "eta", "φ": "phi", "τ": "tau", "ℓ": "l", "⌈": "ceil(", "⌉": ")", "‘": "'", "’": "'", "“": '"', "”": '"',
    "⟨": "<", "⟩": ">", "‖": "||", "Δ": "Delta", "δ": "delta", "ρ": "rho", "μ": "mu", "µ": "u", "\u00a0": " ",
}  # fmt: skip

T = TypeVar("T")


def clean(text: str) -> str:
    """``text`` without escape sequences; every other control character but tab and newline is made
    visible.
    """
    return _CONTROL.sub(lambda m: _visible(m.group()), _ANSI.sub("", text))


def one_line(text: str) -> str:
    """``clean(text)`` on one line: runs of white space are one space, and no word starts a workflow
    command.
    """
    if _HARMLESS.fullmatch(text):
        return text
    return _WORKFLOW_COMMAND.sub(lambda m: " ".join(m.group()), " ".join(clean(text).split()))


def _visible(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def to_ascii(text: str) -> str:
    """``text`` in ASCII: symbols by their usual spelling (≥ is >=), accents dropped, the rest as
    ``\\uXXXX``.
    """
    return text if text.isascii() else "".join(map(_ascii_character, text))


def _ascii_character(character: str) -> str:
    if character.isascii():
        return character
    if character in _ASCII:
        return _ASCII[character]
    base = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return base or character.encode("ascii", "backslashreplace").decode()


_WITHOUT_TEXT = (float, int, bool)


@cache
def _field_names(of: type) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(of))


def cleaned(value: T) -> T:
    """``value`` with every string in it on one line and harmless; dataclasses, mappings and tuples are
    rebuilt.

    What needs no change is returned as it is: a report has hundreds of thousands of harmless fields.
    """
    result: Any = value
    if isinstance(value, Enum | int | float) or value is None:
        return value
    if isinstance(value, str):
        result = one_line(value)
    elif isinstance(value, Mapping):
        if not value or isinstance(next(iter(value.values())), int):
            return value  # a histogram has no text
        rebuilt: Any = {cleaned(k): cleaned(v) for k, v in value.items()}
        result = value if rebuilt == value else rebuilt
    elif isinstance(value, tuple | list):
        rebuilt = type(value)(map(cleaned, value))
        result = value if rebuilt == value else rebuilt
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = {}
        for name in _field_names(type(value)):
            before = getattr(value, name)
            if before and type(before) not in _WITHOUT_TEXT and (after := cleaned(before)) is not before:
                changed[name] = after
        result = dataclasses.replace(value, **changed) if changed else value
    return result  # type: ignore[no-any-return]
