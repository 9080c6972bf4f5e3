"""Which of the catalog's keywords a callable takes, and how each call of the catalog becomes a call of it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from smxcheck.catalog import FUNCTIONS, KEYWORD_DEFAULTS, Function, Group
from smxcheck.targets.layout import NotPassed
from smxcheck.targets.protocol import Call, Offer, TargetError
from smxcheck.targets.roles import in_other_order, is_output

_Parameter = inspect.Parameter
_POSITIONAL = (_Parameter.POSITIONAL_ONLY, _Parameter.POSITIONAL_OR_KEYWORD)

_OPEN = (_Parameter.VAR_POSITIONAL, _Parameter.VAR_KEYWORD)

#: What a callable may call a keyword of the catalog.
ALIASES = {"dim": "axis", "temperature": "tau", "epsilon": "eps"}


@dataclass(frozen=True)
class Binding:
    """A callable as one function of the catalog.

    ``own_names`` maps a catalog keyword to the callable's own name for it; ``by_position`` is the keyword
    that goes in by position (its parameter is positional-only); ``through`` are keywords that only
    ``**kwargs`` takes; ``required`` are those without a default.
    """

    offer: Offer
    call: Callable[..., Any]
    arrays: str
    own_names: Mapping[str, str] = field(default_factory=dict)
    by_position: str | None = None
    through: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()

    def keywords_for(self, call: Call, axes: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What goes in after the arrays: by position, and by name.

        A keyword that the case does not give goes in at the catalog's default, not at the callable's own,
        which may differ. One that the callable lacks may be given at its fixed value only: else
        :class:`NotPassed`.
        """
        for name, value in call.keywords.items():
            if name not in self.offer.keywords and not self._is_fixed_at(name, value, axes):
                raise NotPassed(
                    f"{self.offer.spelled} takes no {name}; it is tested at {self._fixed(name)!r}"
                )
        values = {name: self._value(name, call) for name in self.own_names if self._goes_in(name, call)}
        last = self.by_position
        positional = (values.pop(last),) if last is not None and last in values else ()
        return positional, {self.own_names[name]: value for name, value in values.items()}

    def _goes_in(self, name: str, call: Call) -> bool:
        if name in call.keywords or name in self.offer.fixed or name in self.required:
            return True
        if name in self.through:
            # A loss that hands its **kwargs on would hand on an axis that no loss of torch's takes.
            return name == "axis" and FUNCTIONS[call.function].group is not Group.LOSS
        return KEYWORD_DEFAULTS[name] is not None

    def _value(self, name: str, call: Call) -> Any:
        if name in self.offer.fixed:
            return self.offer.fixed[name]
        return call.keywords.get(name, KEYWORD_DEFAULTS[name])

    def _fixed(self, name: str) -> Any:
        return self.offer.fixed.get(name, KEYWORD_DEFAULTS.get(name))

    def _is_fixed_at(self, name: str, value: Any, axes: int) -> bool:
        fixed = self._fixed(name)
        if name == "axis" and isinstance(value, int) and isinstance(fixed, int) and axes:
            # Of a single axis, the class axis 1 of torch's losses is that axis.
            return value % axes == min(fixed, axes - 1) % axes
        return value is fixed or (isinstance(value, str | int | float) and bool(value == fixed))


def bind(
    function: str, call: Callable[..., Any], spelled: str, arrays: str, fixed: Mapping[str, Any] | None = None
) -> Binding:
    """The callable as ``function`` of the catalog.

    ``fixed`` holds what ``--fixed`` declares. A keyword that is not taken and not declared is fixed at the
    catalog's default; the class axis of a torch-style loss is 1. Raises :class:`TargetError` where the
    callable cannot be called with the function's arrays.
    """
    entry = FUNCTIONS[function]
    signature = signature_of(call)
    own_names: dict[str, str] = {}
    by_position = None
    through: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    if signature is not None:
        own_names, by_position = _taken(entry, signature, spelled)
        without_default = {p.name for p in signature.parameters.values() if p.default is _Parameter.empty}
        required = frozenset(name for name, own in own_names.items() if own in without_default)
        if any(p.kind is _Parameter.VAR_KEYWORD for p in signature.parameters.values()):
            through = frozenset(entry.keywords) - own_names.keys()
            own_names |= {name: name for name in through}
    declared = {name: value for name, value in (fixed or {}).items() if name in entry.keywords}
    lacking = {name: _default(name, entry, arrays) for name in entry.keywords if name not in own_names}
    keywords = frozenset(own_names) - declared.keys()
    offer = Offer(function, spelled, keywords, {**lacking, **declared})
    return Binding(offer, call, arrays, own_names, by_position, through, required)


