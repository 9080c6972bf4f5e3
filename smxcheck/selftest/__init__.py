"""The tool judged by itself, on this machine: what must fail and what must pass, other checks on the same, its own machinery."""
