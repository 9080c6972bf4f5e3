"""Pages of `explain` for the tests of its formats: one with every kind of block, and those of all topics, not executed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from unittest import mock

from smxcheck.derivations.execute import Finding, Outcome
from smxcheck.derivations.model import Derivation
from smxcheck.derivations.run import DerivationResult, StepResult
from smxcheck.derivations.topics import topics
from smxcheck.derivations.verdicts import statements
from smxcheck.formula.lexicon import COMMON
from smxcheck.formula.notation import Notation
from smxcheck.formula.prose import prose
from smxcheck.pages import topic
from smxcheck.pages.asked import notation_for
from smxcheck.pages.model import (
    Block,
    Chain,
    Code,
    Display,
    Facts,
    Failure,
    Heading,
    Letter,
    Letters,
    Line,
    Mark,
    Numbers,
    Page,
    Prose,
    Table,
    Text,
)
from smxcheck.pages.statement import statement_page

#: What means something to TeX, to Markdown or to a terminal, and signs that are not in the fonts of pdflatex.
HOSTILE = (
    "50 % of {a_b} & c#1 ~ ^2 $x$ \\textbf{y} <b> *not* _emphasis_ [link](x) `code` | −2 ≤ φ ≠ Σₖ xᵢ² → ∞ “q” é ø ♞ "
    "\x1b[31mred\x07"
)

#: A formula that fits on no line, and one with a fraction on top of a fraction.
LONG = (
    "p[i]*(delta(i, j) - p[j])*(log(p[i]) + H + 1) - sum(k, p[k]*(z[k] - mu)*(delta(k, j) - p[j])) + z[i]*z[j]*H"
    " - 1/(1 + S/(1 + S))"
)


def words(text: str) -> Prose:
    """Running text with formulas between backticks."""
    return prose(text, COMMON)


def line(number: int, formula: str | None, **more: object) -> Line:
    """A step of a chain."""
    expression = None if formula is None else COMMON.expression(formula)
    given = {"rule": words("take out `p[i]`"), "operator": "==", **more}
    return Line(number, expression=expression, **given)  # type: ignore[arg-type]


START = COMMON.expression("diff(p[i], z[j])")

GOOD = Chain(
    words("one line is like the other"), COMMON.conditions("i != j"), START,
    (line(1, "-p[i]*p[j]", mark=Mark("true", 64, 52)), line(2, "-p[j]*p[i]", mark=Mark("true", 110, 48))),
)  # fmt: skip

REMARKS = Chain(
    (), COMMON.conditions("Y == 1"), START,
    (
        line(3, LONG, mark=Mark("true", 64, 52), note=words("the sum is over `k`, which is free; it stays")),
        line(4, "-p[i]*p[j]", mark=Mark("false", 0, 0),
             failure=Failure((("z", "(0, -1)"), ("t", "1/3"), ("phi", "1/(1 + exp(-x))")), (("i", 1), ("j", 2)),
                             "0.1966119332", "-7.310585786e-05")),
        line(5, "p[i]", operator="<=", mark=Mark("undecided"), given=COMMON.conditions("H > 0")),
        line(6, "t", order=("t", 3), mark=Mark("true", 0, 52)),
        line(7, "0", operator=">=", mark=Mark("true", 0, 52),
             numbers=(Numbers((("i", 1), ("j", 2)), COMMON.expression("0.5*(0 - 0.25)"), "-0.125"),)),
    ),
    start_numbers=(Numbers((("i", 1), ("j", 2)), COMMON.expression("-0.125"), "-0.125"),),
)  # fmt: skip

BLANKS = Chain((), (), START, (line(8, None), line(9, "-p[i]*p[j]")))

BLOCKS: tuple[Block, ...] = (
    Heading(words("A heading with `phi(z[i])`")),
    Text((HOSTILE,)),
    Text(words("`z[j]` stands in the sum. " * 12)),
    Display(COMMON.claim("diff(CE, z[i]) == p[i] - y[i] if Y == 1")),
    Display(COMMON.claim(f"{LONG} == {LONG} if i != j, Y == 1")),
    Letters((
        Letter(COMMON.expression("p[i]"), COMMON.expression("e[i]/S"), words("softmax of the logits")),
        Letter(COMMON.expression("z[i]"), None, words("logits")),
    )),
    Letters((Letter(COMMON.expression("H"), COMMON.expression(LONG), words("a definition that fits on no line")),)),
    GOOD, REMARKS, BLANKS,
    Table(
        (words("`i`"), words("name"), words("what it is")),
        ((words("1"), words("a_b|c"), words("long text " * 20)), (words("2"), words("c"), words("`p[i]`"))),
        caption=words("texts"),
    ),
    Table((), tuple(tuple(((f"{r - c}.{c}25",)) for c in range(12)) for r in range(3)), True, words("`diff(p[i], z[j])`")),
    Table((), ((("0.5",), ("-0.25",), ("1e-05",)),), True, words("`p[i]`")),
    Facts((("call", ("softmax([0, 1])",)), ("", ("and again",)), ("a label that is much too long", ("text " * 30,)))),
    Code("$ smxcheck explain 'a b'\n\\end{verbatim} ``` − φ\t|", "sh"),
)  # fmt: skip

EVERY_BLOCK = Page("topic", "every_block", words("Every block, with `p[i]`"), BLOCKS, data={"steps": 9, "worst": float("inf")})


def unexecuted(derivation: Derivation, generic: int = 0) -> DerivationResult:
    """The result that a derivation has when all of it is true: what its pages look like needs no execution."""
    finding = Finding(Outcome.TRUE, 110, 52)
    steps: list[StepResult] = []
    for part in derivation.parts:
        for step, relation, _ in part.relations():
            steps.append(StepResult(len(steps) + 1, part, step, relation, finding))
    return DerivationResult(derivation, tuple(steps), tuple((claim, finding) for claim in derivation.results))


def topic_pages() -> Iterator[Page]:
    """The page of every topic."""
    with mock.patch.object(topic, "run", unexecuted):
        yield from [topic.topic_page(derivation) for derivation in topics().values()]


def statement_pages() -> Iterator[tuple[Page, Notation]]:
    """The page of every published statement, executed, with the notation of its document."""
    for statement in statements().values():
        page = statement_page(statement)
        letters = page.data.get("letters", {})
        assert isinstance(letters, Mapping)
        yield page, notation_for(page.lexicon, letters, {})
