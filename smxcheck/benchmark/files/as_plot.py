"""A run as a picture, SVG or PNG: for each function cost over the length of a row, and accuracy against time below it."""

from __future__ import annotations

import io
import warnings
from importlib.util import find_spec

from smxcheck.benchmark.results import Run

KINDS = ("svg", "png")
#: Pixels for an inch in PNG: a picture of two dtypes is then about as wide as a README is shown on a dense screen.
_DPI = 120
#: Agg draws up to 2^16 pixels on a side.
_MOST_PIXELS = 60_000
#: Equal runs give equal bytes, whatever the user's own settings are. Text stays text in SVG.
_SETTINGS = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "svg.fonttype": "none",
    "svg.hashsalt": "smxcheck",
}
_METADATA = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}


def available() -> str:
    """What to type where plots cannot be made, "" where they can. Looks matplotlib up without importing it."""
    return "" if find_spec("matplotlib") else "plots need matplotlib: pip install 'smxcheck[plot]'"


def render(run: Run, kind: str, function: str = "") -> bytes:
    """The picture of all functions of a run, or of the named one, as ``kind`` (of KINDS). Equal runs give equal bytes.

    Raises ValueError for another kind, for a function that the run does not have, and where all would not fit on one
    picture; RuntimeError with the remedy where matplotlib is missing.
    """
    if kind not in KINDS:
        raise ValueError(f"no picture format {kind!r}; there are: {', '.join(KINDS)}")
    if remedy := available():
        raise RuntimeError(remedy)
    import matplotlib

    from smxcheck.benchmark.show.plot_figure import drawn

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # a name in a script that the font lacks
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        figure = drawn(run, function)
        if max(figure.get_size_inches()) * _DPI > _MOST_PIXELS:
            raise ValueError("too much for one picture: choose some functions with --function")
        stream = io.BytesIO()
        figure.savefig(stream, format=kind, dpi=_DPI if kind == "png" else 72, metadata=_METADATA[kind])
    return stream.getvalue()
