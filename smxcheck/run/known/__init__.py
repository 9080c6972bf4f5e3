"""``--known FILE``: accepted problems, each with a reason: how they are read, and what they accept."""

from smxcheck.run.known.accept import apply
from smxcheck.run.known.model import PLACEHOLDER, Known, KnownError
from smxcheck.run.known.read import load, parse, text_of

__all__ = ["PLACEHOLDER", "Known", "KnownError", "apply", "load", "parse", "text_of"]
