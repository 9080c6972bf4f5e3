"""Published statements: the verdict made by executing each, its record, and a table written by hand from the notes agree."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.derivations import programs, programs_network
from smxcheck.derivations.execute import AGREE, Outcome
from smxcheck.derivations.judgement import (
    ChainResult,
    DefinitionResult,
    FormulaResult,
    NumbersResult,
    ProgramResult,
    StatementResult,
)
from smxcheck.derivations.schema import DataError
from smxcheck.derivations.statement import (
    ChainCheck,
    DefinitionCheck,
    FormulaCheck,
    NumbersCheck,
    ProgramCheck,
    Verdict,
    combined,
)
from smxcheck.derivations.statement_schema import document, statement
from smxcheck.derivations.topics import topics
from smxcheck.derivations.verdicts import counted, documents, find, judge, statements
from smxcheck.formula.letters import check as check_letters
from smxcheck.formula.letters import used_names
from smxcheck.formula.lexicon import COMMON
from smxcheck.formula.notation import notation, text
from smxcheck.network import Network, blobs, published_direction
from smxcheck.pages.model import Facts, Table, Text
from smxcheck.pages.render import formulas, render
from smxcheck.pages.statement import statement_page

#: Every statement of the five notes and the verdict on it, written from the notes, not from the files that are judged.
VERDICTS = {
    "000/range": "true", "000/naive": "program", "000/limit": "true", "000/constant": "true", "000/shift": "true",
    "000/stable": "program", "000/quotient": "true", "000/diagonal": "true", "000/off-diagonal": "true",
    "000/kronecker": "true", "000/by-exp": "false", "000/cross-entropy": "definition",
    "000/cross-entropy-program": "program", "000/chain": "true", "000/index-slip": "false", "000/ce-gradient": "true if",
    "000/delta-program": "program",
    "001/definition": "true", "001/two-forms": "true", "001/gibbs": "true", "001/coin": "true if", "001/log-steps": "true",
    "001/single-label": "true if", "001/gradient": "true if", "001/sign": "true",
    "002/numbers": "true", "002/nll": "true", "002/log-derivative": "true", "002/own-entry": "true",
    "002/label-gradient": "true if",
    "003/printed-softmax": "true", "003/jacobian": "false", "003/printed-jacobian": "true", "003/sigmoid-program": "program",
    "003/initial-weights": "program", "003/output-update": "true", "003/hidden-update": "false",
    "003/untrained-sums": "true", "003/blobs": "program", "003/test-split": "false",
    "004/simplex": "definition", "004/first": "true", "004/second": "true", "004/second-iii": "true",
    "004/second-iik": "true", "004/second-ikk": "false", "004/second-distinct": "true", "004/convex": "false",
    "004/generalised": "definition", "004/log-taylor": "definition", "004/gumbel": "true", "004/entropy": "true",
    "004/entropy-gradient": "false", "004/entropy-hessian": "false", "004/entropy-taylor": "false",
    "004/general-jacobian": "true", "004/general-entropy": "true", "004/general-gradient": "true",
    "004/references": "definition",
}  # fmt: skip

#: The first step that does not follow, of every printed derivation that has one.
FIRST_FALSE = {
    "000/index-slip": 2, "003/jacobian": 2, "004/entropy-gradient": 5, "004/entropy-hessian": 1, "004/entropy-taylor": 2,
}  # fmt: skip

#: Statements with a reading that is not theirs and is false.
FALSE_ASIDE = {"000/range": 2, "001/single-label": 1, "002/numbers": 1, "004/second-distinct": 1}


@cache
def judged(name: str) -> StatementResult:
    return judge(statements()[name])


every_statement = pytest.mark.parametrize("name", VERDICTS)


def test_no_statement_is_missing_and_none_is_of_our_own():
    assert list(statements()) == list(VERDICTS)
    assert Counter(name[:3] for name in VERDICTS) == {"000": 17, "001": 8, "002": 5, "003": 10, "004": 19}


@pytest.mark.slow
@every_statement
def test_the_verdict_made_is_the_recorded_one_and_that_of_the_table(name):
    result = judged(name)
    assert result.problems == ()
    assert result.verdict == statements()[name].verdict == VERDICTS[name]


def test_the_count_by_verdict():
    found = counted(statements()[name].verdict for name in VERDICTS)
    assert {str(verdict): number for verdict, number in found.items()} == Counter(VERDICTS.values())
    assert sum(found.values()) == len(VERDICTS)


# ---- what the verdicts rest on


def results(name: str, kind: type) -> list:
    return [r for r in judged(name).checks if isinstance(r.evidence, kind)]


@pytest.mark.slow
@every_statement
def test_printed_derivations_fail_first_where_it_is_recorded(name):
    found = [r.evidence.first_false.number for r in results(name, ChainResult) if r.evidence.first_false]
    assert found == ([FIRST_FALSE[name]] if name in FIRST_FALSE else [])


@pytest.mark.slow
@every_statement
def test_a_false_formula_has_a_counterexample_and_right_ones_beside_it_that_are_true(name):
    for result in results(name, FormulaResult):
        if result.verdict in (Verdict.FALSE, Verdict.TRUE_IF):
            assert result.evidence.printed.witness is not None
            assert result.evidence.right
            assert all(finding.outcome is Outcome.TRUE for _, finding in result.evidence.right)
        if result.verdict is Verdict.TRUE_IF:
            assert result.evidence.needed.points >= 3


@every_statement
def test_definitions_agree_with_the_reference_in_30_digits(name):
    for result in results(name, DefinitionResult):
        assert result.evidence.finding.digits == AGREE == 30
        assert result.evidence.finding.points >= 8


@every_statement
def test_readings_aside_have_verdicts_of_their_own(name):
    aside = [r for r in judged(name).checks if r.check.aside]
    assert sum(r.verdict is Verdict.FALSE for r in aside) == FALSE_ASIDE.get(name, 0)


def test_the_second_case_of_the_second_derivative_is_not_told_by_equal_logits():
    """Symmetric points miss it: the two formulas agree where the probabilities do."""
    false, at_equal = judged("004/second-ikk").checks
    assert false.evidence.printed.witness.point.given["z"] == (0, 1)
    assert at_equal.verdict is Verdict.TRUE


def test_the_entropy_expansion_is_wrong_in_first_order():
    finding = judged("004/entropy-taylor").checks[0].evidence.printed
    assert "falls like t^1.0" in finding.why


# ---- the judge itself: what would be wrong is found


def altered(name: str, number: int, **changes) -> StatementResult:
    """The statement judged with one of its checks changed."""
    checks = list(statements()[name].checks)
    checks[number] = replace(checks[number], **changes)
    return judge(replace(statements()[name], checks=tuple(checks)))


def test_a_wrong_record_of_the_first_false_step_is_found():
    found = altered("004/entropy-gradient", 1, first_false=4)
    assert found.problems == ("check 2: first false step recorded: 4, found: 5",)


def test_the_verdict_on_a_derivation_is_what_its_execution_says_and_not_the_record():
    found = altered("004/entropy-gradient", 1, verdict=Verdict.TRUE, first_false=0)
    assert found.checks[1].verdict is Verdict.FALSE
    assert found.problems == ("check 2: recorded true, found false", "check 2: first false step recorded: none, found: 5")


@pytest.mark.parametrize("needs", [False, True])
def test_what_is_undecided_is_never_true(needs):
    """No point satisfies the condition: as printed, or under what is recorded as needed."""
    nowhere = COMMON.conditions("n == 100")
    if needs:
        found = altered("000/ce-gradient", 0, needs=nowhere)
    else:
        found = altered("000/kronecker", 0, claim=replace(statements()["000/kronecker"].checks[0].claim, conditions=nowhere))
    assert found.verdict is Verdict.UNDECIDED
    assert not found.matches_record


def test_a_wrong_right_formula_is_found():
    wrong = COMMON.claim("diff(H, z[i]) == p[i]*(log(p[i]) + H)")
    assert altered("004/entropy-gradient", 0, right=(wrong,)).problems == ("check 1: right formula 1 is not found true",)


def test_a_formula_that_is_true_as_printed_is_not_found_true_under_a_condition_only():
    right = COMMON.claim("diff(CE, z[i]) == p[i]*Y - y[i]")
    found = altered("000/ce-gradient", 0, claim=right)
    assert found.verdict is Verdict.TRUE and "recorded true if, found true" in found.problems


def test_a_condition_that_does_not_suffice_leaves_it_false():
    found = altered("000/ce-gradient", 0, needs=COMMON.conditions("y[i] >= 0"))
    assert found.verdict is Verdict.FALSE


@pytest.mark.parametrize(("name", "number"), [("003/printed-softmax", 0), ("003/printed-jacobian", 1), ("002/numbers", 0)])
def test_one_unit_in_the_last_printed_place_is_found(name, number):
    printed = statements()[name].checks[number].printed
    first = re.sub(r"\d(?=e|$)", lambda m: str((int(m.group()) + 1) % 10), printed[0][0], count=1)
    found = altered(name, number, printed=((first, *printed[0][1:]), *printed[1:]))
    assert found.verdict is Verdict.FALSE
    assert [ok for row in found.checks[number].evidence.rows for _, _, ok in row].count(False) == 1


@pytest.mark.parametrize(("places", "verdict"), [(None, Verdict.TRUE), (8, Verdict.FALSE)])
def test_zeros_that_were_cut_count_as_printed(places, verdict):
    """0.196 alone stands for anything near it; where eight places were printed it is 0.19600000."""
    at = {"z": (Fraction("0.1960049"),)}
    check = NumbersCheck(verdict=verdict, formula=COMMON.expression("z[i]"), at=at, printed=(("0.196",),), places=places)
    assert judge(replace(statements()["002/numbers"], checks=(check,))).verdict is verdict


def test_a_definition_that_was_compared_nowhere_is_undecided(monkeypatch):
    monkeypatch.setattr("smxcheck.derivations.judgement._float_points", lambda check, lexicon: iter(()))
    assert judge(statements()["000/cross-entropy"]).verdict is Verdict.UNDECIDED


def test_a_definition_that_is_another_function_is_found():
    found = altered("000/cross-entropy", 0, formula=COMMON.expression("-sum(k, y[k]*log(p[k])) + 1/10^20"))
    assert found.verdict is Verdict.FALSE
    assert found.checks[0].evidence.finding.witness is not None


def test_a_program_that_does_something_else_is_found():
    gives = {**statements()["000/stable"].checks[1].gives, "right": "yes"}
    assert altered("000/stable", 1, gives=gives).problems == ("check 2: right: recorded yes, found no",)
    assert altered("000/stable", 1, gives={k: v for k, v in gives.items() if k != "right"}).problems == (
        "check 2: right: recorded nothing, found no",
    )


def test_what_a_reading_aside_needs_is_no_condition_of_the_statement():
    original = statements()["000/ce-gradient"]
    aside = replace(original.checks[0], aside=True, needs=COMMON.conditions("n == 2"))
    assert replace(original, checks=(*original.checks, aside)).needs == original.needs
    assert len(original.needs) == 1


@given(st.lists(st.sampled_from([Verdict.UNDECIDED, Verdict.FALSE, Verdict.TRUE_IF, Verdict.TRUE]), min_size=1), st.randoms())
@settings(derandomize=True, deadline=None)
def test_the_least_favourable_verdict_wins_in_any_order(verdicts, random):
    shuffled = random.sample(verdicts, len(verdicts))
    found = combined("formula", verdicts)
    assert found is combined("formula", shuffled)
    assert found in verdicts and (found is Verdict.TRUE) == (set(verdicts) == {Verdict.TRUE})
    assert combined("formula", [*verdicts, Verdict.UNDECIDED]) is Verdict.UNDECIDED


def test_a_definition_or_program_that_is_as_said_has_no_other_verdict():
    assert combined("definition", [Verdict.TRUE, Verdict.TRUE]) is Verdict.DEFINITION
    assert combined("definition", [Verdict.TRUE, Verdict.FALSE]) is Verdict.FALSE
    assert combined("program", [Verdict.PROGRAM]) is Verdict.PROGRAM
    assert combined("program", [Verdict.PROGRAM, Verdict.FALSE]) is Verdict.FALSE


# ---- programs


@pytest.mark.parametrize(("dtype", "limit"), [("float32", "88.73"), ("float64", "709.79")])
def test_the_limits_named_are_the_first_hundredths_at_which_exp_overflows(dtype, limit):
    with np.errstate(over="ignore"):
        above, below = (np.exp(np.dtype(dtype).type(Fraction(limit) - Fraction(s, 100))) for s in (0, 1))
    assert np.isinf(above) and np.isfinite(below)
    assert any(limit in s.why for s in statements().values())


def test_the_loss_of_equal_rows_is_too_large_by_log_m():
    x, labels = np.tile([[0.0, 1.0, 3.0]], (4, 1)), np.array([1] * 4)
    excess = programs.mean_loss(x, labels) - programs.mean_loss(x[:1], labels[:1])
    assert excess == pytest.approx(np.log(4), rel=1e-14)


def test_the_power_of_the_rounded_e_loses_digits():
    """e^(-700) from float64's e is off by 700 times the relative error of that number, 5.3e-17."""
    x = np.array([-700.0])
    error = abs(programs.logistic(x) / programs.stable_logistic(x) - 1)[0]
    assert error == pytest.approx(3.7e-14, rel=0.05)


