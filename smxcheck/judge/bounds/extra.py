"""What `1ulp` grants beside one ulp: u²·Σ|terms| where the value is a difference of larger terms (gradients)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.bounds.families import rows_terms
from smxcheck.judge.bounds.rows import row_quantities
from smxcheck.oracle import NOT_ROWS
from smxcheck.oracle.loss import loss_rows

Array = npt.NDArray[Any]


def one_ulp_extra(function: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any], fmt: Format) -> Any:
    """For cross_entropy_grad, whose entry is (p_i·Σy - y_i)/m: u²·(p_i·Σ|y| + |y_i|)/m; likewise for other derivatives.

    An implementation that carries twice the working precision makes exactly that error.
    """
    if function not in NOT_ROWS:
        return fmt.u**2 * rows_terms(function, arguments, keywords)
    if function != "cross_entropy_grad":
        return 0.0
    rows = loss_rows(arguments[0], arguments[1], -1, ignore_index=-(2**62))
    if rows.logits.size == 0 or rows.out_of_range.any():
        return 0.0
    m, classes = rows.logits.shape
    y = np.abs(np.nan_to_num(rows.labels)) if rows.soft else (np.arange(classes) == rows.labels[:, None]) * 1.0
    bad = ~np.isfinite(rows.logits).any(axis=1) | (rows.logits == np.inf).any(axis=1) | np.isnan(rows.logits).any(axis=1)
    p = row_quantities(np.where(bad[:, None], 0.0, rows.logits), fmt).p
    return (fmt.u**2 * (p * y.sum(axis=1, keepdims=True) + y) / m).reshape(np.shape(arguments[0]))
