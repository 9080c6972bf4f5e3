"""The pages of the wrong implementations that ship: the common ones, those of a function, and each by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from smxcheck.catalog import FUNCTIONS, Group
from smxcheck.judge.codes import CHECKS
from smxcheck.mistakes import MISTAKES, Misbehaviour, Mistake, mistakes_in
from smxcheck.pages.checks import does, failing, passing
from smxcheck.pages.exhibit import of_mistake
from smxcheck.pages.model import Block, Code, Facts, Page, Table, Text
from smxcheck.pages.sections import paragraph, section, sources
from smxcheck.pages.shown import SHOWN, wrong_ones
from smxcheck.pages.temptations import why_tempting

Build = Callable[[], Page]

#: How many functions the list of the common ones counts.
_COUNTED = 6

#: The mistakes that are met most: in public reports, in published derivations, in students' work.
COMMON = (
    "softmax/unshifted", "softmax/global-maximum", "softmax/whole-array", "softmax/accumulator-of-16-bits",
    "log_softmax/log-of-softmax", "log_softmax/minus-logsumexp", "logsumexp/log-of-sum",
    "cross_entropy/clipped", "cross_entropy/softmax-twice", "cross_entropy/mean-over-ignored",
    "cross_entropy/mean-of-means", "cross_entropy/negative-label-wraps",
    "entropy/zero-times-infinity", "kl_divergence/swapped",
    "softmax_jacobian/diagonal", "softmax_jacobian/without-kronecker", "softmax_vjp/uncentred",
    "softmax_hessian/published-case", "cross_entropy_grad/labels-sum-to-one", "cross_entropy_grad/label-entry-only",
    "softmax_entropy_grad/published", "softmax_entropy_hessian/published",
    "sparsemax/cumulative-twice", "gumbel_softmax/softmax-before-noise", "gumbel_max_sample/one-logarithm",
)  # fmt: skip


def lookup(text: str) -> Build | None:
    """The page of a wrong implementation by its id; of the common ones by ``mistakes``."""
    if text == "mistakes":
        return common_page
    found = wrong_ones().get(text)
    if found is None:
        return None
    return partial(mistake_page, found) if isinstance(found, Mistake) else partial(misbehaviour_page, found)


def lookup_list(text: str) -> Build | None:
    """All mistakes of a function."""
    return partial(function_mistakes_page, text) if text in FUNCTIONS else None


def names() -> Iterable[str]:
    """Ids of all wrong implementations, and the word for the list of the common ones."""
    return ("mistakes", *wrong_ones())


def common_page() -> Page:
    """The common wrong derivations and programs by group."""
    intro = (
        f"Of the {len(MISTAKES)} mistakes that ship, those that are met most. A page shows why one is tempting, the"
        " smallest input that exposes it, and what to write instead."
    )
    blocks: list[Block] = [Text((intro,))]
    by_id = {m.id: m for m in MISTAKES}
    for group in Group:
        chosen = [by_id[name] for name in COMMON if FUNCTIONS[by_id[name].function].group is group]
        blocks += section(str(group), _table(chosen)) if chosen else ()
    blocks += section("all of them", Text((_counts(),)), Code("smxcheck explain mistakes softmax\nsmxcheck explain softmax/unshifted"))
    return Page("list", "mistakes", ("Common wrong derivations and programs",), tuple(blocks))


def function_mistakes_page(function: str) -> Page:
    """Every mistake of one function, with its formula."""
    found = mistakes_in(function)
    blocks = (_table(found), Text(("why it is tempting, and the smallest input that exposes it: smxcheck explain ID",)))
    return Page("list", f"mistakes {function}", (f"{len(found)} wrong forms of {function}",), blocks)


def mistake_page(mistake: Mistake) -> Page:
    """A wrong formula: why it is tempting, where it shows, what to write instead."""
    exhibit = of_mistake(mistake)
    if exhibit is None:
        shown = next((s for s in SHOWN.items() if s[1].wrong == mistake.id), None)
        exhibit = shown[1].exhibit(shown[0]) if shown else None
    example: tuple[Block, ...] = ()
    if exhibit is not None:
        example = (
            *section("the smallest input that exposes it", *failing(exhibit, mistake, page=False)),
            *section("the same call, right", passing(exhibit)),
        )
    blocks = (
        Facts((("formula", (mistake.formula,)),)),
        *paragraph("why it is tempting", why_tempting(mistake)),
        *example,
        *paragraph("instead", mistake.instead),
        *section("where it is found", Facts(_found(mistake))),
        *sources(mistake.precedents),
    )
    return Page("mistake", mistake.id, (f"A wrong {mistake.function}: {mistake.id.partition('/')[2]}",), blocks)


def misbehaviour_page(wrong: Misbehaviour) -> Page:
    """An implementation with right values that breaks another property."""
    check = CHECKS[wrong.check]
    intro = Text((f"Its values are right where nobody looks twice. What it breaks: {does(wrong)}.",))
    shown = SHOWN.get(wrong.check)
    exhibit = shown.exhibit(wrong.check) if shown is not None and shown.wrong == wrong.id else None
    example = section("an example that fails", *failing(exhibit, wrong, page=False)) if exhibit is not None else ()
    found = Facts((("found by", (f"{check.code} {check.name}, and by no other check",)),
                   ("its page", (f"smxcheck explain {check.code}",))))  # fmt: skip
    return Page("mistake", wrong.id, (f"A wrong {wrong.function}: {wrong.id.partition('/')[2]}",), (intro, *example, found))


def _found(mistake: Mistake) -> tuple[tuple[str, tuple[str, ...]], ...]:
    check = CHECKS[mistake.check]
    rows = [("check", (f"{check.code} {check.name}: {check.title}",)), ("dtypes", (", ".join(mistake.dtypes) or "integers",))]
    if mistake.equivalent:
        rows.append(("no difference in", (f"{', '.join(mistake.equivalent)}: no bound tells it from a right one",)))
    if mistake.fails == "tight":
        rows.append(("level", ("standard accepts it; tight does not",)))
    return tuple(rows)


def _table(chosen: Sequence[Mistake]) -> Table:
    return Table((), tuple(((m.id,), (m.formula,)) for m in chosen))


def _counts() -> str:
    counts = Counter(m.function for m in MISTAKES)
    listed = ", ".join(f"{count} of {function}" for function, count in counts.most_common(_COUNTED))
    return f"{listed}, and {len(counts) - _COUNTED} functions more:"