def test_the_published_training_in_plain_floats_is_that_of_the_network():
    """Steps against `published_direction`, which is tested by itself against the gradients."""
    points, labels = (a[:30] for a in blobs(300))
    network = Network.random(2, 5, 2, seed=3)
    fast = programs_network.published_training(network, points, labels, 0.3)
    for x, label in zip(points, labels, strict=True):
        by = published_direction(network, x, int(label), 0.3)
        network = Network(network.hidden_weights - 0.3 * by.hidden_weights, network.output_weights - 0.3 * by.output_weights)
    assert np.allclose(fast.hidden_weights, network.hidden_weights, rtol=1e-10)
    assert np.allclose(fast.output_weights, network.output_weights, rtol=1e-10)


@pytest.mark.slow
def test_how_many_initialisations_give_the_printed_count():
    run = programs.PROGRAMS["training"].run
    found = Counter(run({"seed": seed})["right"] for seed in range(2000))
    assert (found["240"], found["236"], sum(n for right, n in found.items() if int(right) < 150)) == (41, 1795, 4)
    assert "Of 2,000 initialisations of that kind 41 end with 240 right and 1,795 with 236; four" in statements()["003/blobs"].why


def test_every_program_is_run_by_a_statement():
    run = {c.program for s in statements().values() for c in s.checks if isinstance(c, ProgramCheck)}
    assert run == set(programs.PROGRAMS)


