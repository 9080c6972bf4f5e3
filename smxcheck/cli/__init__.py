"""The command line: parsing only. ``main`` is the entry point."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the program and exit with its code."""
    from smxcheck.cli.app import app
    from smxcheck.cli.errors import run_app

    sys.exit(run_app(app))
