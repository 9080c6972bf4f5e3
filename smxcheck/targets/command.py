"""A program in any language as a target: ``softmax=command:./kernel``.

One process for each call. Standard input has the arrays of the call as ``.npy``, one after another in the catalog's
order, and behind them the keywords that are arrays; standard output has the result as one ``.npy``. The rest is in the
environment, so that a program for one function needs to read nothing of it, and its arguments stay its own:

    SMXCHECK_FUNCTION   the function
    SMXCHECK_ARRAYS     the names of the arrays on standard input, in order, separated by spaces
    SMXCHECK_AXIS …     each keyword that the target's text says it takes, as in ``softmax(axis)=command:./kernel``

Exit status 0 says that the result is written; any other is a refusal, as an exception is, and the last line on standard
error says why. ``smxcheck explain command`` is the page for users.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy import ndarray

from smxcheck.catalog import FUNCTIONS, KEYWORD_DEFAULTS
from smxcheck.targets.client import LARGEST_ELEMENT, last_words, lost, signal_name
from smxcheck.targets.execute import clipped, largest_answer
from smxcheck.targets.layout import NotPassed
from smxcheck.targets.npy import NotNpy, packed, unpacked
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.process import TimedOut, supported
from smxcheck.targets.program import Ended, end, run_program, start
from smxcheck.targets.protocol import Call, Observation, Offer, TargetError, TargetInfo
from smxcheck.targets.signature import Binding
from smxcheck.targets.spec import TargetSpec

PREFIX = "SMXCHECK_"

#: What a reply may hold beside its values.
_HEADER = 1 << 14

#: Exit statuses of shells and of env: found but not executable, not found.
_NOT_RUN = (126, 127)

#: How programs in several languages say, in their last line, that memory was refused.
_OUT_OF_MEMORY = re.compile(r"out of memory|cannot allocate memory|bad_alloc|MemoryError|OutOfMemoryError", re.IGNORECASE)


class CommandSession:
    """A program, ready for calls. ``rest`` is empty: a program has no further callables."""

    def __init__(self, spec: TargetSpec, options: WorkerOptions) -> None:
        """Raises :class:`TargetError` where the program cannot be started, or an option means nothing to it."""
        _check_options(spec, options)
        try:
            self._words = (_program(spec), *spec.words[1:])
            path = _path(spec)
        except (OSError, ValueError) as error:  # a word longer than a file's name may be, or one with a NUL
            raise TargetError(f"{spec.text}: {getattr(error, 'strerror', None) or error}") from error
        self._options = options
        self._bindings = {f: _binding(spec, f, keywords, options) for f, keywords in spec.takes}
        offers: Mapping[str, Offer] = {f: binding.offer for f, binding in self._bindings.items()}
        self.info = TargetInfo(spec.text, {}, "npy", offers, path=path)
        self.rest: tuple[str, ...] = ()
        self._try(spec)

    def call(self, call: Call) -> Observation:
        """What the program does with the call; never raises for what it does."""
        try:
            data, variables = self._request(call)
        except NotPassed as reason:
            return Observation("not-passed", error=str(reason))
        most = largest_answer(call) * LARGEST_ELEMENT + _HEADER
        options = self._options
        try:
            ended = run_program(
                self._words, _environment(variables), data, options.timeout, most, options.memory_limit
            )
        except OSError as error:
            return Observation("crashed", error=f"the program could not be started: {error.strerror or error}")
        return _observation(ended, options.timeout, most)

    def close(self) -> None:
        """Nothing to do: no process outlives its call."""

    def _request(self, call: Call) -> tuple[bytes, dict[str, str]]:
        """Standard input, and the variables. Raises :class:`NotPassed`."""
        binding = self._bindings.get(call.function)
        if binding is None:
            raise NotPassed(f"the program has no {call.function}")
        if call.layout != "contiguous":
            raise NotPassed(f"a .npy file has no {call.layout} layout")
        names, arrays = list(FUNCTIONS[call.function].arguments), list(call.arguments)
        variables = {f"{PREFIX}FUNCTION": call.function}
        _, keywords = binding.keywords_for(call, call.arguments[0].ndim)
        for name, value in keywords.items():
            if isinstance(value, ndarray):
                names.append(name)
                arrays.append(value)
            elif value is not None or name == "axis":
                variables[f"{PREFIX}{name.upper()}"] = written(value)
        variables[f"{PREFIX}ARRAYS"] = " ".join(names)
        return b"".join(map(packed, arrays)), variables

    def _try(self, spec: TargetSpec) -> None:
        """Starts the program and ends it at once: whether the system can run it is to be known before the first case."""
        try:
            end(start(self._words, _environment({})))
        except OSError as error:
            raise TargetError(
                f"{spec.text}: {spec.words[0]} cannot be started: {error.strerror or error}; is it built for this machine,"
                " or a script without #! in its first line?"
            ) from error


def written(value: Any) -> str:
    """A keyword's value in the environment: ``-1``, ``none``, ``0,1``, ``true``, ``mean``, ``0.1``."""
    if isinstance(value, tuple):
        return ",".join(map(written, value))
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The user's, without variables of the protocol that another run may have left, and ``variables``."""
    own = {f"{PREFIX}{name.upper()}" for name in ("function", "arrays", *KEYWORD_DEFAULTS)}
    return {**{name: value for name, value in os.environ.items() if name not in own}, **variables}