def test_what_is_proposed_instead_is_right_wherever_a_program_was_run():
    came = [r.evidence.facts for n in VERDICTS for r in results(n, ProgramResult) if "instead" in r.evidence.facts]
    assert Counter(facts["instead"] for facts in came) == {"right": len(came) - 1, "refused": 1}
    assert sum(facts["right"] == "no" for facts in came) >= 8


# ---- the data


def test_statements_are_found_by_id_and_by_their_speaking_half():
    assert find("004/entropy-gradient") is find("entropy-gradient") is statements()["004/entropy-gradient"]
    assert find("nothing") is None
    halves = Counter(s.name for s in statements().values())
    assert all((find(half) is None) == (number > 1) for half, number in halves.items())


def test_a_speaking_half_that_two_statements_have_finds_neither(monkeypatch):
    one = statements()["004/entropy-gradient"]
    both = {name: replace(one, id=name) for name in ("001/entropy-gradient", "004/entropy-gradient")}
    monkeypatch.setattr("smxcheck.derivations.verdicts.statements", lambda: both)
    assert find("entropy-gradient") is None and find("004/entropy-gradient") is both["004/entropy-gradient"]


def test_an_id_that_is_taken_is_refused(monkeypatch):
    tables = {"document": {"key": "009", "title": "A note"}, "statement": [TABLE, TABLE]}
    monkeypatch.setattr("smxcheck.derivations.verdicts.read_folder", lambda folder: [("009.toml", tables)])
    with pytest.raises(DataError, match=r"\A009\.toml: the id 009/one is taken\Z"):
        statements.__wrapped__()


