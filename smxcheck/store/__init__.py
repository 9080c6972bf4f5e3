"""Failing inputs kept for later: what failed, shrunk where it can be, one file for each, and how to run it again.

A run whose target fails leaves its smallest failing inputs in the folder ``.smxcheck/``; ``replay`` puts them to the
target again. Nothing that is read from there is executed or unpickled.
"""

from __future__ import annotations

from smxcheck.store.entry import Entry, EntryError
from smxcheck.store.files import cases, entries, folder

__all__ = ["Entry", "EntryError", "cases", "entries", "folder"]
