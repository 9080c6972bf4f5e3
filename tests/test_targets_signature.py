"""A callable is asked with the keywords that it takes, at the catalog's defaults, and never with others."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from smxcheck.catalog import FUNCTIONS
from smxcheck.targets.layout import NotPassed
from smxcheck.targets.protocol import Call, TargetError
from smxcheck.targets.signature import bind, parse_fixed, signature_of

X = np.ones((2, 3))
Y = np.zeros(2, np.int64)


def passed(function, call, keywords=None, fixed=None, axes=2, arrays="numpy"):
    """What goes in after the arrays."""
    binding = bind(function, call, "f", arrays, fixed)
    return binding.keywords_for(Call(function, (), keywords or {}), axes)


@pytest.mark.parametrize(
    ("call", "keywords", "fixed"),
    [
        (lambda x: x, set(), {"axis": -1}),
        (lambda x, axis: x, {"axis"}, {}),
        (lambda x, dim=0: x, {"axis"}, {}),
        (lambda x, *, dim: x, {"axis"}, {}),
        (lambda x, axis=-1, /: x, {"axis"}, {}),
        (lambda x, **kwargs: x, {"axis"}, {}),
        (lambda *args: args, set(), {"axis": -1}),
        (lambda x, block=8: x, set(), {"axis": -1}),
        (lambda x, keepdims=False, axis=None: x, {"axis"}, {}),
        (np.exp, set(), {"axis": -1}),
    ],
)
def test_the_signature_says_which_keywords_are_taken(call, keywords, fixed):
    offer = bind("softmax", call, "f", "numpy").offer
    assert (offer.keywords, offer.fixed) == (keywords, fixed)


def test_a_keyword_goes_in_under_the_callables_own_name_at_the_catalogs_default():
    assert passed("softmax", lambda x, dim=0: x) == ((), {"dim": -1})
    assert passed("softmax", lambda x, dim=0: x, {"axis": None}) == ((), {"dim": None})
    assert passed("softmax", lambda x, axis, /: x, {"axis": 0}) == ((0,), {})
    assert passed("softmax", lambda x: x) == ((), {})


def test_a_loss_gets_what_it_takes_and_no_weight_unless_the_case_has_one():
    def loss(z, y, weight=None, ignore_index=0, reduction="sum"):
        return z

    assert passed("cross_entropy", loss) == ((), {"ignore_index": -100, "reduction": "mean"})
    assert passed("cross_entropy", loss, {"weight": 1})[1]["weight"] == 1
    assert passed("cross_entropy", lambda z, y, weight: z)[1] == {"weight": None}


def test_through_kwargs_a_loss_gets_only_what_the_case_gives():
    assert passed("cross_entropy", lambda z, y, **kw: z) == ((), {})
    assert passed("cross_entropy", lambda z, y, **kw: z, {"reduction": "sum"}) == ((), {"reduction": "sum"})
    assert passed("softmax", lambda x, **kw: x) == ((), {"axis": -1})


@pytest.mark.parametrize(("axis", "axes"), [(-1, 1), (0, 1), (-1, 2), (1, 2), (2, 3)])
def test_a_lacking_axis_may_be_given_at_its_one_value_however_it_is_spelled(axis, axes):
    assert passed("softmax", lambda x: x, {"axis": axis}, axes=axes) == ((), {})


@pytest.mark.parametrize(
    ("keywords", "axes"), [({"axis": 0}, 2), ({"axis": 1}, 3), ({"axis": None}, 2), ({"axis": (0, 1)}, 2)]
)
def test_another_value_of_a_lacking_keyword_is_not_passed(keywords, axes):
    with pytest.raises(NotPassed, match="takes no axis; it is tested at -1"):
        passed("softmax", lambda x: x, keywords, axes=axes)


def test_an_array_for_a_lacking_keyword_is_not_passed():
    with pytest.raises(NotPassed, match="takes no weight"):
        passed("cross_entropy", lambda z, y: z, {"weight": np.ones(3)})


def test_the_classes_of_a_torch_style_loss_are_on_axis_1():
    offer = bind("cross_entropy", lambda z, y: z, "f", "torch").offer
    assert offer.fixed["axis"] == 1 and offer.fixed["reduction"] == "mean"
    assert bind("cross_entropy", lambda z, y: z, "f", "numpy").offer.fixed["axis"] == -1
    for axis, axes in ((-1, 2), (1, 2), (1, 3), (-1, 1), (0, 1)):
        assert passed("cross_entropy", lambda z, y: z, {"axis": axis}, axes=axes, arrays="torch") == ((), {})
    with pytest.raises(NotPassed):
        passed("cross_entropy", lambda z, y: z, {"axis": -1}, axes=3, arrays="torch")


def test_a_fixed_keyword_is_no_longer_tested_and_goes_in_at_its_value():
    def loss(z, y, reduction="mean"):
        return z

    offer = bind("cross_entropy", loss, "f", "numpy", {"reduction": "none", "axis": 1}).offer
    assert "reduction" not in offer.keywords and (offer.fixed["reduction"], offer.fixed["axis"]) == (
        "none",
        1,
    )
    assert passed("cross_entropy", loss, fixed={"reduction": "none"}) == ((), {"reduction": "none"})
    assert bind("softmax", lambda x: x, "f", "numpy", {"reduction": "none"}).offer.fixed == {"axis": -1}


def test_every_keyword_of_the_catalog_is_taken_or_fixed():
    for name, function in FUNCTIONS.items():
        for call in (lambda *a: a, lambda *a, axis=-1: a, lambda *a, **k: a):
            offer = bind(name, call, "f", "numpy").offer
            assert offer.keywords | set(offer.fixed) == set(function.keywords)
            assert not offer.keywords & set(offer.fixed)


@pytest.mark.parametrize(
    ("function", "call", "says"),
    [
        ("cross_entropy", lambda z: z, "takes 1 positional arguments where cross_entropy has 2 arrays"),
        ("softmax", lambda: 0, "takes 0 positional arguments where softmax has one array"),
        ("softmax", lambda *, x: x, "takes 0 positional"),
        ("softmax", lambda x, out: x, "needs out, which softmax does not have"),
        ("softmax", lambda x, *, rows, cols: x, "needs rows, cols"),
        ("sigmoid", lambda x, axis: x, "needs axis, which sigmoid does not have"),
    ],
)
def test_a_callable_that_cannot_be_called_so_is_refused(function, call, says):
    with pytest.raises(TargetError, match=says):
        bind(function, call, "f", "numpy")


def test_what_can_be_called_is_the_wrapper_not_what_it_wraps():
    def kernel(rows):
        return rows

    @functools.wraps(kernel)
    def along(x, axis=-1):
        return x

    @functools.wraps(kernel)
    def passes_on(*args, **kwargs):
        return kernel(*args, **kwargs)

    assert list(signature_of(along).parameters) == ["x", "axis"]
    assert list(signature_of(passes_on).parameters) == ["rows"]


def test_a_compiled_function_is_read_from_the_first_line_of_its_docstring():
    class Builtin:
        __signature__ = 0  # which makes inspect refuse it
        __name__ = "softmax"

        def __init__(self, doc):
            self.__doc__ = doc

        __call__ = np.exp

    def names(doc):
        found = signature_of(Builtin(doc))
        return None if found is None else [(p.name, p.kind.name) for p in found.parameters.values()]

    assert names("\nsoftmax(input, dim, *, dtype=None) -> Tensor") == [
        *(("input", "POSITIONAL_OR_KEYWORD"), ("dim", "POSITIONAL_OR_KEYWORD"), ("dtype", "KEYWORD_ONLY"))
    ]
    assert names("lib.softmax(x, /, axis=-1)")[0] == ("x", "POSITIONAL_ONLY")
    for doc in ("Softmax of x.", "softmax(x=1, y)", "softmax(...)", None):
        assert names(doc) is None


@pytest.mark.libraries
def test_functions_of_libraries_are_read_rightly(needs):
    needs("torch")
    import torch

    assert bind("softmax", torch.softmax, "f", "torch").own_names == {"axis": "dim"}
    assert bind("logsumexp", torch.logsumexp, "f", "torch").own_names == {"axis": "dim"}
    assert "axis" not in bind("softmax", torch.nn.Softmax(dim=-1), "f", "torch").own_names
    fixed = functools.partial(torch.nn.functional.softmax, dim=-1)
    assert bind("softmax", fixed, "f", "torch").own_names == {"axis": "dim"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("reduction=none", ("reduction", "none")),
        ("axis=0", ("axis", 0)),
        ("dim=-1", ("axis", -1)),
        ("axis=None", ("axis", None)),
        ("ignore_index=-1", ("ignore_index", -1)),
        ("label_smoothing = 0.1", ("label_smoothing", 0.1)),
    ],
)
def test_a_fixed_keyword_is_read(text, value):
    assert parse_fixed(text) == value


@pytest.mark.parametrize("text", ["axis", "axis=x", "weight=1", "reduction=max", "keepdims=1", "=1", ""])
def test_a_fixed_keyword_that_means_nothing_is_refused(text):
    with pytest.raises(TargetError, match="--fixed"):
        parse_fixed(text)
