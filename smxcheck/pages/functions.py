"""The page of a function of the catalog: its formula, its call, and what else there is about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from smxcheck.catalog import FUNCTIONS, KEYWORD_DEFAULTS, SHAPES, Function
from smxcheck.pages.model import Block, Facts, Page, Prose, Text


def lookup(text: str) -> Callable[[], Page] | None:
    """The page of a function by its name."""
    return partial(function_page, FUNCTIONS[text]) if text in FUNCTIONS else None


def names() -> Iterable[str]:
    """The names of all functions."""
    return FUNCTIONS


def call_of(f: Function) -> str:
    """The call with every keyword: softmax(x, axis)."""
    return f"{f.name}({', '.join((*f.arguments, *f.keywords))})"


def function_page(f: Function) -> Page:
    """What a function is, and its call."""
    return Page("function", f.name, (call_of(f),), blocks(f))


def blocks(f: Function) -> tuple[Block, ...]:
    """The facts of a function, for its own page and for the end of a derivation's."""
    derivatives = [g.name for g in FUNCTIONS.values() if g.derivative_of == f.name]
    rows: list[tuple[str, Prose]] = [
        ("formula", (f.formula,)),
        ("call", (call_of(f),)),
        ("result", (SHAPES[f.shape],)),
    ]
    if f.keywords:
        rows.append(("default", (", ".join(f"{k}={KEYWORD_DEFAULTS[k]!r}" for k in f.keywords),)))
    if f.derivative_of:
        rows.append(("derivative of", (f.derivative_of,)))
    if derivatives:
        rows.append(("derivatives", (", ".join(derivatives),)))
    derived = _derived(f)
    if derived:
        first, *others = derived
        rows.append(("derivation", (f"smxcheck explain {first}{'; also ' * bool(others)}{', '.join(others)}",)))
    rows += [
        ("error bounds", (f"smxcheck explain bound {f.name}",)),
        ("known mistakes", (f"smxcheck explain mistakes {f.name}",)),
        ("check yours", (f"smxcheck verify FILE.py:NAME --function {f.name}",)),
    ]
    return (Text((f"{f.summary[0].upper()}{f.summary[1:]}.",)), Facts(tuple(rows)))


def _derived(f: Function) -> list[str]:
    """The derivations that name the function."""
    from smxcheck.derivations.topics import topics

    return [topic.id for topic in topics().values() if f.name in topic.functions]
