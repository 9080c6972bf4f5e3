"""One accepted problem, and which results it accepts."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from smxcheck.judge.problems import BAD
from smxcheck.judge.result import Result

#: What --write-known puts where the reason belongs; it is none.
PLACEHOLDER = "TODO"


class KnownError(Exception):
    """The file is not usable: one line with the remedy."""


@dataclass(frozen=True)
class Known:
    """One accepted problem; an empty field matches anything. ``where`` is the file and line, ``known.toml:12``."""

    reason: str
    target: str = ""
    function: str = ""
    dtype: str = ""
    check: str = ""
    cases: frozenset[str] = frozenset()
    until: datetime.date | None = None
    link: str = ""
    where: str = ""

    def could_match(self, r: Result) -> bool:
        """Whether it speaks of such a result, but for its check and status."""
        wanted = ((self.target, r.target), (self.function, r.function), (self.dtype, r.dtype))
        return all(not asked or asked == there for asked, there in wanted) and (not self.cases or r.case in self.cases)

    def accepts(self, r: Result) -> bool:
        """Whether it makes this result a known one: wrong, crashed or hung. What was not run, or could not be decided,
        is no known problem."""
        return r.status in BAD and (not self.check or self.check == r.check) and self.could_match(r)

    @property
    def excuse(self) -> str:
        """Reason, date and link, as reports show them."""
        until = f"until {self.until}" if self.until else ""
        return ", ".join(filter(None, (self.reason, until, self.link)))

    def spoken(self) -> str:
        """``known.toml:12: torch log_softmax SMX101``."""
        one, *more = sorted(self.cases) or [""]
        case = f"{one} and {len(more)} more" if more else one
        parts = " ".join(filter(None, (self.target, self.function, self.dtype, self.check, case)))
        return f"{self.where}: {parts}" if self.where else parts
