"""Imports the user's file or module, and says in one line what went wrong."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from smxcheck.targets.execute import first_line
from smxcheck.targets.protocol import TargetError
from smxcheck.targets.signature import custom_function

#: import name -> what installs it, where smxcheck has an extra for it.
_EXTRAS = {"scipy": "scipy", "torch": "torch", "jax": "jax", "onnxruntime": "onnx", "onnx": "onnx"}


def import_file(path: Path) -> ModuleType:
    """The module in ``path``, run with a name of its own (never ``__main__``), its folder on ``sys.path``.

    Raises :class:`TargetError` for whatever its code raises, with the line of the user's code.
    """
    resolved = path.resolve()
    _first_on_path(str(resolved.parent))
    name = resolved.stem
    if not name.isidentifier() or name in sys.modules or name in sys.stdlib_module_names:
        name = f"target_{abs(hash(str(resolved))):x}"
    spec = importlib.util.spec_from_file_location(name, resolved)
    if spec is None or spec.loader is None:
        raise TargetError(f"{path} cannot be imported as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with reported(str(path), resolved.parent, "is imported"), nothing_written():
        spec.loader.exec_module(module)
    return module


def import_module(name: str, text: str) -> ModuleType:
    """The module of that name; the current folder is on ``sys.path``, as under ``python -m``."""
    _first_on_path(str(Path.cwd()))
    with reported(text, Path.cwd(), "is imported"), nothing_written():
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name and (name == error.name or name.startswith(f"{error.name}.")):
                raise TargetError(
                    f"{text}: no module {error.name!r} in {Path.cwd()} or among the installed packages"
                ) from error
            raise


def instantiate(cls: Any, text: str, folder: Path) -> Any:
    """An instance of the user's class, made without arguments; its ``forward`` where that is all it has.

    A custom function of torch's is called by its ``apply``.
    """
    if custom_function(cls) is not None:
        return cls.apply
    with reported(text, folder, "is instantiated without arguments"):
        made = cls()
    return made if callable(made) else made.forward


@contextlib.contextmanager
def reported(text: str, folder: Path, doing: str) -> Iterator[None]:
    """Turns what the user's code raises into a :class:`TargetError` of one line."""
    try:
        yield
    except TargetError:
        raise
    except SyntaxError as error:
        place = f"{_relative(error.filename or text)}:{error.lineno or 0}"
        raise TargetError(f"{text} is not valid Python: {error.msg} ({place})") from error
    except SystemExit as error:
        raise TargetError(
            f"{text} exits when it {doing} ({_where(error, folder)}); put that below"
            " if __name__ == '__main__'"
        ) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        message = f"{text} raises when it {doing}: {type(error).__name__}: {first_line(error)}"
        raise TargetError(f"{message} ({_where(error, folder)}){_remedy(error)}") from error


@contextlib.contextmanager
def nothing_written() -> Iterator[None]:
    """No bytecode files beside the user's source: nothing is written that was not asked for."""
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def public_callables(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """Functions, classes and callable objects that the module defines itself, in the order of definition.

    Left out: names that begin with an underscore, ``test`` or ``bench``, what is imported from elsewhere, and
    kernels that only a launch can call.
    """
    found: dict[str, Callable[..., Any]] = {}
    for name, value in vars(module).items():
        if name.startswith("_") or name.lower().startswith(("test", "bench")) or not callable(value):
            continue
        if isinstance(value, type) and not is_callable_class(value):
            continue
        if _defined_in(value, module) and not type(value).__module__.startswith("triton."):
            found[name] = value
    return found


def is_callable_class(cls: type) -> bool:
    """Whether instances can be called: the class has ``__call__`` or ``forward``."""
    return callable(getattr(cls, "forward", None)) or any("__call__" in vars(base) for base in cls.__mro__)


def _defined_in(value: Any, module: ModuleType) -> bool:
    home = getattr(value, "__module__", None)
    if home == module.__name__:
        return True
    # An object of a library's class that this file made: functools.partial, a compiled function.
    return not isinstance(value, type) and not hasattr(value, "__qualname__") and home != "typing"


def _first_on_path(folder: str) -> None:
    if folder not in sys.path:
        sys.path.insert(0, folder)


def _where(error: BaseException, folder: Path) -> str:
    """``file:line`` of the innermost frame in the user's own code."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        f
        for f in frames
        if Path(f.filename).is_relative_to(folder.resolve()) and "site-packages" not in f.filename
    ]
    own = own or [f for f in frames if "importlib" not in f.filename]
    return f"{_relative(own[-1].filename)}:{own[-1].lineno}" if own else "no line known"


def _relative(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _remedy(error: BaseException) -> str:
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    package = error.name.partition(".")[0]
    if package in _EXTRAS:
        return f"; pip install 'smxcheck[{_EXTRAS[package]}]'"
    return f"; {package} must be installed where smxcheck is"
