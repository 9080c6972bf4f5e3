"""Exercise sheets: blanks and one wrong sign, the same from the same seed, and a solution that shows the sign wrong."""

from __future__ import annotations

from typing import Any

import pytest

from smxcheck.derivations.execute import Outcome
from smxcheck.derivations.flips import flips
from smxcheck.derivations.model import Derivation
from smxcheck.derivations.run import run_relation
from smxcheck.derivations.schema import derivation
from smxcheck.derivations.topics import topics
from smxcheck.formula.tree import Negative, Relation
from smxcheck.pages.exercise import blank_lines, exercise_page, solution_page, wrong_sign
from smxcheck.pages.model import Chain, Display, Heading, Line, Page

SEEDS = range(1, 9)
FEW = ["softmax", "cross-entropy", "softmax-entropy"]


def split(page: Page) -> tuple[list[Chain], list[Chain]]:
    """The chains of part A and of part B."""
    *_, second = (i for i, block in enumerate(page.blocks) if isinstance(block, Heading))
    parts = page.blocks[:second], page.blocks[second:]
    first, last = ([b for b in blocks if isinstance(b, Chain)] for blocks in parts)
    return first, last


def lines(chains: list[Chain]) -> list[Line]:
    return [line for found in chains for line in found.lines]


def example(*parts: dict[str, Any]) -> Derivation:
    table = {"id": "an-example", "title": "T", "group": "softmax", "summary": "S", "part": list(parts)}
    return derivation(table, "a.toml")


def part(start: str, *formulas: str) -> dict[str, Any]:
    return {"title": start, "start": start, "step": [{"rule": "because", "formula": f} for f in formulas]}


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("seed", SEEDS)
def test_part_b_differs_from_the_derivation_in_one_sign_of_one_line(name: str, seed: int) -> None:
    found = topics()[name]
    steps = {number: step for _, number, step in found.steps}
    _, (chain,) = split(exercise_page(found, seed))
    wrong = [line for line in chain.lines if line.expression != steps[line.number].expression]
    assert len(wrong) == 1
    assert wrong[0].expression in [node for _, node in flips(steps[wrong[0].number].expression)]


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("seed", SEEDS)
def test_part_a_leaves_half_of_the_lines_blank_and_keeps_their_rules(name: str, seed: int) -> None:
    found = topics()[name]
    steps = {number: step for _, number, step in found.steps}
    first, (last,) = split(exercise_page(found, seed))
    assert len(first) == len(found.parts) - 1 and last.title not in [c.title for c in first]
    for chain in first:
        blanks = sum(line.expression is None for line in chain.lines)
        assert blanks == len(chain.lines) // 2 or len(chain.lines) == 1
        assert chain.start is not None
    for line in lines(first):
        assert line.rule and line.expression in (None, steps[line.number].expression)


@pytest.mark.parametrize("name", FEW)
def test_a_sheet_does_not_show_what_it_asks_for(name: str) -> None:
    """No ticks, no notes, no results, nothing in the data but the seed."""
    page = exercise_page(topics()[name], 3)
    first, last = split(page)
    for line in lines(first + last):
        assert line.mark is None and line.failure is None and not line.numbers and not line.note
    assert not any(isinstance(block, Display) for block in page.blocks)
    assert dict(page.data) == {"seed": 3} and page.exit_code == 0


@pytest.mark.parametrize("name", FEW)
def test_the_same_seed_gives_the_same_sheet_and_others_give_others(name: str) -> None:
    found = topics()[name]
    sheets = [exercise_page(found, seed) for seed in SEEDS]
    assert sheets == [exercise_page(found, seed) for seed in SEEDS]
    assert len({sheet.blocks for sheet in sheets}) > len(SEEDS) // 2


def test_what_a_seed_chooses_does_not_depend_on_the_python() -> None:
    """`random.Random(seed).random()` is the only thing that Python keeps from version to version; recorded once."""
    found = example(part("M", *["max(j, z[j])"] * 8))
    assert sorted(blank_lines(found, 1)) == [1, 4, 5, 6]
    assert sorted(blank_lines(found, 2)) == [3, 4, 7, 8]


@pytest.mark.parametrize("name", FEW)
def test_the_solution_has_every_line_and_the_point_that_shows_the_wrong_one(name: str) -> None:
    found = topics()[name]
    wrong = wrong_sign(found, 2)
    page = solution_page(found, 2)
    first, (shown,) = split(page)
    assert [line.expression for line in lines(first)] == [step.expression for _, _, step in found.steps]
    assert all(line.mark and line.mark.outcome == "true" for line in lines(first))
    (line,) = shown.lines
    assert line.number == wrong.number and line.expression == wrong.relation.right and line.mark
    assert line.mark.outcome == "false" and line.failure and line.failure.left != line.failure.right
    (right,) = [block.formula for block in page.blocks if isinstance(block, Display)]
    assert right == Relation("==", shown.start, wrong.step.expression)
    _, (asked,) = split(exercise_page(found, 2))
    assert line.expression in [line.expression for line in asked.lines]


@pytest.mark.slow
@pytest.mark.parametrize("name", topics())
def test_every_topic_has_a_sheet(name: str) -> None:
    found = topics()[name]
    for seed in SEEDS:
        wrong = wrong_sign(found, seed)
        assert run_relation(wrong.relation, wrong.conditions, found.lexicon).outcome is Outcome.FALSE
        assert exercise_page(found, seed) == exercise_page(found, seed)


def test_the_wrong_sign_is_in_an_inner_line_of_a_long_chain_if_there_is_one() -> None:
    short, long = part("L", "log(S) - S + S", "L"), part("M", "M - S + S", "M + L - L", "max(j, z[j]) + S - S")
    for seed in SEEDS:
        wrong = wrong_sign(example(short, long), seed)
        assert wrong.number in (3, 4)
    assert {wrong_sign(example(short, long), seed).number for seed in SEEDS} == {3, 4}


def test_a_sign_without_effect_is_never_the_wrong_one() -> None:
    found = example(part("M", "M - 0*S", "M - S + S", "M"))
    assert {wrong_sign(found, seed).number for seed in SEEDS} == {2}


def test_one_chain_alone_is_in_both_parts() -> None:
    first, last = split(exercise_page(example(part("M", "M - S + S", "M + L - L", "M")), 1))
    assert len(first) == len(last) == 1


def test_chains_of_one_line_are_blank_every_second_time() -> None:
    found = example(*(part("M", "max(j, z[j])") for _ in range(6)))
    assert all(len(blank_lines(found, seed)) == 3 for seed in SEEDS)


def test_a_derivation_without_signs_gets_a_minus_too_many() -> None:
    found = example(part("M", "max(j, z[j])", "M"))
    _, (chain,) = split(exercise_page(found, 1))
    assert [line.expression for line in chain.lines if isinstance(line.expression, Negative)] != []


def test_a_derivation_without_an_equation_has_no_sheet() -> None:
    steps = [{"rule": "because", "formula": "L", "relation": "<=", "equality": "n == 1"}]
    with pytest.raises(ValueError, match=r"\Aan-example has no sign that could be hidden\Z"):
        exercise_page(example({"start": "M", "step": steps}))
