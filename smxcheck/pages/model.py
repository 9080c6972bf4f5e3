"""What a page of ``explain`` is: a title and blocks, which know nothing of how they will look.

Each renderer (terminal, Markdown, LaTeX, JSON) turns every kind of block into its own text. Formulas stay trees until
then, so that a reader's letters, Unicode or LaTeX are a matter of printing alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from smxcheck.formula.lexicon import COMMON, Lexicon
from smxcheck.formula.tree import Condition, Node

#: Running text with formulas in it.
Prose: TypeAlias = tuple[str | Node, ...]


@dataclass(frozen=True)
class Heading:
    """A heading below the page's title."""

    text: Prose


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: Prose


@dataclass(frozen=True)
class Display:
    """A formula on a line of its own: an expression, a relation, or a claim with its conditions."""

    formula: Node


@dataclass(frozen=True)
class Letter:
    """One letter with its definition, where it has one, and what it means."""

    symbol: Node
    definition: Node | None
    meaning: Prose


@dataclass(frozen=True)
class Letters:
    """The letters that a page uses."""

    rows: tuple[Letter, ...]


@dataclass(frozen=True)
class Mark:
    """What the execution of a line said: true in at least ``digits`` digits at ``points`` points, false, undecided."""

    outcome: str
    digits: int = 0
    points: int = 0


@dataclass(frozen=True)
class Failure:
    """Where a relation fails: the numbers put in, and what each side then is, as printed numbers."""

    point: tuple[tuple[str, str], ...]  # letter of the grammar, its number or numbers
    indices: tuple[tuple[str, int], ...]
    left: str
    right: str


@dataclass(frozen=True)
class Numbers:
    """A line at the reader's point, for one choice of its indices: the formula with numbers in it, and its value."""

    indices: tuple[tuple[str, int], ...]
    formula: Node
    value: str


@dataclass(frozen=True)
class Line:
    """One step of a chain. An ``expression`` of None is a blank that the reader fills in."""

    number: int
    rule: Prose
    operator: str
    expression: Node | None
    order: tuple[str, int] | None = None
    given: tuple[Condition, ...] = ()
    note: Prose = ()
    mark: Mark | None = None
    failure: Failure | None = None
    numbers: tuple[Numbers, ...] = ()


@dataclass(frozen=True)
class Chain:
    """A chain of steps from ``start``, under ``conditions``, with an introduction in ``text``; ``start_numbers`` is the first
    line at the reader's point."""

    title: Prose
    conditions: tuple[Condition, ...]
    start: Node
    lines: tuple[Line, ...]
    start_numbers: tuple[Numbers, ...] = ()
    text: Prose = ()


@dataclass(frozen=True)
class Table:
    """Columns of short texts; ``header`` may be empty. Numbers are aligned to the right where ``numeric``."""

    header: tuple[Prose, ...]
    rows: tuple[tuple[Prose, ...], ...]
    numeric: bool = False
    caption: Prose = ()


@dataclass(frozen=True)
class Facts:
    """Label and text, line by line."""

    rows: tuple[tuple[str, Prose], ...]


@dataclass(frozen=True)
class Code:
    """Lines that stay as they are: a program, a command, a screen."""

    text: str
    language: str = ""


Block: TypeAlias = Heading | Text | Display | Letters | Chain | Table | Facts | Code


@dataclass(frozen=True)
class Page:
    """A page. ``kind`` is topic, statement, claim, check, mistake, case, function, word, bound or list.

    ``data`` is what a program may want beside the blocks: plain values that JSON can hold. ``exit_code`` is what the
    command ends with: 1 where a claim was found false, 3 where it could not be decided.
    """

    kind: str
    id: str
    title: Prose
    blocks: tuple[Block, ...]
    lexicon: Lexicon = field(default=COMMON, repr=False, compare=False)
    data: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    exit_code: int = 0
