"""What crosses the worker's pipe arrives bit for bit, and nothing but arrays and plain values can cross."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import smxcheck.targets
from smxcheck.targets import wire

TARGETS = Path(smxcheck.targets.__file__).parent
DTYPES = ["float16", "bfloat16", "float32", "float64", "int64", "uint8", "bool", "complex128", "longdouble"]


def crossed(message, arrays):
    """The message as the other side reads it."""
    data = b"".join(wire.pack(message, arrays))
    length = wire.header_length(data[: wire.HEAD.size])
    at = wire.HEAD.size + length
    read, empties = wire.unpack_header(data[wire.HEAD.size : at])
    for array in empties:
        body = wire.body(array)
        body[:] = data[at : at + array.nbytes]
        at += array.nbytes
    assert at == len(data)
    return read, empties


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.sampled_from(DTYPES),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
    st.binary(min_size=64),
)
def test_an_array_crosses_bit_for_bit(name, shape, noise):
    dtype = np.dtype(ml_dtypes.bfloat16) if name == "bfloat16" else np.dtype(name)
    count = int(np.prod(shape))
    if name in ("bool", "longdouble"):  # not every byte is a value of theirs
        array = np.resize(np.frombuffer(noise, np.uint8) % 2, shape).astype(dtype)
    else:
        array = np.frombuffer(
            np.resize(np.frombuffer(noise, np.uint8), count * dtype.itemsize), dtype
        ).reshape(shape)
    _, (arrived,) = crossed({}, [array])
    assert (arrived.dtype, arrived.shape) == (array.dtype, array.shape)
    assert arrived.tobytes() == array.tobytes()


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda v: st.lists(v).map(tuple)
    )
)
def test_plain_values_cross_unchanged(value):
    message, _ = crossed({"value": wire.to_json(value, [])}, [])
    assert repr(wire.from_json(message["value"], [])) == repr(value)


def test_any_strides_and_byte_orders_arrive_as_plain_arrays():
    x = np.arange(12.0).reshape(3, 4)
    for view in (x.T, x[:, ::2], x[::-1], np.broadcast_to(x[0], (3, 4)), x.astype(">f8")):
        _, (arrived,) = crossed({}, [view])
        assert arrived.flags.c_contiguous and arrived.dtype.isnative
        np.testing.assert_array_equal(arrived, view)


def test_a_long_message_is_sent_in_parts_without_a_copy():
    x = np.zeros(1 << 16)
    parts = wire.pack({}, [x])
    assert len(parts) == 2 and np.shares_memory(np.frombuffer(parts[1], np.uint8), x)


@pytest.mark.parametrize("value", [object(), {"a": 1}, {1, 2}, b"bytes", len, np.dtype])
def test_nothing_but_plain_values_and_arrays_can_be_sent(value):
    with pytest.raises(wire.WireError, match="cannot be sent"):
        wire.to_json(value, [])


@pytest.mark.parametrize(
    "array", [np.array([None]), np.array(["text"]), np.array(["2020"], "M8[Y]"), np.zeros(1, "f4,f4")]
)
def test_an_array_of_anything_but_numbers_is_refused(array):
    with pytest.raises(wire.WireError, match="cannot be sent"):
        wire.pack({}, [array])


@pytest.mark.parametrize(
    "arrays",
    [
        None,
        "float64",
        [["object", [1]]],
        [["U8", [1]]],
        [["float64", [-1]]],
        [["float64", [1.5]]],
        [["float64", [True]]],
        [["float64", "11"]],
        [["float64"]],
        [["float64", [1] * 65]],
        [["float64", [1 << 40]]],
        [["float64", [1 << 61, 8]]],
    ],
)
def test_a_header_that_does_not_describe_arrays_is_refused_before_anything_is_allocated(arrays):
    with pytest.raises(wire.WireError):
        wire.unpack_header(json.dumps({"arrays": arrays}).encode(), max_bytes=1 << 20)


@pytest.mark.parametrize("data", [b"{", b"[]", b"1", b"\xff\xfe", b"[" * 5000])
def test_a_header_that_is_no_message_is_refused(data):
    with pytest.raises(wire.WireError):
        wire.unpack_header(data)


@pytest.mark.parametrize("head", [b"GET / HT", wire.HEAD.pack(wire.MAGIC, wire.MAX_HEADER + 1), bytes(8)])
def test_what_does_not_begin_like_a_message_is_refused(head):
    with pytest.raises(wire.WireError, match="no message"):
        wire.header_length(head)


@pytest.mark.parametrize("place", [-1, 1, "0", 0.0, None])
def test_a_value_cannot_refer_to_an_array_that_was_not_sent(place):
    with pytest.raises(wire.WireError):
        wire.from_json({"array": place}, [np.zeros(1)])


def test_nothing_that_can_run_code_from_data_is_used_on_either_side():
    forbidden = {"pickle", "cloudpickle", "dill", "marshal", "shelve", "multiprocessing", "copyreg"}
    for path in TARGETS.rglob("*.py"):
        tree = ast.parse(path.read_text())
        names = {
            a.name.partition(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names
        }
        names |= {(n.module or "").partition(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        assert not names & forbidden, path
        assert not re.search(r"\b(eval|exec)\(|allow_pickle=True", path.read_text()), path


def test_the_worker_cannot_see_right_answers():
    import subprocess
    import sys

    code = "import sys, smxcheck.targets.worker; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    allowed = ("smxcheck", "smxcheck.targets", "smxcheck.catalog", "smxcheck.version")
    assert [
        m for m in loaded if m.startswith(("smx", "mpmath")) and m not in allowed and ".targets." not in m
    ] == []
