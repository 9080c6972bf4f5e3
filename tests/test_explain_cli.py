"""The command `explain` and `smxcheck.explain`: what can be asked for, exit codes, one clear line for what cannot."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import smxcheck
from smxcheck.cli import explain as command
from smxcheck.derivations import run as execution
from smxcheck.derivations.schema import DataError
from smxcheck.derivations.topics import topics
from smxcheck.formula.lexicon import COMMON
from smxcheck.formula.notation import notation
from smxcheck.pages import explanation, topic
from smxcheck.pages.asked import LARGEST, MOST_ENTRIES, notation_for, point, renames
from smxcheck.pages.model import Page, Text
from smxcheck.pages.render import FORMATS

from .cli_support import called
from .explain_samples import unexecuted

TOPIC = "softmax-jacobian"
#: One that is executed in half a second.
SHORT = "softmax-entropy"
TRUE = "diff(p[i], z[j]) == p[i]*(delta(i, j) - p[j])"
FALSE = "diff(H, z[i]) == p[i] - 1"


@pytest.fixture
def run(monkeypatch, capsys):
    return partial(called, monkeypatch, capsys)


@pytest.fixture(autouse=True)
def nothing_is_executed(monkeypatch) -> None:
    """How pages are printed does not depend on it, and it takes seconds; one test below takes it back."""
    monkeypatch.setattr(topic, "run", unexecuted)


# ---- a topic


def test_a_derivation_is_executed_and_printed_with_its_ticks(run, monkeypatch) -> None:
    monkeypatch.setattr(topic, "run", execution.run)
    done = run("explain", SHORT)
    assert (done.code, done.err) == (0, "")
    assert "  ok (" in done.out and "FALSE" not in done.out
    assert "H = −Σₖ pₖ log pₖ" in done.out


@pytest.mark.slow
def test_the_words_of_a_topic_are_joined(run) -> None:
    assert run("explain", "softmax", "jacobian").out == run("explain", TOPIC).out


def test_numbers_are_put_into_each_line(run) -> None:
    """The matrix that a published note prints for these logits (18. Softmax as Activation Function)."""
    shown = run("explain", TOPIC, "--at", "0,4,5").out
    for number in ("0.00490169", "0.26762315", "0.72747516", "0.00487766", "−0.00131181", "−0.00356586", "0.19825505"):
        assert number in shown


def test_the_numbers_of_letters_that_the_reader_left_out_are_named_before_they_are_used(run) -> None:
    shown = " ".join(run("explain", TOPIC, "--at", "2,1,0").out.split())
    point = "z = (2, 1, 0), d = (1, 2, −1), g = (1, 2, −1)"  # in the same order in every run
    assert 0 <= shown.index(f"those at {point}.") < shown.index(" 1 quotient rule")


@pytest.mark.parametrize("words", [("--at", "-1,0"), ("--at=-1,0",)])
def test_numbers_may_begin_with_a_minus(run, words: tuple[str, ...]) -> None:
    done = run("explain", SHORT, *words)
    assert done.code == 0 and "(-1, 0)" in done.out.replace("−", "-")


def test_letters_are_those_of_the_reader(run) -> None:
    done = run("explain", TOPIC, "--symbols", "logits=o,probabilities=y", "--at", "o=0,1")
    assert done.code == 0
    assert "∂yᵢ/∂oⱼ = yᵢ(δᵢⱼ − yⱼ)" in done.out and "pᵢ" not in done.out and "∂zⱼ" not in done.out


def test_an_exercise_and_its_solution_belong_together(run) -> None:
    sheet, again, other = (run("explain", SHORT, "--exercise", "--seed", seed).out for seed in ("3", "3", "4"))
    assert sheet == again != other
    assert sheet.startswith("Exercise 3: ")  # a printed sheet says which it is
    assert "____" in sheet and "ok" not in sheet
    solved = run("explain", SHORT, "--solution", "--seed", "3").out
    assert "____" not in solved and "FALSE" in solved and solved.startswith("Solution of exercise 3: ")


def test_without_a_topic_all_are_listed(run) -> None:
    done = run("explain")
    assert done.code == 0 and TOPIC in done.out


# ---- formats


@pytest.mark.parametrize("format", FORMATS)
def test_a_format_is_that_of_the_api(run, format: str) -> None:
    shown = smxcheck.explain(TOPIC)
    expected = {"text": shown.to_text(), "markdown": shown.to_markdown(), "latex": shown.to_latex(),
                "latex-document": shown.to_latex(document=True), "json": shown.to_json()}  # fmt: skip
    assert run("explain", TOPIC, "--format", format).out == expected[format]


def test_the_formats_of_the_command_are_those_that_exist() -> None:
    assert command._FORMATS == FORMATS


def test_ascii_is_plain(run) -> None:
    done = run("explain", TOPIC, "--ascii")
    assert done.out.isascii() and "diff(p[i], z[j]) == p[i]*(delta(i, j) - p[j])" in done.out


def test_ascii_is_chosen_where_stdout_has_nothing_else(run, monkeypatch) -> None:
    monkeypatch.setattr(command, "speaks_unicode", lambda: False)
    assert run("explain", TOPIC).out == smxcheck.explain(TOPIC).to_text(ascii=True)


def test_json_says_what_it_is(run) -> None:
    data = json.loads(run("explain", TOPIC, "--format", "json").out)
    assert (data["schema"], data["kind"], data["id"]) == ("smxcheck-explain/1", "topic", TOPIC)


@pytest.mark.slow
@pytest.mark.parametrize(("columns", "widest"), [(200, 100), (80, 80), (50, 50), (20, 40)])
def test_a_terminal_is_filled_within_limits(run, monkeypatch, columns: int, widest: int) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "dumb")
    lines = run("explain", TOPIC).out.splitlines()
    assert widest - 30 < max(map(len, lines)) <= widest


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colour_stands_on_terminals_that_want_it_and_changes_no_word(run, monkeypatch, variables, coloured: bool) -> None:
    plain = run("explain", TOPIC).out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"TERM": "xterm-256color", "COLUMNS": "80"} | variables).items():
        monkeypatch.setenv(name, value)
    shown = run("explain", TOPIC).out
    assert ("\x1b[" in shown) is coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", shown) == plain


# ---- exit codes


@pytest.mark.parametrize(("claim", "code"), [(TRUE, 0), (FALSE, 1), ("diff(CE, z[i]) == p[i] - y[i]", 1)])
def test_the_exit_code_says_what_came_of_a_claim(run, claim: str, code: int) -> None:
    assert run("explain", "--claim", claim).code == code


def test_the_exit_code_is_that_of_the_page(run, monkeypatch) -> None:
    page = Page("claim", "claim", ("Undecided",), (Text(("why",)),), exit_code=3)
    monkeypatch.setattr(explanation, "_page", lambda request, own: page)
    assert run("explain", TOPIC).code == 3


# ---- what cannot be asked for: one line, the same as the API's


WRONG = [
    ((TOPIC, "--claim", TRUE), {"topic": TOPIC, "claim": TRUE}, "either a topic or a claim, not both"),
    (("--claim", TRUE, "--at", "0,1"), {"claim": TRUE, "at": "0,1"}, "numbers (--at) is for derivations; a claim has none"),
    (("--at", "0,1"), {"at": "0,1"}, "is for derivations; name one"),
    (("SMX101", "--at", "0,1"), {"topic": "SMX101", "at": "0,1"}, "is for derivations, and SMX101 is a check"),
    (("ulp", "--exercise"), {"topic": "ulp", "exercise": True}, "--exercise is for derivations, and ulp is a word"),
    ((TOPIC, "--exercise", "--solution"), {"topic": TOPIC, "exercise": True, "solution": True}, "either the exercise or its"),
    ((TOPIC, "--exercise", "--at", "0,1"), {"topic": TOPIC, "exercise": True, "at": "0,1"}, "leave --at away"),
    ((TOPIC, "--seed", "1"), {"topic": TOPIC, "seed": 1}, "add --exercise or --solution"),
    ((TOPIC, "--exercise", "--seed", "-1"), {"topic": TOPIC, "exercise": True, "seed": -1}, "a seed is a number from 0"),
    ((TOPIC, "--at", "0,x"), {"topic": TOPIC, "at": "0,x"}, "'x' is no number"),
    ((TOPIC, "--at", "0,,1"), {"topic": TOPIC, "at": "0,,1"}, "'' is no number"),
    ((TOPIC, "--at", "0,inf"), {"topic": TOPIC, "at": "0,inf"}, "'inf' is no number"),
    ((TOPIC, "--at", "1/0"), {"topic": TOPIC, "at": "1/0"}, "1/0 divides by 0"),
    ((TOPIC, "--at", "1e9"), {"topic": TOPIC, "at": "1e9"}, "1e9 is too large"),
    ((TOPIC, "--at", ",".join("0" * 13)), {"topic": TOPIC, "at": [0] * 13}, "13 numbers for z; at most 12"),
    ((TOPIC, "--at", "0,1", "--at", "z=0,1"), {"topic": TOPIC, "at": ["0,1", "z=0,1"]}, "z is given twice"),
    ((TOPIC, "--at", "y=0,1"), {"topic": TOPIC, "at": {"y": [0, 1]}}, "takes no number for y"),
    ((TOPIC, "--at", "logit=0,1"), {"topic": TOPIC, "at": "logit=0,1"}, "did you mean logits"),
    ((TOPIC, "--symbols", "logits"), {"topic": TOPIC, "symbols": "logits"}, "'logits' is no ROLE=LETTER"),
    ((TOPIC, "--symbols", "logit=o"), {"topic": TOPIC, "symbols": {"logit": "o"}}, "did you mean logits"),
    ((TOPIC, "--symbols", "logits=S"), {"topic": TOPIC, "symbols": "logits=S"}, "S stands for normaliser here"),
    (("softmax-jacobain",), {"topic": "softmax-jacobain"}, "did you mean softmax-jacobian"),
    (("softmax/far-tail/nope/float32",), {"topic": "softmax/far-tail/nope/float32"}, "did you mean softmax/far-tail/"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("words", "arguments", "message"), WRONG)
def test_what_cannot_be_asked_for_is_one_line(run, words, arguments, message: str) -> None:
    done = run("explain", *words)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith("smxcheck: ") and message in done.err
    with pytest.raises(ValueError) as error:
        smxcheck.explain(**arguments)
    assert done.err == f"smxcheck: {error.value}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [((TOPIC, "--format", "html"), "no format 'html'; there are text, markdown"),
     ((TOPIC, "--format", "json", "--ascii"), "--ascii is about --format text, not json"),
     ((TOPIC, "--sead", "1"), "no option --sead; did you mean --seed?")],
)  # fmt: skip
def test_what_only_the_command_has_is_one_line_too(run, words, message: str) -> None:
    done = run("explain", *words)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1) and message in done.err


@pytest.mark.parametrize(
    ("claim", "column"),
    [("diff(H, z[i]) = p[i]", 14), ("p[i] == qq", 8), ("p[i] ==", 7), ("1 +\t* 2 == 3", 4), ("p[i]\x1b[31m == 1", 4)],
)  # fmt: skip
def test_a_caret_stands_below_the_character_at_fault(run, claim: str, column: int) -> None:
    done = run("explain", "--claim", claim)
    assert (done.code, done.out) == (2, "")
    shown, caret, message = done.err.splitlines()
    assert caret.index("^") - 2 == column
    assert len(shown.rstrip()) <= len(caret) + command._AFTER and "\x1b" not in shown
    assert message.startswith("smxcheck: ")


def test_a_claim_that_fits_on_a_line_is_shown_whole(run) -> None:
    claim = "dp[i]/dz[j] == p[i]*(delta(i, j) - p[j])"
    assert run("explain", "--claim", claim).err.startswith(f"  {claim}\n  ^\n")


def test_of_a_long_claim_the_part_at_fault_is_shown(run) -> None:
    shown, caret, _ = run("explain", "--claim", "1 + " * 100 + "$ == 1").err.splitlines()
    assert shown[caret.index("^")] == "$" and max(len(shown), len(caret)) <= 80


# ---- Python


def test_an_explanation_prints_itself() -> None:
    shown = smxcheck.explain(SHORT, at=[0, 4, 5])
    assert str(shown) == shown.to_text() == smxcheck.explain(SHORT, at={"z": (0, 4, 5)}).to_text()
    assert shown.to_text(ascii=True).isascii()
    assert shown.page.exit_code == 0


def test_a_notebook_gets_markdown_or_the_formulas_in_latex() -> None:
    shown = smxcheck.explain(TOPIC)
    assert shown._repr_markdown_() == shown.to_markdown()
    displays = shown._repr_latex_().split("\n\n")
    assert len(displays) > 3 and all(d.startswith("$$\n") and d.endswith("\n$$") for d in displays)
    assert any(r"p_{i} (\delta_{ij} - p_{j})" in display for display in displays)


def test_symbols_are_a_mapping_or_the_text_of_the_command() -> None:
    assert smxcheck.explain(TOPIC, symbols={"logits": "o"}).to_text() == smxcheck.explain(TOPIC, symbols="logits=o").to_text()


def test_an_explanation_has_the_exit_code_of_the_command() -> None:
    assert smxcheck.explain(SHORT).exit_code == 0
    assert smxcheck.explain(claim="2 + 2 == 5").exit_code == 1


def test_a_claim_is_answered() -> None:
    assert smxcheck.explain(claim=FALSE).page.exit_code == 1


# ---- numbers and letters as they are read


@pytest.mark.parametrize(
    ("at", "expected"),
    [("0,4.5,-1/3", {"z": (Fraction(0), Fraction(9, 2), Fraction(-1, 3))}),
     ([0, 0.1, Fraction(1, 3)], {"z": (Fraction(0), Fraction(1, 10), Fraction(1, 3))}),
     (["0, 1", "y=1e-2,.5", "t=0.25"], {"z": (0, 1), "y": (Fraction(1, 100), Fraction(1, 2)), "t": (Fraction(1, 4),)}),
     ({"labels": "0,1", "step": 0.5}, {"y": (0, 1), "t": (Fraction(1, 2),)}),
     ("−1,+2", {"z": (-1, 2)})],
)  # fmt: skip
def test_numbers_are_exact(at, expected) -> None:
    """A decimal is the number that is written, not the float nearest to it."""
    assert point(at, COMMON, notation(COMMON)) == expected


def test_a_letter_of_the_reader_comes_before_the_usual_ones() -> None:
    own = notation(COMMON, {"logits": "o", "other-logits": "z"})
    assert point(["o=0,1", "z=1,0"], COMMON, own) == {"z": (0, 1), "w": (1, 0)}


@settings(derandomize=True, deadline=None, max_examples=80)
@given(st.one_of(st.text(max_size=40), st.text("0123456789.,=/-eEyz ", max_size=40)))
def test_numbers_are_read_or_refused_in_one_line(text: str) -> None:
    try:
        found = point(text, COMMON, notation(COMMON))
    except ValueError as error:
        assert str(error) and "\n" not in str(error).replace(repr(text), "")
    else:
        assert all(1 <= len(v) <= MOST_ENTRIES and max(map(abs, v)) <= LARGEST for v in found.values())


@settings(derandomize=True, deadline=None, max_examples=80)
@given(st.one_of(st.text(max_size=40), st.text("logits=,oyz", max_size=40)))
def test_letters_are_read_or_refused_in_one_line(text: str) -> None:
    try:
        found = renames(text)
    except ValueError as error:
        assert str(error)
    else:
        assert found and all(key and letter for key, letter in found.items())


def test_a_readers_letter_wins_over_the_pages_own() -> None:
    """A published note brings its letters along, under role or name; the reader's stand in their place."""
    found = notation_for(COMMON, {"logits": "a", "p": "s"}, {"z": "o"})
    assert {name: letter.text for name, letter in found.letters.items()} == {"z": "o", "p": "s"}


