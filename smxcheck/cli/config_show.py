"""``verify --show-config``: the values in force, each with where it came from, in the form in which a file has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from smxcheck.cli.config import KEYS, OWN, SHARED, Config

if TYPE_CHECKING:
    from smxcheck.cli.settle import Given
    from smxcheck.run.options import RunOptions

#: Where the command line has a key under another name.
_TYPED = {"gradient": "gradients"}


def in_force(given: Given, config: Config, options: RunOptions) -> str:
    """A smxcheck.toml that asks for this run: one key a line, its source as a comment, unset keys commented out."""
    if (given.targets or given.commands) and config.path:
        config = config.of_any_target()
    values = _values(options, given, config)
    head = f"# configuration: {config.path or f'none: no {OWN}, and no [tool.smxcheck] in {SHARED}'}"
    body = [_line(key, values[key], _source(key, given, config)) for key in KEYS]
    return "\n".join([head, *body])


def _values(options: RunOptions, given: Given, config: Config) -> Mapping[str, Any]:
    demand, worker = options.demand, options.worker
    return {
        "targets": () if options.own else options.targets, "functions": options.functions, "dtypes": options.dtypes,
        "cases": options.tier, "require": demand.require.value, "max-ulp": demand.max_ulp, "allow": sorted(demand.allow),
        "expect": demand.expectations, "only": options.only, "arrays": worker["arrays"], "device": worker["device"],
        "fixed": worker["fixed"], "timeout": worker["timeout"], "compile-timeout": worker["compile_timeout"],
        "time-limit": options.time_limit, "jobs": options.jobs, "fuzz": options.fuzz, "inputs": options.inputs,
        "beside": options.beside, "gradient": options.gradients, "known": options.known,
        "store": given.store and config["store"] is not False,
    }  # fmt: skip


def _source(key: str, given: Given, config: Config) -> str:
    typed = getattr(given, _TYPED.get(key, key.replace("-", "_")))
    if key == "store":
        typed = not typed
    if key == "targets":
        typed = typed or given.commands
    if typed not in (None, "", (), False):
        return "command line"
    return config.where(key) if key in config.values else "default"


def _line(key: str, value: Any, source: str) -> str:
    if value in (None, "", (), [], {}):
        return f"# {key} is not set"
    return f"{key} = {_toml(value)}  # {source}"


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value if isinstance(value, bool | int | float | str) else str(value))
