"""Identities: what must hold between values that the target itself gives, whatever the exact values are.

Nothing here asks the reference. An identity is judged against the sum of the errors that level ``standard`` allows to
the values that it is made of, so a target whose every value is within its bound fails none (the triangle inequality).
What identities add: inputs that no exact answer is asked at, functions of one target held against each other, and a
second opinion on the reference and the bounds.
"""

from __future__ import annotations

from smxcheck.identities.judge import Put, put
from smxcheck.identities.table import identity_of, missing

__all__ = ["Put", "identity_of", "missing", "put"]
