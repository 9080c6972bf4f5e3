"""The shapes that are timed, by name: short and long rows, another axis, a strided view, a ladder of lengths."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

#: What ``--shape 4096x1000`` means. A product sign, an asterisk or a comma serves as well, and so does Python's (4096, 1000).
_NUMBERS = re.compile(r"\d+(?:\s*[xX×*,]\s*\d+)*")
_MOST_AXES = 6


@dataclass(frozen=True)
class Shape:
    """Of the first argument, which is reduced along ``axis`` and laid out as ``layout`` (a key of LAYOUTS of the cases)."""

    shape: tuple[int, ...]
    axis: int = -1
    layout: str = "contiguous"

    @property
    def title(self) -> str:
        """``4096 x 1000``, ``1000 x 4096, axis 0``, ``4096 x 1000, every other column``: unique among shapes."""
        parts = [" x ".join(map(str, self.shape))]
        parts += [f"axis {self.axis}"] if self.axis != -1 else []
        parts += [LAYOUTS[self.layout]] if self.layout != "contiguous" else []
        return ", ".join(parts)

    @property
    def n(self) -> int:
        """The length of what is normalised."""
        return self.shape[self.axis]

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


#: The layouts that are timed → how a title says them. The gaps of a strided view are not read.
LAYOUTS = {"contiguous": "", "every-other": "every other column", "transposed": "transposed"}

#: name → (shape, what it stands for).
NAMED: dict[str, tuple[Shape, str]] = {
    "ten": (Shape((100_000, 10)), "many rows of ten classes"),
    "hundred": (Shape((20_000, 100)), "many rows of a hundred classes"),
    "thousand": (Shape((4096, 1000)), "a batch over a thousand classes"),
    "vocabulary": (Shape((64, 50_257)), "a few rows over a vocabulary"),
    "row": (Shape((1, 1 << 22)), "one row of four million entries"),
    "columns": (Shape((1000, 4096), axis=0), "a thousand classes along the first axis"),
    "strided": (Shape((4096, 1000), layout="every-other"), "every other column of a wider array"),
}

#: 2^20 elements in rows of 2 to 2^16 entries: how the cost of an element grows with the length.
LADDER: tuple[Shape, ...] = tuple(Shape(((1 << 20) // n, n)) for n in (2, 4, 16, 64, 256, 1024, 4096, 65_536))

#: Derivatives with n² or n³ values for a row of n have shapes of their own, of 2^20 values at most, and so have samplers,
#: which draw thousands of times from each row.
SQUARED: tuple[Shape, ...] = (Shape((10_000, 10)), Shape((100, 100)), Shape((64, 128)))
CUBED: tuple[Shape, ...] = (Shape((1000, 10)), Shape((32, 24)))
DRAWN: tuple[Shape, ...] = (Shape((100, 10)), Shape((10, 100)), Shape((1, 1000)))


def defaults(result: str) -> tuple[Shape, ...]:
    """What a function is timed on unasked; ``result`` is the key of `smxcheck.catalog.SHAPES` for its values."""
    own = {"jacobian": SQUARED, "wide": SQUARED, "hessian": CUBED, "drawn": DRAWN}
    return own.get(result) or tuple(shape for shape, _ in NAMED.values())


def parse(text: str, axis: int = -1) -> Shape:
    """``4096x1000`` or a key of NAMED, reduced along ``axis`` unless the name says another.

    Raises ValueError with the remedy for anything else, for a length of 0 and for an axis that there is not.
    """
    if text in NAMED:
        return NAMED[text][0]
    bare = text.strip()
    if (bare[:1], bare[-1:]) in (("(", ")"), ("[", "]")):
        bare = bare[1:-1].strip().removesuffix(",")
    if not _NUMBERS.fullmatch(bare):
        raise ValueError(f"no shape {text!r}; write 4096x1000, or one of {', '.join(NAMED)};"
                         " smxcheck list shapes shows them")  # fmt: skip
    lengths = tuple(int(part) for part in re.findall(r"\d+", bare))
    if 0 in lengths:
        raise ValueError(f"the shape {text} has no elements: nothing to time")
    if len(lengths) > _MOST_AXES:
        raise ValueError(f"the shape {text} has more than {_MOST_AXES} axes")
    if not -len(lengths) <= axis < len(lengths):
        raise ValueError(f"the shape {text} has no axis {axis}")
    return Shape(lengths, axis if axis != len(lengths) - 1 else -1)
