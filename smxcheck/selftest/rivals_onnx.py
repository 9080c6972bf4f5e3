"""The ONNX backend's node tests: its own inputs and outputs, taken from the installed package, at its own tolerance.

Softmax, LogSoftmax, ReduceLogSumExp, SoftmaxCrossEntropyLoss and NegativeLogLikelihoodLoss, each case of one node (those
"expanded" into other nodes have the same arrays). Shape and dtype must be equal and values within rtol 1e-3, atol 1e-7
(onnx.backend.test.case.test_case.TestCase). Classes are on axis 1, and a kept axis is dropped from the expected array.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from smxcheck.selftest.results import Rival
from smxcheck.selftest.rivals_allclose import Tolerance
from smxcheck.selftest.rivals_asked import Array, Call, all_accepted, exists_in, score
from smxcheck.selftest.subjects import Subject

NAME = "ONNX node tests"
WHAT = "{} cases of ONNX{} for five of its operators, rtol 1e-3, atol 1e-7"

#: Operator -> function of the catalog.
_OPERATORS = {
    "Softmax": "softmax", "LogSoftmax": "log_softmax", "ReduceLogSumExp": "logsumexp",
    "SoftmaxCrossEntropyLoss": "cross_entropy", "NegativeLogLikelihoodLoss": "nll_loss",
}  # fmt: skip
_PACKAGE = "onnx.backend.test.case.node"
#: The modules that make their cases; one is called otherwise in older releases. Importing a module registers its cases;
#: asking the package for all of them takes five seconds and computes those of every other operator.
_MODULES = (
    "softmax", "logsoftmax", "reduce_log_sum_exp", "softmax_cross_entropy_loss", "softmaxcrossentropy",
    "negativeloglikelihoodloss",
)  # fmt: skip
_TOLERANCE = Tolerance(rtol=1e-3, atol=1e-7, strict=True)


def check_onnx(seed: int, functions: Collection[str]) -> tuple[Rival, ...]:
    """The score of the cases. ``seed`` changes nothing: they are fixed. Not run where onnx is missing, or keeps its cases
    elsewhere."""
    if find_spec("onnx") is None:
        return (Rival(NAME, WHAT.format("the", ""), not_run="onnx is not installed: pip install onnx"),)
    import onnx

    calls, version = _calls(), str(onnx.__version__)
    what = WHAT.format(sum(map(len, calls.values())), f" {version}")
    if not calls:
        return (Rival(NAME, what, not_run=f"onnx {version} has no test cases where they were up to 1.23"),)

    def accepts(subject: Subject) -> bool | None:
        mine = [c for c in calls.get(subject.function, ()) if exists_in(subject, str(c.arguments[0].dtype))]
        return all_accepted(subject, mine, _TOLERANCE.close)

    return (score(NAME, what, accepts, functions),)


def _calls() -> dict[str, list[Call]]:
    """Function -> the cases of its operator; none where the package has another layout."""
    if find_spec(_PACKAGE) is None:
        return {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for module in _MODULES:
            if find_spec(f"{_PACKAGE}.{module}") is not None:
                import_module(f"{_PACKAGE}.{module}")
        cases = getattr(import_module(_PACKAGE), "_NodeTestCases", [])
    found: dict[str, list[Call]] = {}
    for case in cases:
        node = case.model.graph.node[0] if len(case.model.graph.node) == 1 else None
        if node is not None and node.op_type in _OPERATORS:
            function = _OPERATORS[node.op_type]
            found.setdefault(function, []).extend(_translated(function, node, case.data_sets[0]))
    return found


def _translated(function: str, node: Any, data: tuple[list[Array], list[Array]]) -> Iterator[Call]:
    """The case as a call of the catalog; nothing where it is none (a reduction over no axes is the identity)."""
    inputs, outputs = [[np.asarray(a) for a in part] for part in data]
    given = {a.name: a for a in node.attribute}
    if function in ("softmax", "log_softmax"):
        yield Call((inputs[0],), {"axis": given["axis"].i} if "axis" in given else {}, outputs[0])
    elif function == "logsumexp":
        axes = tuple(inputs[1].tolist()) if len(inputs) > 1 else tuple(range(inputs[0].ndim))
        if axes:
            kept = "keepdims" not in given or given["keepdims"].i
            answer = outputs[0].squeeze(axes) if kept else outputs[0]
            yield Call((inputs[0],), {"axis": axes[0] if len(axes) == 1 else axes}, answer)
    else:
        keywords: dict[str, Any] = {"axis": 1}
        if "reduction" in given:
            keywords["reduction"] = given["reduction"].s.decode()
        if "ignore_index" in given:
            keywords["ignore_index"] = given["ignore_index"].i
        if len(inputs) > 2:
            keywords["weight"] = inputs[2]
        yield Call((inputs[0], inputs[1]), keywords, outputs[0])

