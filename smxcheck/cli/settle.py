"""The command line over ``[tool.smxcheck]`` over the defaults: from what was typed to what is run."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smxcheck.catalog import FUNCTIONS
from smxcheck.cli.config import Config
from smxcheck.cli.errors import Fail
from smxcheck.cli.wishes import Wish, Wishes
from smxcheck.dtypes import DEFAULT_DTYPES, FORMATS

if TYPE_CHECKING:
    from smxcheck.run.options import RunOptions

_LEVELS = ("standard", "tight", "1ulp")
#: Questions that --recheck asks once more.
_RECHECKED = 200
#: Seconds for one call, and for loading or compiling.
_TIMEOUT, _COMPILE_TIMEOUT = 10.0, 60.0


@dataclass(frozen=True)
class Given:
    """The command line as typed; empty or None where nothing was."""

    targets: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    cases: str = ""
    text: str = ""
    ids: tuple[str, ...] = ()
    inputs: str = ""
    list_only: bool = False
    arrays: str = ""
    device: str = ""
    fixed: tuple[str, ...] = ()
    gradients: tuple[str, ...] = ()
    only: str = ""
    require: str = ""
    max_ulp: float | None = None
    allow: tuple[str, ...] = ()
    expect: tuple[str, ...] = ()
    known: str = ""
    reports: tuple[str, ...] = ()
    format: str = ""
    everything: bool = False
    quiet: bool = False
    verbose: bool = False
    jobs: int | None = None
    timeout: float | None = None
    compile_timeout: float | None = None
    time_limit: float | None = None
    seed: int = 0
    beside: str = ""
    stop_first: bool = False
    isolate: bool = True
    exit_zero: bool = False
    recheck: str = ""
    recheck_sample: int | None = None
    commands: tuple[str, ...] = ()
    fuzz: float | None = None
    store: bool = True
    write_known: str = ""
    shard: str = ""
    config: str = ""
    show_config: bool = False
    shipped: bool = True


def settle(given: Given, config: Config) -> RunOptions:
    """Raises Fail or ValueError, with the option or the key that is wrong."""
    from smxcheck.api import allowed_codes
    from smxcheck.judge.call import Demand
    from smxcheck.judge.choices import parse_expectations
    from smxcheck.judge.result import Level
    from smxcheck.run.options import RunOptions

    _no_conflict(given)
    _known_oracle()
    typed = (*given.targets, *_programs(given))
    if typed and config.values:
        config = config.of_any_target()
    wish = Wishes(config)
    targets = _targets(wish, typed)
    own = not targets
    if own and not given.shipped:
        raise Fail('--no-shipped, and no target is named: type one, or add targets = ["kernel.py:softmax"] to [tool.smxcheck]')
    narrowed = bool(given.functions or given.text or given.ids or given.inputs)
    shipped = shipped_targets(with_wrong=not narrowed) if own else ((), (), {})
    demand = Demand(
        Level(wish("require", given.require).one_of(_LEVELS, "standard")),
        wish("max-ulp", given.max_ulp).number(zero=True),
        dict(pair for read in wish.texts("expect", given.expect).read_each(lambda text: parse_expectations((text,)))
             for pair in read.items()),
        frozenset().union(*wish.texts("allow", given.allow).read_each(lambda name: allowed_codes((name,)))),
    )
    beside = wish("beside", given.beside).value
    if beside in targets:
        raise Fail(f"--beside {beside} is the target itself: name another one to compare with")
    return RunOptions(
        targets=targets or shipped[0], expected_wrong=shipped[1], declared=shipped[2], own=own,
        in_first_dtype=frozenset(shipped[0][1:]),
        functions=wish.texts("functions", given.functions, "--function").names(FUNCTIONS, "function") or None,
        dtypes=wish.texts("dtypes", given.dtypes, "--dtype").names(FORMATS, "dtype") or DEFAULT_DTYPES,
        tier=wish("cases", given.cases).one_of(("quick", "full"), "quick"),
        text=given.text or None, ids=given.ids or None, inputs=wish("inputs", given.inputs).value,
        demand=demand, only=_only(wish("only", given.only)), known=wish("known", given.known).value,
        beside=beside, worker=_worker(given, wish), gradients=_gradients(wish, given, own),
        jobs=wish("jobs", given.jobs, "-j").whole(min(2, _cpus()) if own else 1),
        time_limit=wish("time-limit", given.time_limit).number(),
        recheck=_recheck(given), published=own and not narrowed, stop_first=given.stop_first, seed=given.seed, exit_zero=given.exit_zero,
        fuzz=wish("fuzz", given.fuzz).number(), shard=_shard(given, own),
        store=_store(given, wish), command=shlex.join(["smxcheck", *sys.argv[1:]]),
    )  # fmt: skip


def _store(given: Given, wish: Wishes) -> str | None:
    """The folder that keeps failing inputs; None where --no-store, or the section, wants none."""
    from smxcheck.store import folder

    return str(folder(Path.cwd())) if given.store and wish("store").flag(True) else None


def _programs(given: Given) -> tuple[str, ...]:
    """--command as targets: each program computes every function that is asked for."""
    asked = dict.fromkeys([*given.functions, *(name.partition("/")[0] for name in given.ids if "/" in name)])
    if given.commands and not asked:
        raise Fail(f"--command {given.commands[0]} needs -f FUNCTION, which says what it computes, as in -f softmax;"
                   " more: smxcheck explain command")  # fmt: skip
    return tuple(f"{','.join(asked)}=command:{line}" for line in given.commands)


def _targets(wish: Wishes, typed: tuple[str, ...]) -> tuple[str, ...]:
    """What was typed, else what the section names; a target of the section that is not there is told with its line."""
    from smxcheck.targets.spec import parse_target

    found = wish.texts("targets", typed)
    if found.places:
        found.read_each(parse_target)
    return tuple(found.value)


def _shard(given: Given, own: bool) -> tuple[int, int] | None:
    """--shard, once it is understood."""
    from smxcheck.run.shard import parse

    if given.shard and own:
        raise Fail(f"--shard {given.shard} is of a run of your targets: name one; the run without a target is not split")
    return parse(given.shard) if given.shard else None


def _only(wish: Wish) -> str:
    """--only, once it is understood."""
    from smxcheck.judge.contract import parse_filter

    wish.read(lambda text: parse_filter(text or ""))
    return wish.value or ""


def _no_conflict(given: Given) -> None:
    """Options that contradict each other are an error, not a guess."""
    conflicts = {
        "-q and -v": given.quiet and given.verbose,
        "-q and --all": given.quiet and given.everything,
        "--no-isolate and -j": not given.isolate and (given.jobs or 1) > 1,
        "--no-isolate and --timeout": not given.isolate and given.timeout is not None,
        "--show-config and --list": given.show_config and given.list_only,
        "--list and --write-known": given.list_only and bool(given.write_known),
        "--list and --report": given.list_only and bool(given.reports),
        "--case and -k": bool(given.ids) and bool(given.text),
    }
    for names in (names for names, both in conflicts.items() if both):
        raise Fail(f"{names} exclude each other: leave one out")
    for name in (name for name in given.ids if "/" in name):
        if given.functions and name.partition("/")[0] not in given.functions:
            raise Fail(f"--case {name} is no case of --function {given.functions[0]}: leave one out")
        if given.dtypes and name.rpartition("/")[2] not in given.dtypes:
            raise Fail(f"--case {name} is no case of --dtype {given.dtypes[0]}: leave one out")


def _known_oracle() -> None:
    """Raises Fail for a value of SMXCHECK_ORACLE that means nothing, which would else be silently certified."""
    value = os.environ.get("SMXCHECK_ORACLE", "")
    if value not in ("", "mpmath", "certified"):
        raise Fail(f"SMXCHECK_ORACLE is mpmath or certified, not {value!r}: set it to one of them, or unset it")


def _recheck(given: Given) -> int:
    """How many questions are put to Arb; 0 without --recheck. Raises Fail where python-flint is not there."""
    from smxcheck.run.recheck import lacking

    if not given.recheck:
        if given.recheck_sample is not None:
            raise Fail("--recheck-sample says how many questions --recheck asks: add --recheck flint")
        return 0
    Wish(given.recheck, "--recheck").one_of(("flint",), "")
    if text := lacking():
        raise Fail(text)
    return Wish(given.recheck_sample, "--recheck-sample").whole(_RECHECKED)


def _worker(given: Given, wish: Wishes) -> dict[str, Any]:
    from smxcheck.targets.options import ARRAYS, DEVICES
    from smxcheck.targets.signature import parse_fixed

    return {
        "arrays": wish("arrays", given.arrays).one_of(ARRAYS, "auto"),
        "device": wish("device", given.device).one_of(DEVICES, "cpu"),
        "fixed": dict(wish.texts("fixed", given.fixed).read_each(parse_fixed)),
        "timeout": wish("timeout", given.timeout).number(_TIMEOUT),
        "compile_timeout": wish("compile-timeout", given.compile_timeout).number(_COMPILE_TIMEOUT),
        "isolate": given.isolate,
    }


def _gradients(wish: Wishes, given: Given, own: bool) -> tuple[str, ...]:
    """--gradient; a gradient is that of a target."""
    from smxcheck.targets.gradients import AUTO, parse_gradient

    found = wish.texts("gradient", given.gradients)
    if found.value and own:
        raise Fail(f"{found.name} {found.value[0]} needs a TARGET that it is the gradient of")
    found.read_each(lambda text: parse_gradient(text) if text != AUTO else None)
    return tuple(found.value)


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def shipped_targets(with_wrong: bool = True) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, str]]:
    """The bare run: every algorithm, those that are wrong on purpose, and what each declares.

    The default algorithms come first; they alone run in every dtype, to keep the run short. ``with_wrong`` False leaves
    those out that are wrong: a part of the cases need not catch them.
    """
    from smxcheck.targets.table import algorithms

    declared = {
        f"builtin.{name}/{function}": str(entry.declared)
        for function, entries in algorithms().items()
        for name, entry in entries.items()
    }
    declared |= {f"builtin/{f}": str(next(iter(entries.values())).declared) for f, entries in algorithms().items()}
    names = dict.fromkeys(key.partition("/")[0] for key in declared)
    wrong = tuple(n for n in names if any(v == "wrong" for k, v in declared.items() if k.startswith(f"{n}/")))
    first = ["builtin"] + [n for n in names if n not in ("builtin", "builtin.accurate")]
    if not with_wrong:
        return tuple(n for n in first if n not in wrong), (), declared
    return tuple(first), wrong, declared
