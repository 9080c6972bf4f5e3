"""Printing: what is printed in ASCII is read again as the same tree; no two formulas of different value look alike."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.derivations.topics import topics
from smxcheck.derivations.verdicts import statements
from smxcheck.formula.evaluate import Environment, Undefined, evaluate
from smxcheck.formula.lexicon import COMMON, Lexicon
from smxcheck.formula.notation import latex, notation, text
from smxcheck.formula.prose import prose
from smxcheck.formula.symbols import FUNCTIONS, INDICES, SYMBOLS
from smxcheck.formula.tree import (
    Apply,
    At,
    Binary,
    Claim,
    Delta,
    Diff,
    IndexRelation,
    Integral,
    Item,
    Name,
    Negative,
    Node,
    Number,
    Over,
    Relation,
)

UNICODE, ASCII = notation(), notation(ascii=True)

VECTORS = sorted(s.name for s in SYMBOLS.values() if s.kind == "vector")
SCALARS = sorted(s.name for s in SYMBOLS.values() if s.kind == "scalar")
REALS = sorted({*SCALARS} - {"n", "N"})
CALLS = {**FUNCTIONS, "phi": 1, "dphi": 1, "f": 1, "df": 1}
INDEX = st.one_of(st.sampled_from(INDICES), st.integers(1, 12))
ITEM = st.builds(Item, st.sampled_from(VECTORS), INDEX)
NUMBER = st.builds(
    lambda digits, power: Number(Fraction(digits) * Fraction(10) ** power), st.integers(0, 10**9), st.integers(-14, 14)
)


def expressions(vectors: bool = False) -> st.SearchStrategy[Node]:
    """Any tree that the grammar can read; with ``vectors`` what stands in the argument of an At."""
    leaves = st.one_of(
        NUMBER, ITEM, st.builds(Name, st.sampled_from([*SCALARS, "inf", "pi", *(VECTORS if vectors else [])])),
        st.builds(Delta, INDEX, INDEX),
    )  # fmt: skip
    return st.recursive(leaves, lambda inner: st.one_of(*compound(inner, vectors)), max_leaves=12)


def compound(inner: st.SearchStrategy[Node], vectors: bool) -> Iterator[st.SearchStrategy[Node]]:
    """One operation on what the strategy draws."""
    variables = st.lists(st.one_of(ITEM, st.builds(Name, st.sampled_from(REALS))), min_size=1, max_size=3)
    yield st.builds(Binary, st.sampled_from("+-*/^"), inner, inner)
    yield st.builds(Negative, inner)
    yield st.sampled_from(sorted(CALLS)).flatmap(
        lambda f: st.builds(Apply, st.just(f), st.tuples(*[inner] * CALLS[f]))
    )
    yield st.builds(
        Over, st.sampled_from(("sum", "prod", "max")), st.sampled_from(INDICES), st.lists(INDEX, max_size=2).map(tuple), inner
    )
    yield st.builds(Integral, st.sampled_from(REALS), inner, inner, inner)
    yield st.builds(Diff, inner, variables.map(tuple))
    if vectors:  # so that no strategy holds itself
        yield st.builds(At, st.sampled_from(("H", "L", "S")), inner)
        yield st.builds(At, st.sampled_from(("p", "e")), inner, INDEX)


RELATIONS = st.builds(
    Relation, st.sampled_from(("==", "!=", "<=", ">=", "<", ">")), expressions(), expressions(),
    st.one_of(st.none(), st.tuples(st.sampled_from(SCALARS), st.integers(1, 9))),
)  # fmt: skip
CONDITIONS = st.one_of(RELATIONS, st.builds(IndexRelation, st.sampled_from(("==", "!=")), st.sampled_from(INDICES), INDEX))
CLAIMS = st.builds(Claim, RELATIONS, st.lists(CONDITIONS, max_size=2).map(tuple))
AT = st.one_of(
    st.builds(At, st.sampled_from(("H", "L")), expressions(vectors=True)),
    st.builds(At, st.just("p"), expressions(vectors=True), INDEX),
)
QUICKLY = settings(derandomize=True, deadline=None, max_examples=150)


@QUICKLY
@given(st.one_of(expressions(), AT))
def test_what_is_printed_in_ascii_is_read_again_as_the_same_tree(node: Node) -> None:
    assert COMMON.expression(text(node, ASCII)) == node


@pytest.mark.slow
@QUICKLY
@given(CLAIMS)
def test_so_is_a_claim_with_its_conditions(claim: Claim) -> None:
    assert COMMON.claim(text(claim, ASCII)) == claim


@pytest.mark.slow
@QUICKLY
@given(st.one_of(expressions(), AT, CLAIMS))
def test_every_formula_is_printed_with_its_parentheses_closed(node: Node) -> None:
    for shown in (text(node, UNICODE), latex(node, UNICODE)):
        for opening, closing in ("()", "{}"):
            assert shown.count(opening) == shown.count(closing)
        assert "  " not in shown


def formulas_in(value: Any) -> Iterator[Node]:
    """The formulas that an object holds in its fields, but not the parts of a formula."""
    if isinstance(value, Node):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from formulas_in(part)
    elif is_dataclass(value) and not isinstance(value, Lexicon):
        for field in fields(value):
            yield from formulas_in(getattr(value, field.name))


def stored() -> Iterator[tuple[Node, Lexicon]]:
    """Every formula of the derivations and statements that ship, and of the definitions of their letters."""
    for entry in (*topics().values(), *statements().values()):
        for node in (*formulas_in(entry), *entry.lexicon.definitions.values()):
            yield node, entry.lexicon


def test_every_stored_formula_is_read_again_as_the_same_tree() -> None:
    for node, lexicon in {(node, id(lexicon)): (node, lexicon) for node, lexicon in stored()}.values():
        shown = text(node, notation(lexicon, ascii=True))
        match node:
            case Claim():
                assert lexicon.claim(shown) == node
            case Relation() | IndexRelation():
                assert lexicon.conditions(shown) == (node,)
            case _:
                assert lexicon.expression(shown) == node


# ---- no two formulas of different value look alike: small trees, all of them

LEAVES: tuple[Node, ...] = (Item("p", "k"), Number(Fraction(2)), Name("L"))


def trees(operations: int) -> list[Node]:
    """Every tree with this many operations over the leaves; k is bound in some and free in others."""
    if operations == 0:
        return list(LEAVES)
    found: list[Node] = []
    for operand in trees(operations - 1):
        found += [Negative(operand), Apply("log", (operand,)), Apply("abs", (operand,)), Apply("sqrt", (operand,))]
        found += [Over("sum", "k", (), operand), Over("max", "k", (), operand), Diff(operand, (Item("z", "k"),))]
    for below in range(operations):
        for left, right in itertools.product(trees(below), trees(operations - 1 - below)):
            found += [Binary(operator, left, right) for operator in "+-*/^"]
    return found


def value(node: Node, point: Environment) -> str:
    """The value to 20 digits, or that there is none."""
    try:
        return str(point.context.nstr(evaluate(node, point, {"k": 1}), 20))
    except Undefined:
        return "none"


def looking_alike(nodes: Sequence[Node]) -> list[str]:
    """Texts that are printed for formulas of different value, in Unicode or in LaTeX."""
    found = []
    for show in (text, latex):
        alike: dict[str, list[Node]] = {}
        for node in nodes:
            alike.setdefault(show(node, UNICODE), []).append(node)
        point = Environment(COMMON, {"z": (0, 1, 3)}, classes=3, order=2, digits=60)
        found += [s for s, same in alike.items() if len(same) > 1 and len({value(n, point) for n in same}) > 1]
    return found


def test_no_two_small_formulas_of_different_value_look_alike() -> None:
    nodes = [node for operations in range(3) for node in trees(operations)]
    assert len(nodes) > 2500
    assert looking_alike(nodes) == []


@pytest.mark.slow
def test_no_two_formulas_of_three_operations_look_alike() -> None:
    nodes = [node for operations in range(4) for node in trees(operations)]
    assert looking_alike(random.Random(7).sample(nodes, 60_000)) == []


# ---- how single formulas look: what a reader could take for something else has parentheses or a dot

LOOKS = {
    "diff(p[i], z[j]) == p[i]*(delta(i, j) - p[j])": "∂pᵢ/∂zⱼ = pᵢ(δᵢⱼ − pⱼ)",
    "diff(p[i], z[j], z[k])": "∂²pᵢ/∂zⱼ∂zₖ",
    "diff(H, z[i], z[i])": "∂²H/∂zᵢ²",
    "diff(log(p[i]) - L, z[j])": "∂(log pᵢ − L)/∂zⱼ",
    "(e[i]*S - e[i]*e[j]) / S^2": "(eᵢS − eᵢeⱼ)/S²",
    "e[i]/S * ((S - e[j])/S)": "eᵢ/S · (S − eⱼ)/S",
    "(0*S - e[i]*e[j]) / S^2": "(0·S − eᵢeⱼ)/S²",
    "a/(x*t)": "a/(xt)",
    "a/x/t": "(a/x)/t",
    "a - (x - t)": "a − (x − t)",
    "a*(x*t)": "a·(xt)",
    "exp(z[i])/sum(k, exp(z[k]))": "exp(zᵢ)/Σₖ exp(zₖ)",
    "-sum(k, p[k]*log(p[k]))": "−Σₖ pₖ log pₖ",
    "sum(k, p[k]*z[k])*t": "(Σₖ pₖzₖ)t",
    "sum(k, z[k] - M)": "Σₖ (zₖ − M)",
    "sum(k, z[k]) - M": "Σₖ zₖ − M",
    "sum(k, e[k]/S)": "Σₖ (eₖ/S)",
    "sum(k, e[k])/S": "(Σₖ eₖ)/S",
    "sum(k != i != 2, y[k]) + prod(k, p[k])": "Σ_{k≠i,2} yₖ + Πₖ pₖ",
    "log(p[i])*p[i]": "(log pᵢ)pᵢ",
    "log(p[i])^2": "(log pᵢ)²",
    "log(p[i]^2)": "log(pᵢ²)",
    "log(S)/S": "(log S)/S",
    "t*sum(k, e[k])/S": "(t Σₖ eₖ)/S",
    "L*(1 - p[i])": "L·(1 − pᵢ)",
    "exp(m)*(1 - p[i])": "exp(m)·(1 − pᵢ)",
    "2*3*CE*p[i]": "2·3·CE·pᵢ",
    "y[c]*p[k] + p[c]*(1 - p[c]) + delta(i, c) + delta(1, 12)": "y_c·pₖ + p_c(1 − p_c) + δ_{ic} + δ_{1,12}",
    "x*-x - -x": "x·(−x) − (−x)",
    "-(-x)^2": "−(−x)²",
    "2^-24*n + x^N*t": "2⁻²⁴n + x^N·t",
    "x^(1/2)": "x^(1/2)",
    "H(z + t*d) == H + O(t^2) if i != j, sum(k, y[k]) == 1": "H(z + td) = H + O(t²) if i ≠ j and Σₖ yₖ = 1",
    "p(z - M)[i]": "p(z − M)ᵢ",
    "dphi(z[i])/phi(z[i])": "φ′(zᵢ)/φ(zᵢ)",
    "integral(x, 0, inf, exp(-x)) <= integral(x, -inf, 1, x + pi)": "∫₀^∞ exp(−x) dx ≤ ∫_{−∞}¹ (x + π) dx",
    "max(k, abs(z[k] - M))*2": "(maxₖ |zₖ − M|)·2",
    "abs(a)*abs(x)": "|a|·|x|",
    "max(a, x)*sqrt(n)": "max(a, x) √n",
    "0.00002*a": "2e-05·a",
}  # fmt: skip


@pytest.mark.parametrize(("source", "shown"), LOOKS.items())
def test_a_formula_looks_as_in_a_careful_textbook(source: str, shown: str) -> None:
    assert text(prose(f"`{source}`", COMMON)[0], UNICODE) == shown  # type: ignore[arg-type]


LATEX = {
    "p[i]*(delta(i, j) - p[j])": r"p_{i} (\delta_{ij} - p_{j})",
    "e[i]/S": r"\frac{e_{i}}{S}",
    "2*(1/2)": r"2 \cdot \frac{1}{2}",
    "sum(k != i, y[k])^2": r"\left( \sum_{k \ne i} y_{k} \right)^{2}",
    "diff(H + L, z[i], z[i])": r"\frac{\partial^{2}}{\partial z_{i}^{2}} (H + L)",
    "abs(e[i]/S)": r"\left\lvert \frac{e_{i}}{S} \right\rvert",
    "log(e[i]/S)*mu": r"\log\left( \frac{e_{i}}{S} \right) \mu",
    "max(k, z[k])": r"\max_{k} z_{k}",
    "delta(1, 12)*delta(1, 2)": r"\delta_{1, 12} \delta_{12}",
    "integral(x, 0, inf, exp(-x))": r"\int_{0}^{\infty} \exp(-x) \, dx",
    "log(0.00002)": r"\log(2 \times 10^{-5})",
    "H <= L if i == j, n > 1": r"H \le L \quad \text{if } i = j \text{ and } n > 1",
}


@pytest.mark.parametrize(("source", "shown"), LATEX.items())
def test_a_formula_in_latex(source: str, shown: str) -> None:
    assert latex(prose(f"`{source}`", COMMON)[0], UNICODE) == shown  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("pdflatex") is None and os.environ.get("SMXCHECK_CI") != "1", reason="pdflatex is not installed"
)
def test_the_latex_of_every_stored_and_of_drawn_formulas_compiles_with_amsmath(tmp_path: Path) -> None:
    drawn = random.Random(3).sample(trees(2), 300)
    shown = [latex(node, notation(lexicon)) for node, lexicon in (*stored(), *((n, COMMON) for n in drawn))]
    body = "\n\n".join(f"${s}$\n\\begin{{align*}}\n& {s}\n\\end{{align*}}" for s in shown)
    document = f"\\documentclass{{article}}\n\\usepackage{{amsmath}}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"
    (tmp_path / "all.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=120)
    assert done.returncode == 0, done.stdout[-500:]
