"""Every code, name, function, group, choice, word and id that a report can print has a page, and every table a list."""

from __future__ import annotations

from functools import partial

import pytest

from smxcheck.caseset import groups, load_cases
from smxcheck.catalog import FUNCTIONS
from smxcheck.judge.choices import CHOICES
from smxcheck.judge.codes import CHECKS, CHECKS_BY_NAME
from smxcheck.judge.result import Level, Status
from smxcheck.report import pages

from .cli_support import called

GROUPS = groups()
TOPICS = [
    *CHECKS, *CHECKS_BY_NAME, *FUNCTIONS, *CHOICES, *(g.name for g in GROUPS), *(str(s.value) for s in Status),
    *(str(level.value) for level in Level), "ulp", "bound", "allowed", "cannot tell", "Exit codes", "problem", "target",
]  # fmt: skip


@pytest.fixture
def run(monkeypatch, capsys):
    return partial(called, monkeypatch, capsys)


@pytest.mark.parametrize("topic", TOPICS)
def test_everything_that_a_report_names_has_a_page(topic):
    page = pages.find(topic)
    assert page is not None
    head, paragraphs = page
    assert head.strip() and all(p.strip() for p in paragraphs)


@pytest.mark.parametrize("code", CHECKS)
def test_a_code_is_found_in_small_letters_too(code):
    assert pages.find(code.lower()) == pages.find(code)


def test_a_case_of_each_group_has_a_page_with_its_call_and_what_is_right():
    first = {}
    for case in load_cases(dtypes=("float32",), tier="quick"):
        if case.elements <= 64:
            first.setdefault(case.group, case)
    for case in first.values():
        head, paragraphs = pages.find(case.id)
        assert head == case.id
        assert any("  call   " in p and "  right  " in p for p in paragraphs), case.id


def test_explain_alone_lists_what_there_is(run):
    done = run("explain")
    assert (done.code, done.err) == (0, "")
    for word in ("ulp", "bound", "a check", "a function", "a case", "a group", "exit-codes"):
        assert word in done.out


def test_a_page_fits_80_columns(run):
    for topic in ("SMX101", "choice", "level", "problem", "known", "far-tail", "result"):
        done = run("explain", topic)
        assert (done.code, done.err) == (0, "")
        assert max(map(len, done.out.splitlines())) <= 80, topic


def test_an_unknown_topic_names_near_ones(run):
    done = run("explain", "far-tial")
    assert (done.code, done.out) == (2, "") and "far-tail" in done.err


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
