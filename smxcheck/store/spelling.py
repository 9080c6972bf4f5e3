"""How a call of a target is written by who uses it: imports, and one expression of the arrays' names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smxcheck.catalog import FUNCTIONS
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.protocol import Call, TargetError
from smxcheck.targets.resolve import resolve
from smxcheck.targets.spec import TargetSpec

#: Library → function → the call, where it is one that a user would write. ``{x}`` is the first array in the library's own
#: kind, ``{y}`` the second, ``{axis}`` the axis, ``{more}`` the keywords of a loss.
CALLS: dict[str, dict[str, str]] = {
    "scipy": {
        "softmax": "special.softmax({x}, axis={axis})", "log_softmax": "special.log_softmax({x}, axis={axis})",
        "logsumexp": "special.logsumexp({x}, axis={axis})", "sigmoid": "special.expit({x})",
        "log_sigmoid": "special.log_expit({x})", "entropy": "special.entr({x}).sum(axis={axis})",
        "kl_divergence": "special.rel_entr({x}, {y}).sum(axis={axis})",
    },
    "torch": {
        "softmax": "torch.softmax({x}, dim={axis})", "log_softmax": "torch.log_softmax({x}, dim={axis})",
        "logsumexp": "torch.logsumexp({x}, dim={axis})", "sigmoid": "torch.sigmoid({x})",
        "log_sigmoid": "F.logsigmoid({x})", "cross_entropy": "F.cross_entropy({x}, {y}{more})",
        "nll_loss": "F.nll_loss({x}, {y}{more})",
        "binary_cross_entropy_with_logits": "F.binary_cross_entropy_with_logits({x}, {y}, reduction='none')",
        "entropy": "torch.special.entr({x}).sum(dim={axis})",
        "softmax_backward": "torch.ops.aten._softmax_backward_data({x}, {y}, {axis}, {y}.dtype)",
        "log_softmax_backward": "torch.ops.aten._log_softmax_backward_data({x}, {y}, {axis}, {y}.dtype)",
    },
    "jax": {
        "softmax": "jax.jit(lambda x: jax.nn.softmax(x, axis={axis}))({x})",
        "log_softmax": "jax.jit(lambda x: jax.nn.log_softmax(x, axis={axis}))({x})",
        "logsumexp": "jax.jit(lambda x: jax.scipy.special.logsumexp(x, axis={axis}))({x})",
        "sigmoid": "jax.jit(jax.nn.sigmoid)({x})", "log_sigmoid": "jax.jit(jax.nn.log_sigmoid)({x})",
    },
}  # fmt: skip
_IMPORTS = {
    "numpy": (), "torch": ("import torch", "from torch.nn import functional as F"),
    "jax": ("import jax", "jax.config.update('jax_enable_x64', True)"),
}  # fmt: skip


@dataclass(frozen=True)
class Spelled:
    """Lines before the call, and the call itself; ``needs`` says what must be installed beside NumPy."""

    lines: tuple[str, ...]
    call: str
    needs: str


def spelled(spec: TargetSpec, call: Call, arrays: str, options: WorkerOptions) -> Spelled:
    """The call of a target. ``arrays`` is the library of its arrays. Raises TargetError where it cannot be called so."""
    names = [_passed(name, value, arrays, options) for name, value in zip(_names(call), call.arguments, strict=True)]
    if spec.kind == "library" and call.function in CALLS.get(spec.name, {}) and _is_plain(call):
        return _of_library(spec.name, call, names, arrays)
    if spec.kind == "library":
        return _of_binding(spec, call, names, arrays, options)
    return _of_callable(spec, call, names, arrays, options)


def _names(call: Call) -> tuple[str, ...]:
    return FUNCTIONS[call.function].arguments


def _of_binding(spec: TargetSpec, call: Call, names: list[str], arrays: str, options: WorkerOptions) -> Spelled:
    """A function that smxcheck puts together, as a derivative by autodiff: the script then needs smxcheck as well."""
    made = ", ".join(f"{k}={getattr(options, k)!r}" for k in ("arrays", "derive", "gradients"))
    lines = (
        *_IMPORTS[arrays], "from smxcheck.targets.options import WorkerOptions", "from smxcheck.targets.resolve import resolve",
        "from smxcheck.targets.spec import parse_target",
        f"# {spec.text!r} has no {call.function} that could be called by name: this is the way that smxcheck takes.",
        f"target = resolve(parse_target({spec.text!r}), WorkerOptions({made})).bindings[{call.function!r}].call",
    )  # fmt: skip
    given = [*names, *(f"{k}={_keyword(k, v, arrays, options)}" for k, v in call.keywords.items())]
    return Spelled(lines, f"target({', '.join(given)})", f"{spec.text} and smxcheck")


def _is_plain(call: Call) -> bool:
    """Whether the call has the form of the table: one axis, and of a loss the classes on the last axis of two."""
    axis = call.keywords.get("axis", -1)
    if "labels" in _names(call):
        return call.arguments[0].ndim == 2 and axis in (-1, 1)
    return isinstance(axis, int)


def _of_library(library: str, call: Call, names: list[str], arrays: str) -> Spelled:
    more = "".join(
        f", {k}={'torch.from_numpy(weight)' if k == 'weight' and v is not None else repr(v)}"
        for k, v in call.keywords.items() if k != "axis"
    )  # fmt: skip
    text = CALLS[library][call.function].format(x=names[0], y=names[-1], axis=call.keywords.get("axis", -1), more=more)
    imports = ("from scipy import special",) if library == "scipy" else _IMPORTS[arrays]
    if library == "torch" and "F." not in text:
        imports = imports[:1]
    return Spelled(imports, text, library)


def _of_callable(spec: TargetSpec, call: Call, names: list[str], arrays: str, options: WorkerOptions) -> Spelled:
    """A callable of a file or module, or one of smxcheck's own; its keywords under its own names."""
    if spec.kind not in ("builtin", "file", "module"):
        raise TargetError(f"{spec.text}: repro writes calls of Python's callables alone")
    binding = resolve(spec, options).bindings.get(call.function)
    if binding is None:
        raise TargetError(f"{spec.text} offers no {call.function}")
    if spec.kind != "builtin" and not re.fullmatch(r"\S+:[\w.]+", binding.offer.spelled):
        return _of_binding(spec, call, names, arrays, options)
    positional, keywords = binding.keywords_for(call, call.arguments[0].ndim)
    own = {v: k for k, v in binding.own_names.items()}
    given = [*names, *(repr(v) for v in positional)]
    given += [f"{k}={_keyword(own.get(k, k), v, arrays, options)}" for k, v in keywords.items()]
    callee = binding.offer.spelled.rpartition(":")[2] if spec.kind != "builtin" else call.function
    if spec.kind == "builtin":
        lines: tuple[str, ...] = ("from smxcheck import functions",)
        found = f"functions.ALGORITHMS[{call.function!r}][{spec.name!r}].call" if spec.name else f"functions.{callee}"
        return Spelled(lines, f"{found}({', '.join(given)})", "smxcheck")
    if spec.kind == "module":
        return Spelled((*_IMPORTS[arrays][:1], f"import {spec.module}"), f"{spec.module}.{callee}({', '.join(given)})", spec.module)
    file = Path(spec.path).resolve()
    lines = (
        *(_IMPORTS[arrays][:1] if arrays == "torch" else _IMPORTS[arrays]),
        "import importlib.util",
        f"sys.path.insert(0, {str(file.parent)!r})",
        f"spec = importlib.util.spec_from_file_location({file.stem!r}, {str(file)!r})",
        "target = importlib.util.module_from_spec(spec)",
        "spec.loader.exec_module(target)",
    )
    # A class is instantiated without arguments, and its instance called.
    made = "()" if type(binding.call).__name__ == callee.rpartition(".")[2] else ""
    return Spelled(lines, f"target.{callee}{made}({', '.join(given)})", file.name)


def _passed(name: str, value: Any, arrays: str, options: WorkerOptions) -> str:
    """An array in the target's own kind, from the NumPy array of that name."""
    if arrays == "torch":
        bits = value.dtype.name == "bfloat16"
        made = f"torch.from_numpy({name}.view(np.int16)).view(torch.bfloat16)" if bits else f"torch.from_numpy({name})"
        return made if options.device == "cpu" else f"{made}.to({options.device!r})"
    return f"jax.numpy.asarray({name})" if arrays == "jax" else name


def _keyword(name: str, value: Any, arrays: str, options: WorkerOptions) -> str:
    return _passed(name, value, arrays, options) if hasattr(value, "dtype") and hasattr(value, "ndim") else repr(value)
