"""The case set: complete, buildable, permanent in form, cheap to list and bounded in what it costs to judge."""

from __future__ import annotations

import math
import pickle
import re
import subprocess
import sys
from collections import Counter, defaultdict
from functools import cache
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest

from smxcheck.caseset import CaseError, all_ids, describe_call, groups, load_cases, parse_id
from smxcheck.caseset.model import LAYOUTS, Case
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.judge.codes import CHECKS_BY_NAME
from smxcheck.oracle import NOT_ROWS

DTYPES = tuple(FORMATS)
QUICK = load_cases(dtypes=DTYPES)

#: What kernels are written for, and what the case set so has most inputs for.
CENTRAL = NOT_ROWS - {"gumbel_max_sample", "gumbel_softmax", "gumbel_softmax_jacobian"}

#: Distinct (row, value) pairs that a quick run of one function and dtype may ask the reference for.
BUDGET = 20_000


def distinct_values(case: Case) -> int:
    """Different values per row, over the rows, along the axis of the case."""
    first = next(iter(case.build().values())).astype(np.float64)
    axis = case.keywords.get("axis", -1)
    if first.size == 0:
        return 0
    if first.ndim == 0 or not isinstance(axis, int):
        return int(first.size)
    return sum(len(np.unique(row)) for row in np.moveaxis(first, axis, -1).reshape(-1, first.shape[axis]))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_many_quick_cases_in_every_dtype(function: str) -> None:
    """Functions that kernels are written for have many; derivatives and generalisations a few that tell."""
    count = Counter(case.dtype for case in QUICK if case.function == function)
    assert set(count) == set(DTYPES)
    assert min(count.values()) >= (120 if function in CENTRAL else 4)


@pytest.mark.slow
def test_full_has_every_quick_case_and_more_for_every_function() -> None:
    full = load_cases(dtypes=DTYPES, tier="full")
    assert {case.id for case in QUICK} < {case.id for case in full}
    assert {case.function for case in full if case.tier == "full"} == set(FUNCTIONS)


@pytest.mark.slow
def test_ids_are_unique_readable_and_the_same_when_loaded_again() -> None:
    ids = all_ids()
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9_]+/[a-z0-9-]+/[A-Za-z0-9.+-]+/[a-z0-9]+", text) for text in ids)
    assert not [text for text in ids if re.search(r"/[fF][0-9]{2}/", text)]
    assert ids == all_ids()
    assert [case.id for case in QUICK] == [case.id for case in load_cases(dtypes=DTYPES)]


def test_an_id_is_taken_apart_and_put_together() -> None:
    for case in QUICK[::50]:
        parts = parse_id(case.id)
        assert (parts.function, parts.group, parts.name, parts.dtype) == (
            case.function,
            case.group,
            case.name,
            case.dtype,
        )


@pytest.mark.parametrize("text", ["softmax", "softmax/ties/x", "nothing/ties/x/float32", "softmax/ties/x/float31", "a/b//c"])
def test_what_is_no_id_is_said_so(text: str) -> None:
    with pytest.raises(CaseError):
        parse_id(text)


@pytest.mark.slow
def test_groups_have_a_purpose_and_a_public_bug_or_a_reason() -> None:
    found = groups()
    assert {"acceptance", "far-tail", "row-length", "all-masked", "real-logits", "two-class"} <= {g.name for g in found}
    for group in found:
        assert group.purpose.endswith(".")
        assert group.bugs or group.reason
        assert group.cases > 0
        assert group.functions
        for bug in group.bugs:
            assert re.fullmatch(r"[\w.-]+/[\w.-]+(#| PR )[0-9]+: \S.*", bug), bug
    assert sum(group.cases for group in found) == len(all_ids())


def test_checks_and_layouts_are_those_of_the_tables_and_the_special_ones_are_used() -> None:
    assert {case.check for case in QUICK} <= set(CHECKS_BY_NAME)
    assert {case.layout for case in QUICK} == set(LAYOUTS)
    for check in ("nan", "infinite", "rows", "row-length", "long-rows", "axis", "layout", "empty", "labels", "inconsistent",
                  "ignore-index", "class-weights", "label-smoothing", "reduction", "class-axis", "drift"):  # fmt: skip
        assert any(case.check == check for case in QUICK), check


