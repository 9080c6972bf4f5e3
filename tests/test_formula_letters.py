"""Letters: a reader's own stand wherever the usual ones stood, never two alike; formulas in running text."""

from __future__ import annotations

import pytest

from smxcheck.formula.grammar import FormulaError
from smxcheck.formula.lexicon import COMMON
from smxcheck.formula.notation import check, notation, text, used_names
from smxcheck.formula.prose import prose
from smxcheck.formula.symbols import INDICES, SYMBOLS
from smxcheck.formula.tree import Name

UNICODE = notation()

JACOBIAN = COMMON.claim("diff(p[i], z[j]) == p[i]*(delta(i, j) - p[j]) if dphi(z[i]) > 0")


@pytest.mark.parametrize(
    ("letters", "shown", "ascii"),
    [
        ({"logits": "o"}, "∂pᵢ/∂oⱼ = pᵢ(δᵢⱼ − pⱼ) if φ′(oᵢ) > 0", "diff(p[i], o[j])"),
        ({"p": "sigma", "z": "θ"}, "∂σᵢ/∂θⱼ = σᵢ(δᵢⱼ − σⱼ) if φ′(θᵢ) > 0", "diff(sigma[i], theta[j])"),
        ({"phi": "g", "i": "m", "j": "b"}, "∂pₘ/∂z_b = pₘ(δ_{mb} − p_b) if g′(zₘ) > 0", "diff(p[m], z[b])"),
        ({"probabilities": "out"}, "∂outᵢ/∂zⱼ = outᵢ(δᵢⱼ − outⱼ) if φ′(zᵢ) > 0", "diff(out[i], z[j])"),
    ],
)
def test_a_reader_chooses_letters_by_role_by_name_and_for_indices(letters: dict[str, str], shown: str, ascii: str) -> None:
    assert text(JACOBIAN, notation(COMMON, letters)) == shown
    assert text(JACOBIAN, notation(COMMON, letters, ascii=True)).startswith(ascii)


@pytest.mark.parametrize(
    ("letters", "message"),
    [
        ({"probabilitys": "y"}, "no letter is called 'probabilitys'; did you mean probabilities"),
        ({"z": "o", "logits": "x"}, "logits has two letters, o and x"),
        ({"z": "o", "p": "o"}, "o cannot stand for both logits and probabilities"),
        ({"p": "1"}, "'1' is no letter"),
        ({"p": "log"}, "log means something in formulas already"),
    ],
)
def test_letters_that_cannot_be_are_refused_with_the_reason(letters: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        notation(COMMON, letters)


@pytest.mark.parametrize(
    ("letters", "message"),
    [
        ({"p": "z"}, "probabilities=z: z stands for logits here; give that another letter too, as in logits="),
        ({"p": "i"}, "probabilities=i: i stands for index i here; give that another letter too, as in i="),
        ({"p": "delta"}, "probabilities=δ: δ stands for Kronecker's delta here; choose another letter"),
        ({"j": "i"}, "index j=i: i stands for index i here"),
    ],
)
def test_two_letters_alike_on_one_page_are_refused_and_a_way_out_is_named(letters: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check(notation(COMMON, letters), used_names([JACOBIAN]))


def test_letters_that_the_page_does_not_use_do_not_collide() -> None:
    check(notation(COMMON, {"p": "y"}), used_names([JACOBIAN]))
    check(notation(COMMON, {"p": "y", "labels": "t"}), {*used_names([JACOBIAN]), "y"})


def test_the_common_letters_and_indices_are_all_different() -> None:
    check(UNICODE, {*SYMBOLS, *INDICES, "O"})


def test_used_names_are_those_that_are_printed() -> None:
    node = COMMON.claim("integral(x, 0, 1, phi(x)) == sum(k != c, exp(z[k])) + delta(i, 1) + O(t^2)")
    assert used_names([node, Name("j")]) == {"x", "phi", "k", "c", "z", "delta", "i", "O", "t", "j"}


# ---- running text


def test_formulas_in_running_text() -> None:
    found = prose("`z[j]` and `i != j`, `sum(k != i, y[k])`, `p`, `log`; `H <= L`, `H > 0 if n > 1`.", COMMON)
    shown = "".join(part if isinstance(part, str) else text(part, UNICODE) for part in found)
    assert shown == "zⱼ and i ≠ j, Σ_{k≠i} yₖ, p, log; H ≤ L, H > 0 if n > 1."
    assert prose("no formula", COMMON) == ("no formula",)
    assert prose("", COMMON) == ()


@pytest.mark.parametrize(("source", "position"), [("a `z[i]", 2), ("a `z[q]`", 5), ("``", 1), ("`p` or `i == j, k == j`", 16)])
def test_a_wrong_formula_in_running_text_is_located_in_the_whole_text(source: str, position: int) -> None:
    with pytest.raises(FormulaError) as error:
        prose(source, COMMON)
    assert error.value.position == position
