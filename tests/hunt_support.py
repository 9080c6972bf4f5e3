"""Sessions of plain callables, for the tests of the hunt."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from smxcheck.hunt.model import Entry
from smxcheck.targets.protocol import Call, Observation


class Answers:
    """A session of one Python callable that takes the catalog's arguments."""

    def __init__(self, answer: Callable[..., Any]) -> None:
        self.answer = answer
        self.info: Any = SimpleNamespace(offers={})
        self.asked = 0

    def call(self, call: Call) -> Observation:
        self.asked += call.arguments[0].size
        try:
            with np.errstate(all="ignore"):  # as where the targets are called
                return Observation("returned", np.asarray(self.answer(*call.arguments, **call.keywords)))
        except NotImplementedError as error:
            return Observation("raised", error=str(error))

    def close(self) -> None:
        return


def planted(good: Callable[..., Any], at: float, value: float) -> Callable[..., Any]:
    """``good`` with another result wherever the first argument is ``at``."""

    def answer(x: Any, **given: Any) -> Any:
        return np.where(x == at, value, good(x, **given)).astype(x.dtype)

    return answer


def one(entries: list[Entry]) -> Entry:
    (entry,) = entries
    return entry
