"""SMX205, SMX206, SMX306: what a call did beside returning a value. Properties of the target: one problem each."""

from __future__ import annotations

from smxcheck.targets.protocol import Observation

WRITES, ALIASES, PRINTS = "SMX205", "SMX206", "SMX306"

#: More than this in one call is "megabytes".
MOST_PRINTED = 1_000_000


def complaints(seen: Observation) -> list[tuple[str, str]]:
    """(code, what was seen) for each property that the call broke."""
    out = []
    if seen.wrote_input:
        out.append((WRITES, "the input array was changed by the call"))
    if seen.aliases_input:
        out.append((ALIASES, "the result shares memory with the input"))
    if seen.printed > MOST_PRINTED:
        out.append((PRINTS, f"{seen.printed / 1e6:.1f} MB written to stdout and stderr in one call"))
    return out
