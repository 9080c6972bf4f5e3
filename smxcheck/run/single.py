"""One case of one callable at a time, in this process: what is right is worked out once, however often it is asked."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from smxcheck.caseset.model import Case
from smxcheck.judge.call import Question, ask
from smxcheck.judge.result import Report
from smxcheck.run.execute import assemble
from smxcheck.run.options import RunOptions
from smxcheck.run.pool import limits_of
from smxcheck.run.unit import run_unit
from smxcheck.targets.load import in_process
from smxcheck.targets.protocol import Session

#: Elements of the cases that are remembered, in all: some 100 bytes for each (enclosure, bounds of two levels).
_REMEMBERED = 500_000
#: Callables that are kept ready; a test module has a few.
_SESSIONS = 8
#: Their ids name files of the user's, which may change.
_NOT_REMEMBERED = "inputs"


class OneByOne:
    """Judges cases one by one. Raises TargetError for a callable that is not usable.

    What only many cases show together is not seen: one choice over all lengths and dtypes, and whether a class of
    inputs is refused as a whole.
    """

    def __init__(self) -> None:
        self._questions: OrderedDict[tuple[str, str], Question] = OrderedDict()
        self._elements = 0
        self._sessions: OrderedDict[tuple[int, str, str], tuple[Any, Session]] = OrderedDict()

    def run(
        self, target: Callable[..., Any], name: str, case: Case, options: RunOptions,
        gradient: Callable[..., Any] | None = None,
    ) -> Report:  # fmt: skip
        """The report of one case; ``name`` is what the callable is called in it."""
        started = time.monotonic()
        options = replace(options, targets=(name,), functions=None, ids=(case.id,), dtypes=(case.dtype,))
        session = self._session(target, name, case.function, options, gradient)
        limits = limits_of(options, None)
        found = run_unit(
            case.function, [case], [session], options.demand, limits, lambda where: None, question_of=self.ask
        )
        return assemble(options, [session.info], [found], (), False, time.monotonic() - started)

    def ask(
        self, case: Case, arguments: tuple[Any, ...], keywords: Mapping[str, Any], text: str
    ) -> Question:
        """As ``smxcheck.judge.call.ask``; the same question is the same object while there is room for it."""
        key = case.id, repr(sorted((k, str(v)) for k, v in keywords.items()))
        if key in self._questions:
            self._questions.move_to_end(key)
            return self._questions[key]
        question = ask(case, arguments, keywords, text)
        if case.group != _NOT_REMEMBERED and case.elements <= _REMEMBERED // 10:
            self._questions[key] = question
            self._elements += case.elements
        while self._elements > _REMEMBERED:
            _, oldest = self._questions.popitem(last=False)
            self._elements -= oldest.case.elements
        return question

    def _session(
        self, target: Callable[..., Any], name: str, function: str, options: RunOptions,
        gradient: Callable[..., Any] | None,
    ) -> Session:  # fmt: skip
        """The callable ready for calls: reading its source for the arrays that it takes costs as much as a case."""
        worker = options.worker_options(name)
        key = id(target), function, repr((name, worker, id(gradient)))
        if key not in self._sessions:
            # The callables are kept beside it: an id holds as long as its object lives.
            self._sessions[key] = (target, gradient), in_process(target, function, name, worker, gradient)
            if len(self._sessions) > _SESSIONS:
                self._sessions.popitem(last=False)
        self._sessions.move_to_end(key)
        return self._sessions[key][1]
