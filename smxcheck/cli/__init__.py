"""The command line: parsing only. ``main`` is the entry point."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the program and exit with its code."""
    try:
        from smxcheck.cli.app import app
        from smxcheck.cli.errors import run_app
    except KeyboardInterrupt:  # the imports take longer than a fast finger
        print("smxcheck: interrupted", file=sys.stderr)
        sys.exit(130)
    sys.exit(run_app(app))
