"""From what the user typed to callables: runs inside the process that will call them."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from smxcheck.catalog import FUNCTIONS, match_function
from smxcheck.targets.autodiff import DERIVABLE, derive
from smxcheck.targets.choose import arrays_for, source_of
from smxcheck.targets.gradients import AUTO, parse_gradient, which_derivative
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.protocol import Offer, TargetError, TargetInfo
from smxcheck.targets.signature import Binding, bind
from smxcheck.targets.spec import TargetSpec
from smxcheck.targets.table import LIBRARIES
from smxcheck.targets.userfile import (
    import_file,
    import_module,
    instantiate,
    is_callable_class,
    public_callables,
)

#: Libraries that compile at the first call of a shape and dtype.
_COMPILERS = ("torch", "jax", "triton", "numba", "cupy", "tensorflow")


@dataclass(frozen=True)
class Loaded:
    """A target that was imported.

    ``rest`` are further callables of the file for a function that is taken already: targets of their own.
    ``compiles`` says that a library was imported that may compile at a first call.
    """

    info: TargetInfo
    bindings: Mapping[str, Binding]
    rest: tuple[str, ...] = ()

    @property
    def compiles(self) -> bool:
        return any(name in sys.modules for name in _COMPILERS)


def resolve(spec: TargetSpec, options: WorkerOptions) -> Loaded:
    """Imports the target. Raises :class:`TargetError` where it cannot be used."""
    started = time.perf_counter()
    load = _library if spec.kind in ("builtin", "library") else _user
    loaded = load(spec, options)
    seconds = time.perf_counter() - started
    return replace(loaded, info=replace(loaded.info, import_seconds=seconds))


def _library(spec: TargetSpec, options: WorkerOptions) -> Loaded:
    library = LIBRARIES["builtin" if spec.kind == "builtin" else spec.name]
    missing = library.missing()
    if missing:
        raise TargetError(
            f"{library.name} needs {' and '.join(missing)}, not installed here: {library.install}"
        )
    try:
        adapter = importlib.import_module(f"smxcheck.targets.adapters.{library.adapter}")
    except ImportError as error:
        raise TargetError(f"{library.name} is installed but cannot be imported: {error}") from error
    if options.arrays not in ("auto", adapter.ARRAYS):
        raise TargetError(
            f"{library.name} takes {adapter.ARRAYS} arrays: leave --arrays {options.arrays} out"
        )
    adapted = adapter.adapted(spec.name) if spec.kind == "builtin" else adapter.adapted()
    bindings = {
        function: bind(function, a.call, a.spelled, adapter.ARRAYS, options.fixed)
        for function, a in adapted.items()
    }
    bindings |= derive(bindings, DERIVABLE)
    return Loaded(_info(spec, bindings, dict(adapter.versions()), notes=adapter.notes()), bindings)


def _user(spec: TargetSpec, options: WorkerOptions) -> Loaded:
    module = _imported(spec)
    gradients = _named_gradients(spec, module, options)
    place = spec.path or spec.module
    notes: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()
    if spec.attribute:
        value = _attribute(spec, module)
        found = {_function_of(spec, options.derive): (spec.attribute, value)}
    else:
        found, rest, notes = _functions_in(
            place, module, {g.attribute for g, home in gradients if home is module}
        )
    bindings = {
        function: _bound(function, f"{place}:{name}", value, module, options)
        for function, (name, value) in found.items()
    }
    if gradients and rest:
        raise TargetError(
            f"{spec.text} has several callables for one function: say whose gradient"
            f" {gradients[0][0].text} is, as in {place}:{rest[0]}"
        )
    forwards = tuple(bindings)
    for gradient, home in gradients:
        value = _attribute(gradient, home)
        spelled = f"{gradient.path or gradient.module}:{gradient.attribute}"
        function = which_derivative(spelled, gradient.attribute, value, forwards, gradient.function)
        bindings[function] = _bound(function, spelled, value, home, options)
    bindings |= _derived(spec.text, bindings, options)
    notes += _unchecked_backward(module, bindings, options)
    info = _info(spec, bindings, _versions(bindings.values()), notes=notes, path=spec.path)
    return Loaded(info, bindings, tuple(f"{place}:{name}" for name in rest))


def _unchecked_backward(module: ModuleType, bindings: Mapping[str, Binding], options: WorkerOptions) -> tuple[str, ...]:
    """A note where the file writes a backward pass of its own and nothing asks for a derivative."""
    if options.gradients or any(FUNCTIONS[function].derivative_of for function in bindings):
        return ()
    own = [name for name, value in vars(module).items() if _has_own_backward(value, module)]
    return (f"the backward pass of {', '.join(own)} is not checked: --gradient auto checks it",) if own else ()


def _has_own_backward(value: Any, module: ModuleType) -> bool:
    """A ``torch.autograd.Function`` of the module, or a function under ``jax.custom_vjp`` or ``jax.custom_jvp``."""
    if isinstance(value, type):
        of_torch = any(f"{c.__module__}.{c.__name__}" == "torch.autograd.function.Function" for c in value.__mro__)
        return of_torch and value.__module__ == module.__name__
    return type(value).__name__ in ("custom_vjp", "custom_jvp")


def _imported(spec: TargetSpec) -> ModuleType:
    return import_file(Path(spec.path)) if spec.kind == "file" else import_module(spec.module, spec.text)


def _named_gradients(
    spec: TargetSpec, module: ModuleType, options: WorkerOptions
) -> list[tuple[TargetSpec, ModuleType]]:
    """What --gradient names, and the modules that hold it; a file is run once."""
    named = [parse_gradient(text) for text in options.gradients if text != AUTO]
    return [(g, module if _home(g) == _home(spec) else _imported(g)) for g in named]


def _home(spec: TargetSpec) -> Path | str:
    return Path(spec.path).resolve() if spec.path else spec.module


def _bound(function: str, spelled: str, value: Any, module: ModuleType, options: WorkerOptions) -> Binding:
    folder = Path(module.__file__).parent if module.__file__ else Path.cwd()
    call = instantiate(value, spelled, folder) if isinstance(value, type) else value
    arrays = options.arrays if options.arrays != "auto" else _arrays(call, value, module)
    return bind(function, call, spelled, arrays, options.fixed)


def _derived(text: str, bindings: Mapping[str, Binding], options: WorkerOptions) -> dict[str, Binding]:
    """What automatic differentiation is asked for, and can give. ``auto`` that can give nothing is refused."""
    found = derive(bindings, DERIVABLE if AUTO in options.gradients else options.derive)
    if AUTO in options.gradients and not found:
        arrays = ", ".join(dict.fromkeys(b.arrays for b in bindings.values()))
        raise TargetError(
            f"--gradient auto: no derivative of {text} can be had from its {arrays} arrays: torch and jax differentiate"
            " (--arrays torch where it takes tensors); name your own, as in --gradient FILE.py:NAME"
        )
    return found


def _arrays(call: Callable[..., Any], value: Any, module: ModuleType) -> str:
    source = source_of(value) or (Path(module.__file__) if module.__file__ else None)
    return arrays_for(call, source)


def _function_of(spec: TargetSpec, asked: tuple[str, ...]) -> str:
    function = spec.function or match_function(spec.attribute)
    if function is None:
        raise TargetError(
            f"{spec.text}: no function of smxcheck is in the name {spec.attribute!r}; say which it is, as in"
            f" {asked[0] if asked else 'softmax'}={spec.text}"
        )
    return function


def _attribute(spec: TargetSpec, module: ModuleType) -> Any:
    value: Any = module
    place = spec.path or spec.module
    for part in spec.attribute.split("."):
        if not hasattr(value, part):
            others = ", ".join(public_callables(module)) or "none"
            raise TargetError(f"{place} has no {spec.attribute}; its callables are: {others}")
        value = getattr(value, part)
    if not callable(value) or (isinstance(value, type) and not is_callable_class(value)):
        raise TargetError(f"{place}:{spec.attribute} ({type(value).__name__}) cannot be called with an array")
    return value


def _functions_in(
    place: str, module: ModuleType, without: Collection[str] = ()
) -> tuple[dict[str, tuple[str, Any]], tuple[str, ...], tuple[str, ...]]:
    """function -> (name, callable) of a whole file; names beyond one per function; notes on what is left out.

    Of several callables for one function the one with the function's own name is taken, else the first; those
    ``without`` which are derivatives that the user named.
    """
    callables = {name: value for name, value in public_callables(module).items() if name not in without}
    named = [(f, name) for name in callables if (f := match_function(name)) is not None]
    if not named:
        listed = ", ".join(callables) or "none"
        raise TargetError(
            f"{place} has no callable with a function's name in its own (its callables: {listed});"
            f" write softmax={place}:NAME"
        )
    usable, left_out = [], []
    for function, name in named:
        reason = _unusable(function, callables[name], f"{place}:{name}")
        if reason:
            left_out.append(reason)
        else:
            usable.append((function, name))
    if not usable:
        raise TargetError(left_out[0])
    found: dict[str, tuple[str, Any]] = {}
    for function, name in sorted(usable, key=lambda pair: pair[0] != pair[1]):
        found.setdefault(function, (name, callables[name]))
    taken = {name for name, _ in found.values()}
    rest = tuple(name for _, name in usable if name not in taken)
    in_order = {function: found[function] for function in FUNCTIONS if function in found}
    return in_order, rest, tuple(f"left out: {reason}" for reason in left_out)


def _unusable(function: str, value: Any, spelled: str) -> str:
    """Why a callable found by its name cannot be that function; "" where it can, or only a call tells."""
    if isinstance(value, type):
        return ""
    try:
        bind(function, value, spelled, "numpy")
    except TargetError as error:
        return str(error)
    return ""


def _versions(bindings: Iterable[Binding]) -> dict[str, str]:
    """Versions of the libraries whose arrays are passed, and of the compilers that the target imported."""
    wanted = dict.fromkeys([b.arrays for b in bindings] + ["triton", "numba"])
    modules = ((name, sys.modules.get(name)) for name in wanted)
    return {name: str(getattr(module, "__version__", "?")) for name, module in modules if module is not None}


def _info(
    spec: TargetSpec,
    bindings: Mapping[str, Binding],
    versions: Mapping[str, str],
    notes: tuple[str, ...] = (),
    path: str = "",
) -> TargetInfo:
    offers: dict[str, Offer] = {function: binding.offer for function, binding in bindings.items()}
    arrays = ", ".join(dict.fromkeys(b.arrays for b in bindings.values()))
    return TargetInfo(spec.text, versions, arrays, offers, path=_relative(path), notes=notes)


def _relative(path: str) -> str:
    resolved = Path(path)
    inside = resolved.is_absolute() and resolved.is_relative_to(Path.cwd())
    return str(resolved.relative_to(Path.cwd())) if inside else path


def resolve_callable(
    call: Callable[..., Any], function: str, name: str, options: WorkerOptions,
    gradient: Callable[..., Any] | None = None,
) -> Loaded:  # fmt: skip
    """A Python object as a target: the function is read from its name where it is not given.

    ``gradient`` is a derivative of it.
    """
    own_name = getattr(call, "__name__", type(call).__name__)
    meant = function or match_function(own_name)
    if meant is None:
        raise TargetError(
            f"no function of smxcheck is in the name {own_name!r}: pass function=, as in function='softmax'"
        )
    if meant not in FUNCTIONS:
        raise TargetError(f"no function {meant!r}; there are: {', '.join(FUNCTIONS)}")
    bindings = {meant: _bound_object(meant, name or own_name, call, options)}
    if gradient is not None:
        named = getattr(gradient, "__name__", type(gradient).__name__)
        function = which_derivative(named, named, gradient, (meant,))
        bindings[function] = _bound_object(function, named, gradient, options)
    bindings |= _derived(name or own_name, bindings, options)
    spec = TargetSpec(name or own_name, "callable")
    return Loaded(_info(spec, bindings, _versions(bindings.values())), bindings)


def _bound_object(function: str, spelled: str, call: Callable[..., Any], options: WorkerOptions) -> Binding:
    value = instantiate(call, spelled, Path.cwd()) if isinstance(call, type) else call
    arrays = options.arrays if options.arrays != "auto" else arrays_for(value, source_of(call))
    return bind(function, value, spelled, arrays, options.fixed)