def test_every_quick_case_builds_what_its_function_takes() -> None:
    for case in QUICK:
        arguments = case.build()
        assert tuple(arguments) == FUNCTIONS[case.function].arguments, case.id
        first, *others = arguments.values()
        assert first.flags.c_contiguous, case.id
        assert (first.shape, first.size) == (case.shape, case.elements), case.id
        expected = FORMATS[case.dtype].numpy()
        assert first.dtype == expected or (first.dtype.kind == "i" and case.check == "empty"), case.id
        for name, other in zip(list(arguments)[1:], others, strict=True):
            assert other.dtype == (np.int64 if name == "labels" and other.ndim < first.ndim else expected), case.id
        if "labels" in arguments and arguments["labels"].dtype == np.int64:
            others_of_shape = list(first.shape)
            del others_of_shape[case.keywords.get("axis", -1)]
            assert list(arguments["labels"].shape) == others_of_shape, case.id


def test_labels_are_classes_or_the_ignored_index_unless_the_case_is_about_that() -> None:
    for case in QUICK:
        labels = case.build().get("labels") if "labels" in FUNCTIONS[case.function].arguments else None
        if labels is None or labels.dtype != np.int64 or case.check == "labels":
            continue
        kept = labels[labels != case.keywords.get("ignore_index", -100)]
        assert np.all((kept >= 0) & (kept < case.shape[case.keywords.get("axis", -1)])), case.id


def test_out_of_range_labels_stand_among_good_ones() -> None:
    cases = [case for case in QUICK if case.check == "labels"]
    with_labels = {f.name for f in FUNCTIONS.values() if "labels" in f.arguments}
    assert {"cross_entropy", "nll_loss", "cross_entropy_grad"} <= {case.function for case in cases} <= with_labels
    for case in cases:
        arguments = case.build()
        classes = case.shape[-1]
        labels = arguments["labels"]
        assert np.any((labels < 0) | (labels >= classes)), case.id


def test_infinities_and_nan_are_only_where_the_file_writes_them() -> None:
    """A finite number never becomes infinite by rounding to the dtype."""
    for case in QUICK:
        if not np.all(np.isfinite(_first(case))):
            assert re.search(r"\b(inf|nan)\b", _written(case.group)), case.id


@cache
def _written(group: str) -> str:
    return (files("smxcases") / f"{group}.toml").read_text(encoding="utf-8")


def _first(case: Case) -> np.ndarray:
    return next(iter(case.build().values())).astype(np.float64)


def test_broadcast_cases_have_equal_rows() -> None:
    cases = [case for case in QUICK if case.layout == "broadcast"]
    assert cases
    for case in cases:
        first = _first(case)
        assert np.array_equal(first, np.broadcast_to(first[:1], first.shape)), case.id


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_quick_asks_of_the_reference_is_bounded(dtype: str) -> None:
    cost: dict[str, int] = defaultdict(int)
    for case in QUICK:
        if case.dtype == dtype:
            cost[case.function] += distinct_values(case)
    assert max(cost.values()) <= BUDGET


