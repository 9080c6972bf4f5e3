"""The words that reports use: what each is and why it matters, with an example that fails and one that passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from smxcheck.judge.choices import CHOICES
from smxcheck.pages import measured, program, writing
from smxcheck.pages.model import Block, Code, Facts, Text
from smxcheck.pages.sections import paragraph, section

Entry = tuple[str, Callable[[], tuple[Block, ...]]]

_EXAMPLES = "examples"

_MULLER = "J.-M. Muller, On the definition of ulp(x), INRIA research report 5504, 2005"
_HIGHAM = "N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, 2002"
_BLANCHARD = (
    "P. Blanchard, D. J. Higham and N. J. Higham, Accurately computing the log-sum-exp and softmax functions, IMA Journal"
    " of Numerical Analysis 41, 2021"
)


def _facts(*rows: tuple[str, str]) -> Facts:
    return Facts(tuple((label, (text,)) for label, text in rows))


def _text(text: str) -> Text:
    return Text((text,))


def _why(text: str) -> tuple[Block, ...]:
    return paragraph("why it matters", text)


def _more(*rows: tuple[str, str]) -> tuple[Block, ...]:
    return section("more", _facts(*rows))


def _ulp() -> tuple[Block, ...]:
    return (
        _text("The gap between neighbouring floating-point numbers of the dtype at the exact value y:"
              " 2^(max(e, e_min) - p + 1) for 2^e ≤ |y| < 2^(e+1), with precision p; the smallest subnormal at y = 0."),
        _text("The error of a result is |result - y| / ulp(y), a real number: 0.5 is the most that correct rounding leaves."
              " The inputs are taken as exact: what rounding did to them before is not the function's error."),
        *_why("A tolerance such as 1e-6 is generous to some numbers and impossible for others; an ulp is the same demand"
              " at every size. It is the ulp of the exact value, never that of the result, or a large wrong answer would"
              " look small."),
        *section("an example of each kind", measured.ulp_table(),
                 _text("At a power of two the gap above counts. Below the smallest normal number the gap stays the same."
                       " An infinity stands for 2^(e_max + 1), where rounding puts it: it is right for what lies beyond,"
                       " and far off for what does not.")),
        *_more(("in code", "smxcheck/judge/errors.py"), ("source", _MULLER)),
    )  # fmt: skip


def _bound() -> tuple[Block, ...]:
    return (
        _text("A bound counts the roundings of one named algorithm on the very"
              " input at hand, and nothing else: the rounding of x - max (known exactly), exp, the sum, the division or the"
              " logarithm, the result. What it grants to the platform's exp and log is one table, the same on every"
              " machine."),
        *_why("A tolerance that was fitted to an implementation passes that implementation and its mistakes. A bound that"
              " was derived says what a careful one can reach, and is 0 where no rounding happens."),
        *section("an example that fails, and one that passes", _text("smxcheck explain SMX101 shows both, with the bound.")),
        *_more(("of a function", "smxcheck explain bound softmax"),
               ("derivations", "smxcheck/judge/bounds, one docstring each"),
               ("sources", f"{_HIGHAM}; {_BLANCHARD}")),
    )  # fmt: skip


def _level() -> tuple[Block, ...]:
    return (
        _text("From the best to the worst:"),
        _facts(("1ulp", "error at most 1 ulp"), ("tight", "within the bound of the best published algorithm"),
               ("standard", "within the bound of the textbook stable algorithm"), ("wrong", "anything else")),
        _text("The best published algorithm: shift rounded once, log1p of the rest, tree summation, gradual underflow. The"
              " textbook stable one: shift first, log of the sum, division or exp((x - max) - log sum), sequential"
              " summation; subnormal results may be flushed to zero."),
        *_why("An error of thousands of ulp can be what a sound algorithm gives on a hard input, and one of 30 ulp a"
              " mistake on an easy one. A level says which."),
        *section("an example of each", measured.level_table()),
        *_more(("--require", "the level that is demanded, standard by default; 1ulp and tight results are standard too"),
               ("in code", "smxcheck/judge/bounds")),
    )  # fmt: skip


def _exact_value() -> tuple[Block, ...]:
    return (
        _text("Every exact value is an enclosure: a number and a bound on its own error,"
              " 2^-40 of it or less at first for float32 and the 16-bit formats, 2^-80 for float64. What that does not"
              " decide is asked again with twice the bits."),
        *_why("Comparing one library with another finds only what they do differently. Where both lose the same digits,"
              " both pass, and a better result fails."),
        *section("an example", measured.exact_value()),
        *section("where they come from",
                 _text("Those of large inputs from float64 and pairs of float64 (double-double), with bounds that add up every"
                       " rounding error: smxcheck/oracle/certified/README.md. All others, and what those leave open, from"
                       " mpmath in as many digits as it takes. SMXCHECK_ORACLE=mpmath leaves float64 out; verdicts are the"
                       " same."),
                 _text("--recheck flint compares a random sample with Arb, a second arithmetic that proves its own bounds."
                       " One that does not agree is a fault of smxcheck, exit 3.")),
    )  # fmt: skip


def _cannot_tell() -> tuple[Block, ...]:
    return (
        _text("The bound of the required level would also accept zeros, a constant,"
              " or another function's output here. Such results are counted apart; --all shows them."),
        *_why("A pass that a wrong answer gets as well is no evidence. Counted as one, it would make a report look better"
              " than it is."),
        *section("an example", measured.tells_nothing()),
        *_more(("--require tight", "makes most of them tell"), ("in code", "smxcheck/judge/impostors.py")),
    )  # fmt: skip


def _enclosure() -> tuple[Block, ...]:
    return (
        _text("Every value is computed together with a proven bound, and the"
              " precision is raised until the bound decides the verdict. Where it cannot, the result is undecided, which is"
              " an error of the tool (exit 3)."),
        *_why("A reference that is only believed to be exact could make a right result wrong. An enclosure that is too wide"
              " says so."),
        *section("an example", measured.exact_value()),
        *_more(("see", "smxcheck explain exact-value"), ("in code", "smxcheck/oracle, reference/smxref")),
    )  # fmt: skip


def _choice() -> tuple[Block, ...]:
    options = [(f"--expect {c.name}={'|'.join(c.answers)}", c.question) for c in CHOICES.values()]
    return (
        _text("softmax of a row of -inf has no limit: nan, zeros and"
              " 1/n all have their users. smxcheck observes the choice and calls only an inconsistent one wrong, or one that"
              " departs from --expect."),
        *_why("A convention is no mistake; one that changes with the row length is (smxcheck explain SMX501), and so is one"
              " that the code around it was not written for (smxcheck explain SMX502)."),
        *section("an example that passes", measured.own_choice()),
        *section("all choices", _facts(*options)),
    )  # fmt: skip


def _result() -> tuple[Block, ...]:
    return (
        _text("The statuses:"),
        _facts(
            ("ok", "as accurate as --require demands"),
            ("wrong", "outside the bound, or something else that a check forbids"),
            ("crashed, hung", "the process died, or gave no answer within --timeout"),
            ("declined", "a clear refusal of a whole class beyond the core contract: counted, not wrong"),
            ("not-run", "left out: --time-limit, -x, or too many crashes before; the run then fails"),
            ("no-single-answer", "no limit exists: smxcheck explain choice"),
            ("cannot-tell", "the bound would accept something wrong here: smxcheck explain cannot-tell"),
            ("undecided", "a fault of smxcheck: exit code 3"),
        ),
        *_why("The counts by status add up to the number of questions, so that nothing that was left out looks like a"
              " pass."),
        *_more((_EXAMPLES, "ok and wrong: smxcheck explain SMX101; declined: smxcheck explain SMX209")),
    )  # fmt: skip


def _problem() -> tuple[Block, ...]:
    return (
        _text("smallest is the simplest input"
              " that shows it, got and right are the values there, again is the line that runs it alone; with --no-isolate"
              " that line runs in a debugger."),
        _text("behaves as: the wrong implementations that smxcheck ships were run on the same inputs, and this one gives the"
              " same values. No name stands there where none agrees: a cause that was not observed is never asserted."),
        *_why("Hundreds of wrong results may have one cause, and one line of code mends them."),
        *_more(("accept it", "--known FILE, or --allow where it is about conduct (writes-input, prints)"),
               (_EXAMPLES, "smxcheck explain mistakes")),
    )  # fmt: skip


def _case() -> tuple[Block, ...]:
    return (
        _text("An id reads function/group/name/dtype, as in"
              " log_softmax/far-tail/200/float32, and never changes its meaning."),
        _facts(
            ("run one", "smxcheck verify TARGET --case ID"),
            ("run some", "smxcheck verify TARGET -k far-tail"),
            ("see ids", "smxcheck verify TARGET --list"),
            ("explain one", "smxcheck explain log_softmax/far-tail/200/float32"),
            ("your own", "smxcheck verify TARGET --inputs FILE   (.npy .npz .csv .json .toml)"),
        ),
        *_why("Most mistakes show on few inputs, and random ones of moderate size are not among them: each group has a"
              " public bug report or a reason."),
    )  # fmt: skip


def _target() -> tuple[Block, ...]:
    return (
        _text("It is named as"),
        _facts(
            ("kernel.py", "every callable in it whose name contains a function's name"),
            ("kernel.py:f", "one callable or class; softmax=kernel.py:f says what it computes"),
            ("package.module:f", "from the current folder or the installed packages"),
            ("softmax=command:./k", "a program in any language; smxcheck explain command"),
            ("scipy, torch ...", "a library; all: smxcheck list targets"),
            ("builtin.shifted", "one of the algorithms that smxcheck ships"),
        ),
        *_why("A target runs in a process of its own, so that a crash is a result. That protects the run, not your machine:"
              " verify runs the code that it is pointed at, with your rights."),
        *section("one that passes, and one that fails",
                 Code("smxcheck verify builtin.accurate\nsmxcheck verify builtin.textbook", "sh")),
    )  # fmt: skip


def _gradient() -> tuple[Block, ...]:
    return (
        _text("A function named like one of the derivatives (softmax_vjp,"
              " softmax_backward, cross_entropy_grad) is found in its file like any other. What every argument is: smxcheck"
              " explain softmax_vjp."),
        _facts(
            ("kernel.py:softmax --gradient auto",
             "all that torch or jax derive from it, through your autograd.Function or custom_vjp"),
            ("kernel.py:softmax --function softmax_vjp", "one of these"),
            ("kernel.py:softmax --gradient kernel.py:bwd",
             "your own, known by its parameters: bwd(x, g) starts from the logits, bwd(grad, y) from the output"),
            ("softmax_vjp=kernel.py:bwd", "your own alone, and which it is"),
        ),
        _text("Without --gradient or --function the backward pass of a forward function is not looked at. In Python:"
              " verify(softmax, gradient=softmax_vjp) or gradient='auto'."),
        *_why("A wrong gradient still trains, only worse, so nothing but a check shows it."),
        *_more((_EXAMPLES, "smxcheck explain softmax_vjp/uncentred"), ("derivation", "smxcheck explain softmax-jacobian")),
    )  # fmt: skip


def _known() -> tuple[Block, ...]:
    entry = """[[known]]
