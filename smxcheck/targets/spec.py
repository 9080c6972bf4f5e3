"""What the user typed as TARGET, read without importing anything of it."""

from __future__ import annotations

import difflib
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from smxcheck.catalog import FUNCTIONS
from smxcheck.targets.protocol import TargetError
from smxcheck.targets.table import LIBRARIES, names

_FORMS = (
    "smxcheck list targets shows the shipped ones; yours is FILE.py:NAME, PACKAGE.MODULE:NAME or"
    " FUNCTION=command:PROGRAM"
)
#: A program: its functions, and the command line. No module is called ``command`` where a function stands before.
_COMMAND = re.compile(r"(?:(?P<functions>[^=:]*)=)?command:(?P<line>.*)", re.DOTALL)


@dataclass(frozen=True)
class TargetSpec:
    """A target by its text: ``kind`` is "builtin", "library", "file", "module" or "command".

    ``name`` is the library, or the algorithm of ``builtin`` ("" for the default); ``attribute`` may have
    dots; ``function`` is what ``softmax=FILE:NAME`` says. Of a command, ``words`` are the program and its
    arguments, and ``takes`` maps each function that it computes to the keywords that it takes.
    """

    text: str
    kind: str
    name: str = ""
    path: str = ""
    module: str = ""
    attribute: str = ""
    function: str = ""
    words: tuple[str, ...] = ()
    takes: tuple[tuple[str, tuple[str, ...]], ...] = ()


def parse_target(text: str) -> TargetSpec:
    """Reads ``builtin``, ``builtin.shifted``, a library's name, ``package.module:callable``,
    ``path/file.py``, ``path/file.py:callable``, each of the last three also as ``function=...``, and
    ``function=command:PROGRAM``.

    Raises :class:`TargetError` for anything else and for a file that is not there.
    """
    try:
        return _parsed(text)
    except OSError as error:  # a name longer than a file may have, a folder that may not be looked into
        raise TargetError(f"{text}: {error.strerror or error}") from error


def _parsed(text: str) -> TargetSpec:
    """Raises :class:`TargetError`, or OSError where the system does not say whether there is such a file."""
    if command := _COMMAND.fullmatch(text):
        return _command(text, command["functions"], command["line"])
    function, body = _function_and_body(text)
    if not body:
        raise TargetError(f"{text!r} names no target; {_FORMS}")
    if function and ":" not in body and body.endswith(".py"):
        raise TargetError(f"{text}: say which callable is {function}, as in {text}:NAME")
    if not function and _is_shipped(body):
        library, _, algorithm = body.partition(".")
        return TargetSpec(
            text, "builtin" if library == "builtin" else "library", algorithm or _library(library)
        )
    file = re.fullmatch(r"(?P<path>.+\.py)(?::(?P<attribute>[^\d\W]\w*(?:\.[^\d\W]\w*)*))?", body)
    if file:
        _check_file(Path(file["path"]))
        return TargetSpec(
            text, "file", path=file["path"], attribute=file["attribute"] or "", function=function
        )
    module = re.fullmatch(
        r"(?P<module>[^\d\W]\w*(?:\.[^\d\W]\w*)*):(?P<attribute>[^\d\W]\w*(?:\.[^\d\W]\w*)*)", body
    )
    if module and not Path(module["module"]).is_file():
        return TargetSpec(
            text, "module", module=module["module"], attribute=module["attribute"], function=function
        )
    raise TargetError(_complaint(text, body))


def _command(text: str, functions: str | None, line: str) -> TargetSpec:
    """``softmax(axis),log_softmax=command:./kernel --fast``; the line is split as a shell would, and no shell runs it."""
    if not functions:
        raise TargetError(f"{text}: say which function the program computes, as in softmax={text}")
    try:
        words = tuple(shlex.split(line))
    except ValueError as error:
        raise TargetError(f"{text}: the command cannot be split into words: {error}") from error
    if not words or not words[0]:
        raise TargetError(f"{text}: no program is named after command:, as in softmax=command:./kernel")
    takes = tuple(_taken(text, part) for part in re.split(r",(?![^()]*\))", functions))
    named = [function for function, _ in takes]
    if twice := next((function for function in named if named.count(function) > 1), ""):
        raise TargetError(f"{text}: {twice} is named twice: leave one out")
    return TargetSpec(text, "command", words=words, takes=takes)


def _taken(text: str, part: str) -> tuple[str, tuple[str, ...]]:
    """``softmax(axis)``: a function, and the keywords that the program takes."""
    found = re.fullmatch(r"\s*(?P<function>\w+)\s*(?:\((?P<keywords>[\w\s,]*)\))?\s*", part)
    if found is None:
        raise TargetError(f"{text}: {part!r} is no function; write softmax, or softmax(axis) where it takes an axis")
    function = _function(text, found["function"])
    keywords = tuple(dict.fromkeys(k.strip() for k in (found["keywords"] or "").split(",") if k.strip()))
    known = FUNCTIONS[function].keywords
    for keyword in keywords:
        if keyword not in known:
            near = f"it has {', '.join(known)}" if known else "it has none"
            raise TargetError(f"{text}: {function} has no keyword {keyword!r}; {near}")
    return function, keywords


def _library(name: str) -> str:
    return "" if name == "builtin" else name


def _function_and_body(text: str) -> tuple[str, str]:
    function, equals, body = text.partition("=")
    if not equals or not re.fullmatch(r"\w+", function):
        return "", text
    _function(text, function)
    if _is_shipped(body):
        raise TargetError(f"{text}: {body} names its own functions; write {body} --function {function}")
    return function, body


def _function(text: str, name: str) -> str:
    """The name of a function. Raises :class:`TargetError` where there is none of that name."""
    if name not in FUNCTIONS:
        near = _near(name, list(FUNCTIONS))
        raise TargetError(f"{text}: no function {name!r}{near}; smxcheck list functions shows all")
    return name


def _is_shipped(name: str) -> bool:
    library, dot, _ = name.partition(".")
    return name in LIBRARIES or (library == "builtin" and (not dot or name in names()))


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise TargetError(f"{path} is a folder: name a Python file in it")
    if not path.exists():
        beside = [str(p) for p in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise TargetError(f"no file {path} here{_near(str(path), beside)}; the folder is {Path.cwd()}")


def _complaint(text: str, body: str) -> str:
    """What is wrong with a target that has none of the known forms."""
    path_text = body.partition(":")[0]
    path = Path(path_text)
    if path.is_dir() and not path_text.isidentifier():
        return f"{text} is a folder: name a Python file in it, as in {path / 'kernel.py'}"
    if path.is_file() or "/" in path_text or "\\" in path_text:
        what = (
            "is no Python file (.py)"
            if path.is_file()
            else "does not exist, and a target in a file ends in .py"
        )
        return f"{text}: {path_text} {what}; a program in any language is FUNCTION=command:{path_text}"
    if body.startswith("builtin."):
        return f"no target {text!r}{_near(body, list(names()))}; {_FORMS}"
    if "." in body and ":" not in body:
        return f"no target {text!r}: name the callable in the module, as in {body}:softmax; {_FORMS}"
    if path.is_dir():
        return f"{text} is a folder: name a Python file in it, as in {path / 'kernel.py'}"
    return f"no target {text!r}{_near(body, list(names()))}; {_FORMS}"


def _near(name: str, known: list[str]) -> str:
    found = difflib.get_close_matches(name, known, n=2)
    return f"; did you mean {' or '.join(found)}?" if found else ""
