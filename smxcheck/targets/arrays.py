"""Arrays of the target's own library: from NumPy and back, with not a bit changed.

bfloat16 reaches torch by its bits, since torch reads no array of ml_dtypes; JAX uses that dtype itself.
"""

from __future__ import annotations

import sys
from typing import Any, Protocol

# Bound here: a target that replaces attributes of numpy changes its own calls, not these.
from numpy import asarray, generic, int16, may_share_memory, ndarray

from smxcheck.targets.layout import Array, NotPassed
from smxcheck.targets.protocol import TargetError


class NotAnArray(Exception):
    """The target returned something that is no array."""


class ArrayKind(Protocol):
    """How one library's arrays are made and read. ``layouts`` are those that its arrays can have."""

    name: str
    layouts: frozenset[str]

    def from_host(self, array: Array) -> Any: ...

    def to_host(self, native: Any) -> Array: ...

    def wait(self, result: Any) -> None:
        """Returns when the result is there."""
        ...

    def aliases(self, result: Any, argument: Any) -> bool:
        """Whether the result lies in the argument's memory."""
        ...


_STRIDED = frozenset({"contiguous", "transposed", "every-other", "offset", "broadcast"})


class NumpyArrays:
    """Arrays as they come."""

    name = "numpy"
    layouts = _STRIDED | {"reversed", "read-only"}

    def from_host(self, array: Array) -> Any:
        return array

    def to_host(self, native: Any) -> Array:
        return asarray(native)

    def wait(self, result: Any) -> None:
        return None

    def aliases(self, result: Any, argument: Any) -> bool:
        # Bounds suffice: the input has an allocation of its own.
        return isinstance(result, ndarray) and bool(may_share_memory(result, argument))


class TorchArrays:
    """Tensors, on the CPU in the memory of the array that they are made from.

    torch has no negative strides and no read-only tensors.
    """

    name = "torch"
    layouts = _STRIDED

    def __init__(self, device: str = "cpu") -> None:
        import torch

        if device == "cuda" and not torch.cuda.is_available():
            raise TargetError(
                "--device cuda: torch finds no CUDA device here; leave --device out to test on the CPU"
            )
        self._torch = torch
        self._device = device

    def from_host(self, array: Array) -> Any:
        bfloat16 = array.dtype.name == "bfloat16"
        tensor = self._torch.from_numpy(array.view(int16) if bfloat16 else array)
        if bfloat16:
            tensor = tensor.view(self._torch.bfloat16)
        return tensor if self._device == "cpu" else self._on_device(tensor)

    def _on_device(self, tensor: Any) -> Any:
        # Copying a view with gaps to a device loses its strides: the memory is copied, the view made there.
        span = 1 + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True))
        if tensor.numel() == 0 or tensor.is_contiguous():
            return tensor.to(self._device)
        memory = tensor.as_strided((span,), (1,)).to(self._device)
        return memory.as_strided(tensor.shape, tensor.stride())

    def to_host(self, native: Any) -> Array:
        if native.layout is not self._torch.strided:
            raise NotAnArray(f"a {str(native.layout).removeprefix('torch.')} tensor, not a dense one")
        tensor = native.detach().resolve_conj().resolve_neg().cpu()
        if tensor.dtype is not self._torch.bfloat16:
            return asarray(tensor.numpy())
        import ml_dtypes

        return asarray(tensor.view(self._torch.int16).numpy().view(ml_dtypes.bfloat16))

    def wait(self, result: Any) -> None:
        if self._device == "cuda":
            self._torch.cuda.synchronize()

    def aliases(self, result: Any, argument: Any) -> bool:
        if not isinstance(result, self._torch.Tensor) or result.layout is not self._torch.strided:
            return False
        if result.device != argument.device or not result.numel() or not argument.numel():
            return False
        ours, theirs = _span(argument), _span(result)
        return ours[0] < theirs[1] and theirs[0] < ours[1]


class JaxArrays:
    """JAX arrays: no strides, and never written to."""

    name = "jax"
    layouts = frozenset({"contiguous"})

    def __init__(self, device: str = "cpu") -> None:
        import jax

        self._jax = jax
        try:
            self._device = jax.devices(device)[0]
        except RuntimeError as error:
            raise TargetError(f"--device {device}: JAX finds no such device here ({error})") from error

    def from_host(self, array: Array) -> Any:
        native = self._jax.device_put(array, self._device)
        if native.dtype != array.dtype:
            raise NotPassed(f"JAX turns {array.dtype} into {native.dtype} here: set JAX_ENABLE_X64=1")
        return native

    def to_host(self, native: Any) -> Array:
        return asarray(native)

    def wait(self, result: Any) -> None:
        self._jax.block_until_ready(result)

    def aliases(self, result: Any, argument: Any) -> bool:
        return False  # neither can be written to


def array_kind(name: str, device: str = "cpu") -> ArrayKind:
    """The arrays of that name ("numpy", "torch", "jax") on that device ("cpu", "cuda").

    Raises :class:`TargetError` where the library or the device is missing.
    """
    if name == "numpy":
        if device != "cpu":
            raise TargetError("--device cuda needs a target that takes torch tensors: add --arrays torch")
        return NumpyArrays()
    try:
        return TorchArrays(device) if name == "torch" else JaxArrays(device)
    except ImportError as error:
        raise TargetError(f"--arrays {name}: {error}; pip install 'smxcheck[{name}]'") from error


def result_to_host(value: Any, kind: ArrayKind) -> Array:
    """The value that a target returned as an array; a Python float or int is 0-d.

    Raises :class:`NotAnArray` for anything that is neither an array nor a scalar of NumPy, torch or JAX.
    """
    if isinstance(value, ndarray | generic):
        return _plain(value)
    if type(value) in (int, float):
        return asarray(value)
    torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
    try:
        if torch is not None and isinstance(value, torch.Tensor):
            return _plain((kind if isinstance(kind, TorchArrays) else TorchArrays()).to_host(value))
        if jax is not None and isinstance(value, jax.Array):
            return _plain(asarray(value))
    except (TypeError, RuntimeError, ValueError) as error:
        raise NotAnArray(f"{type_name(value)} that cannot be read: {error}") from error
    raise NotAnArray(f"returned {type_name(value)}, not an array")


def size_of(value: Any) -> int:
    """Number of elements of an array of any library, 1 for what has no shape; nothing is copied."""
    try:
        shape = tuple(int(n) for n in value.shape)
    except Exception:  # noqa: BLE001 - any object may be here, with any attribute under this name
        return 1
    size = 1
    for n in shape:
        size *= n
    return size


def type_name(value: Any) -> str:
    """The type as a reader would spell it: "torch.Tensor", "jax.Array", "list"."""
    cls = type(value)
    if cls.__module__.startswith("jaxlib"):
        return "jax.Array"
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def _plain(value: Any) -> Array:
    array = asarray(value).view(ndarray)
    if array.dtype.kind not in "fciub" and array.dtype.name != "bfloat16":
        raise NotAnArray(f"returned an array of dtype {array.dtype}")
    return array


def _span(tensor: Any) -> tuple[int, int]:
    """First address of a tensor's elements, and the one after its last."""
    last = sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True))
    start = tensor.data_ptr()
    return start, start + (last + 1) * tensor.element_size()