target = "torch"     # also: function, dtype, check, case, cases = [...]
check = "SMX101"
reason = "log of a rounded softmax"
link = "https://github.com/pytorch/pytorch/issues/113708"   # optional
until = 2027-03-31   # optional: afterwards the problem counts again"""
    return (
        _text("They stand in a file that --known FILE names:"),
        Code(entry, "toml"),
        _text("An entry names at least one of target, function, dtype, check, case and cases, and accepts every result that"
              " all of them fit and that is wrong, crashed or hung. It accepts nothing that was not run or not decided."
              " verify --write-known FILE adds an entry for each problem of the run, case by case; you give the reasons."),
        _text("Accepted problems are shown and do not fail the run; its verdict is then OK EXCEPT KNOWN, in every format. An"
              " entry whose problem is gone is told with its line, and one that names what there is not is an error."),
        *_why("A run that always fails is not read. What is known stays on the page, and what is new fails."),
    )  # fmt: skip


def _exit_codes() -> tuple[Block, ...]:
    return (
        _text("A run ends with"),
        _facts(
            ("0", "everything checked is right (as --require and --known say)"),
            ("1", "something is wrong, or was not run to its end"),
            ("2", "the command, a file or a target is not usable; nothing was checked"),
            ("3", "a fault of smxcheck, or a result that it could not decide"),
            ("5", "the selection matched nothing that tells"),
            ("130", "interrupted"),
        ),
        _text("--exit-zero turns 1 into 0 and nothing else. explain ends with 1 for a claim that is false, 3 for one that"
              " could not be decided."),
        *_why("A program that reads nothing but the code must not take a run that checked nothing for a pass."),
    )  # fmt: skip


#: Word -> title and blocks.
WORDS: Mapping[str, Entry] = MappingProxyType({
    "ulp": ("ulp: unit in the last place", _ulp),
    "bound": ("bound, or allowed: the error that a level allows on this input", _bound),
    "level": ("level: how accurate a result is", _level),
    "exact-value": ("exact value: what results are compared with", _exact_value),
    "cannot-tell": ("cannot tell: the case says nothing about this result", _cannot_tell),
    "enclosure": ("enclosure: an exact value with a bound on its own error", _enclosure),
    "choice": ("choice: what a target does where no single right answer exists", _choice),
    "result": ("result: one case, dtype and check of a target, with one status", _result),
    "problem": ("problem: all wrong results of one function with one cause", _problem),
    "case": ("case: one input with a permanent id", _case),
    "target": ("target: an implementation under test", _target),
    "command": ("command: a program in any language as a target", program.command_blocks),
    "gradient": ("gradient: a derivative or backward pass as a target", _gradient),
    "known": ("known: problems that are accepted, with a reason", _known),
    "claim": ("claim: a formula of your own, judged", writing.claim_blocks),
    "exit-codes": ("exit codes: the same for every format", _exit_codes),
})  # fmt: skip
