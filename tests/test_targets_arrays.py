"""Every callable gets arrays of its own kind, bit for bit, in the layout that was asked for."""

from __future__ import annotations

import importlib
import runpy
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from smxcheck.caseset.model import LAYOUTS
from smxcheck.targets.arrays import NotAnArray, array_kind, result_to_host, size_of, type_name
from smxcheck.targets.choose import arrays_for, imported_libraries
from smxcheck.targets.execute import TRITON_ADVICE, failure
from smxcheck.targets.layout import NotPassed, lay_out, same_bytes
from smxcheck.targets.load import in_process, open_session, parse_target
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.protocol import Call, TargetError

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
FLOATS = [np.dtype(np.float16), BFLOAT16, np.dtype(np.float32), np.dtype(np.float64)]
SPECIAL = [0.0, -0.0, 1.0, -np.inf, np.inf, np.nan, 1e-40, 3e38]


def special(dtype: Any) -> Any:
    with np.errstate(over="ignore"):
        return np.array([SPECIAL, SPECIAL[::-1]]).astype(dtype)


# ---- layouts


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.sampled_from(sorted(set(LAYOUTS) - {"broadcast"})),
    hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=3, max_side=4)),
)
def test_every_layout_holds_the_same_values(layout, values):
    laid = lay_out(values, layout)
    assert same_bytes(laid.view, values)
    assert not np.shares_memory(laid.view, values)
    assert np.shares_memory(laid.view, laid.base)


def test_each_layout_is_what_its_name_says():
    x = np.arange(12.0).reshape(3, 4)
    same_rows = np.broadcast_to(x[0], x.shape).copy()
    assert lay_out(x, "contiguous").view.flags.c_contiguous
    assert lay_out(x, "transposed").view.strides == (8, 24)
    assert lay_out(x, "every-other").view.strides == (64, 16)
    assert lay_out(x, "reversed").view.strides == (32, -8)
    assert lay_out(same_rows, "broadcast").view.strides == (0, 8)
    offset = lay_out(x, "offset")
    assert offset.view.__array_interface__["data"][0] - offset.base.__array_interface__["data"][0] == 24
    assert not lay_out(x, "read-only").view.flags.writeable


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_gaps_of_a_layout_hold_nan(dtype):
    base = lay_out(np.ones((2, 2), dtype), "every-other").base
    assert np.isnan(base[:, 1::2].astype(np.float64)).all()


@pytest.mark.parametrize(
    ("shape", "layout", "says"),
    [
        ((), "reversed", "0-d array has no reversed"),
        ((3,), "transposed", "1-d array has no transposed"),
        ((3,), "broadcast", "1-d array has no broadcast"),
        ((0, 3), "broadcast", "empty"),
        ((2, 3), "broadcast", "rows that differ"),
        ((3,), "upside-down", "no layout"),
    ],
)
def test_what_has_no_such_layout_is_not_passed(shape, layout, says):
    with pytest.raises(NotPassed, match=says):
        lay_out(np.arange(float(np.prod(shape))).reshape(shape), layout)


def test_equality_is_of_bits():
    assert same_bytes(np.array([np.nan]), np.array([np.nan]))
    assert not same_bytes(np.array([0.0]), np.array([-0.0]))
    assert not same_bytes(np.zeros(2), np.zeros(2, np.float32))
    assert not same_bytes(np.zeros(2), np.zeros((1, 2)))


def test_a_write_between_the_elements_of_a_view_is_seen():
    def writes_beside(x):
        x.base[...] = np.where(np.isnan(x.base), 0.0, x.base)
        return x * 1.0

    seen = in_process(writes_beside, "softmax").call(Call("softmax", (np.ones((2, 3)),), {}, "every-other"))
    assert seen.wrote_input


# ---- torch and JAX


@pytest.mark.libraries
@pytest.mark.parametrize("kind", ["numpy", "torch", "jax"])
@pytest.mark.parametrize("dtype", [*FLOATS, np.dtype(np.int64)])
def test_there_and_back_changes_no_bit(needs, kind, dtype):
    if kind != "numpy":
        needs(kind)
    if kind == "jax":
        importlib.import_module("jax").config.update("jax_enable_x64", True)
    arrays = array_kind(kind)
    values = special(dtype) if dtype != np.int64 else np.array([[1, -1], [2**62, -(2**63)]])
    for layout in sorted(arrays.layouts - {"broadcast"}):
        back = arrays.to_host(arrays.from_host(lay_out(values, layout).view))
        assert same_bytes(back, values), layout


