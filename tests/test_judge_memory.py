"""A row of 10⁷ elements is judged within 2 GiB, what NumPy and mpmath need to start with included."""

from __future__ import annotations

import subprocess
import sys

import pytest

JUDGE = """
import resource
import numpy as np
from smxcheck.caseset.model import Case
from smxcheck.functions import ALGORITHMS
from smxcheck.judge.call import Demand, ask, judge_call
from smxcheck.targets.protocol import Observation

values = np.array([0.0, -0.5, -1.25, -20.0, -90.0], np.float32)
x = values[np.arange(10_000_000) * 7919 % 10_007 % 5]
case = Case("{function}", "row-length", "long", "float32", "accuracy", "full", build=dict)
got = ALGORITHMS["{function}"]["accurate"].call(x)
question = ask(case, (x,), {{}}, "long")
results = judge_call("t", question, Observation("returned", value=got, returned_type="ndarray"), Demand()).results
assert all(r.status == "ok" for r in results), results
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize("function", ["softmax", "log_softmax", "logsumexp"])
def test_ten_million_elements_take_less_than_2_gib(function):
    code = JUDGE.format(function=function)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 2 * 2**30
