"""The files that smxcheck wrote, read back: no size that a file claims is believed, and nothing in it is executed."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import zlib
from typing import Any, BinaryIO

#: Bytes of JSON, unpacked, that are read. A result takes one kilobyte (2.94 MB for the 2,956 of verify torch -f softmax
#: -f log_softmax -f logsumexp): a quarter of a million of them.
MOST_BYTES = 256 << 20
#: Lists and objects in them. Reports have one in 96 bytes; nothing but brackets would need ten times their size in memory.
MOST_PARTS = MOST_BYTES // 32
#: Values beside each other: a time in a file of bench takes some twenty bytes; a number that takes five would need forty.
MOST_VALUES = MOST_BYTES // 8
_GZIP = b"\x1f\x8b"


def read_text(name: str) -> str:
    """The text of a file, unpacked where it is compressed (whatever its name); ``-`` is stdin.

    Raises OSError where it cannot be read, ValueError for what is not text in UTF-8, not a whole compressed file, or more
    than `MOST_BYTES` long.
    """
    if name == "-":
        return _text(sys.stdin.buffer)
    with open(name, "rb", opener=_at_once) as stream:
        return _text(stream)


def _at_once(name: str, flags: int) -> int:
    """A pipe to which nobody writes is empty, and not waited for."""
    descriptor = os.open(name, flags | getattr(os, "O_NONBLOCK", 0))
    if hasattr(os, "O_NONBLOCK"):
        os.set_blocking(descriptor, True)
    return descriptor


def _text(stream: BinaryIO) -> str:
    content = _within(stream)
    if content.startswith(_GZIP):
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
                content = _within(packed)
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise ValueError("not a whole compressed file") from None
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ValueError("not text in UTF-8") from None


def _within(stream: BinaryIO | gzip.GzipFile) -> bytes:
    content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES >> 20} MiB of JSON: no file of smxcheck's is as long")
    return content


def parsed(text: str) -> Any:
    """The JSON value of a text. Raises ValueError, with one line, for all that is not JSON, too deep, or too much."""
    if text.count("[") + text.count("{") > MOST_PARTS:
        raise ValueError(f"not JSON of smxcheck's: more than {MOST_PARTS:,} lists and objects")
    if text.count(",") > MOST_VALUES:
        raise ValueError(f"not JSON of smxcheck's: more than {MOST_VALUES:,} values")
    try:
        return json.loads(text, parse_constant=_not_json)
    except RecursionError:
        raise ValueError("not JSON: values in each other too deep") from None
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None


def _not_json(name: str) -> float:
    raise ValueError(f"{name} is no JSON")