def _default(name: str, entry: Function, arrays: str) -> Any:
    if name == "axis" and entry.group is Group.LOSS and arrays == "torch":
        return 1
    return KEYWORD_DEFAULTS[name]


def _taken(entry: Function, signature: inspect.Signature, spelled: str) -> tuple[dict[str, str], str | None]:
    """Catalog keyword -> own name, and the keyword that goes in by position."""
    parameters = list(signature.parameters.values())
    arrays = len(entry.arguments)
    positional = [p for p in parameters if p.kind in _POSITIONAL]
    if len(positional) < arrays and not any(p.kind is _Parameter.VAR_POSITIONAL for p in parameters):
        need = "one array" if arrays == 1 else f"{arrays} arrays"
        raise TargetError(
            f"{spelled} cannot be called as {entry.name}: it takes {len(positional)} positional arguments"
            f" where {entry.name} has {need} ({', '.join(entry.arguments)})"
        )
    _check_places(entry, [p.name for p in positional[:arrays]], spelled)
    taken: dict[str, str] = {}
    by_position = None
    for place, parameter in enumerate(positional[arrays:]):
        name = ALIASES.get(parameter.name, parameter.name)
        if name not in entry.keywords:
            continue
        if parameter.kind is _Parameter.POSITIONAL_ONLY:
            if place > 0:
                continue  # what stands before it is unknown
            by_position = name
        taken[name] = parameter.name
    for parameter in parameters:
        name = ALIASES.get(parameter.name, parameter.name)
        if parameter.kind is _Parameter.KEYWORD_ONLY and name in entry.keywords:
            taken[name] = parameter.name
    unknown = [p.name for p in _required(parameters, arrays) if p.name not in taken.values()]
    if unknown:
        raise TargetError(
            f"{spelled} cannot be called as {entry.name}: it needs {', '.join(unknown)}, which"
            f" {entry.name} does not have; give it a default, or wrap it in a function without it"
        )
    return taken, by_position


def _check_places(entry: Function, own: list[str], spelled: str) -> None:
    """Refuse a callable whose names say that an array would land in the wrong parameter. Raises :class:`TargetError`."""
    wrap = f"wrap it in a function of ({', '.join(entry.arguments)})"
    for name, argument in zip(own, entry.arguments, strict=False):
        keyword = ALIASES.get(name, name)
        if keyword in KEYWORD_DEFAULTS and keyword not in entry.arguments:
            raise TargetError(
                f"{spelled} cannot be called as {entry.name}: it has {name} where {entry.name} has {argument}; {wrap}"
            )
    if entry.derivative_of and in_other_order(own, entry.arguments):
        product = entry.name.replace("_backward", "_vjp")
        of_logits = product != entry.name and not is_output(own[0])
        other = f", or say {product}={spelled} if {own[0]} is the logits" if of_logits else ""
        raise TargetError(
            f"{spelled} cannot be called as {entry.name}: it takes ({', '.join(own)}), in the other order; {wrap}{other}"
        )


def _required(parameters: list[inspect.Parameter], arrays: int) -> list[inspect.Parameter]:
    """The parameters beyond the arrays that have no default."""
    positional = [p for p in parameters if p.kind in _POSITIONAL][arrays:]
    by_name = [p for p in parameters if p.kind is _Parameter.KEYWORD_ONLY]
    return [p for p in (*positional, *by_name) if p.default is _Parameter.empty]