def test_long_rows_have_few_distinct_values() -> None:
    """The reference of a row costs by distinct value; 10⁷ different ones would take minutes."""
    for case in load_cases(["softmax"], dtypes=("float32", "float16"), tier="full"):
        if "axis" not in case.keywords and case.shape and 10_000 < case.shape[-1] <= 110_000:
            assert distinct_values(case) <= 150 * (case.elements // case.shape[-1]), case.id


@pytest.mark.slow
def test_the_longest_rows_are_there_in_full() -> None:
    full = {(c.function, c.dtype, c.shape) for c in load_cases(dtypes=DTYPES, tier="full")}
    for shape in ((2**25,), (2**25, 1), (10**7,), (10**7, 1)):
        assert ("logsumexp", "float32", shape) in full
    for length in (65504, 65536, 70000):
        assert ("softmax", "float16", (length,)) in full
        assert ("softmax", "bfloat16", (length,)) in full


def test_row_lengths_cover_every_width_up_to_70_and_the_odd_ones_up_to_1100() -> None:
    quick = {c.shape[-1] for c in QUICK if c.group == "row-length" and c.function == "softmax"}
    assert set(range(1, 71)) | {127, 128, 129, 255, 256, 257, 511, 512, 513, 517, 781, 1023, 1024, 1025} <= quick
    full = {
        c.shape[-1]
        for c in load_cases(["softmax"], tier="full")
        if c.group == "row-length" and len(c.shape) == 2 and c.shape[0] >= 2
    }
    assert set(range(1, 1100, 2)) | {4095, 4096, 4097} <= full


def test_row_length_cases_have_their_maximum_in_the_last_lane() -> None:
    for case in load_cases(["softmax"]):
        if case.group == "row-length":
            assert np.all(np.argmax(_first(case), axis=-1) == case.shape[-1] - 1), case.id


def test_drawn_probabilities_sum_to_exactly_1() -> None:
    drawn = [c for c in QUICK if c.function == "entropy" and c.name.startswith(("drawn", "probabilities-1"))]
    assert drawn
    for case in drawn:
        if case.group != "axes":
            rows = _first(case).reshape(-1, case.shape[-1])
            assert all(math.fsum(row) == 1.0 and row.min() > 0 for row in rows), case.id


def test_acceptance_vectors_run_first_then_functions_in_the_order_of_the_catalog() -> None:
    flags = [case.acceptance for case in QUICK]
    assert flags == sorted(flags, reverse=True)
    order = [list(FUNCTIONS).index(case.function) for case in QUICK if not case.acceptance]
    assert order == sorted(order)
    for function in FUNCTIONS:
        first = next(case for case in load_cases([function]) if case.function == function)
        assert first.acceptance or function not in CENTRAL
        assert first.elements <= 5


def test_within_a_group_the_simplest_input_comes_first() -> None:
    for previous, case in pairwise(QUICK):
        if (previous.acceptance, previous.function, previous.group) == (case.acceptance, case.function, case.group):
            assert previous.elements <= case.elements


def test_selection_by_text_by_function_and_by_id() -> None:
    found = load_cases(["softmax", "logsumexp"], dtypes=("float32",), only_text="FAR-tail/20")
    assert {case.id for case in found} == {
        "softmax/far-tail/20/float32", "softmax/far-tail/200/float32",
        "logsumexp/far-tail/20/float32", "logsumexp/far-tail/200/float32",
    }  # fmt: skip
    assert load_cases(only_text="no such text") == []
    asked = ["softmax/long-rows/zeros-70000/float16", "log_softmax/far-tail/200/float32"]
    assert {case.id for case in load_cases(ids=asked)} == set(asked), "of any tier and dtype"


def test_an_unknown_id_names_the_nearest_one() -> None:
    with pytest.raises(CaseError, match="did you mean log_softmax/far-tail/200/float32"):
        load_cases(ids=["log_softmax/fartail/200/float32"])
    with pytest.raises(CaseError, match="unknown dtype"):
        load_cases(dtypes=("float33",))
    with pytest.raises(CaseError, match="unknown tier"):
        load_cases(tier="medium")


def test_cases_can_be_sent_to_another_process() -> None:
    case = load_cases(ids=["cross_entropy/class-weights/mean/float32"])[0]
    again = pickle.loads(pickle.dumps(case))
    assert again.id == case.id
    assert np.array_equal(again.build()["logits"], case.build()["logits"])
    assert np.array_equal(again.keywords["weight"], np.array([2, 4, 6], np.float32))
    assert again.keywords["weight"].dtype == np.float32


def test_listing_the_cases_imports_no_numpy() -> None:
    code = "import sys, smxcheck.caseset as c; c.load_cases(tier='full'); c.groups(); assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    ("case_id", "text"),
    [
        ("log_softmax/far-tail/200/float32", "log_softmax([0, -200])"),
        ("log_softmax/offset/1e8-twice/float32", "log_softmax([1e8, 1e8])"),
        ("cross_entropy/far-tail/200/float64", "cross_entropy([[0, -200]], [1])"),
        ("softmax/row-length/781/float32", "softmax(float32 array of shape (2, 781))"),
        ("logsumexp/acceptance/empty/float32", "logsumexp([])"),
        ("softmax/empty/10-by-0/float32", "softmax(float32 array of shape (10, 0))"),
        ("softmax/axes/far-tail-in-a-column/float16", "softmax([[0, 5], [-200, -300]], axis=0)"),
        ("softmax/masked/0-and-masked/bfloat16", "softmax([0, -inf])"),
        ("softmax/empty/0-d/float32", "softmax(2)"),
        ("softmax/layout/reversed-4-by-33/float32", "softmax(float32 array of shape (4, 33)), reversed"),
    ],
)
def test_a_call_is_described_in_a_line(case_id: str, text: str) -> None:
    assert describe_call(load_cases(ids=[case_id])[0]) == text


def test_descriptions_are_short_and_have_no_ellipsis() -> None:
    for case in QUICK[::7]:
        text = describe_call(case)
        assert "\n" not in text
        assert "..." not in text
        assert "…" not in text
        assert len(text) < 220


def test_the_real_logits_are_of_networks_that_learned_something() -> None:
    plain = load_cases(ids=["cross_entropy/real-logits/plain-all-360/float32"])[0].build()
    bold = load_cases(ids=["cross_entropy/real-logits/overconfident-all-360/float32"])[0].build()
    for arguments in (plain, bold):
        assert arguments["logits"].shape == (360, 10)
        assert np.mean(arguments["logits"].argmax(axis=1) == arguments["labels"]) > 0.9
    assert np.ptp(bold["logits"], axis=1).mean() > 5 * np.ptp(plain["logits"], axis=1).mean()