def test_letters_that_a_page_brings_along_are_printed(monkeypatch) -> None:
    page = Page("statement", "x", (COMMON.expression("z[i]"),), (), data={"letters": {"logits": "a"}})
    monkeypatch.setattr(explanation, "_page", lambda request, own: page)
    assert str(smxcheck.explain("x")) == "aᵢ\n"
    assert str(smxcheck.explain("x", symbols="logits=o")) == "oᵢ\n"


# ---- start-up


def test_help_loads_nothing_heavy() -> None:
    code = ("from smxcheck.cli.app import app\napp(['explain', '--help'], standalone_mode=False)\nimport sys\n"
            "print('LOADED', *(m for m in ('numpy', 'mpmath', 'rich', 'scipy') if m in sys.modules))")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED"


def test_an_explanation_is_a_value() -> None:
    shown = smxcheck.explain(TOPIC)
    with pytest.raises(dataclasses.FrozenInstanceError):
        shown.page = shown.page  # type: ignore[misc]


# ---- what is not the reader's fault, and what he may hand over


def test_a_broken_file_that_ships_is_a_fault_of_smxcheck(run, monkeypatch) -> None:
    """Exit 3 and one line, as for any fault of its own: the reader can do nothing about it, so that 2 would be wrong."""

    def broken(request: explanation.Request) -> explanation.Explanation:
        raise DataError("10-softmax.toml: softmax: title is missing")

    monkeypatch.setattr(explanation, "answer", broken)
    done = run("explain", TOPIC)
    assert (done.code, done.out) == (3, "")
    assert "a fault of smxcheck" in done.err and "title is missing" in done.err and done.err.count("\n") == 1


