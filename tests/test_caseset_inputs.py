"""A user's file of inputs: every format is read as it stands, and nothing in it is trusted."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from smxcheck.caseset import CaseError, describe_call, load_inputs
from smxcheck.dtypes import DEFAULT_DTYPES

LOGITS = np.array([[0.5, -1.0, 2.0], [3.0, 0.25, -4.0]], np.float32)


def load(path: Path, functions: tuple[str, ...] = ("softmax",), dtypes: tuple[str, ...] = DEFAULT_DTYPES, **options: int) -> list:
    return load_inputs(path, functions, dtypes, **options)


def test_npy_keeps_its_dtype(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", LOGITS)
    (case,) = load(tmp_path / "a.npy")
    assert case.id == "softmax/inputs/a/float32"
    assert np.array_equal(case.build()["x"], LOGITS)
    assert (case.shape, case.elements) == ((2, 3), 6)
    assert describe_call(case) == "softmax([[0.5, -1, 2], [3, 0.25, -4]])"


def test_fortran_order_and_big_endian_files_hold_the_same_values(tmp_path: Path) -> None:
    for name, array in (("f", np.asfortranarray(LOGITS)), ("b", LOGITS.astype(">f4"))):
        np.save(tmp_path / f"{name}.npy", array)
        x = load(tmp_path / f"{name}.npy")[0].build()["x"]
        assert np.array_equal(x, LOGITS)
        assert x.dtype == np.dtype("=f4")
        assert x.flags.c_contiguous


def test_bfloat16_crosses_by_its_bits(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", LOGITS.astype(ml_dtypes.bfloat16))
    (case,) = load(tmp_path / "a.npy")
    assert case.dtype == "bfloat16"
    assert np.array_equal(case.build()["x"].astype(np.float32), LOGITS)


def test_npz_arguments_make_one_case_and_other_names_one_each(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", logits=LOGITS, labels=np.array([2, 0]), hard=LOGITS[0], **{"very hard": LOGITS[1]})
    cases = load(tmp_path / "a.npz", ("softmax", "cross_entropy"))
    assert {c.id for c in cases} == {
        "softmax/inputs/a/float32", "cross_entropy/inputs/a/float32",
        "softmax/inputs/hard/float32", "softmax/inputs/very-hard/float32",
    }  # fmt: skip
    loss = next(c for c in cases if c.function == "cross_entropy").build()
    assert list(loss) == ["logits", "labels"]
    assert loss["labels"].dtype == np.int64
    assert loss["labels"].tolist() == [2, 0]


def test_soft_labels_and_distributions(tmp_path: Path) -> None:
    p = np.array([[0.25, 0.75], [1.0, 0.0]])
    np.savez(tmp_path / "a.npz", x=p, labels=p, p=p, q=p[::-1])
    cases = load(tmp_path / "a.npz", ("cross_entropy", "kl_divergence", "entropy"))
    built = {c.function: c.build() for c in cases}
    assert np.array_equal(built["cross_entropy"]["labels"], p)
    assert np.array_equal(built["kl_divergence"]["q"], p[::-1])
    assert list(built["entropy"]) == ["p"]


def test_csv_is_a_table_in_each_dtype(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1, 2.5,-inf\n\n0.1,nan,3\n")
    cases = load(tmp_path / "a.csv")
    assert [c.dtype for c in cases] == ["float32", "float64"]
    x = cases[0].build()["x"]
    assert x.shape == (2, 3)
    assert x[1, 0] == np.float32(0.1)
    assert x[0, 2] == -np.inf


def test_json_lists_and_objects(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[1, 2, 3]")
    assert load(tmp_path / "a.json")[0].build()["x"].tolist() == [1, 2, 3]
    (tmp_path / "b.json").write_text(json.dumps({"logits": [[1, 2]], "labels": [1], "other": [5]}))
    cases = load(tmp_path / "b.json", ("softmax", "cross_entropy"), ("float64",))
    assert [c.id for c in cases] == [
        "softmax/inputs/b/float64", "cross_entropy/inputs/b/float64", "softmax/inputs/other/float64",
    ]  # fmt: skip
    assert cases[1].build()["labels"].tolist() == [1]


def test_toml_is_a_case_file(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        'schema = "smxcases/1"\ngroup = "mine"\npurpose = "P."\nfunctions = ["softmax"]\n'
        '[[case]]\nname = "a"\nvalues = [1, 2]\n'
    )
    assert [c.id for c in load(tmp_path / "a.toml")] == ["softmax/mine/a/float32", "softmax/mine/a/float64"]


def test_integers_are_cast_where_that_is_exact_and_refused_where_not(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([1, 2, 3]))
    assert [c.build()["x"].dtype.name for c in load(tmp_path / "a.npy")] == ["float32", "float64"]
    np.save(tmp_path / "b.npy", np.array([2**24 + 1]))
    assert load(tmp_path / "b.npy", dtypes=("float64",))
    with pytest.raises(CaseError, match="float32 cannot hold exactly"):
        load(tmp_path / "b.npy")
    np.save(tmp_path / "c.npy", np.array([2**53 + 1]))
    with pytest.raises(CaseError, match="float64 cannot hold exactly"):
        load(tmp_path / "c.npy", dtypes=("float64",))


class _Trap:
    """Unpickling this would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return (Path.touch, (self.path,))


