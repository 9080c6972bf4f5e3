"""Every code, name, function, group, choice, word and id that a report can print has a page, and every table a list."""

from __future__ import annotations

from functools import partial

import pytest

from smxcheck.caseset import CaseError, groups, load_cases
from smxcheck.catalog import FUNCTIONS
from smxcheck.judge.choices import CHOICES
from smxcheck.judge.codes import CHECKS, CHECKS_BY_NAME
from smxcheck.judge.result import Level, Status
from smxcheck.mistakes import MISBEHAVIOURS, MISTAKES
from smxcheck.mistakes.fatal import FATAL
from smxcheck.pages import find
from smxcheck.pages.model import Facts

from .cli_support import called

GROUPS = groups()
TOPICS = [
    *CHECKS, *CHECKS_BY_NAME, *FUNCTIONS, *CHOICES, *(g.name for g in GROUPS), *(str(s.value) for s in Status),
    *(str(level.value) for level in Level), "ulp", "bound", "allowed", "cannot tell", "Exit codes", "problem", "target",
    *(m.id for m in (*MISTAKES, *MISBEHAVIOURS, *FATAL)), "mistakes", "mistakes softmax",
]  # fmt: skip

#: Pages whose making takes no derivation and no group of cases: each is asked for here through the command.
SHOWN = ("SMX101", "choice", "level", "problem", "known", "far-tail", "result", "mistakes", "softmax/unshifted")


@pytest.fixture
def run(monkeypatch, capsys):
    return partial(called, monkeypatch, capsys)


def test_everything_that_a_report_names_is_found():
    assert [topic for topic in TOPICS if not find.built_by(topic.split())] == []


def test_a_code_is_found_in_small_letters_and_by_its_name():
    for code, check in CHECKS.items():
        assert {find.built_by([asked])[0][0].name for asked in (code, code.lower(), check.name)} == {"check"}


def test_a_case_of_each_group_has_a_page_with_its_call_and_what_is_right():
    first = {}
    for case in load_cases(dtypes=("float32",), tier="quick"):
        if case.elements <= 64:
            first.setdefault(case.group, case)
    for case in first.values():
        page = find.find([case.id])
        labels = {label for block in page.blocks if isinstance(block, Facts) for label, _ in block.rows}
        assert (page.kind, page.id) == ("case", case.id) and {"call", "right", "ours"} <= labels


def test_an_id_of_no_case_names_the_nearest():
    with pytest.raises(CaseError, match="did you mean log_softmax/far-tail/20/float32"):
        find.find(["log_softmax/far-tail/201/float32"])


def test_explain_alone_lists_what_there_is(run):
    done = run("explain")
    assert (done.code, done.err) == (0, "")
    for word in ("softmax-jacobian", "ulp", "bound", "SMX101", "exit-codes", "--claim", "--at", "--exercise", "mistakes"):
        assert word in done.out


@pytest.mark.slow
@pytest.mark.parametrize("topic", SHOWN)
def test_a_page_fits_80_columns(run, topic):
    done = run("explain", topic)
    assert (done.code, done.err) == (0, "")
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        (("far-tial",), "far-tail"),
        (("softmx-jacobian",), "softmax-jacobian"),
        (("SMX1O1",), "SMX101"),
        (("bound", "sofmax"), "bound softmax"),
        (("softmax/unshfted",), "softmax/unshifted"),
        (("exit", "coeds"), "exit-codes"),
    ],
)
def test_an_unknown_topic_names_near_ones_in_one_line(run, asked, nearest):
    done = run("explain", *asked)
    assert (done.code, done.out) == (2, "")
    assert nearest in done.err and len(done.err.strip().splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "entries"),
    [
        ("targets", ["builtin", "scipy", "torch", "jax", "onnxruntime", "FILE.py:NAME"]),
        ("functions", list(FUNCTIONS)),
        ("cases", [g.name for g in GROUPS]),
        ("checks", [c.code for c in CHECKS.values()]),
        ("choices", list(CHOICES)),
    ],
)
def test_each_table_lists_every_entry(run, table, entries):
    done = run("list", table)
    assert (done.code, done.err) == (0, "")
    assert [e for e in entries if e not in done.out] == []


def test_a_target_lists_what_it_calls_for_each_function(run):
    done = run("list", "builtin.shifted")
    assert done.code == 0
    assert done.out.splitlines()[1].split() == ["softmax", "builtin.shifted.softmax", "axis"]
