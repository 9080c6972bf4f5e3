"""The format of case files: what is read, what every generator makes, and that mistakes are named."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.caseset import arrays, numerals, recipes, schema
from smxcheck.caseset.model import CaseError
from smxcheck.dtypes import FORMATS

F32, F64, F16 = FORMATS["float32"], FORMATS["float64"], FORMATS["float16"]

HEAD = 'schema = "smxcases/1"\ngroup = "g"\npurpose = "P."\nfunctions = ["softmax"]\n'


def made(written: object, fmt: object = F64) -> np.ndarray:
    return arrays.build(recipes.parse(written), fmt)


def test_splitmix64_gives_the_published_sequence() -> None:
    """First outputs for the seeds 0 and 1234567, as in the test vectors of other implementations."""
    assert [hex(v) for v in arrays.splitmix64(0, 0, 3).tolist()] == [
        "0xe220a8397b1dcdaf", "0x6e789e6aa1b965f4", "0x6c45d188009454f",
    ]  # fmt: skip
    assert arrays.splitmix64(1234567, 0, 5).tolist() == [
        6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821,
    ]  # fmt: skip


def test_the_sequence_does_not_depend_on_where_it_is_cut() -> None:
    whole = arrays.splitmix64(7, 0, 100)
    assert np.array_equal(whole[37:], arrays.splitmix64(7, 37, 63))


def test_lattice_steps_are_pinned() -> None:
    """By hand: 0xe220 + 0xa839 + 0x7b1d + 0xcdaf = 185125, and ⌊185125·33/262141⌋ - 16 = 7."""
    assert arrays.lattice_steps(0, 33, 0, 12).tolist() == [7, 1, -7, 5, -5, 0, -7, 2, -4, 1, -2, -2]


def test_a_lattice_is_symmetric_roughly_normal_and_has_few_values() -> None:
    k = arrays.lattice_steps(3, 33, 0, 100_000)
    assert len(np.unique(k)) <= 33
    assert k.min() >= -16
    assert k.max() <= 16
    # k is uniform rounding of 33/(4·65535) times a sum of four uniforms: variance 33²/48 + 1/12; mean error 4.8/√1e5.
    assert abs(k.mean()) < 5 * 4.8 / math.sqrt(100_000)
    assert abs(k.std() - math.sqrt(33**2 / 48 + 1 / 12)) < 0.05


def test_a_lattice_is_offset_plus_step_times_k_rounded_once() -> None:
    x = made({"lattice": {"shape": [2, 50], "step": 0.37, "levels": 9, "seed": 5, "offset": -2}}, F32)
    k = arrays.lattice_steps(5, 9, 0, 100)
    assert np.array_equal(x.ravel(), (-2 + 0.37 * k).astype(np.float32))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("max", np.finfo(np.float32).max),
        ("-max", -np.finfo(np.float32).max),
        ("0.5*max", np.finfo(np.float32).max / 2),
        ("tiny", np.finfo(np.float32).tiny),
        ("subnormal", np.finfo(np.float32).smallest_subnormal),
        ("-3*subnormal", -3 * float(np.finfo(np.float32).smallest_subnormal)),
        ("eps", np.finfo(np.float32).eps),
        ("below-one", np.nextafter(np.float32(1), np.float32(0))),
        ("0x1.8p-3", 0.1875),
        ("-1e-3", -1e-3),
        (7, 7.0),
        ("inf", math.inf),
        ("-inf", -math.inf),
    ],
)
def test_numbers_mean_what_the_table_says(written: object, value: float) -> None:
    assert np.float32(numerals.resolve(numerals.parse(written), F32)) == np.float32(value)


def test_minus_zero_keeps_its_sign_and_nan_is_nan() -> None:
    x = made(["-0.0", "nan"])
    assert np.signbit(x[0])
    assert np.isnan(x[1])


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(derandomize=True, deadline=None)
def test_every_double_is_read_from_its_decimal_and_its_hexadecimal_form(x: float) -> None:
    for text in (repr(x), x.hex()):
        assert numerals.parse(text) == x


@given(st.floats(min_value=0, allow_nan=False, allow_infinity=False), st.sampled_from(list(FORMATS)))
@settings(derandomize=True, deadline=None)
def test_finite_in_a_dtype_is_what_rounding_to_it_says(x: float, dtype: str) -> None:
    fmt = FORMATS[dtype]
    with np.errstate(over="ignore"):
        rounded = np.array(x).astype(fmt.numpy())
    assert numerals.is_finite_in(x, fmt) == bool(np.isfinite(rounded.astype(np.float64)))


@pytest.mark.parametrize("written", ["1e400", "infinity", "one", "", "0x", "2*max", "1+1", True, None, [1], "__import__"])
def test_what_is_no_number_is_refused(written: object) -> None:
    with pytest.raises(CaseError):
        numerals.parse(written)


@pytest.mark.parametrize(
    ("written", "values"),
    [
        (3, np.array(3.0)),
        ([], np.zeros(0)),
        ([[1, 2], [3, 4]], np.array([[1.0, 2], [3, 4]])),
        ({"fill": {"value": 2, "shape": [2, 2]}}, np.full((2, 2), 2.0)),
        ({"ramp": {"start": 1, "step": 2, "shape": [4]}}, np.array([1.0, 3, 5, 7])),
        ({"ramp": {"start": 1, "step": 2, "shape": [4], "order": "descending"}}, np.array([7.0, 5, 3, 1])),
        ({"ramp": {"start": 0, "step": 1, "shape": [5], "order": "alternating"}}, np.array([0.0, 4, 1, 3, 2])),
        ({"spike": {"base": 0, "shape": [2, 3], "value": 9, "at": "last"}}, np.array([[0.0, 0, 9], [0, 0, 9]])),
        ({"spike": {"base": 0, "shape": [2, 3], "value": 9, "at": "middle", "row": 1}}, np.array([[0.0, 0, 0], [0, 9, 0]])),
        ({"spike": {"base": 0, "shape": [2, 2], "value": 9, "at": "all", "row": 0}}, np.array([[9.0, 9], [0, 0]])),
        ({"spike": {"base": {"fill": {"value": 1, "shape": [3]}}, "value": 9, "at": -2}}, np.array([1.0, 9, 1])),
        ({"parts": {"parts": [{"value": 1, "count": 2}, {"value": 5, "count": 1}]}}, np.array([1.0, 1, 5])),
        ({"parts": {"parts": [{"value": 1, "count": 1}, {"value": 5, "count": 1}], "rows": 2}}, np.array([[1.0, 5]] * 2)),
        ({"parts": {"parts": [{"value": 1, "count": 1}, {"value": 5, "count": 1}], "columns": 3}},
         np.array([[1.0] * 3, [5.0] * 3])),
        ({"probabilities": {"weights": [1, 2, 5], "bits": 3}}, np.array([0.125, 0.25, 0.625])),
    ],
)  # fmt: skip
def test_every_generator_makes_what_the_readme_says(written: object, values: np.ndarray) -> None:
    assert np.array_equal(made(written), values)
    recipe = recipes.parse(written)
    assert recipe.shape == values.shape
    assert recipe.elements == values.size
    assert recipe.magnitude >= np.max(np.abs(values), initial=0)


@given(st.integers(1, 3), st.integers(1, 400), st.integers(0, 2**64 - 1), st.sampled_from(list(FORMATS)))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_drawn_probabilities_are_positive_and_sum_to_exactly_1_in_every_dtype(
    rows: int, n: int, seed: int, dtype: str
) -> None:
    p = made({"probabilities": {"shape": [rows, n], "seed": seed}}, FORMATS[dtype]).astype(np.float64)
    assert p.min() > 0
    assert all(math.fsum(row) == 1.0 for row in p)


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ({"fil": {}}, "exactly one of"),
        ({"fill": {"value": 1, "shape": [1]}, "ramp": {}}, "exactly one of"),
        ({"fill": {"value": 1, "shape": [1], "colour": 2}}, "unknown key colour"),
        ({"fill": {"value": 1}}, "needs shape"),
        ({"fill": {"value": 1, "shape": [-1]}}, "at least 0"),
        ({"fill": {"value": 1, "shape": [2**20, 2**20]}}, "more than"),
        ({"fill": {"value": 1, "shape": [1] * 9}}, "axes"),
        ({"fill": [1]}, "must be a table"),
        ({"lattice": {"shape": [2], "step": 1, "levels": 4, "seed": 0}}, "odd"),
        ({"spike": {"base": 0, "shape": [3], "value": 1, "at": 3}}, "outside a row"),
        ({"spike": {"base": 0, "shape": [3], "value": 1, "at": "end"}}, "one of first"),
        ({"spike": {"base": 0, "shape": [0], "value": 1, "at": 0}}, "elements"),
        ({"probabilities": {"weights": [0.5], "bits": 1}}, "integers"),
        ({"npz": {"file": "../x.npz", "key": "a", "rows": [0, 1], "shape": [1]}}, "beside"),
        ({"npz": {"file": "x.npz", "key": "a", "rows": [0, 9], "shape": [1]}}, "not in an array"),
        ([[1, 2], [3]], "different lengths"),
        ([1, [2]], "different lengths"),
        (["spam"], "not a number"),
    ],
)
def test_a_wrong_recipe_is_named(written: object, word: str) -> None:
    with pytest.raises(CaseError, match=word):
        recipes.parse(written)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("schema = 1", "first line must be"),
        ("= 1", "not TOML"),
        (HEAD, r"no \[\[case\]\]"),
        (HEAD + "colour = 1\n[[case]]\nname='a'\nvalues=[1]", "unknown key colour"),
        (HEAD + "[[case]]\nname='a'\nvalues=[1]\ncolour=1", "f.toml, case a: unknown key colour"),
        (HEAD + "[[case]]\nname='a'", "case a: values are missing"),
        (HEAD + "[[case]]\nname='a b'\nvalues=[1]", "letters, digits"),
        (HEAD + "[[case]]\nname='a/b'\nvalues=[1]", "letters, digits"),
        (HEAD + "[[case]]\nvalues=[1]", "name must be a text"),
        (HEAD + "[[case]]\nname='a'\nvalues=[1]\n[[case]]\nname='a'\nvalues=[2]", "used twice for softmax a"),
        (HEAD + "[[case]]\nname='a'\nvalues=[1e8]", "case a: 1e.08 is not finite in float16"),
        (HEAD + "[[case]]\nname='a'\nvalues=[1e39]\ndtypes=['float32']", "not finite in float32"),
        (HEAD + "[[case]]\nname='a'\nvalues=[1]\nfunctions=['softmaxx']", "unknown name 'softmaxx'"),
        (HEAD + "[[case]]\nname='a'\nvalues=[1]\nfunctions='softmax'", "list of names"),
        (HEAD + "[[case]]\nname='a'\nvalues=[1]\ndtypes=['float8']", "unknown name 'float8'"),
        (HEAD + "[[case]]\nname='a'\nvalues=[1]\ncheck='style'", "unknown check 'style'"),
        (HEAD + "[[case]]\nname='a'\nvalues=[1]\ncases='slow'", "unknown cases 'slow'"),
        (HEAD + "[[case]]\nname='a'\nvalues=[1]\nlayout='diagonal'", "unknown layout"),
        (HEAD + "[[case]]\nname='a'\nvalues=[1]\naxis='last'", "axis must be"),
        (HEAD + "[[case]]\nname='a'\nvalues=[1]\nkeywords={weight=[1]}", "softmax takes no weight"),
        (HEAD + "[[case]]\nname='a'\nvalues=[1]\nkeywords={temperature=1}", "unknown key temperature"),
        (HEAD + "[[case]]\nname='a'\nvalues=[1]\nfunctions=['cross_entropy']", "needs labels"),
        (HEAD + "[[case]]\nname='a'\nvalues=[1]\nfunctions=['cross_entropy']\nlabels=[0,0]", "labels have shape"),
        (HEAD + "[[case]]\nname='a'\nvalues=[1]\nfunctions=['cross_entropy']\nlabels=[0.5]", "soft_labels"),
        (HEAD + "[[case]]\nname='a'\nvalues=[1]\nfunctions=['cross_entropy']\nlabels='best'", "labels must be"),
        (HEAD + "[[case]]\nname='a'\nvalues=[1]\nfunctions=['kl_divergence']", "needs q"),
        (HEAD + "[[case]]\nname='a'\nvalues=[1]\nfunctions=['kl_divergence']\nq=[1,2]", "q has shape"),
        (HEAD + "[[case]]\nname='{n}'\nvalues=[1]\nsweep={m=[1]}", "placeholder"),
        (HEAD + "[[case]]\nname='{n}'\nvalues=[1]\nsweep={n={from=1,to=10000000}}", "more than"),
        (HEAD + "[[case]]\nname='{n}'\nvalues=[1]\nsweep={n=[]}", "1 to"),
        (HEAD + "[[case]]\nname='a'\nvalues=" + "[" * 5000 + "]" * 5000, "nested"),
    ],
)
def test_a_broken_file_is_one_line_that_names_file_and_case(text: str, word: str) -> None:
    with pytest.raises(CaseError, match=word) as caught:
        schema.parse_text(text, "f.toml")
    assert str(caught.value).startswith("f.toml")
    assert "\n" not in str(caught.value)


def test_finite_excludes_the_dtypes_that_overflow() -> None:
    group = schema.parse_text(HEAD + "[[case]]\nname='a'\nvalues=[1e8]\ndtypes='finite'", "f.toml")
    assert group.entries[0].dtypes == ("bfloat16", "float32", "float64")


def test_a_sweep_puts_values_and_texts_in() -> None:
    text = HEAD + (
        "[[case]]\nname = '{n}-{v}'\nvalues = {fill = {value = '-{v}', shape = ['{n}']}}\n"
        "sweep = {n = {from = 1, to = 5, step = 2, except = [3]}, v = [2, 1e30]}\ndtypes = 'finite'"
    )
    entries = schema.parse_text(text, "f.toml").entries
    assert [e.name for e in entries] == ["1-2", "1-1e30", "5-2", "5-1e30"]
    assert np.array_equal(arrays.build(entries[3].values, F64), np.full(5, -1e30))


def test_a_number_beyond_every_dtype_is_an_error_even_in_float64() -> None:
    with pytest.raises(CaseError, match="largest float64"):
        schema.parse_text(HEAD + "[[case]]\nname='a'\nvalues=['1e309']\ndtypes='finite'", "f.toml")