def test_every_statement_names_a_derivation_that_there_is():
    assert {s.topic for s in statements().values() if s.topic} <= set(topics())


def test_documents_are_cited_as_they_cite_themselves():
    found = documents()
    assert list(found) == ["000", "001", "002", "003", "004"]
    assert (found["003"].title, found["003"].author) == ("18. Softmax as Activation Function", "Bernd Klein")
    assert found["003"].date == "last modified 16 Apr 2022"
    assert found["004"].date == "September 12, 2024 — September 15, 2024" and not found["004"].author
    assert all(d.lacks for d in found.values())


TABLE = {
    "id": "one", "kind": "formula", "says": "Something.", "verdict": "true", "check": [{"formula": "sum(i, p[i]) == 1"}],
}  # fmt: skip
FALSE = {"formula": "p[i] == 1", "verdict": "false", "right": ["sum(i, p[i]) == 1"]}
STEP = {"start": "p[i]", "step": [{"rule": "definition", "formula": "e[i]/S"}]}
BOUND = {"start": "M", "step": [{"rule": "a bound", "relation": "<=", "formula": "L", "equality": "n == 1"}]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "rumour"}, "kind is one of formula, numbers, definition, program"),
        ({"verdict": "undecided"}, "verdict is one of true, true if, false, definition, program"),
        ({"verdict": "false"}, "the verdict is false, that of its checks is true"),
        ({"check": []}, "a statement has at least one check that is not aside"),
        ({"check": [{"verdict": "true"}]}, "a check has exactly one of formula, part, function, printed, program"),
        ({"check": [{"formula": "p[i] ="}]}, "formula, character 6"),
        ({"check": [FALSE | {"right": []}], "verdict": "false"}, "beside a false formula, right holds at least one"),
        ({"check": [FALSE | {"verdict": "true if"}], "verdict": "true if"}, "needs holds the condition of a verdict true if"),
        ({"check": [{"part": [STEP], "first_false": 1}]}, "first_false is the number of a step where the verdict is false"),
        ({"check": [{"part": [BOUND]}]}, "a printed derivation is a chain of equalities"),
        ({"check": [{"program": "softmax", "gives": {}}]}, "expected holds what is said of a program"),
        ({"check": [{"program": "no-such", "verdict": "program"}], "verdict": "true"}, "there is no program no-such"),
        ({"check": [{"values_of": "p[i]", "at": {"z": "1 x"}, "printed": ["1"]}]}, "at: z: Invalid literal"),
        ({"says": "The entry `p[i`."}, "says, character"),
        ({"letters": {"nobody": "a"}}, "letters: no letter is called 'nobody'"),
        ({"letters": {"logits": "a1"}}, "letters: 'a1' is no letter"),
        ({"colour": "red"}, "unknown field colour"),
    ],
)  # fmt: skip
def test_data_that_cannot_be_used_is_one_sentence_that_names_the_entry(change, message):
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        statement({**TABLE, **change}, document({"key": "009", "title": "A note"}, "009.toml"), "009.toml")
    assert "009/one" in str(caught.value) and "\n" not in str(caught.value)


