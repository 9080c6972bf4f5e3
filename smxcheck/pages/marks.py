"""The words beside the lines of a chain: what execution said of each, and one sentence that explains them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from smxcheck.pages.model import Chain, Failure, Line, Mark, Page

#: Signs of relations as they are printed; in ASCII they are the grammar's own.
UNICODE_SIGNS: Mapping[str, str] = MappingProxyType({"==": "=", "!=": "≠", "<=": "≤", ">=": "≥", "<": "<", ">": ">"})
LATEX_SIGNS: Mapping[str, str] = MappingProxyType(
    {"==": "=", "!=": r"\ne", "<=": r"\le", ">=": r"\ge", "<": "<", ">": ">"}
)

#: A number by itself, as it stands in tables and beside formulas.
NUMBER = re.compile(r"[-−+]?(?:\d+(?:\.\d+)?(?:[eE][-+−]?\d+)?|inf)\Z")


def mark_text(mark: Mark) -> str:
    """``ok (64)``, ``ok`` where digits say nothing, ``FALSE``, ``undecided``."""
    if mark.outcome == "true":
        return f"ok ({mark.digits})" if mark.digits else "ok"
    return "FALSE" if mark.outcome == "false" else mark.outcome


def marks(page: Page) -> list[Mark]:
    """The marks of all lines of a page's chains."""
    return [line.mark for block in page.blocks if isinstance(block, Chain) for line in block.lines if line.mark]


def legend(found: Iterable[Mark]) -> str:
    """What ok means, with the numbers of these marks; empty where none of them is ok."""
    good = [mark for mark in found if mark.outcome == "true"]
    equal = [mark for mark in good if mark.digits]
    rest = [mark for mark in good if not mark.digits]
    sentences = []
    if equal:
        same = len({mark.digits for mark in equal}) == 1
        digits = equal[0].digits if same else "N"
        fewer = "" if same else " N is smaller where a derivative or an integral is evaluated."
        sentences.append(f"ok ({digits}): equal to the line above in {digits} digits {_at_points(equal)}.{fewer}")
    if rest:
        sentences.append(f"ok: true {_at_points(rest)}.")
    return " ".join(sentences)


def executed(found: Iterable[Mark]) -> str:
    """The same where no ticks are printed; empty where no line is true."""
    good = [mark for mark in found if mark.outcome == "true"]
    equal = [mark for mark in good if mark.digits]
    if not good:
        return ""
    digits = f" Equations: equal to the line above in at least {min(m.digits for m in equal)} digits." if equal else ""
    return f"Every line was executed {_at_points(good)}, and is true where nothing else is said.{digits}"


def _at_points(found: Sequence[Mark]) -> str:
    least, most = min(mark.points for mark in found), max(mark.points for mark in found)
    return f"at {least} points" if least == most else f"at {least} to {most} points"


def last_chain(page: Page) -> int:
    """The place of the last chain among the blocks, after which the legend stands; -1 where there is none."""
    return max((i for i, block in enumerate(page.blocks) if isinstance(block, Chain)), default=-1)


def opening(chain: Chain) -> bool:
    """Whether the first line may stand on one line with what it starts from: nothing is said of the start by itself."""
    return not chain.start_numbers and bool(chain.lines)


def failed(line: Line) -> bool:
    """Whether a line was executed and is not true."""
    return line.mark is not None and line.mark.outcome != "true"


def failure_head(failure: Failure, outcome: str) -> str:
    """How the report of a failing point begins."""
    place = " at " if failure.point or failure.indices else ""
    return ("false" if outcome == "false" else outcome) + place
