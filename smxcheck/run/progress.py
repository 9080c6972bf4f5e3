"""What a run tells while it goes on: how many calls are done of how many, and what is being checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Step:
    """``done`` more calls are behind us; ``where`` says what is being checked now."""

    done: int
    where: str


class Progress(Protocol):
    """Receives the total once, then steps."""

    def start(self, total: int) -> None: ...

    def step(self, step: Step) -> None: ...

    def finish(self) -> None: ...


class Silent:
    """No progress."""

    def start(self, total: int) -> None:
        return None

    def step(self, step: Step) -> None:
        return None

    def finish(self) -> None:
        return None
