"""Numbers in formulas: printed as published notes print them, exact as decimals, read again as the same number."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.formula.decimals import decimal
from smxcheck.formula.evaluate import Environment, Undefined, context
from smxcheck.formula.lexicon import COMMON
from smxcheck.formula.notation import notation, text
from smxcheck.formula.numerals import number_of, printed, with_numbers

UNICODE, ASCII = notation(), notation(ascii=True)
QUICKLY = settings(derandomize=True, deadline=None, max_examples=150)


@pytest.mark.parametrize(
    ("exact", "shown"),
    [
        ("0.00490169393", "0.00490169"), ("-2.402655551e-5", "-2.40265555e-05"), ("0.19600100", "0.196001"), ("2", "2"),
        ("0", "0"), ("-3", "-3"), ("0.5", "0.5"), ("0.0001", "0.0001"), ("12345.678901234", "12345.67890123"),
        ("0.99999999999990642", "0.9999999999999"), ("1e20", "1e+20"), ("1.5e-1200", "1.5e-1200"), ("-inf", "-inf"),
    ],
)  # fmt: skip
def test_numbers_are_printed_as_the_published_notes_print_them(exact: str, shown: str) -> None:
    assert printed(context(60).mpf(exact)) == shown


def test_numbers_are_printed_exactly_alike_as_fractions_and_with_other_digits() -> None:
    assert (printed(Fraction(1, 3)), printed(Fraction(2, 3), 3), printed(7)) == ("0.33333333", "0.667", "7")


@QUICKLY
@given(st.integers(-(10**30), 10**30), st.integers(0, 40))
def test_a_decimal_is_exact(digits: int, places: int) -> None:
    number = Fraction(digits, 10**places)
    assert Fraction(decimal(number)) == number


def test_a_number_without_an_end_is_no_decimal() -> None:
    with pytest.raises(ValueError, match="1/3 has no end as a decimal"):
        decimal(Fraction(1, 3))


PRINTED = Environment(COMMON, {"z": (0, 4, 5)}, classes=3, order=2)


@pytest.mark.parametrize(
    ("source", "shown", "value"),
    [
        ("p[i]*(delta(i, i) - p[i])", "0.00490169(1 − 0.00490169)", "0.00487766"),
        ("-p[i]*p[j]", "−0.00490169·0.26762315", "-0.00131181"),
        ("exp(z[j])/sum(k, exp(z[k]))", "exp(4)/204.01130914", "0.26762315"),
        ("2*log(p[i]) - diff(H, z[j])*H", "2 log 0.00490169 − 0.18944197·0.61030703", "-10.75196863"),
        ("diff(sum(k, p[k]), z[i]) + pi", "0 + π", "3.14159265"),
        ("2 + diff(p[i], z[j])", "2 + (−0.00131181)", "1.99868819"),
        ("log(p[i])^2 - x", "", ""),
    ],
)
def test_a_line_with_numbers_in_it(source: str, shown: str, value: str) -> None:
    node = COMMON.expression(source)
    if not shown:
        with pytest.raises(Undefined, match="no number is given for x"):
            with_numbers(node, PRINTED, {"i": 1})
        return
    line = with_numbers(node, PRINTED, {"i": 1, "j": 2})
    assert text(line, UNICODE) == shown
    assert printed(number_of(node, PRINTED, {"i": 1, "j": 2})) == value
    assert COMMON.expression(text(line, ASCII)) == line


def test_the_matrix_of_a_published_note_comes_out_to_its_digits() -> None:
    """diag(p) - p pᵀ and -p pᵀ at (0, 4, 5): the numbers of statement 003/printed-jacobian."""
    jacobian = COMMON.expression("p[i]*(delta(i, j) - p[j])")
    shown = [[printed(number_of(jacobian, PRINTED, {"i": i, "j": j})) for j in (1, 2, 3)] for i in (1, 2, 3)]
    assert shown[0] == ["0.00487766", "-0.00131181", "-0.00356586"]
    assert [shown[1][1], shown[1][2], shown[2][2]] == ["0.196001", "-0.1946892", "0.19825505"]
    outer = printed(number_of(COMMON.expression("-p[1]*p[1]"), PRINTED))
    assert outer == "-2.40265555e-05"
