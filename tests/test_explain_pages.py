"""The reference pages of ``explain``: what they show is run when they are made, and no check or word is left out."""

from __future__ import annotations

import functools
import math
import re

import numpy as np
import pytest

from smxcheck import functions as our_functions
from smxcheck.catalog import FUNCTIONS
from smxcheck.derivations.topics import topics
from smxcheck.derivations.verdicts import documents, statements
from smxcheck.dtypes import FORMATS
from smxcheck.formula.grammar import parse_expression
from smxcheck.formula.notation import notation
from smxcheck.formula.symbols import FUNCTIONS as GRAMMAR_FUNCTIONS
from smxcheck.formula.symbols import SYMBOLS
from smxcheck.formula.symbols import WORDS as GRAMMAR_WORDS
from smxcheck.judge.call import Demand
from smxcheck.judge.codes import CHECKS
from smxcheck.judge.problems import BAD
from smxcheck.judge.result import Result, Status
from smxcheck.mistakes import MISBEHAVIOURS, MISTAKES, Misbehaviour, Mistake
from smxcheck.pages import find, measured, topic
from smxcheck.pages.cases import by_name
from smxcheck.pages.claim import claim_page
from smxcheck.pages.exhibit import of_cases, of_mistake, ours
from smxcheck.pages.glossary import WORDS
from smxcheck.pages.mistakes import COMMON
from smxcheck.pages.model import Facts, Heading, Page, Table, Text
from smxcheck.pages.reasons import WHY
from smxcheck.pages.render import render
from smxcheck.pages.shown import IN_A_WORKER, SHOWN, wrong_ones
from smxcheck.pages.temptations import kinds, why_tempting
from smxcheck.pages.words import ALIASES

#: Words that had a page before there were derivations, and those that stand for them: links to them must not die.
OLD_WORDS = (
    "ulp", "bound", "level", "exact-value", "cannot-tell", "enclosure", "choice", "result", "problem", "case", "target",
    "gradient", "known", "exit-codes", "allowed", "exact", "reference", "undecided", "blind", "no-single-answer", "group",
    "id", "exit", "behaves-as", "derivative", "derivatives", "backward-pass", "autodiff", "autograd", "vjp", "jvp", "1ulp",
    "tight", "standard", "wrong", "levels", "ok", "status", "declined", "crashed", "hung", "not-run", "check",
)  # fmt: skip


@functools.cache
def page_of(asked: str) -> Page:
    """A page, made once."""
    return find.find(asked.split())


def facts(page: Page) -> dict[str, list[str]]:
    """What stands behind each label, over all blocks."""
    found: dict[str, list[str]] = {}
    for block in page.blocks:
        for label, text in block.rows if isinstance(block, Facts) else ():
            found.setdefault(label, []).append("".join(map(str, text)))
    return found


def headings(page: Page) -> list[str]:
    return ["".join(map(str, block.text)) for block in page.blocks if isinstance(block, Heading)]


def text_of(page: Page, ascii: bool = False) -> str:
    return render(page, "text", notation(page.lexicon, ascii=ascii), 80)


# ---- checks


def test_every_check_is_shown_by_a_run_or_says_why_not() -> None:
    assert set(SHOWN) | set(IN_A_WORKER) == set(CHECKS)
    assert not set(SHOWN) & set(IN_A_WORKER)
    assert all(wrong_ones()[name].check == code for code, name in IN_A_WORKER.items())


def passes(result: Result) -> bool:
    """Whether a result is right, as far as the case can tell."""
    return result.status in (Status.OK, Status.CANNOT_TELL, Status.NO_SINGLE_ANSWER)


@pytest.mark.parametrize("code", SHOWN)
def test_the_example_of_a_check_fails_under_its_code_and_our_function_passes(code: str) -> None:
    exhibit = SHOWN[code].exhibit(code)
    assert exhibit is not None
    assert exhibit.wrong.check == code and exhibit.wrong.status in BAD
    assert passes(exhibit.ours) and exhibit.ours.input == exhibit.wrong.input
    wrong = SHOWN[code].implementation
    assert wrong.check == code or isinstance(wrong, Mistake), "built for another check"