@pytest.mark.libraries
def test_torch_gets_the_strides_and_no_warning(needs):
    needs("torch")
    torch = array_kind("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for dtype in FLOATS:
            assert torch.from_host(lay_out(np.ones((3, 4), dtype), "transposed").view).stride() == (1, 3)
            assert torch.from_host(lay_out(np.ones((3, 4), dtype), "every-other").view).stride() == (8, 2)
            assert torch.from_host(lay_out(np.ones((3, 4), dtype), "broadcast").view).stride() == (0, 1)


@pytest.mark.libraries
@pytest.mark.parametrize(
    ("kind", "layouts"), [("torch", ["reversed", "read-only"]), ("jax", sorted(LAYOUTS)[1:])]
)
def test_a_layout_that_a_library_lacks_is_not_passed(needs, kind, layouts):
    needs(kind)
    session = in_process(lambda x: x, "softmax", options=WorkerOptions(arrays=kind, isolate=False))
    for layout in set(layouts) - {"contiguous"}:
        seen = session.call(Call("softmax", (np.ones((2, 3), np.float32),), {}, layout))
        assert seen.outcome == "not-passed" and seen.error == f"{kind} has no {layout} arrays"


TORCH_FILE = """
import torch
def softmax(x, dim=-1):
    assert type(x) is torch.Tensor
    e = torch.exp(x - x.amax(dim=dim, keepdim=True))
    return e / e.sum(dim=dim, keepdim=True)
def log_softmax(x): x[..., 0] = 0; return x.view(-1)[: x.numel()].view(x.shape)
def logsumexp(x): return x.to_sparse()
def sigmoid(x): return x.requires_grad_() * 1
def log_sigmoid(x): return x.numpy() if x.dtype != torch.bfloat16 else None
def entropy(p): return (x for x in p)
def cross_entropy(z, y, weight=None):
    assert y.dtype == torch.int64 and (weight is None or weight.dtype == z.dtype)
    return torch.nn.functional.cross_entropy(z, y, weight=weight)
"""


@pytest.fixture(scope="module")
def torch_file(needs, tmp_path_factory):
    needs("torch")
    path = tmp_path_factory.mktemp("torch") / "kernel.py"
    path.write_text(TORCH_FILE)
    session = open_session(parse_target(str(path)))
    yield session
    session.close()


@pytest.mark.libraries
@pytest.mark.parametrize("dtype", FLOATS)
def test_a_torch_function_simply_works(torch_file, dtype):
    assert torch_file.info.arrays == "torch" and "torch" in torch_file.info.versions
    x = np.array([[0, 1, 2], [5, 5, 5]]).astype(dtype)
    seen = torch_file.call(Call("softmax", (x,), {"axis": 0}))
    assert (seen.outcome, seen.returned_type) == ("returned", "torch.Tensor"), seen
    assert seen.value.dtype == dtype and seen.value.shape == (2, 3)
    assert np.allclose(seen.value.astype(np.float64).sum(axis=0), 1.0, atol=0.02)
    assert not seen.wrote_input and not seen.aliases_input


@pytest.mark.libraries
@pytest.mark.parametrize("dtype", FLOATS)
def test_a_torch_function_that_writes_its_input_or_returns_it_is_seen(torch_file, dtype):
    seen = torch_file.call(Call("log_softmax", (np.ones((2, 3), dtype),)))
    assert seen.wrote_input and seen.aliases_input


@pytest.mark.libraries
def test_tensors_that_need_a_gradient_and_arrays_of_numpy_are_read(torch_file):
    for name, returned in (("sigmoid", "torch.Tensor"), ("log_sigmoid", "numpy.ndarray")):
        seen = torch_file.call(Call(name, (np.ones(3),)))
        assert (seen.outcome, seen.returned_type, seen.value.shape) == ("returned", returned, (3,)), seen


@pytest.mark.libraries
def test_sparse_tensors_and_generators_are_no_arrays(torch_file):
    sparse = torch_file.call(Call("logsumexp", (np.ones((2, 2)),)))
    assert sparse.outcome == "not-array" and "sparse_coo tensor" in sparse.error
    assert torch_file.call(Call("entropy", (np.ones((2, 2)),))).returned_type == "generator"


@pytest.mark.libraries
def test_labels_and_class_weights_are_tensors_too(torch_file):
    call = Call(
        "cross_entropy", (np.zeros((2, 4), np.float32), np.array([0, 3])), {"weight": np.ones(4, np.float32)}
    )
    assert torch_file.call(call).value == pytest.approx(np.log(4))
    assert torch_file.info.offers["cross_entropy"].fixed["axis"] == 1


@pytest.mark.libraries
def test_jax_gets_its_own_arrays_in_64_bits_and_bfloat16(needs, tmp_path):
    needs("jax")
    path = tmp_path / "kernel.py"
    path.write_text(
        "import jax, jax.numpy as jnp\n@jax.jit\ndef softmax(x):\n    assert isinstance(x, jax.Array)\n"
        "    e = jnp.exp(x - x.max(-1, keepdims=True))\n    return e / e.sum(-1, keepdims=True)\n"
    )
    session = open_session(parse_target(str(path)))
    try:
        assert session.info.arrays == "jax"
        for dtype in FLOATS:
            seen = session.call(Call("softmax", (np.zeros((2, 4), dtype),)))
            assert (seen.outcome, seen.returned_type, seen.value.dtype) == ("returned", "jax.Array", dtype), (
                seen
            )
            assert (seen.value.astype(float) == 0.25).all()
    finally:
        session.close()


def test_cuda_without_cuda_or_without_tensors_is_refused(needs):
    with pytest.raises(TargetError, match="add --arrays torch"):
        array_kind("numpy", "cuda")
    needs("torch")
    if importlib.import_module("torch").cuda.is_available():
        pytest.skip("there is a CUDA device here")
    with pytest.raises(TargetError, match="no CUDA device here"):
        array_kind("torch", "cuda")


# ---- results


@pytest.mark.parametrize("value", [[1.0], (1.0,), None, "0.5", True, 1j, {}, object(), range(3)])
def test_what_is_no_array_is_refused(value):
    with pytest.raises(NotAnArray):
        result_to_host(value, array_kind("numpy"))


@pytest.mark.parametrize(
    "value", [0.5, 3, np.float32(0.5), np.array(0.5), np.ma.array([1.0, 2.0], mask=[0, 1])]
)
def test_scalars_and_arrays_are_plain_arrays(value):
    assert type(result_to_host(value, array_kind("numpy"))) is np.ndarray


def test_sizes_and_names_of_anything():
    assert size_of(np.broadcast_to(1.0, (1 << 25, 1 << 25))) == 1 << 50
    assert [
        size_of(v) for v in (3.0, None, "text", type("T", (), {"shape": property(lambda s: 1 / 0)})())
    ] == [1] * 4
    assert [type_name(v) for v in ([], 1.0, np.zeros(1), np.float64(1))] == [
        *("list", "float", "numpy.ndarray", "numpy.float64")
    ]


def test_tritons_complaint_about_a_missing_gpu_becomes_advice():
    assert failure(RuntimeError("0 active drivers ([]). There should only be one.")).error == TRITON_ADVICE


# ---- which arrays


@pytest.mark.parametrize(
    ("source", "arrays"),
    [
        ("def softmax(x): ...", "numpy"),
        ("import numpy as np\ndef softmax(x): ...", "numpy"),
        ("if 0:\n    import torch\ndef softmax(x): ...", "torch"),
        ("def softmax(x):\n    from torch.nn import functional", "torch"),
        ("if 0:\n    import jax.numpy as jnp\ndef softmax(x): ...", "jax"),
        ("if 0:\n    import torch, jax\ndef softmax(x): ...", "numpy"),
        ("if 0:\n    import torch, jax\ndef softmax(x: 'jax.Array'): ...", "jax"),
        ("if 0:\n    import torch, jax\ndef softmax(x: 'torch.Tensor'): ...", "torch"),
        ("if 0:\n    import torch\ndef softmax(x: 'np.ndarray'): ...", "numpy"),
        ("if 0:\n    import torch\ndef softmax(x: 'NDArray[np.float32]'): ...", "numpy"),
        ("def softmax(x: 'Tensor'): ...", "torch"),
        ("def softmax(x) -> 'torch.Tensor': ...", "torch"),
        ("from .torch import y\ndef softmax(x): ...", "numpy"),
        ("class softmax:\n    def forward(self, x: 'torch.Tensor'): ...\nsoftmax = softmax()", "torch"),
    ],
)
def test_the_annotation_decides_then_the_imports(tmp_path: Path, source: str, arrays: str):
    path = tmp_path / "kernel.py"
    path.write_text(source)
    defined = tmp_path / "runs.py"
    defined.write_text(source.replace("from .torch import y", ""))
    assert arrays_for(runpy.run_path(str(defined))["softmax"], path) == arrays


def test_annotations_that_are_types_count_as_well():
    def takes_array(x: np.ndarray) -> None: ...

    takes_array.__annotations__["x"] = np.ndarray
    assert arrays_for(takes_array, None) == "numpy"
    takes_array.__annotations__["x"] = type("Tensor", (), {"__module__": "torch"})
    assert arrays_for(partial(takes_array), None) == "torch"


def test_a_file_that_cannot_be_read_imports_nothing(tmp_path):
    (tmp_path / "bad.py").write_text("def (")
    assert imported_libraries(tmp_path / "bad.py") == imported_libraries(tmp_path / "gone.py") == set()


@pytest.mark.parametrize("layout", ["transposed", "every-other", "reversed", "offset", "broadcast", "read-only"])
def test_a_second_argument_like_the_first_is_laid_out_like_it(layout):
    """A kernel may ignore the strides of the cotangent alone; equal rows are asked of the first argument only."""
    seen = []

    def softmax_vjp(x, g):
        seen.append((x.strides, g.strides, x.tolist(), g.tolist()))
        return np.zeros_like(x)

    session = in_process(softmax_vjp, "softmax_vjp", "t", WorkerOptions(arrays="numpy", isolate=False))
    x, g = np.tile(np.float32([1, 2, 3]), (2, 1)), np.arange(6, dtype=np.float32).reshape(2, 3)
    assert session.call(Call("softmax_vjp", (x, g), {}, layout)).outcome == "returned"
    strides, beside, *values = seen[0]
    assert beside == (g.strides if layout == "broadcast" else strides)
    assert values == [x.tolist(), g.tolist()]
