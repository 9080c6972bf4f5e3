"""The shipped targets: smxcheck's own algorithms, and the libraries with an adapter. One entry per target."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Library:
    """A target that ships.

    ``adapter`` is the module under ``smxcheck.targets.adapters``; ``needs`` are the modules that it imports,
    and ``extra`` is the extra of smxcheck that installs them.
    """

    name: str
    adapter: str
    needs: tuple[str, ...]
    extra: str
    summary: str

    @property
    def install(self) -> str:
        """The command that installs what the target needs."""
        return f"pip install 'smxcheck[{self.extra}]'" if self.extra else ""

    def missing(self) -> tuple[str, ...]:
        """The modules that are not installed here; none is imported."""
        return tuple(name for name in self.needs if importlib.util.find_spec(name) is None)


LIBRARIES: dict[str, Library] = {
    library.name: library
    for library in (
        Library("builtin", "builtin", (), "", "smxcheck's own functions, each with its default algorithm"),
        Library("scipy", "scipy", ("scipy",), "scipy", "scipy.special"),
        Library("torch", "torch", ("torch",), "torch", "PyTorch: torch and torch.nn.functional"),
        Library("jax", "jax", ("jax",), "jax", "JAX: jax.nn and jax.scipy.special, with 64-bit on"),
        Library(
            "onnxruntime", "onnxruntime", ("onnxruntime", "onnx"), "onnx", "one-node ONNX models on the CPU"
        ),
    )
}


def algorithms() -> dict[str, dict[str, Any]]:
    """function -> algorithm -> entry with ``call``, of ``smxcheck.functions`` (imports NumPy)."""
    found: dict[str, dict[str, Any]] = importlib.import_module("smxcheck.functions").ALGORITHMS
    return found


def names() -> tuple[str, ...]:
    """Every name that is a target by itself: the libraries, and ``builtin.<algorithm>``."""
    own = {f"builtin.{algorithm}" for entries in algorithms().values() for algorithm in entries}
    return (*LIBRARIES, *sorted(own))