def test_a_table_of_the_test_is_a_statement():
    found = statement(TABLE, document({"key": "009", "title": "A note"}, "009.toml"), "009.toml")
    assert judge(found).matches_record


# ---- pages


@every_statement
def test_pages_fit_80_columns_in_the_letters_of_the_document(name, monkeypatch):
    monkeypatch.setattr("smxcheck.pages.statement.judge", lambda s: judged(s.id))
    page = statement_page(statements()[name])
    letters = notation(page.lexicon, page.data["letters"])
    check_letters(letters, used_names(formulas(page)))
    shown = render(page, "text", letters)
    assert max(map(len, shown.splitlines())) <= 80
    assert page.exit_code == 0 and shown.startswith(f"{name}: {VERDICTS[name]}")
    assert VERDICTS[name] not in shown.splitlines()  # the title has it; a verdict by itself says nothing more
    assert page.data["verdict"] == page.data["recorded"] == VERDICTS[name]


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("004/entropy-gradient", [
            "false: at z = (0, 1), i = 1 it gives −0.7310585786 instead of 0.1966119332", "Step 5 is the first",
            "−pᵢ(log pᵢ + H)", "smxcheck explain entropy-gradient",
        ]),
        ("004/second-ikk", ["σᵢσₖ(2σᵢ − 1)", "σᵢσₖ(2σₖ − 1)", "it gives −0.0908577477 instead of"]),
        ("003/hidden-update", ["it gives 0.0490516644", "instead of 0.0042850851", "The Jacobian of softmax is left out"]),
        ("000/stable", ["[[0, 1], [2, 4]]", "0.0152194, 0.0413707; 0.112457, 0.830953", "axis=-1, keepdims=True"]),
        ("000/ce-gradient", ["true if Σₖ yₖ = 1", "pᵢ Σₖ yₖ − yᵢ"]),
        ("003/test-split", ["false: of them trained on 180, not 0"]),
        ("002/numbers", ["0.7054"]),
    ],
)  # fmt: skip
def test_pages_name_the_error_what_shows_it_and_what_is_right(name, facts):
    page = statement_page(statements()[name])
    shown = render(page, "text", notation(page.lexicon, page.data["letters"]))
    flowing = " ".join(shown.split())
    assert [fact for fact in facts if fact not in flowing] == []


