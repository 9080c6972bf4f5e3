"""Looking up a word of the reports, under the names that people use for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType

from smxcheck.judge.choices import CHOICES
from smxcheck.pages.glossary import WORDS
from smxcheck.pages.model import Page

#: Other words for the same page.
ALIASES: Mapping[str, str] = MappingProxyType({
    "allowed": "bound", "bounds": "bound", "exact": "enclosure", "reference": "enclosure", "undecided": "enclosure",
    "exact-values": "exact-value", "oracle": "exact-value", "ulps": "ulp", "blind": "cannot-tell", "choices": "choice",
    "no-single-answer": "choice", "group": "case", "id": "case", "cases": "case", "exit": "exit-codes",
    **dict.fromkeys(("program", "commands", "command-protocol", "protocol", "any-language", "npy"), "command"),
    "behaves-as": "problem", "targets": "target", "results": "result", "problems": "problem",
    **dict.fromkeys(("claims", "grammar", "formula", "formulas"), "claim"),
    **dict.fromkeys(("derivative", "derivatives", "backward-pass", "autodiff", "autograd", "vjp", "jvp"), "gradient"),
    **dict.fromkeys(("1ulp", "tight", "standard", "wrong", "levels"), "level"),
    **dict.fromkeys(("ok", "status", "declined", "crashed", "hung", "not-run", "check"), "result"),
    **dict.fromkeys(CHOICES, "choice"),
})  # fmt: skip


def lookup(text: str) -> Callable[[], Page] | None:
    """The page of a word or of another word for it, in any letters, with spaces or hyphens."""
    word = "-".join(text.lower().split())
    word = ALIASES.get(word, word)
    return partial(word_page, word) if word in WORDS else None


def names() -> Iterable[str]:
    """All words, and the other words for them."""
    return (*WORDS, *ALIASES)


def word_page(word: str) -> Page:
    """What a word of the reports means."""
    title, blocks = WORDS[word]
    return Page("word", word, (title,), blocks())