@pytest.mark.parametrize("code", CHECKS)
def test_the_page_of_a_check_has_all_its_parts(code: str) -> None:
    page = page_of(code)
    wanted = ["why it matters", "an example that fails", "where it is asked"]
    wanted += ["not a defect if"] if CHECKS[code].excuse else []
    assert not set(wanted) - set(headings(page))
    assert page.kind == "check" and page.id == code and CHECKS[code].page in text_with(page)
    if code in SHOWN:
        found = facts(page)
        assert len(found["call"]) == 2 and found["call"][1].startswith("smxcheck.functions.")
        assert found["judged"][0].startswith(("ok", "no single answer"))


def text_with(page: Page) -> str:
    return "\n".join("".join(map(str, block.text)) for block in page.blocks if isinstance(block, Text))


def test_a_check_that_finds_nothing_has_no_example() -> None:
    """Our own softmax in the place of a wrong one: the page must not show a failure that did not happen."""
    right = Misbehaviour("softmax/right", "nothing", "SMX101", our_functions.softmax)
    by_id = {case.id: case for case in find.cases.load_cases(ids=["softmax/acceptance/1000-and-1001/float32"])}
    assert of_cases(right, "SMX101", list(by_id.values()), Demand()) is None


def test_our_own_function_is_shown_wrong_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several results of the check asked for the first wrong one, not the last."""
    ids = [f"softmax/acceptance/{name}/float32" for name in ("1000-and-1001", "17-and-0")]
    cases = find.cases.load_cases(ids=ids)
    assert passes(ours(cases, Demand(), "SMX101"))
    right = our_functions.softmax
    monkeypatch.setattr(our_functions, "softmax", lambda z, **more: right(z, **more) * np.float32(0.5 if z[0] > 900 else 1))
    found = ours(cases, Demand(), "SMX101")
    assert found.case == ids[0] and found.status in BAD


def test_the_numbers_of_an_example_are_those_of_the_two_formulas() -> None:
    """2^x/Σ 2^x of (1000, 1001) is (1/3, 2/3); softmax is 1/(1 + e) and e/(1 + e)."""
    found = facts(page_of("SMX101"))
    assert found["gives"][0] == "[0.33333334, 0.66666669]"
    assert found["right"] == [f"[{1 / (1 + math.e):.8g}, {math.e / (1 + math.e):.8g}]"]
    ours = [float(v) for v in found["gives"][1].strip("[]").split(", ")]
    assert np.allclose(ours, [1 / (1 + math.e), math.e / (1 + math.e)], rtol=2.0**-24, atol=0)


def test_every_check_has_a_reason_of_its_own() -> None:
    assert set(WHY) == set(CHECKS)
    assert len(set(WHY.values())) == len(WHY)
    assert all(text.endswith(".") and text not in CHECKS[code].page for code, text in WHY.items())


# ---- mistakes


@pytest.mark.parametrize("name", COMMON)
def test_a_common_mistake_says_why_it_is_tempting_and_shows_where_it_fails(name: str) -> None:
    page = page_of(name)
    assert {"instead", "where it is found"} <= set(headings(page))
    assert "why it is tempting" in headings(page)
    found = facts(page)
    assert "call" in found and ("gives" in found or "found" in found)


def sampled() -> list[object]:
    """Every twentieth at once, all of them among the slow tests."""
    return [m if i % 20 == 0 else pytest.param(m, marks=pytest.mark.slow) for i, m in enumerate(MISTAKES)]


@pytest.mark.parametrize("mistake", sampled(), ids=lambda m: m.id)
def test_a_mistake_is_wrong_on_its_page_and_our_function_right(mistake: Mistake) -> None:
    if not mistake.dtypes:  # integers alone show it: the case of its check does
        assert SHOWN[mistake.check].wrong == mistake.id
        return
    exhibit = of_mistake(mistake)
    assert exhibit is not None and exhibit.wrong.status in BAD
    assert exhibit.wrong.dtype == "float32" or "float32" not in mistake.dtypes
    assert passes(exhibit.ours) and exhibit.ours.input == exhibit.wrong.input


def test_misbehaviours_have_a_page_that_names_their_check() -> None:
    for wrong in MISBEHAVIOURS:
        assert facts(find.find([wrong.id]))["its page"] == [f"smxcheck explain {wrong.check}"]


def test_every_text_on_temptation_is_of_a_mistake_that_ships() -> None:
    halves = {m.id.partition("/")[2] for m in MISTAKES} | {m.id for m in MISTAKES}
    assert not kinds() - halves
    assert not [name for name in COMMON if not why_tempting(next(m for m in MISTAKES if m.id == name))]


def test_what_the_texts_on_temptation_say_in_numbers() -> None:
    """exp overflows where they say; sums of ones stop at 2,048 and 256; an ε of 1e-7 and 1e-8 is a floor at 16 and 18."""
    with np.errstate(over="ignore"):
        assert [np.isinf(np.exp(t(x))) for t, x in ((np.float32, 88.72), (np.float32, 88.73))] == [False, True]
        assert [np.isinf(np.exp(x)) for x in (709.78, 709.79)] == [False, True]
        assert [np.isinf(np.exp(np.float16(x))) for x in (11.08, 11.1)] == [False, True]
    for dtype, stops in (("float16", 2048), ("bfloat16", 256)):
        number = FORMATS[dtype].numpy().type
        assert number(stops - 1) + number(1) == number(stops) == number(stops) + number(1)
    assert (round(-math.log(1e-7)), round(-math.log(1e-8))) == (16, 18)
    assert np.float32(1e-46) == 0 < np.float32(1.5e-45)


def test_what_the_texts_on_temptation_say_of_where_a_wrong_form_is_right() -> None:
    equal = np.zeros(3)
    one_entry, four_entries = np.array([0.0, 3]), np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    twice = next(m for m in MISTAKES if m.id == "sparsemax/cumulative-twice").call
    assert np.array_equal(twice(one_entry), our_functions.sparsemax(one_entry))
    assert not np.allclose(twice(four_entries), our_functions.sparsemax(four_entries))
    assert np.allclose(our_functions.softmax_entropy_grad(equal), 0, atol=1e-15)  # p - 1 is -2/3 there
    case = next(m for m in MISTAKES if m.id == "softmax_hessian/published-case")
    assert np.allclose(case.call(equal), our_functions.softmax_hessian(equal), rtol=1e-14, atol=0)
    assert not np.allclose(case.call(np.array([0.0, 1, 3])), our_functions.softmax_hessian(np.array([0.0, 1, 3])), rtol=1e-2)


def test_mistakes_of_a_function_are_all_listed() -> None:
    for function in ("softmax", "entmax15"):
        (table,) = (block for block in find.find(["mistakes", function]).blocks if isinstance(block, Table))
        assert [row[0][0] for row in table.rows] == [m.id for m in MISTAKES if m.function == function]


def test_the_list_of_the_common_ones_is_one_or_two_screens() -> None:
    assert len(text_of(find.find(["mistakes"])).splitlines()) <= 64


# ---- words


def test_the_words_that_existed_still_do() -> None:
    assert not set(OLD_WORDS) - {*WORDS, *ALIASES}
    assert set(ALIASES.values()) <= set(WORDS)


@pytest.mark.parametrize("word", WORDS)
def test_a_word_says_what_it_is_and_why_it_matters(word: str) -> None:
    page = page_of(word)
    assert page.kind == "word" and "why it matters" in headings(page)


def test_ulps_are_numpys_spacing_and_at_the_edges_what_the_definition_says() -> None:
    """np.spacing is the gap above a number, so that of the next number below for one that rounds up to a power."""
    table = measured.ulp_table()
    assert isinstance(table, Table)
    ulp = {str(row[0][0]): str(row[2][0]) for row in table.rows}
    one = np.float32(1)
    assert ulp["a number"] == f"2^{math.frexp(np.spacing(np.float32(0.75)))[1] - 1}"
    assert ulp["a power of two"] == f"2^{math.frexp(np.spacing(one))[1] - 1}"
    assert ulp["just below it"] == f"2^{math.frexp(np.spacing(np.nextafter(one, np.float32(0))))[1] - 1}"
    assert ulp["subnormal"] == ulp["zero"] == f"2^{math.frexp(np.spacing(np.float32(0)))[1] - 1}"
    assert ulp["overflows"] == f"2^{math.frexp(np.spacing(np.float32(3e38)))[1] - 1}"
    error = {str(row[0][0]): str(row[4][0]) for row in table.rows}
    assert error["overflows"] == "0 ulp"
    figures = {name: float(error[name].removesuffix(" ulp").replace(",", "")) for name in ("subnormal", "does not")}
    assert figures["subnormal"] == float(f"{1e-40 / 2.0**-149:.3g}")
    assert figures["does not"] == float(f"{(2.0**128 - 3.4e38) / 2.0**104:.3g}")


def test_the_levels_of_the_examples_are_the_four_in_order() -> None:
    table = measured.level_table()
    assert isinstance(table, Table)
    assert [row[0][0] for row in table.rows] == ["1ulp", "tight", "standard", "wrong"]


def test_the_example_that_tells_nothing_does_at_tight() -> None:
    found = dict(measured.tells_nothing().rows)  # type: ignore[union-attr]
    assert found["at standard"][0].startswith(str(Status.CANNOT_TELL))
    assert found["at tight"][0].startswith(str(Status.WRONG))


def test_the_exact_value_is_log1p_of_exp() -> None:
    found = dict(measured.exact_value().rows)  # type: ignore[union-attr]
    assert math.isclose(float(found["exact value"][0]), math.log1p(math.exp(-40)), rel_tol=1e-15)
    assert found["by the definition"][0].startswith("0 in float64")


# ---- finding


def test_the_kind_in_front_chooses_and_every_other_meaning_is_named() -> None:
    assert find.find(["rows"]).kind == "check"
    assert "smxcheck explain group rows" in text_of(find.find(["rows"]))
    assert find.find(["group", "rows"]).kind == "group"
    assert find.find(["check", "SMX105"]).id == find.find(["check", "rows"]).id == find.find(["smx105"]).id == "SMX105"
    assert find.find(["mistake", "softmax/unshifted"]).kind == "mistake"


def test_a_derivation_with_a_functions_name_ends_with_the_functions_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The derivation itself is not executed here."""
    monkeypatch.setattr(topic, "topic_page", lambda derivation: Page("topic", derivation.id, ("",), ()))
    page = find.find(["taylor_softmax"])
    assert page.kind == "topic" and "the function taylor_softmax" in headings(page)
    assert "taylor_softmax(z, order)" in facts(page)["call"]
    assert find.find(["function", "taylor_softmax"]).kind == "function"