@pytest.mark.parametrize("tables", [{"topics": []}, {"topic": 5}, {"topic": {"id": "x"}}])
def test_a_misspelt_table_of_a_file_is_no_empty_file(tables, monkeypatch) -> None:
    monkeypatch.setattr("smxcheck.derivations.topics.read_folder", lambda folder: [("x.toml", tables)])
    with pytest.raises(DataError, match=r"\Ax\.toml: .*topic"):
        topics.__wrapped__()


@pytest.mark.parametrize("at", [np.array([0.0, 4.0, 5.0]), (v for v in (0, 4, 5)), {"z": np.array([0, 4, 5])}])
def test_numbers_come_as_any_sequence(at) -> None:
    assert point(at, COMMON, notation(COMMON))["z"] == (0, 4, 5)
    assert smxcheck.explain(TOPIC, at=np.array([1.0, 2.0])).page.id == TOPIC


def test_digits_of_numbers_are_those_of_ascii() -> None:
    with pytest.raises(ValueError, match="is no number"):
        point("٣,4", COMMON, notation(COMMON))


def test_a_name_of_any_length_is_refused_in_one_short_line(run) -> None:
    done = run("explain", "a" * 100_000)
    assert done.code == 2 and len(done.err) < 200


@pytest.mark.slow
@pytest.mark.parametrize("columns", ["0", "1", "-5", "many"])
def test_a_terminal_of_any_width_shows_the_page(columns, run, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert "Exercise 1: Jacobian of softmax" in run("explain", "--exercise", TOPIC).out
