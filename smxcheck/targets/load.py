"""From TARGET on the command line to a session that answers calls."""

from __future__ import annotations

from dataclasses import replace

from smxcheck.targets.client import WorkerSession
from smxcheck.targets.command import CommandSession
from smxcheck.targets.inprocess import InProcessSession, in_process, load_in_process
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.process import supported
from smxcheck.targets.protocol import TargetError
from smxcheck.targets.spec import TargetSpec, parse_target

#: A session of any kind, as it was opened.
Opened = WorkerSession | InProcessSession | CommandSession

__all__ = ["Opened", "TargetSpec", "in_process", "open_session", "open_sessions", "parse_target"]


def open_sessions(spec: TargetSpec, options: WorkerOptions | None = None) -> list[Opened]:
    """The sessions of one TARGET: one, or several where a whole file has several callables for a function.

    Raises :class:`TargetError` where any of them cannot be used; none is then left open.
    """
    sessions = [_open(spec, options or WorkerOptions())]
    try:
        for text in sessions[0].rest:
            sessions.append(_open(parse_target(text), options or WorkerOptions()))
    except BaseException:
        for session in sessions:
            session.close()
        raise
    return sessions


def open_session(spec: TargetSpec, options: WorkerOptions | None = None) -> Opened:
    """The session of a TARGET that means one callable per function.

    Raises :class:`TargetError` where it cannot be used, and where a whole file has several for one function.
    """
    session = _open(spec, options or WorkerOptions())
    if session.rest:
        session.close()
        named = ", ".join([*(offer.spelled for offer in session.info.offers.values()), *session.rest])
        raise TargetError(f"{spec.text} has several callables for one function; name one of {named}")
    return session


def _open(spec: TargetSpec, options: WorkerOptions) -> Opened:
    if spec.kind == "command":
        return CommandSession(spec, options)
    if not options.isolate or spec.kind == "builtin":  # smxcheck's own code needs no guard
        return load_in_process(spec, options)
    if supported():
        return WorkerSession(spec, options)
    session = load_in_process(spec, options)
    note = "not isolated: this platform has no process groups, so a hang or crash ends the run"
    session.info = replace(session.info, notes=(*session.info.notes, note))
    return session
