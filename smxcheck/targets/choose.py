"""Which library's arrays a callable gets unasked: its annotation says it, then the imports of its file."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from smxcheck.targets.signature import signature_of

_TORCH = re.compile(r"\btorch\b|\bTensor\b")
_JAX = re.compile(r"\bjax\b|\bjaxlib\b|\bjnp\b")
_NUMPY = re.compile(r"\bnumpy\b|\bnp\b|\bndarray\b|\bNDArray\b|\bArrayLike\b")


def arrays_for(function: Callable[..., Any], source: Path | None) -> str:
    """ "numpy", "torch" or "jax".

    The annotation of the first parameter decides, then the one of the result, then what the source file
    imports; a file that imports both torch and JAX, or neither, gets NumPy arrays.
    """
    for annotation in _annotations(function):
        for name, pattern in (("torch", _TORCH), ("jax", _JAX), ("numpy", _NUMPY)):
            if pattern.search(annotation):
                return name
    found = imported_libraries(source) & {"torch", "jax"} if source is not None else set()
    return found.pop() if len(found) == 1 else "numpy"


def imported_libraries(source: Path) -> set[str]:
    """Top-level names of all that a Python file imports, anywhere in it; empty where it cannot be read."""
    try:
        tree = ast.parse(source.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def source_of(function: Callable[..., Any]) -> Path | None:
    """The file that defines a callable (the class, for an instance), or None where there is none."""
    plain = inspect.unwrap(function)
    for candidate in (plain, type(plain)):
        try:
            found = inspect.getsourcefile(candidate)
        except TypeError:
            continue
        if found:
            return Path(found)
    return None


def _annotations(function: Callable[..., Any]) -> list[str]:
    signature = signature_of(function)
    if signature is None:
        return []
    first = next(iter(signature.parameters.values()), None)
    found = [first.annotation] if first is not None else []
    empty = inspect.Signature.empty
    return [_spelled(a) for a in (*found, signature.return_annotation) if a is not empty and a is not None]


def _spelled(annotation: Any) -> str:
    """An annotation as text, never evaluated: `torch.Tensor`, "np.ndarray", `jax.Array`."""
    if isinstance(annotation, str):
        return annotation
    if isinstance(annotation, type):
        return f"{annotation.__module__}.{annotation.__qualname__}"
    return repr(annotation)
