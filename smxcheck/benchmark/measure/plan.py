"""What a run consists of: every function, dtype and shape that some target has, and how long each is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from smxcheck.benchmark.results import Settings
from smxcheck.benchmark.shapes import LADDER, Shape, defaults
from smxcheck.catalog import FUNCTIONS
from smxcheck.targets.protocol import TargetError, TargetInfo
from smxcheck.targets.spec import parse_target

#: What is timed where only libraries are named.
_UNASKED = ("softmax",)
#: ``quick`` leaves one in so many rows; a single row is shortened.
_QUICK = 4
#: The share of the seconds that goes to rounds of every benchmark. The rest is for starts and judgements, and for those
#: benchmarks that are undecided.
_ROUNDS_SHARE = 0.4


@dataclass(frozen=True)
class Item:
    """One benchmark to be measured, and the targets that have its function."""

    function: str
    dtype: str
    shape: Shape
    targets: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"{self.function} {self.dtype} {self.shape.title}"


def items(settings: Settings, infos: Sequence[TargetInfo]) -> list[Item]:
    """Raises TargetError where no target has any of the functions, and where none is called what ratios are to."""
    found = []
    names = [info.name for info in infos]
    if settings.relative_to and settings.relative_to not in names:
        raise TargetError(f"--relative-to {settings.relative_to}: what is timed is called {', '.join(names)}; name one of these")
    for function in functions(settings, infos):
        having = tuple(i.name for i in infos if function in i.offers)
        for dtype in settings.dtypes if having else ():
            found += [Item(function, dtype, shape, having) for shape in shapes(settings, function)]
    if not found:
        asked = ", ".join(functions(settings, infos))
        raise TargetError(f"none of the targets has {asked}; smxcheck list TARGET shows what a target has")
    return found


def functions(settings: Settings, infos: Sequence[TargetInfo]) -> tuple[str, ...]:
    """Those that were asked for; else what the user's own targets have; softmax where there are none of these."""
    if settings.functions:
        return settings.functions
    own = [i for i in infos if parse_target(i.name).kind in ("file", "module")]
    offered = {function for info in own for function in info.offers}
    return tuple(f for f in FUNCTIONS if f in offered) or _UNASKED


def lacking(settings: Settings, infos: Sequence[TargetInfo]) -> list[str]:
    """A sentence for each target that was named and has not all of the functions."""
    asked = functions(settings, infos)
    found = {i.name: [f for f in asked if f not in i.offers] for i in infos if i.name in settings.targets}
    return [f"{name} has no {', '.join(missing)}: not timed there" for name, missing in found.items() if missing]


def shapes(settings: Settings, function: str) -> tuple[Shape, ...]:
    """Those that were asked for, or the default ones of the function."""
    entry = FUNCTIONS[function]
    chosen = settings.shapes or defaults(entry.shape)
    if settings.ladder and entry.shape not in ("jacobian", "hessian"):
        chosen = (*(settings.shapes or chosen), *LADDER)
    if "axis" not in entry.keywords and not settings.shapes:
        chosen = tuple(s for s in chosen if s.axis == -1)
    return tuple(dict.fromkeys(map(shortened, chosen) if settings.quick else chosen))


def shortened(shape: Shape) -> Shape:
    """A quarter of the elements: fewer rows of the same length, or a shorter row where there is only one."""
    lengths = list(shape.shape)
    rows = [i for i in range(len(lengths)) if i != shape.axis % len(lengths) and lengths[i] > 1]
    which = rows[0] if rows else shape.axis
    lengths[which] = max(1, lengths[which] // _QUICK)
    return replace(shape, shape=tuple(lengths))


def seconds_each(settings: Settings, count: int) -> float:
    """Seconds of rounds for one benchmark in one launch."""
    return _ROUNDS_SHARE * settings.seconds / max(1, count * settings.launches)


def by_title(found: Sequence[Item]) -> Mapping[str, Item]:
    return {item.title: item for item in found}
