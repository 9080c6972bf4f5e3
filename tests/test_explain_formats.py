"""The formats of `explain`: every kind of block in every format, widths, escapes, the JSON schema, what pdflatex says."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import re
import shutil
import subprocess
from functools import cache
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.derivations.topics import topics
from smxcheck.formula.lexicon import COMMON
from smxcheck.formula.notation import Notation, latex, notation, text
from smxcheck.pages import as_json, as_latex, as_markdown, as_text
from smxcheck.pages.breaks import blocks, broken
from smxcheck.pages.latex_math import broken as broken_latex
from smxcheck.pages.latex_math import width
from smxcheck.pages.latex_words import words as latex_words
from smxcheck.pages.model import Chain, Code, Display, Page, Table, Text
from smxcheck.pages.render import FORMATS, formulas, render

from .explain_samples import BLOCKS, EVERY_BLOCK, GOOD, LONG, REMARKS, statement_pages, topic_pages
from .explain_samples import line as step

UNICODE, ASCII = notation(COMMON), notation(COMMON, ascii=True)
SCHEMA = json.loads(files("smxcheck.pages").joinpath("schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

#: A fixed set of examples, the same in every run.
fixed = settings(derandomize=True, deadline=None, max_examples=60)


@cache
def pages() -> tuple[Page, ...]:
    return (EVERY_BLOCK, *topic_pages())


def of(block: object) -> Page:
    return Page("topic", "one", ("One block",), (block,))  # type: ignore[arg-type]


# ---- every format


def test_the_sample_has_every_kind_of_block() -> None:
    kinds = {type(block).__name__ for block in BLOCKS}
    assert kinds == {"Heading", "Text", "Display", "Letters", "Chain", "Table", "Facts", "Code"}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_every_block_has_a_form_in_every_format(format: str, number: int) -> None:
    with_it, without = (render(page, format, UNICODE) for page in (of(BLOCKS[number]), Page("topic", "one", ("One block",), ())))
    assert len(with_it) > len(without)


@pytest.mark.parametrize("format", FORMATS)
def test_no_format_lets_control_characters_through(format: str) -> None:
    """An escape sequence in a text would reach the terminal of whoever prints the page."""
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", render(EVERY_BLOCK, format, UNICODE).replace("\t", ""))


@pytest.mark.parametrize("format", FORMATS)
def test_a_false_line_is_said_to_be_false_where_and_with_both_sides(format: str) -> None:
    printed = render(of(REMARKS), format, UNICODE)
    assert re.search(r"\bfalse\b", printed)
    for number in ("0.1966119332", "7.310585786"):
        assert number in printed
    assert "undecided" in printed


@pytest.mark.parametrize("format", FORMATS)
def test_numbers_at_a_point_stand_at_their_line_and_at_the_start(format: str) -> None:
    for without in (
        dataclasses.replace(REMARKS, start_numbers=()),
        dataclasses.replace(REMARKS, lines=tuple(dataclasses.replace(line, numbers=()) for line in REMARKS.lines)),
    ):
        fewer, all_of_them = (len(re.findall(r"0\.125", render(of(chain), format, UNICODE))) for chain in (without, REMARKS))
        assert fewer < all_of_them


def test_an_unknown_format_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match="no format 'html'; there are text, markdown, latex, latex-document, json"):
        render(EVERY_BLOCK, "html", UNICODE)


def test_the_letters_of_the_reader_are_printed_in_every_format() -> None:
    own = notation(COMMON, {"logits": "o", "probabilities": "y"})
    for format, name in (("text", "∂yᵢ/∂oⱼ"), ("markdown", "y_{i}"), ("latex", "y_{i}"), ("json", "y[i]")):
        printed = render(of(GOOD), format, own)
        assert name in printed
        assert "pᵢ" not in printed and "p_{i}" not in printed


# ---- the terminal


@pytest.mark.parametrize("columns", [60, 80, 100])
@pytest.mark.parametrize("ascii", [False, True])
def test_text_keeps_its_width(columns: int, ascii: bool) -> None:
    """Whatever the formula; only code keeps its lines, which are commands to be copied."""
    for page in pages():
        blocks_but_code = tuple(b for b in page.blocks if not isinstance(b, Code))
        own = notation(page.lexicon, ascii=ascii)
        shown = as_text.render(dataclasses.replace(page, blocks=blocks_but_code), own, columns)
        assert max(map(len, shown.splitlines())) <= columns, page.id
        assert shown.isascii() or not ascii


def test_ticks_stand_below_one_another() -> None:
    for page in pages():
        for chain in (block for block in page.blocks if isinstance(block, Chain)):
            shown = as_text.render(of(chain), notation(page.lexicon)).splitlines()
            assert len({match.start() for line in shown if (match := re.search(r"  ok( \(\d+\))?$", line))}) <= 1, page.id


def test_what_a_colon_announces_stands_right_below_it() -> None:
    page = dataclasses.replace(of(GOOD), blocks=(Text(("right:",)), Display(GOOD.start)))
    shown = as_text.render(page, UNICODE).splitlines()
    assert shown[shown.index("right:") + 1].startswith("    ")


def test_the_legend_stands_once_and_only_where_there_are_ticks() -> None:
    assert as_text.render(of(GOOD), UNICODE).count("equal to the line above in N digits at 48 to 52 points.") == 1
    assert "equal to" not in as_text.render(of(Text(("nothing",))), UNICODE)


def test_ascii_lines_can_be_copied_into_a_claim() -> None:
    """A formula broken over lines is still text of the grammar, and means the same."""
    for page in pages():
        own = notation(page.lexicon, ascii=True)
        for block in (block for block in page.blocks if isinstance(block, Display)):
            shown = as_text.render(of(block), own).split("\n\n", 1)[1]
            assert text(page.lexicon.claim(shown), own) == text(block.formula, own)


@fixed
@given(st.integers(30, 120), st.integers(30, 120), st.integers(1, 4))
def test_a_broken_formula_is_the_same_formula(first: int, rest: int, copies: int) -> None:
    tree = COMMON.expression(" + ".join([f"({LONG})^2"] * copies))
    lines = broken(text(tree, ASCII), first, rest)
    assert COMMON.expression("\n".join(lines)) == tree
    assert len(lines[0]) <= first and all(len(line) <= rest for line in lines[1:])


def test_a_sum_is_broken_between_its_terms() -> None:
    assert broken("a(b + c) + d(e + f)", 16, 16) == ["a(b + c)", "+ d(e + f)"]
    assert broken("f(x) = a + b if i = j", 14, 14) == ["f(x) = a + b", "if i = j"]


def test_numbers_stand_below_one_another_at_their_points() -> None:
    rows = (((("12.5",)), (("-0.25",))), ((("-1",)), (("1e-05",))))
    shown = as_text.render(of(Table((), rows, True)), UNICODE).splitlines()[2:]
    assert shown == ["  12.5  −0.25", "  −1     1e−05"]


@fixed
@given(st.lists(st.integers(1, 30), min_size=1, max_size=20), st.integers(10, 80))
def test_blocks_of_columns_hold_each_column_once_and_as_many_as_fit(widths: list[int], room: int) -> None:
    found = list(blocks(widths, room, 2))
    assert [i for start, end in found for i in range(start, end)] == list(range(len(widths)))
    for start, end in found:
        assert end == start + 1 or sum(widths[start:end]) + 2 * (end - start - 1) <= room


# ---- Markdown


def test_markdown_finds_no_markup_of_its_own_in_mathematics() -> None:
    r"""``\\`` and ``\,`` are escapes to Markdown, ``<b`` begins a tag, ``|`` ends a cell, ``)_`` may begin emphasis."""
    for page in pages():
        shown = re.sub(r"(?s)^(`{3,})\w*\n.*?\n\1$", "", as_markdown.render(page, notation(page.lexicon)), flags=re.MULTILINE)
        mathematics = re.findall(r"(?s)\$\$(.*?)\$\$|(?<![\\$])\$([^$\n]+)\$", shown)
        assert mathematics
        for part in ("".join(pair) for pair in mathematics):
            assert not re.search(r"\\[^A-Za-z ]|[<>|*]|[)}\]]_", part), part


def test_markdown_tables_have_rows_of_equal_length() -> None:
    for page in pages():
        lines = as_markdown.render(page, notation(page.lexicon)).splitlines()
        rows = [len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0 for line in lines]
        assert all(not here or not after or here == after for here, after in itertools.pairwise(rows))


@pytest.mark.parametrize(
    ("plain", "marked_up"),
    [("a_b *c*", r"a\_b \*c\*"), ("1. one", r"1\. one"), ("- one", r"\- one"), ("$x$", r"\$x\$"), ("&lt;<b>", r"\&lt;\<b\>")],
)
def test_running_text_is_no_markup(plain: str, marked_up: str) -> None:
    assert as_markdown.render(of(Text((plain,))), UNICODE).endswith(f"\n\n{marked_up}\n")


def test_a_fence_is_longer_than_any_in_the_code() -> None:
    assert "\n`````\na ````\n`````\n" in as_markdown.render(of(Code("a ````")), UNICODE)


def test_the_number_of_a_step_stands_at_the_last_line_of_a_broken_formula() -> None:
    chain = dataclasses.replace(GOOD, lines=(step(1, f"{LONG} + {LONG}"), step(2, "p[i]")))
    rows = [row for row in as_markdown.render(of(chain), UNICODE).splitlines() if row.startswith("&")]
    assert len(rows) > 3
    assert [re.findall(r"&& \((\d+)\)", row) for row in rows] == [*[[]] * (len(rows) - 2), ["1"], ["2"]]


# ---- LaTeX


@pytest.mark.parametrize("document", [False, True])
def test_latex_needs_amsmath_alone(document: bool) -> None:
    packages = re.findall(r"^\\usepackage(?:\[\w+\])?\{(\w+)\}", as_latex.render(EVERY_BLOCK, UNICODE, document), re.MULTILINE)
    assert packages == (["inputenc", "amsmath"] if document else [])


def test_a_fragment_says_what_it_needs_and_has_no_preamble() -> None:
    fragment = as_latex.render(EVERY_BLOCK, UNICODE)
    assert fragment.splitlines()[0].endswith(r"\usepackage{amsmath}")
    assert r"\documentclass" not in fragment and r"\begin{document}" not in fragment


@fixed
@given(st.text(max_size=60))
def test_any_text_is_set_in_characters_that_pdflatex_knows(plain: str) -> None:
    """ASCII, and Latin letters with accents; braces are balanced whatever the text."""
    shown = latex_words(plain)
    assert all(c.isascii() or "À" <= c <= "ž" for c in shown)
    braces = re.sub(r"\\[{}]", "", shown)
    assert braces.count("{") == braces.count("}")
    assert not re.search(r"(?<!\\)[#%&]", shown)


def test_verbatim_cannot_be_left_by_what_stands_in_it() -> None:
    shown = as_latex.render(of(Code("\\end{verbatim}\\input{x} − φ")), UNICODE)
    assert shown.count("\\end{verbatim}") == 1 and shown.isascii()


@fixed
@given(st.floats(20, 90), st.floats(20, 90), st.integers(1, 3))
def test_broken_latex_is_the_same_formula_and_each_line_stands_alone(first: float, rest: float, copies: int) -> None:
    tex = latex(COMMON.expression(" + ".join([f"({LONG})^2"] * copies)), UNICODE)
    lines = broken_latex(tex, first, rest)
    for line in lines:
        assert len(re.findall(r"\\left(?![a-z])", line)) == len(re.findall(r"\\right(?![a-z])", line))
        assert line.count("{") == line.count("}")
    assert "".join("".join(lines).replace(r"\left.", "").replace(r"\right.", "").split()) == "".join(tex.split())


def test_a_fraction_is_as_wide_as_its_wider_half() -> None:
    assert width(r"\frac{a + b + c}{d}") == pytest.approx(width("a + b + c") + 0.6)
    assert width("x_{i}") < width("xi")


def test_a_long_table_is_divided_and_loses_no_row() -> None:
    """No page break divides a tabular; 25 rows are one."""
    rows = tuple(((f"row {number}.",), ("text",)) for number in range(60))
    shown = as_latex.render(of(Table(((("name",)), (("what",))), rows)), UNICODE)
    assert re.findall(r"row (\d+)\.", shown) == [str(number) for number in range(60)]
    assert shown.count(r"\begin{tabular}") == 3


def test_paper_says_once_how_its_lines_were_executed() -> None:
    page = dataclasses.replace(of(GOOD), blocks=(GOOD, GOOD))
    for document in (False, True):
        shown = as_latex.render(page, UNICODE, document)
        assert shown.count("Every line was executed at 48 to 52 points") == 1
        assert "in at least 64 digits" in shown


# ---- JSON


def test_the_schema_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_page_follows_the_schema() -> None:
    for page in pages():
        VALIDATOR.validate(json.loads(as_json.render(page, notation(page.lexicon))))


def refused() -> list[tuple[str, object]]:
    return [("schema", "smxcheck-explain/2"), ("exit_code", 2), ("title", "text"), ("kind", 1), ("more", 1),
            ("blocks", [{"block": "image"}]), ("blocks", [{"block": "text", "text": [{"ascii": "p[i]"}]}]),
            ("blocks", [{"block": "display", "formula": {"ascii": "pᵢ", "text": "pᵢ", "latex": "p_{i}"}}])]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), refused())
def test_the_schema_refuses_what_is_no_page(key: str, value: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate({**as_json.document(EVERY_BLOCK, UNICODE), key: value})


def test_every_formula_of_a_page_stands_in_its_json_in_three_forms() -> None:
    found: list[dict[str, str]] = []

    def collect(value: object) -> None:
        if isinstance(value, dict):
            found.extend([value] if "latex" in value else [])
            for entry in value.values():
                collect(entry)
        elif isinstance(value, list):
            for entry in value:
                collect(entry)

    collect(as_json.document(EVERY_BLOCK, ASCII))
    assert [f["ascii"] for f in found] == [text(node, ASCII) for node in formulas(EVERY_BLOCK)]
    assert [f["text"] for f in found] == [text(node, UNICODE) for node in formulas(EVERY_BLOCK)]


def test_json_has_numbers_that_json_has_not_as_text() -> None:
    assert as_json.document(EVERY_BLOCK, UNICODE)["data"] == {"steps": 9, "worst": "inf"}
    assert as_json.render(EVERY_BLOCK, UNICODE).isascii()


# ---- pdflatex


#: A line may stand this far in the margin, in points: what an eye does not see.
OVERFULL = 10.0


def pdflatex(folder: Path, source: str) -> str:
    """The log of a run, or the reason why there is none."""
    if shutil.which("pdflatex") is None:
        if os.environ.get("SMXCHECK_CI") == "1":
            pytest.fail("pdflatex is missing")
        pytest.skip("pdflatex is missing")
    (folder / "all.tex").write_text(source, encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"], cwd=folder, capture_output=True, timeout=300
    )
    log = (folder / "all.log").read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 0, re.findall(r"^!.*(?:\n.*){0,6}", log, re.MULTILINE)
    return log


def overfull(log: str) -> list[str]:
    """What stands too far in the margin, with its place."""
    found = re.finditer(r"Overfull \\hbox \((\d+\.\d+)pt too wide\)[^\n]*\n[^\n]*", log)
    return [match[0] for match in found if float(match[1]) > OVERFULL]


@cache
def printed_pages() -> tuple[tuple[Page, Notation], ...]:
    return (*((page, notation(page.lexicon)) for page in pages()), *statement_pages())


@pytest.mark.slow
def test_all_documents_compile_and_keep_their_margins(tmp_path: Path) -> None:
    """Topics and published statements, in one run: their preambles are the same."""
    documents = [as_latex.render(page, own, document=True) for page, own in printed_pages()]
    preambles = {document.partition(r"\begin{document}")[0] for document in documents}
    assert len(preambles) == 1
    bodies = [d.partition(r"\begin{document}")[2].partition(r"\end{document}")[0] for d in documents]
    source = f"{preambles.pop()}\\begin{{document}}\n" + "\\newpage\n".join(bodies) + "\\end{document}\n"
    assert not overfull(pdflatex(tmp_path, source))


@pytest.mark.slow
def test_fragments_can_be_input_into_a_document_that_has_amsmath(tmp_path: Path) -> None:
    lines = [r"\documentclass{article}\usepackage{amsmath}\begin{document}"]
    for number, (page, own) in enumerate(printed_pages()):
        (tmp_path / f"page{number}.tex").write_text(as_latex.render(page, own), encoding="utf-8")
        lines.append(rf"\input{{page{number}.tex}}\newpage")
    assert not overfull(pdflatex(tmp_path, "\n".join([*lines, r"\end{document}"])))


def test_a_line_in_the_margin_and_a_mistake_are_noticed(tmp_path: Path) -> None:
    """The two tests above could not fail otherwise."""
    assert overfull("Overfull \\hbox (10.5pt too wide) in paragraph at lines 3--4\n[]\n") != []
    assert overfull("Overfull \\hbox (9.5pt too wide) in paragraph at lines 3--4\n[]\n") == []
    if shutil.which("pdflatex"):
        with pytest.raises(AssertionError, match="Undefined control sequence"):
            pdflatex(tmp_path, r"\documentclass{article}\begin{document}\nonsuch\end{document}")


@pytest.mark.slow
def test_pages_of_statements_keep_to_width_and_schema() -> None:
    for page, own in statement_pages():
        VALIDATOR.validate(json.loads(as_json.render(page, own)))
        for ascii in (False, True):
            shown = as_text.render(page, dataclasses.replace(own, ascii=ascii))
            assert max(map(len, shown.splitlines())) <= 80 and (shown.isascii() or not ascii), page.id


def test_there_are_topics_to_print() -> None:
    assert len(pages()) == 1 + len(topics()) > 1
