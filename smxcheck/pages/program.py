"""How a program in any language is checked: what it reads, what it writes, and what its end means."""

from __future__ import annotations

from smxcheck.pages.model import Block, Code, Facts, Text
from smxcheck.pages.sections import paragraph, section

_CALLS = """\
smxcheck verify --command "./kernel --fast" -f softmax
smxcheck verify "softmax(axis),log_softmax(axis)=command:./kernel"
smxcheck verify "softmax=command:python3 kernel.py" --beside torch
"""

#: Ten lines without a shell. A pipe cannot be sought in, hence the bytes in memory.
PYTHON = """\
import io, os, sys
import numpy as np

arrays = io.BytesIO(sys.stdin.buffer.read())
x = np.load(arrays)  # one np.load for each name in SMXCHECK_ARRAYS
axis = int(os.environ.get("SMXCHECK_AXIS", "-1"))
e = np.exp(x - x.max(axis, keepdims=True))
reply = io.BytesIO()
np.save(reply, e / e.sum(axis, keepdims=True))
sys.stdout.buffer.write(reply.getvalue())
"""

_C = """\
smxcheck list softmax.c > softmax.c
cc -O2 -o softmax softmax.c -lm
smxcheck verify --command ./softmax -f softmax
"""


def command_blocks() -> tuple[Block, ...]:
    """The protocol on one page, with a program in Python, and where the one in C is."""
    return (
        Text((("A program that is started once for each call: arrays as .npy on standard input, the result as one .npy on"
              " standard output. It is a target like any other, with its function in front; --command with -f writes that"
              " for you, for each program all functions that -f names."),)),
        Code(_CALLS, "sh"),
        Text(("The line is split into words as a shell does it; no shell runs it.",)),
        *paragraph("why it matters", "What is shipped is mostly compiled, and a Python wrapper around it is one more thing that"
                   " can be wrong. A program is judged as it is, in the language that it is written in."),
        *section("what it gets", _facts(
            ("standard input", ("the arrays in the order of smxcheck list functions, one .npy after another; behind them"
                                " keywords that are arrays, such as weight")),
            (".npy", ("NumPy's format 1.0, little-endian, C order: <f4, <f8, <f2; <i8 for labels; bfloat16 is <V2, its two"
                      " bytes as they are")),
            ("SMXCHECK_FUNCTION", "softmax: the function, for a program that has several"),
            ("SMXCHECK_ARRAYS", "logits labels weight: the names of the arrays, in order"),
            ("SMXCHECK_AXIS", ("-1: a keyword that the target's text says it takes, as in softmax(axis)=command:./kernel;"
                               " so for each of its keywords. A tuple is 0,1; axis None is none; a flag true or false")),
        )),
        *paragraph("keywords", "A keyword that is not named there is tested at its default alone, or at the value of"
                   " --fixed: axis at -1, reduction at mean. The report says so. Memory layouts other than C order do not"
                   " exist in .npy and count as declined."),
        *section("what it answers", _facts(
            ("exit status 0", ("the result is on standard output: one .npy of version 1.0 or 2.0, any byte order, C or"
                               " Fortran order, and nothing behind it")),
            ("any other", ("a refusal, like an exception: right where a whole class of inputs is refused, wrong within the"
                           " core contract. The last line on standard error is shown as its reason")),
            ("a signal", "crashed; 126 and 127 too, which shells end with where a program could not be run"),
            ("no end", "hung, after --timeout seconds: the program is killed, and all that it started in its group"),
        )),
        *paragraph("limits", "Standard input need not be read to its end, and standard error may have anything. A reply is"
                   " read up to four times the size of the right one and 16 MiB; 4 GiB of memory may be written to (on"
                   " Linux). A process for each call is no way to measure time: bench and hunt refuse programs."),
        *section("ten lines of Python", Code(PYTHON, "python")),
        *section("C, in 85 lines", Code(_C, "sh")),
    )  # fmt: skip


def _facts(*rows: tuple[str, str]) -> Facts:
    return Facts(tuple((label, (text,)) for label, text in rows))
