"""The measuring process from outside: one thread for every library in it, since they read that when they are loaded."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict

from smxcheck.benchmark.suites.document import load
from smxcheck.benchmark.suites.model import Progress, Settings, Speed

#: The variables by which OpenMP, OpenBLAS and MKL are held to one thread.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class BenchmarkError(Exception):
    """The measuring process did not come to its end."""


def environment() -> Mapping[str, str]:
    """This process's, with one thread; no file of the current folder stands in for a module (PYTHONSAFEPATH)."""
    return {**os.environ, **ONE_THREAD, "PYTHONSAFEPATH": "1"}


def run(settings: Settings, progress: Progress) -> Speed:
    """Measure in a process of its own. Raises BenchmarkError where it dies; its own words are on stderr."""
    command = [sys.executable, "-m", "smxcheck.benchmark.suites.worker", json.dumps(asdict(settings))]
    # A session of its own: Ctrl-C reaches this process alone, which then ends that one and what it has started.
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=environment(),
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            message = json.loads(line)
            if "speed" in message:
                return load(message["speed"])
            progress(message["done"], message["total"], message["where"])
        code = process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    raise BenchmarkError(f"the measuring process ended with code {code}; what it said is above")
