"""From the outside: mistakes as a user would write them down, run by the command line, caught and named."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from smxcheck.mistakes import MISTAKES

FORMULAS = {m.id: m.formula for m in MISTAKES}

NUMPY = '''import numpy as np

def softmax(x, axis=-1):
    e = np.exp(x)
    return e / e.sum(axis=axis, keepdims=True)

def log_softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.log(e / e.sum(axis=axis, keepdims=True))

def logsumexp(x, axis=-1):
    return np.log(np.sum(np.exp(x), axis=axis))

def log_sigmoid(x):
    return np.log(1 / (1 + np.exp(-x)))

def entropy(p, axis=-1):
    return -np.sum(p * np.log(p), axis=axis)

def nll_loss(log_probabilities, labels):
    return -np.sum(log_probabilities[np.arange(len(labels)), labels])
'''

TORCH = '''import torch

def softmax(x, dim=-1):
    e = torch.exp(x - torch.amax(x))
    return e / e.sum(dim=dim, keepdim=True)

def log_softmax(x, dim=-1):
    d = x - x.amax(dim=dim, keepdim=True)
    lse = x.amax(dim=dim, keepdim=True) + torch.log(torch.exp(d).sum(dim=dim, keepdim=True))
    return x - lse

def logsumexp(x, dim=-1):
    a = torch.clamp(x.amax(dim=dim, keepdim=True), min=0)
    return (a + torch.log(torch.exp(x - a).sum(dim=dim, keepdim=True))).squeeze(dim)

def cross_entropy(logits, labels):
    e = torch.exp(logits - logits.amax(dim=1, keepdim=True))
    p = e / e.sum(dim=1, keepdim=True)
    return -torch.log(p[torch.arange(len(labels)), labels] + 1e-8).mean()

def binary_cross_entropy_with_logits(x, y):
    p = torch.sigmoid(x)
    return -(y * torch.log(p) + (1 - y) * torch.log(1 - p))

def kl_divergence(p, q, dim=-1):
    return (p * torch.log(p / q)).sum(dim=dim)
'''

#: File, and for each function of it the mistake that it is.
WRONG = {
    "numpy": (NUMPY, {
        "softmax": "softmax/unshifted",
        "log_softmax": "log_softmax/log-of-softmax",
        "logsumexp": "logsumexp/unshifted",
        "log_sigmoid": "log_sigmoid/overflowing",
        "entropy": "entropy/zero-times-infinity",
        "nll_loss": "nll_loss/sum",
    }),
    "torch": (TORCH, {
        "softmax": "softmax/global-maximum",
        "log_softmax": "log_softmax/minus-logsumexp",
        "logsumexp": "logsumexp/maximum-from-zero",
        "cross_entropy": "cross_entropy/log-of-softmax-plus-1e-8",
        "binary_cross_entropy_with_logits": "binary_cross_entropy_with_logits/of-probabilities",
        "kl_divergence": "kl_divergence/zero-times-infinity",
    }),
}  # fmt: skip

RIGHT = {
    "numpy": '''import numpy as np

def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)
''',
    "torch": '''import torch

def softmax(x, dim=-1):
    e = torch.exp(x - x.amax(dim=dim, keepdim=True))
    return e / e.sum(dim=dim, keepdim=True)
''',
}


def verify(folder: Path, text: str, *options: str) -> tuple[int, dict]:
    """Exit code and report of ``smxcheck verify`` on a file in an empty folder."""
    (folder / "mine.py").write_text(text)
    words = ["verify", *options, "--dtype", "float32", "--format", "json", "-j", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "smxcheck", *words], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.libraries
@pytest.mark.parametrize("library", WRONG)
@pytest.mark.slow
def test_file_of_mistakes_is_caught_and_each_is_named(library: str, tmp_path: Path, needs: Callable[..., None]) -> None:
    needs(library)
    text, functions = WRONG[library]
    code, report = verify(tmp_path, text, "mine.py")
    assert code == 1
    for function, mistake in functions.items():
        mine = [p for p in report["problems"] if p["function"] == function]
        largest = max(mine, key=lambda p: p["count"])
        assert largest["behaves_as"].startswith(f"{FORMULAS[mistake]}, in "), function


@pytest.mark.slow
@pytest.mark.libraries
@pytest.mark.parametrize("library", RIGHT)
def test_right_softmax_passes(library: str, tmp_path: Path, needs: Callable[..., None]) -> None:
    needs(library)
    code, report = verify(tmp_path, RIGHT[library], "mine.py:softmax")
    assert code == 0
    assert report["problems"] == []