def test_every_name_of_every_kind_is_found_and_hidden_ones_by_their_kind() -> None:
    for kind in find.KINDS:
        for name in kind.names():
            found = [k.name for k, _ in find.built_by(name.split())]
            assert kind.name in found or kind.name == "statement", name
            if kind.name in found and found[0] != kind.name:
                assert [k.name for k, _ in find.built_by([kind.name, name])] == [kind.name], name


def test_a_page_of_every_function_names_its_call_bounds_and_mistakes() -> None:
    for name in FUNCTIONS:
        found = facts(find.find(["function", name]))
        assert found["error bounds"] == [f"smxcheck explain bound {name}"] and name in found["call"][0]


@pytest.mark.parametrize(
    ("asked", "id"),
    [
        ("derivative of softmax", "softmax-jacobian"), ("the gradient of cross entropy", "cross-entropy-gradient"),
        ("gradient of the cross entropy", "cross-entropy-gradient"), ("p-y", "cross-entropy-gradient"),
        ("crossentropy", "cross-entropy"), ("kl", "gibbs"), ("log sum exp trick", "logsumexp"),
        ("numerical stability", "softmax-shift"), ("hessian of log sum exp", "logsumexp-hessian"), ("logistic", "softmax"),
        ("003", "003"), ("Bernd Klein", "003"), ("klein", "003"), ("grammar", "claim"),
    ],
)  # fmt: skip
def test_names_that_a_stranger_would_guess(asked: str, id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which page is found; derivations are not executed here."""
    monkeypatch.setattr(topic, "topic_page", lambda derivation: Page("topic", derivation.id, ("",), ()))
    assert find.find(asked.split()).id == id


def test_a_document_has_all_its_statements_with_their_verdicts() -> None:
    for key, document in documents().items():
        page = page_of(key)
        (table,) = [block for block in page.blocks if isinstance(block, Table)]
        own = [s for s in statements().values() if s.document.key == key]
        assert [(row[0], row[1]) for row in table.rows] == [((s.id,), (str(s.verdict),)) for s in own]
        assert document.title in text_of(page).partition("\n")[0]


def test_the_page_on_claims_has_every_word_of_the_grammar_and_its_examples_are_true() -> None:
    page = page_of("claim")
    shown = text_of(page)
    assert not [word for word in (*GRAMMAR_WORDS, *GRAMMAR_FUNCTIONS) if not re.search(rf"\b{word}\b", shown)]
    examples = re.findall(r'--claim "(.+)"', shown)
    assert len(examples) > 2
    assert all(claim_page(example).exit_code == 0 for example in examples)
    written = [row[0][0] for block in page.blocks if isinstance(block, Table) for row in block.rows][-len(SYMBOLS) :]
    assert [parse_expression(form.replace("[i]", "[1]")) for form in written]


@pytest.mark.parametrize("asked", ["xyzzy", "softmax jacobean", "bound", "\x1b[31m", "SMX999", ""])
def test_what_is_not_found_is_one_line(asked: str) -> None:
    if asked == "bound":
        assert find.find([asked]).kind == "word"
        return
    with pytest.raises(find.NotFound) as caught:
        find.find(asked.split(" "))
    assert "\n" not in str(caught.value)


def test_the_three_nearest_names_are_proposed() -> None:
    assert find.near("softmax-hessia")[0] == "softmax-hessian" and len(find.near("softmax-hessia")) == 3


# ---- contents, and how it all looks


def test_the_contents_name_every_derivation_document_and_word() -> None:
    text = text_of(find.contents())
    assert not [t.id for t in topics().values() if t.id not in text]
    assert not [d for d in documents() if f"  {d}" not in text]
    assert not [w for w in WORDS if w not in text]


def reference_pages() -> list[str]:
    groups = [*list(by_name())[::10], "divergence-derivatives", "logistic-derivatives"]  # those two with the longest ids
    mistakes = [*COMMON, "softmax_jacobian/unshifted", "mistakes", "mistakes softmax"]
    return [*CHECKS, *WORDS, *mistakes, *(f"group {g}" for g in groups)]


@pytest.mark.slow
def test_reference_pages_fit_80_columns_and_ascii_is_ascii() -> None:
    for page in (find.contents(), *map(page_of, reference_pages())):
        text = text_of(page)
        assert max(map(len, text.splitlines())) <= 80, page.id
        assert text_of(page, ascii=True).isascii(), page.id