def signature_of(call: Callable[..., Any]) -> inspect.Signature | None:
    """The signature; that of ``forward`` where the callable has one, as torch's modules have.

    Compiled functions often have none but begin their docstring with it: ``softmax(input, dim, *, ...)``.
    None where neither is to be had.
    """
    custom = custom_function(call)
    if custom is not None:
        return _of_custom_function(custom)
    forward = getattr(call, "forward", None)
    if callable(forward):
        call = forward
    try:
        own = inspect.signature(call, follow_wrapped=False)
        # functools.wraps advertises the wrapped function; what is called is the wrapper, unless it takes all.
        return inspect.signature(call) if any(p.kind in _OPEN for p in own.parameters.values()) else own
    except (TypeError, ValueError):
        return _documented(call)


def custom_function(value: Any) -> Any:
    """The subclass of ``torch.autograd.Function`` that ``value`` is, or is the ``apply`` of; None for anything else."""
    cls = value if isinstance(value, type) else getattr(value, "__self__", None)
    bases = cls.__mro__[1:] if isinstance(cls, type) else ()
    is_custom = any(
        base.__name__ == "Function" and base.__module__ == "torch.autograd.function" for base in bases
    )
    return cls if is_custom else None


def _of_custom_function(cls: Any) -> inspect.Signature:
    """What ``apply`` takes: what ``forward`` does, without the context that it gets unless ``setup_context`` does."""
    signature = inspect.signature(cls.forward)
    with_context = cls.setup_context.__module__ == "torch.autograd.function"
    return signature.replace(parameters=list(signature.parameters.values())[with_context:])


def _documented(call: Callable[..., Any]) -> inspect.Signature | None:
    name = re.escape(getattr(call, "__name__", ""))
    found = (
        re.match(rf"\s*(?:[\w.]+\.)?{name}\((?P<parameters>[^()]*)\)", call.__doc__ or "") if name else None
    )
    if found is None:
        return None
    kind: Any = _Parameter.POSITIONAL_OR_KEYWORD
    parameters: list[inspect.Parameter] = []
    for text in found["parameters"].replace("[", "").replace("]", "").split(","):
        name, equals, _ = text.strip().partition("=")
        if name == "/":
            parameters = [p.replace(kind=_Parameter.POSITIONAL_ONLY) for p in parameters]
        elif name == "*":
            kind = _Parameter.KEYWORD_ONLY
        elif name.isidentifier():
            default = None if equals or kind is _Parameter.KEYWORD_ONLY else _Parameter.empty
            parameters.append(_Parameter(name, kind, default=default))
        else:
            return None
    try:
        return inspect.Signature(parameters)
    except ValueError:
        return None


def parse_fixed(text: str) -> tuple[str, Any]:
    """``--fixed NAME=VALUE``: "reduction=none" is ("reduction", "none"), "dim=0" is ("axis", 0).

    Raises :class:`TargetError` for a name that is no keyword of the catalog and for a value of the wrong
    kind.
    """
    name, equals, value = text.partition("=")
    name = ALIASES.get(name.strip(), name.strip())
    value = value.strip()
    if name not in _READERS or not equals:
        raise TargetError(f"--fixed {text}: write NAME=VALUE with NAME one of {', '.join(_READERS)}")
    try:
        return name, _READERS[name](value)
    except ValueError as error:
        raise TargetError(f"--fixed {text}: {error}") from error


def _axis(value: str) -> int | None:
    return None if value.lower() == "none" else int(value)


def _reduction(value: str) -> str:
    if value not in ("none", "mean", "sum"):
        raise ValueError("a reduction is none, mean or sum")
    return value


def _flag(value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise ValueError("write true or false")
    return value.lower() == "true"


_READERS: dict[str, Callable[[str], Any]] = {
    "axis": _axis,
    "ignore_index": int,
    "label_smoothing": float,
    "reduction": _reduction,
    "phi": str,
    "order": int,
    "eps": float,
    "margin": float,
    "tau": float,
    "hard": _flag,
    "draws": int,
    "seed": int,
}
