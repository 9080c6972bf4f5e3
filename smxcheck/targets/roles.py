"""What an array of a derivative is, by the name of its parameter."""

from __future__ import annotations

import re
from collections.abc import Sequence

_ROLES = {
    "cotangent": re.compile(r"g|g_?(y|out).*|grad.*|cotangent.*|ct|d_?(y|out).*|upstream.*"),
    "tangent": re.compile(r"v|vec|vector|tangent.*|dx"),
}
_OUTPUT = re.compile(r"y|y_?hat|out|output.*|p|probs?|probabilities|result|s|softmax_out.*")


def role(name: str) -> str:
    """``cotangent`` or ``tangent``; any other name is that of a ``value``."""
    return next((role for role, names in _ROLES.items() if names.fullmatch(name.lower())), "value")


def is_output(name: str) -> bool:
    """Whether a parameter is named as the stored output of a forward pass, as ``y`` and ``probs`` are."""
    return _OUTPUT.fullmatch(name.lower()) is not None


def in_other_order(own: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether the names say that a derivative takes its two arrays the other way round."""
    mine, right = [role(name) for name in own], [role(name) for name in wanted]
    return len(mine) == 2 and mine != right and mine[::-1] == right
