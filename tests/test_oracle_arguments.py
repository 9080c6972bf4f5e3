"""`enclose` answers what it was asked or says in one line what is wrong with the question."""

from __future__ import annotations

import numpy as np
import pytest

from smxcheck.oracle import enclose

X = np.zeros((2, 3))


@pytest.mark.parametrize(
    ("error", "words", "function", "arguments", "keywords"),
    [
        (LookupError, "did you mean softmax", "sofmax", (X,), {}),
        (LookupError, "no function", "cosine", (X,), {}),
        (TypeError, "takes 2 arguments", "cross_entropy", (X,), {}),
        (TypeError, "no keyword 'axes'; it takes axis", "softmax", (X,), {"axes": 0}),
        (TypeError, "dtype complex128", "softmax", (X + 1j,), {}),
        (TypeError, "dtype float128|dtype longdouble", "softmax", (X.astype(np.longdouble),), {}),
        (ValueError, "axis 5 is out of range", "softmax", (X,), {"axis": 5}),
        (ValueError, "bits is 0", "softmax", (X,), {"bits": 0}),
        (ValueError, "bits is 5000; pass 1 to 2560", "softmax", (X,), {"bits": 5000}),
        (TypeError, "integer", "softmax", (X,), {"bits": "a"}),
        (ValueError, "label 7 of row 1 is outside 0..2", "cross_entropy", (X, np.array([0, 7])), {}),
        (ValueError, "not finite numbers", "softmax", (X + np.nan,), {}),
    ],
)
def test_a_wrong_question_gets_one_line(error, words, function, arguments, keywords):
    if np.finfo(np.longdouble).bits == 64 and "longdouble" in words:
        pytest.skip("long double is float64 here")
    with pytest.raises(error, match=words):
        enclose(function, *arguments, **keywords)


def test_the_example_of_the_docstring():
    e = enclose("softmax", [0.0, 1000.0])
    assert e.float64().tolist() == [0.0, 1.0]
    assert (round(e.hi[0], 4), e.exponent[0]) == (0.6177, -1442)