def test_a_pickle_is_refused_and_not_executed(tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    np.save(tmp_path / "a.npy", np.array([_Trap(trap)], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "b.npz", x=np.array([_Trap(trap)], dtype=object))
    (tmp_path / "c.npy").write_bytes(pickle.dumps(_Trap(trap)))
    for name in ("a.npy", "b.npz", "c.npy"):
        with pytest.raises(CaseError):
            load(tmp_path / name)
    assert not trap.exists()


def _npy(header: str, data: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text)) + text + data


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (_npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}"), "damaged"),
        (_npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4,)}", b"\0" * 15), "damaged"),
        (_npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4,)}", b"\0" * 17), "damaged"),
        (_npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4,)}" + " " * 20_000, b"\0" * 16), "not a NumPy"),
        (_npy("__import__('os').system('true')"), "not a NumPy"),
        (b"PK\x03\x04nonsense", "not a NumPy"),
        (b"\x93NUM", "not a NumPy"),
    ],
)
def test_a_false_or_damaged_npy_is_one_clear_line(tmp_path: Path, content: bytes, word: str) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(CaseError, match=word) as caught:
        load(tmp_path / "a.npy")
    assert "\n" not in str(caught.value)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.save(stream, np.zeros(1 << 20, np.float32))
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", stream.getvalue())
    assert (tmp_path / "a.npz").stat().st_size < 10_000
    with pytest.raises(CaseError, match="unpacks to 4194432 bytes, more than 1000000"):
        load(tmp_path / "a.npz", max_bytes=1_000_000)


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.npz", b"not a zip", "not a readable .npz"),
        ("a.csv", b"a,b\n1,2\n", "line 1: 'a' is not a number"),
        ("a.csv", b"1,2\n3\n", "line 2: 1 numbers, 2 in the lines above"),
        ("a.csv", b"\n\n", "is empty"),
        ("a.csv", b"\xff\xfe1", "UTF-8"),
        ("a.csv", b"1,1e999\n", "beyond the largest float64"),
        ("a.json", b"{", "not JSON"),
        ("a.json", b'{"x": {"y": 1}}', "a.json, x: must be a list"),
        ("a.json", b'["spam"]', "not a number"),
        ("a.json", b"[" * 100_000, "usable JSON"),
        ("a.json", b"[[1, 2], [3]]", "different lengths"),
        ("a.json", b"[null]", "not a number"),
        ("a.json", b"[1e39]", "not finite in float32"),
        ("a.toml", b"x = [1]", "first line"),
        ("a.npy", b"", "is empty"),
        ("a.pkl", b"x", "unknown suffix"),
        ("a.json", b'{"labels": [1]}', "no inputs for softmax"),
        ("a.json", b'{"p": [1], "q": [1, 2]}', "no inputs for softmax"),
    ],
)
def test_a_wrong_file_is_one_clear_line(tmp_path: Path, name: str, content: bytes, word: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CaseError, match=word) as caught:
        load(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_shapes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", logits=LOGITS, labels=np.array([2, 0, 1]))
    with pytest.raises(CaseError, match="labels have shape"):
        load(tmp_path / "a.npz", ("cross_entropy",))
    np.savez(tmp_path / "b.npz", p=LOGITS, q=LOGITS[0])
    with pytest.raises(CaseError, match="q has shape"):
        load(tmp_path / "b.npz", ("kl_divergence",))


@pytest.mark.parametrize("array", [np.array([1j]), np.array([True]), np.array(["a"]), np.zeros(1, "f4,f4")])
def test_a_dtype_that_is_no_number_is_refused(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(CaseError, match="has dtype"):
        load(tmp_path / "a.npy")


def test_a_missing_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="No such file"):
        load(tmp_path / "none.npy")
