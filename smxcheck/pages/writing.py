"""How a claim is written: the grammar of formulas, for those who type one."""

from __future__ import annotations

from smxcheck.formula.lexicon import COMMON
from smxcheck.formula.prose import prose
from smxcheck.formula.symbols import SYMBOLS, Symbol
from smxcheck.pages.model import Block, Code, Prose, Table, Text
from smxcheck.pages.sections import paragraph, section

#: What is written, and what it is.
_FORMS = (
    ("p[i], z[1]", "an entry, by an index i, j, k, l, c or by its number; classes count from 1"),
    ("+  -  *  /  ^", "a product needs its *: p[i]*(1 - p[j])"),
    ("exp(x), log(x)", "also sqrt, abs, log1p, expm1; logarithms are natural ones"),
    ("max(x, y), min(x, y)", "of two numbers"),
    ("sum(k, p[k])", "over all classes; also prod and max"),
    ("sum(k != i, p[k])", "over all classes but i"),
    ("delta(i, j)", "Kronecker's delta"),
    ("diff(H, z[i])", "a derivative"),
    ("diff(H, z[i], z[j])", "a second derivative"),
    ("p(z + 3)[i], H(2*z)", "p, H and what else follows from the logits, at other logits"),
    ("integral(x, 0, 1, x^2)", "from 0 to 1; inf is infinity, pi is 3.14159…"),
    ("==  !=  <=  >=  <  >", "one of them between two sides"),
    ("... + O(t^2)", "behind the right side: equal but for a remainder of that order"),
    ("... if n == 2, z[i] > z[j]", "conditions at the end, separated by commas; of indices too: if i != j"),
)

_EXAMPLES = """\
smxcheck explain --claim "diff(p[i], z[j]) == p[i]*(delta(i, j) - p[j])"
smxcheck explain --claim "sum(k, p[k]) == 1"
smxcheck explain --claim "H <= log(n)"
smxcheck explain --claim "p(z + 3)[i] == p[i]"
"""


def claim_blocks() -> tuple[Block, ...]:
    """What a claim is, what it is built of, its letters, and examples."""
    about = (
        "A formula of your own. It is evaluated at many points with many digits, and found true, true if a condition is met,"
        " or false with the numbers that show it. With --ascii every page prints its formulas as they are written here."
    )
    why = (
        "A missing case and a missing condition look right on paper and often in a test, too: at equal logits, or with labels"
        " that add up to 1. The numbers that a false claim is answered with can be tried on a calculator."
    )
    forms = tuple(((form,), (meaning,)) for form, meaning in _FORMS)
    return (
        Text((about,)),
        *paragraph("why it matters", why),
        *section("what may be written", Table((), forms)),
        *section("letters", Table((), tuple(_letter(symbol) for symbol in SYMBOLS.values()))),
        *section("examples", Code(_EXAMPLES, "sh")),
    )


def _letter(symbol: Symbol) -> tuple[Prose, ...]:
    written = {"vector": f"{symbol.name}[i]", "function": f"{symbol.name}(x)"}.get(symbol.kind, symbol.name)
    return (written,), prose(symbol.meaning, COMMON)
