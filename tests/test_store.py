"""The store of failing inputs: what goes in comes out bit for bit, nothing in it is trusted, and runs do not disturb each
other."""

from __future__ import annotations

import io
import json
import os
import random
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from smxcheck.caseset import CaseError, load_cases
from smxcheck.caseset.found import found_case
from smxcheck.dtypes import FORMATS
from smxcheck.judge.call import Demand
from smxcheck.judge.result import Level
from smxcheck.store import Entry, EntryError, cases, entries, files, folder
from smxcheck.store.entry import MOST_BYTES, pack, read

from .cli_support import called

#: exp(x) / sum(exp(x)), which overflows; shipped wrong on purpose, and judged like any target when it is named.
WRONG = "builtin.textbook"
FEW = ("-f", "softmax", "-k", "acceptance", "--dtype", "float32")


def entry(values: object = (1000, 1001), dtype: str = "float32", target: str = "kernel.py") -> Entry:
    x = np.asarray(values).astype(FORMATS[dtype].numpy())
    return Entry(target, found_case("softmax", dtype, {"x": x}, {"axis": -1}), check="SMX102", input="softmax([…])")


@pytest.mark.slow
@given(data=st.data(), dtype=st.sampled_from(list(FORMATS)))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_every_bit_of_a_call_comes_back(data: st.DataObject, dtype: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """NaN payloads, signed zeros and subnormals too: the bits are drawn, not the numbers."""
    kind = FORMATS[dtype].numpy()
    shape = data.draw(arrays_of.array_shapes(min_dims=0, max_dims=3, max_side=4))
    x = data.draw(arrays_of.arrays(f"u{kind.itemsize}", shape)).view(kind)
    weight = data.draw(arrays_of.arrays(f"u{kind.itemsize}", 3)).view(kind)
    keywords = {"axis": None, "weight": weight, "label_smoothing": 0.1, "reduction": "sum", "ignore_index": -1}
    case = found_case("cross_entropy", dtype, {"logits": x, "labels": np.array([3, -100])}, keywords, "reversed")
    demand = Demand(Level.TIGHT, 2.5, {"all-masked": "zero"}, frozenset({"SMX205"}))
    kept = Entry("k.py:f", case, demand, {"arrays": "torch", "device": "cpu", "fixed": {"axis": 1}}, ("auto",), "2d", tried=7)
    path = tmp_path_factory.mktemp("store") / "a.npz"
    path.write_bytes(pack(kept))
    back = read(path)
    assert (back.demand, back.worker, back.gradients, back.only, back.tried) == (demand, kept.worker, ("auto",), "2d", 7)
    assert back.case.id == case.id and back.case.layout == "reversed" and back.id == kept.id
    for name, values in case.build().items():
        assert values.tobytes() == back.case.build()[name].tobytes() and values.dtype == back.case.build()[name].dtype
    assert back.case.keywords["weight"].tobytes() == weight.tobytes()
    assert {k: v for k, v in back.case.keywords.items() if k != "weight"} == {k: v for k, v in keywords.items() if k != "weight"}


@pytest.mark.parametrize("name", ["softmax/acceptance/1000-and-1001/float32", "adaptive_log_softmax", "gumbel_softmax"])
def test_shipped_cases_come_back_under_their_ids(name: str, tmp_path: Path) -> None:
    case = load_cases(ids=[name])[0] if "/" in name else load_cases([name], ("float64",))[0]
    path = tmp_path / "a.npz"
    path.write_bytes(pack(Entry("t", replace(case, keywords=dict(case.keywords)))))
    back = read(path).case
    assert (back.id, back.check, dict(back.keywords)) == (case.id, case.check, dict(case.keywords))


def damaged(whole: bytes, draw: random.Random) -> bytes:
    """A whole file cut short, with bytes changed, or with a part twice."""
    at, length = draw.randrange(len(whole)), draw.randrange(1, 40)
    match draw.randrange(3):
        case 0:
            return whole[:at]
        case 1:
            return whole[:at] + draw.randbytes(length) + whole[at + length :]
    return whole[:at] + whole[at // 2 :]


def test_a_damaged_file_is_told_in_one_line_or_read_whole(tmp_path: Path) -> None:
    draw, whole = random.Random(7), pack(entry())
    path, told = tmp_path / "a.npz", 0
    for _ in range(300):
        path.write_bytes(damaged(whole, draw))
        try:
            read(path)
        except EntryError as error:
            told += 1
            assert "\n" not in str(error) and "a.npz" in str(error)
    assert told > 200


def stored(document: object, **members: object) -> bytes:
    stream = io.BytesIO()
    text = np.frombuffer(json.dumps(document).encode(), np.uint8)
    np.savez(stream, **{"description": text, **members})  # type: ignore[arg-type]
    return stream.getvalue()


def description() -> dict[str, object]:
    with np.load(io.BytesIO(pack(entry()))) as archive:
        return dict(json.loads(archive["description"].tobytes()))


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "smxcheck-failing/9"}, {"function": "os.system"}, {"dtype": "object"}, {"layout": "none"}, {"group": 7},
        {"arguments": {"x": {"array": 9}}}, {"arguments": {"y": {"array": 0}}}, {"arguments": {"x": 1}}, {"dtypes": ["object"]},
        {"keywords": {"out": 1}}, {"keywords": []}, {"worker": {"arrays": "pickle"}}, {"worker": []}, {"check": "SMX999"},
        {"demand": {}}, {"demand": {"require": "none", "max_ulp": None, "expectations": {}, "allow": []}},
        {"demand": {"require": "tight", "max_ulp": "many", "expectations": {}, "allow": []}}, {"target": 7}, {"tried": "x"},
        {"gradients": "auto"}, {"name": "0123456789ab"}, {"versions": 1},
    ],
)  # fmt: skip
def test_a_description_that_means_nothing_is_refused(change: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    x = np.array([1000, 1001], np.float32)
    path.write_bytes(stored(description(), **{"0": x}))
    assert read(path).case.elements == 2, "the unchanged description is read"
    path.write_bytes(stored(description() | change, **{"0": x}))
    with pytest.raises(EntryError, match="damaged"):
        read(path)


def test_objects_are_never_unpickled_and_sizes_never_believed(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    stream = io.BytesIO()
    np.savez(stream, description=np.array([{"schema": 1}], dtype=object))
    path.write_bytes(stream.getvalue())
    with pytest.raises(EntryError, match="pickle"):
        read(path)
    stream = io.BytesIO()
    np.savez_compressed(stream, description=np.zeros(MOST_BYTES * 2, np.uint8))  # 32 KiB that would unpack to 32 MiB
    path.write_bytes(stream.getvalue())
    with pytest.raises(EntryError, match="unpacks to"):
        read(path)


def test_the_folder_lies_beside_the_nearest_pyproject(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a" / "pyproject.toml").touch()
    assert folder(inner) == tmp_path / "a" / ".smxcheck"
    assert folder(tmp_path) == tmp_path / ".smxcheck"


def test_the_same_target_and_case_take_one_place_and_others_their_own(tmp_path: Path) -> None:
    files.put(tmp_path, [entry(), entry(target="other.py"), entry((1, 2))])
    files.put(tmp_path, [replace(entry(), message="newer")])
    found, told = entries(tmp_path)
    assert len(found) == 3 and not told and [e.message for _, e in found].count("newer") == 1


def test_the_oldest_go_beyond_200_and_too_large_ones_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_ENTRIES", 5)
    for number in range(8):
        files.put(tmp_path, [entry((number, 0))])
        for path in files.paths(tmp_path):
            os.utime(path, (path.stat().st_mtime - 10,) * 2)
    assert sorted(float(e.case.build()["x"][0]) for _, e in entries(tmp_path)[0]) == [3, 4, 5, 6, 7]
    written, told = files.put(tmp_path, [entry(np.zeros(MOST_BYTES // 4 + 1)), entry((99, 0))])
    assert written == 1 and len(told) == 1 and "16 MiB" in told[0] and "99" in {f"{e.case.build()['x'][0]:g}" for _, e in entries(tmp_path)[0]}


def test_half_written_files_are_no_entries_and_go_when_they_are_old(tmp_path: Path) -> None:
    files.put(tmp_path, [entry()])
    old, new = (tmp_path / "failing" / f".x-{age}.npz.00.tmp" for age in ("old", "new"))
    old.touch(), new.touch()
    os.utime(old, (time.time() - 7200,) * 2)
    assert len(entries(tmp_path)[0]) == 1 and not entries(tmp_path)[1]
    files.sweep(tmp_path)
    assert new.exists() and not old.exists() and len(entries(tmp_path)[0]) == 1


def test_a_case_that_is_kept_has_its_id_and_another_is_told(tmp_path: Path) -> None:
    files.put(tmp_path, [entry()])
    assert cases([entry().case.id], tmp_path)[0].id == entry().case.id
    with pytest.raises(CaseError, match="replay --list"):
        cases(["softmax/found/0123456789ab/float32"], tmp_path)


@pytest.mark.slow
def test_a_failing_run_keeps_its_inputs_and_a_right_one_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert called(monkeypatch, capsys, "verify", "builtin", *FEW).code == 0 and not Path(".smxcheck").exists()
    assert called(monkeypatch, capsys, "verify", WRONG, *FEW, "--no-store").code == 1 and not Path(".smxcheck").exists()
    done = called(monkeypatch, capsys, "verify", WRONG, *FEW)
    assert done.code == 1 and f"kept 2 failing inputs in .smxcheck{os.sep}; again: smxcheck replay" in done.err
    assert Path(".smxcheck/.gitignore").read_text() == "*\n"
    shrunk = next(e for _, e in entries(Path(".smxcheck"))[0] if e.shrunk_from)
    assert f"--case {shrunk.case.id}" in done.out and shrunk.case.elements < 2
    assert called(monkeypatch, capsys, "verify", WRONG, *FEW, "-q").err == ""
    again = called(monkeypatch, capsys, "verify", WRONG, "--case", shrunk.case.id, "--no-store")
    assert again.code == 1 and shrunk.input in again.out
    before = {e.id for _, e in entries(Path(".smxcheck"))[0]}
    assert called(monkeypatch, capsys, "verify", WRONG, "--case", shrunk.case.id).code == 1
    after = {e.id: e.shrunk_from for _, e in entries(Path(".smxcheck"))[0]}
    assert set(after) == before and after[shrunk.id] == shrunk.shrunk_from  # neither shrunk once more nor forgotten as such
    unknown = called(monkeypatch, capsys, "verify", WRONG, "--case", "softmax/found/0123456789ab/float32")
    assert unknown.code == 2 and "replay --list" in unknown.err


def test_what_is_wrong_beside_the_judged_target_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert called(monkeypatch, capsys, "verify", "builtin", *FEW, "--beside", WRONG).code == 0
    assert not Path(".smxcheck").exists()


def test_a_folder_that_cannot_be_written_is_a_line_and_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".smxcheck").touch()  # a file where the folder would be
    done = called(monkeypatch, capsys, "verify", WRONG, *FEW)
    assert done.code == 1 and "not kept" in done.err and len(done.err.splitlines()) == 1