def _binding(spec: TargetSpec, function: str, taken: tuple[str, ...], options: WorkerOptions) -> Binding:
    """The program as one function: it is given every keyword that it takes, the others have one value."""
    entry = FUNCTIONS[function]
    declared = {name: value for name, value in options.fixed.items() if name in entry.keywords}
    lacking = {name: KEYWORD_DEFAULTS[name] for name in entry.keywords if name not in taken}
    offer = Offer(function, _stem(spec), frozenset(taken) - declared.keys(), {**lacking, **declared})
    return Binding(offer, _not_called, "npy", {name: name for name in taken}, required=frozenset({"axis"} & set(taken)))


def _not_called(*arguments: Any) -> Any:
    raise NotImplementedError("a program is run, not called")


def _stem(spec: TargetSpec) -> str:
    """What a reader would call the program: ``kernel`` of ``python3 src/kernel.py``."""
    return Path(_path(spec) or spec.words[0]).stem


def _path(spec: TargetSpec) -> str:
    """The reader's own file: the program, or the first file among its arguments where the program is an interpreter,
    which is on the PATH or named by an absolute path. "" for none."""
    first, *rest = spec.words
    interpreted = os.sep not in first or Path(first).is_absolute()
    candidates = [*rest, first] if interpreted else [first]
    return next((word for word in candidates if Path(word).is_file()), "")


def _check_options(spec: TargetSpec, options: WorkerOptions) -> None:
    """Raises :class:`TargetError` for an option that a program cannot follow, rather than pass over it."""
    refused = {
        "--no-isolate: a program always has a process of its own; leave it out": not options.isolate,
        f"--arrays {options.arrays}: a program gets .npy files; leave it out": options.arrays not in ("auto", "numpy"),
        f"--device {options.device}: a program decides itself where it computes; leave it out": options.device != "cpu",
        "--gradient: a program has none to differentiate; name its derivative as a function of its own, as in"
        " softmax_vjp=command:PROGRAM": bool(options.gradients),
    }  # fmt: skip
    for reason in (reason for reason, is_so in refused.items() if is_so):
        raise TargetError(f"{spec.text}: {reason}")
    if not supported():
        raise TargetError(f"{spec.text}: programs need process groups, which this platform has not; load it from Python")


def _program(spec: TargetSpec) -> str:
    """The file to run. Raises :class:`TargetError` with the remedy where there is none, or it is not to be executed."""
    word = spec.words[0]
    path = Path(word)
    if os.sep not in word:
        if found := shutil.which(word):
            return found
        hint = f"; for the one in this folder write ./{word}" if path.is_file() else ""
        raise TargetError(f"{spec.text}: no program {word} in the folders of PATH{hint}")
    if path.is_dir():
        raise TargetError(f"{spec.text}: {word} is a folder: name a program in it")
    if not path.exists():
        raise TargetError(f"{spec.text}: no program {word} here; the folder is {Path.cwd()}")
    if not os.access(path, os.X_OK):
        runs = "python3" if path.suffix == ".py" else "INTERPRETER"
        raise TargetError(f"{spec.text}: {word} is not executable: chmod +x {word}, or write command:{runs} {word}")
    return word


def _observation(ended: Ended, limit: float, most: int) -> Observation:
    """How a run ended, as an observation."""
    seen = _seen(ended, limit, most)
    return Observation(
        seen.outcome, seen.value, seen.returned_type, seen.error_type, seen.error, printed=ended.printed, seconds=ended.seconds
    )


def _seen(ended: Ended, limit: float, most: int) -> Observation:
    if ended.flooded:
        return _no_array(f"more than {most:,} bytes came on standard output")
    if ended.status is None:
        return lost(TimedOut(), limit, ended.tail)
    if ended.status < 0:
        refused = b"std::bad_alloc" in ended.tail
        error = f"killed by {signal_name(-ended.status)}{last_words(ended.tail)}"
        return Observation("out-of-memory" if refused else "crashed", error=error)
    if ended.status:
        return _refusal(ended.status, last_words(ended.tail).removeprefix(": "))
    try:
        return Observation("returned", unpacked(ended.output), "ndarray")
    except NotNpy as error:
        return _no_array(str(error))


def _no_array(error: str) -> Observation:
    return Observation("not-array", returned_type="output", error=clipped(error))


def _refusal(status: int, words: str) -> Observation:
    """An exit status other than 0: an exception of a program, unless it could not run or ran out of memory."""
    named = f"exit status {status}"
    if status in _NOT_RUN:
        return Observation("crashed", error=f"ended with {named}, which says that a program could not be run: {words}".rstrip(": "))
    if _OUT_OF_MEMORY.search(words):
        return Observation("out-of-memory", error_type=named, error=words)
    return Observation("raised", error_type=named, error=words)
