"""The formats of a page, by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from smxcheck.formula.notation import Notation
from smxcheck.formula.tree import Node
from smxcheck.pages import as_json, as_latex, as_markdown, as_text
from smxcheck.pages.model import Page

_RENDERERS: Mapping[str, Callable[[Page, Notation, int], str]] = MappingProxyType({
    "text": as_text.render,
    "markdown": lambda page, notation, width: as_markdown.render(page, notation),
    "latex": lambda page, notation, width: as_latex.render(page, notation),
    "latex-document": lambda page, notation, width: as_latex.render(page, notation, document=True),
    "json": lambda page, notation, width: as_json.render(page, notation),
})  # fmt: skip

FORMATS: tuple[str, ...] = tuple(_RENDERERS)


def render(page: Page, format: str, notation: Notation, width: int = 80) -> str:
    """The page in a format; ``width`` is that of text. Raises ValueError for a format that does not exist."""
    if format not in _RENDERERS:
        raise ValueError(f"no format {format!r}; there are {', '.join(FORMATS)}")
    return _RENDERERS[format](page, notation, width)


def formulas(page: Page) -> Iterator[Node]:
    """Every formula of a page, those in running text too."""
    yield from _nodes((page.title, page.blocks))


def _nodes(value: Any) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, tuple):
        for entry in value:
            yield from _nodes(entry)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _nodes(getattr(value, field.name))
