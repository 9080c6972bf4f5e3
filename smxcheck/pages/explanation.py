"""What ``smxcheck explain`` answers, as an object: a page, the letters it is printed in, and its formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from smxcheck.derivations.model import Derivation
from smxcheck.derivations.topics import topics
from smxcheck.formula.notation import Notation, check, used_names
from smxcheck.pages import as_text
from smxcheck.pages.as_markdown import formulas_only
from smxcheck.pages.asked import At, Symbols, notation_for, point, renames
from smxcheck.pages.exercise import exercise_page, solution_page
from smxcheck.pages.model import Page
from smxcheck.pages.render import formulas, render
from smxcheck.pages.topic import topic_page
from smxcheck.report.screen import Line


@dataclass(frozen=True)
class Explanation:
    """A page and its notation. In a notebook it shows itself as Markdown with mathematics."""

    page: Page
    notation: Notation = field(repr=False)

    def __str__(self) -> str:
        return self.to_text()

    @property
    def exit_code(self) -> int:
        """What the command ends with: 0 where all is true, or a note's verdict is the one on record."""
        return self.page.exit_code

    def to_text(self, ascii: bool = False, width: int = 80) -> str:
        """For a terminal, at most ``width`` columns wide; with ``ascii`` formulas are in the grammar of claims."""
        return render(self.page, "text", replace(self.notation, ascii=ascii), width)

    def lines(self, ascii: bool = False, width: int = 80) -> list[Line]:
        """The same as styled lines."""
        return as_text.lines(self.page, replace(self.notation, ascii=ascii), width)

    def to_markdown(self) -> str:
        """Markdown with LaTeX between dollars."""
        return render(self.page, "markdown", self.notation)

    def to_latex(self, document: bool = False) -> str:
        r"""A fragment for ``\input`` that needs amsmath, or a document that pdflatex compiles."""
        return render(self.page, "latex-document" if document else "latex", self.notation)

    def to_json(self) -> str:
        """JSON, ``smxcheck-explain/1``."""
        return render(self.page, "json", self.notation)

    def to(self, format: str) -> str:
        """One of `smxcheck.pages.render.FORMATS` by its name. Raises ValueError for another."""
        return render(self.page, format, self.notation)

    def _repr_markdown_(self) -> str:
        return self.to_markdown()

    def _repr_latex_(self) -> str:
        """The formulas alone: a notebook sets LaTeX without sections and paragraphs."""
        return formulas_only(self.page, self.notation)


@dataclass(frozen=True)
class Request:
    """What is asked for: words of a topic or a claim, and how it shall be shown."""

    words: Sequence[str] = ()
    claim: str | None = None
    at: At | None = None
    symbols: Symbols | None = None
    exercise: bool = False
    solution: bool = False
    seed: int | None = None

    @property
    def only_for_derivations(self) -> str:
        """The first option that only derivations have; empty where none is asked for."""
        asked = {"numbers (--at)": self.at is not None, "--exercise": self.exercise, "--solution": self.solution}
        return next((name for name, wanted in asked.items() if wanted), "")


def answer(request: Request) -> Explanation:
    """The page that is asked for, or the list of all.

    Raises ValueError with the sentence that the command prints: `FormulaError` for a claim, `NotFound` for a topic; and
    ``smxcheck.caseset.CaseError`` for what has the form of a case's id and is none.
    """
    _fits(request)
    own = renames(request.symbols) if request.symbols else {}
    page = _page(request, own)
    letters = page.data.get("letters", {})
    usual = letters if isinstance(letters, Mapping) else {}
    printed = notation_for(page.lexicon, usual, own)
    if own:
        check(printed, used_names(formulas(page)))
    return Explanation(page, printed)


def _fits(request: Request) -> None:
    """Raises ValueError for what cannot be asked for together."""
    named = " ".join(request.words)
    if request.claim is not None and named:
        raise ValueError(f"either a topic or a claim, not both: {named!r}; a claim with spaces in it stands in quotes")
    if request.exercise and request.solution:
        raise ValueError("either the exercise or its solution: with the same seed they belong together")
    if request.at is not None and (request.exercise or request.solution):
        raise ValueError("an exercise has no numbers in it: leave --at away")
    if request.seed is not None and not (request.exercise or request.solution):
        raise ValueError("a seed chooses an exercise: add --exercise or --solution")
    if request.seed is not None and not 0 <= request.seed < 2**32:
        raise ValueError(f"a seed is a number from 0 to {2**32 - 1}, not {request.seed}")
    if request.only_for_derivations and not named:
        about = "a claim has none" if request.claim is not None else "name one: smxcheck explain lists them"
        raise ValueError(f"{request.only_for_derivations} is for derivations; {about}")


def _page(request: Request, own: Mapping[str, str]) -> Page:
    if request.claim is not None:
        from smxcheck.pages.claim import claim_page

        return claim_page(request.claim)
    if not request.only_for_derivations:
        return _found(request.words)
    derivation = _derivation(request.words)
    if derivation is None:
        page = _found(request.words)
        raise ValueError(f"{request.only_for_derivations} is for derivations, and {page.id} is a {page.kind}")
    if request.exercise or request.solution:
        return (exercise_page if request.exercise else solution_page)(derivation, 1 if request.seed is None else request.seed)
    lexicon = derivation.lexicon
    return topic_page(derivation, point("" if request.at is None else request.at, lexicon, notation_for(lexicon, {}, own)))


def _found(words: Sequence[str]) -> Page:
    from smxcheck.pages import find  # what it imports takes longer than a derivation does

    return find.find(words) if words else find.contents()


def _derivation(words: Sequence[str]) -> Derivation | None:
    """The derivation of that id or alias."""
    asked = "-".join(" ".join(words).lower().split()).removeprefix("derivation-")
    return next((d for d in topics().values() if asked in (d.id, *d.aliases)), None)
