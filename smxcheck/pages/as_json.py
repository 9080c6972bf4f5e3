"""A page as JSON, ``smxcheck-explain/1`` (``schema.json`` beside this file): every formula in ASCII, Unicode and LaTeX.

Running text is a list of texts and formulas. The ASCII of a formula is the grammar's own text, in the reader's letters where
others were asked for. Characters beyond ASCII are escaped, so that any stream takes them.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

from smxcheck.formula.notation import Notation, latex, text
from smxcheck.formula.tree import Node
from smxcheck.pages.model import Page

SCHEMA = "smxcheck-explain/1"


def render(page: Page, notation: Notation) -> str:
    """The page as JSON text."""
    return json.dumps(document(page, notation), indent=2, allow_nan=False) + "\n"


def document(page: Page, notation: Notation) -> dict[str, Any]:
    """The page as JSON values."""
    writer = _Writer(dataclasses.replace(notation, ascii=False))
    return {
        "schema": SCHEMA,
        "kind": page.kind,
        "id": page.id,
        "title": writer.value(page.title),
        "exit_code": page.exit_code,
        "blocks": [{"block": type(block).__name__.lower(), **writer.fields(block)} for block in page.blocks],
        "data": writer.value(page.data),
    }


@dataclasses.dataclass(frozen=True)
class _Writer:
    notation: Notation

    def value(self, value: Any) -> Any:
        """A value of a page as JSON's: formulas as objects, non-finite numbers as text."""
        if isinstance(value, Node):
            return self._formula(value)
        if isinstance(value, Mapping):
            return {str(key): self.value(entry) for key, entry in value.items()}
        if isinstance(value, tuple | list | set | frozenset):
            return [self.value(entry) for entry in value]
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return self.fields(value)
        if value is None or isinstance(value, str | bool | int):
            return value
        return value if isinstance(value, float) and math.isfinite(value) else str(value)

    def fields(self, value: Any) -> dict[str, Any]:
        """The fields of a block by name."""
        return {field.name: self.value(getattr(value, field.name)) for field in dataclasses.fields(value)}

    def _formula(self, node: Node) -> dict[str, str]:
        plain = dataclasses.replace(self.notation, ascii=True)
        return {"ascii": text(node, plain), "text": text(node, self.notation), "latex": latex(node, self.notation)}
