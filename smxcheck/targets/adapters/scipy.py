"""SciPy: the functions of ``scipy.special``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy
from scipy import special

from smxcheck.targets.adapters import Adapted

ARRAYS = "numpy"


def softmax(x: Any, axis: Any = -1) -> Any:
    return special.softmax(x, axis=axis)


def log_softmax(x: Any, axis: Any = -1) -> Any:
    return special.log_softmax(x, axis=axis)


def logsumexp(x: Any, axis: Any = -1) -> Any:
    return special.logsumexp(x, axis=axis)


def entropy(p: Any, axis: Any = -1) -> Any:
    """Σ entr(p_i), entr(p) = -p log p."""
    return special.entr(p).sum(axis=axis)


def kl_divergence(p: Any, q: Any, axis: Any = -1) -> Any:
    """Σ rel_entr(p_i, q_i), rel_entr(p, q) = p log(p/q)."""
    return special.rel_entr(p, q).sum(axis=axis)


def adapted() -> Mapping[str, Adapted]:
    return {
        "softmax": Adapted("scipy.special.softmax", softmax),
        "log_softmax": Adapted("scipy.special.log_softmax", log_softmax),
        "logsumexp": Adapted("scipy.special.logsumexp", logsumexp),
        "sigmoid": Adapted("scipy.special.expit", lambda x: special.expit(x)),
        "log_sigmoid": Adapted("scipy.special.log_expit", lambda x: special.log_expit(x)),
        "entropy": Adapted("scipy.special.entr(p).sum", entropy),
        "kl_divergence": Adapted("scipy.special.rel_entr(p, q).sum", kl_divergence),
    }


def versions() -> Mapping[str, str]:
    return {"scipy": scipy.__version__, "numpy": np.__version__}


def notes() -> tuple[str, ...]:
    return ()
