"""The measuring process: ``python -m smxcheck.benchmark.suites.worker SETTINGS``, started by `smxcheck.benchmark.suites.launch`.

It writes one JSON object a line to stdout: ``{"done", "total", "where"}`` before each step, ``{"speed": …}`` at the end.
Whatever a library prints, C code included, goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import IO, Any

from smxcheck.benchmark.measure.machine import facts
from smxcheck.benchmark.suites import functions, oracle
from smxcheck.benchmark.suites.document import document, settings
from smxcheck.benchmark.suites.model import Outcome, Progress, Settings, Speed

#: What there is to measure.
SUITES: dict[str, Callable[[Settings, Progress], Outcome]] = {
    "functions": functions.run,
    "oracle": oracle.run,
}


def main(text: str) -> None:
    """Measure what the settings name."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as channel:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        speed = _measured(settings(json.loads(text)), channel)
        _tell(channel, {"speed": document(speed)})


def _measured(wanted: Settings, channel: IO[str]) -> Speed:
    started = time.monotonic()
    outcomes = []
    for suite in wanted.suites:

        def progress(done: int, total: int, where: str, suite: str = suite) -> None:
            _tell(channel, {"done": done, "total": total, "where": f"{suite}: {where}"})

        outcomes.append(SUITES[suite](wanted, progress))
    return Speed(wanted, facts(wanted.threads), tuple(outcomes), time.monotonic() - started)


def _tell(channel: IO[str], message: dict[str, Any]) -> None:
    channel.write(json.dumps(message) + "\n")
    channel.flush()


if __name__ == "__main__":
    main(sys.argv[1])