@pytest.mark.slow
def test_a_page_says_what_is_not_as_recorded_and_fails(monkeypatch):
    tampered = replace(statements()["004/entropy-gradient"], verdict=Verdict.TRUE)
    page = statement_page(tampered)
    assert page.exit_code == 1
    assert "NOT AS RECORDED: recorded true, found false" in render(page, "text", notation(page.lexicon))
    assert (page.data["verdict"], page.data["recorded"], page.data["as_recorded"]) == ("false", "true", False)
    assert page.data["problems"] == ["recorded true, found false"]
    assert page.title == ("004/entropy-gradient: ", "false")


def test_a_page_says_of_a_right_formula_that_it_is_not_true_and_of_a_check_that_it_is_aside():
    original = statements()["001/single-label"]
    wrong = replace(original.checks[0], right=(COMMON.claim("p[i] == 1"),))
    page = statement_page(replace(original, checks=(wrong, *original.checks[1:])))
    flowing = " ".join(render(page, "text", notation(page.lexicon)).split())
    assert "NOT FOUND TRUE: false" in flowing
    assert flowing.count("(aside: not part of the verdict)") == sum(c.aside for c in original.checks) > 0


def test_a_page_says_of_each_number_whether_it_rounds_to_what_is_printed_and_of_each_fact_what_was_said():
    original = statements()["002/numbers"]
    wrong = replace(original.checks[0], printed=(("0.99", *original.checks[0].printed[0][1:]), *original.checks[0].printed[1:]))
    table = next(b for b in statement_page(replace(original, checks=(wrong, *original.checks[1:]))).blocks if isinstance(b, Table))
    assert [row[2] for row in table.rows] == [("NO",), *[("yes",)] * (len(table.rows) - 1)]
    rows = [row for b in statement_page(statements()["003/test-split"]).blocks if isinstance(b, Facts) for row in b.rows]
    assert ("of them trained on", ("180, not 0",)) in rows and ("test samples", ("240",)) in rows


def test_a_false_reading_aside_is_not_what_shows_a_statement_false():
    original = statements()["004/entropy-gradient"]
    right = (COMMON.claim("sum(k, p[k]) == 1"),)
    aside = FormulaCheck(verdict=Verdict.FALSE, aside=True, claim=COMMON.claim("p[i] == 1"), right=right)
    page = statement_page(replace(original, checks=(aside, *original.checks)))
    lead = next(block for block in page.blocks if isinstance(block, Text))
    assert "it gives −0.7310585786 instead of 0.1966119332" in str(lead.text)


def test_each_kind_of_check_occurs():
    kinds = {type(c) for s in statements().values() for c in s.checks}
    assert kinds == {FormulaCheck, ChainCheck, DefinitionCheck, NumbersCheck, ProgramCheck}
    assert any(isinstance(r.evidence, NumbersResult) for r in judged("002/numbers").checks)
    assert text(statements()["000/kronecker"].checks[0].claim, notation(COMMON, {"logits": "a"})) == "∂pᵢ/∂aⱼ = pᵢ(δᵢⱼ − pⱼ)"
