"""What accepted problems do to a run: they mark results, and say what has become of them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import replace

from smxcheck.judge.problems import results_of
from smxcheck.judge.result import Problem, Result, Status
from smxcheck.run.known.model import Known

_RIGHT = (Status.OK, Status.NO_SINGLE_ANSWER, Status.CANNOT_TELL)
#: The group of results about the target, each at whichever case showed it.
_PROPERTIES = "properties"


def apply(
    known: Sequence[Known], results: Sequence[Result], found: Sequence[Problem], today: datetime.date, whole: bool = True
) -> tuple[tuple[Result, ...], tuple[Problem, ...], tuple[str, ...]]:
    """Mark what is accepted; notices tell of entries that are over, and of problems that vanished.

    A problem is known once every result of it is. ``whole`` says that the run put all the cases that its functions and
    dtypes have: only then does an entry that names no cases and matched nothing speak of something that is gone.
    """
    live = [k for k in known if k.until is None or k.until >= today]
    marked = tuple(_marked(r, live) for r in results)
    problems = tuple(
        replace(p, known=mine[0].known) if mine and all(r.known for r in mine) else p
        for p, mine in zip(found, results_of(found, marked), strict=True)
    )
    over = [
        f"known problem over since {k.until}, so it counts again ({k.spoken()})." for k in known if k not in live
    ]
    return marked, problems, (*over, *(text for k in live for text in _vanished(k, marked, whole)))


def _marked(r: Result, live: Sequence[Known]) -> Result:
    entry = next((k for k in live if k.accepts(r)), None)
    return replace(r, known=entry.excuse) if entry else r


def _vanished(entry: Known, results: Sequence[Result], whole: bool) -> Iterator[str]:
    """What the run says of an entry that it needs no more, or not all of; nothing where the run did not cover it.

    Only a right answer is fixed: a call that is declined, or wrong in another way, is not.
    """
    asked = [r for r in results if entry.could_match(r)]
    mine = [r for r in asked if r.status not in (Status.NOT_RUN, Status.UNDECIDED)]
    needed = {r.case for r in mine if entry.accepts(r)}
    open_ = {r.case for r in asked if r.status not in _RIGHT and r.group != _PROPERTIES}
    gone = {r.case for r in mine if r.status in _RIGHT} - needed - open_
    if entry.cases and gone == entry.cases:
        yield f"fixed: remove this entry ({entry.spoken()})."
    elif entry.cases and gone:
        one, *more = sorted(gone)
        others = f" and {len(more)} more" if more else ""
        yield f"fixed in part: remove {one}{others} of its {len(entry.cases)} cases ({entry.spoken()})."
    elif whole and gone and not needed and len(mine) == len(asked):
        yield f"known problem not seen in this run: remove the entry if no wider run needs it ({entry.spoken()})."
