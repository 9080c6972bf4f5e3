"""The pages behind ``smxcheck explain``: checks, cases, functions, and the words that reports use."""

from __future__ import annotations

import difflib

from smxcheck.caseset import describe_call, groups, load_cases
from smxcheck.catalog import FUNCTIONS, SHAPES, Function
from smxcheck.judge.choices import CHOICES
from smxcheck.judge.codes import CHECKS, CHECKS_BY_NAME

Page = tuple[str, list[str]]

_WORDS: dict[str, Page] = {
    "ulp": ("ulp: unit in the last place", [
        ("The gap between neighbouring floating-point numbers of the dtype at the exact value y:"
        " 2^(max(e, e_min) - p + 1) for 2^e <= |y| < 2^(e+1), with precision p; the smallest subnormal at y = 0."),
        ("The error of a result is |result - y| / ulp(y), a real number: 0.5 is the most that correct rounding leaves."
        " The ulp is that of the exact value, never that of the result, or a large wrong answer would look small."
        " An infinity stands for 2^(e_max + 1), where rounding puts it."),
        "The inputs are taken as exact: what rounding did to them before is not the function's error."]),
    "bound": ("bound, or allowed: the error that a level allows on this input", [
        ("A bound counts the roundings of one named algorithm on the very input at hand, and nothing else: the rounding"
        " of x - max (known exactly), exp, the sum, the division or the logarithm, the result. What it grants to the"
        " platform's exp and log is one table, the same on every machine."),
        "The derivations stand in smxcheck/judge/bounds, one docstring each."]),
    "level": ("level: how accurate a result is", [
        ("  1ulp      error at most 1 ulp\n"
        "  tight     within the bound of the best published algorithm\n"
        "  standard  within the bound of the textbook stable algorithm\n"
        "  wrong     anything else"),
        ("The best published algorithm: shift rounded once, log1p of the rest, tree summation, gradual underflow. The"
        " textbook stable one: shift first, log of the sum, division or exp((x - max) - log sum), sequential summation;"
        " subnormal results may be flushed to zero."),
        "--require sets the level that is demanded; the default is standard. 1ulp and tight results are standard too."]),
    "exact-value": ("exact value: what results are compared with", [
        ("Every exact value is an enclosure: a number and a bound on its own error, 2^-40 of it or less at first for float32"
        " and the 16-bit formats, 2^-80 for float64. What that does not decide is asked again with twice the bits."),
        ("Large inputs are computed in float64 and in pairs of float64 (double-double), with bounds that add up every"
        " rounding error: smxcheck/oracle/certified/README.md. All others, and what those leave open, by mpmath in as many"
        " digits as it takes. SMXCHECK_ORACLE=mpmath leaves float64 out; verdicts are the same."),
        ("--recheck flint compares a random sample with Arb, a second arithmetic that proves its own bounds. One that does"
        " not agree is a fault of smxcheck, exit 3.")]),
    "cannot-tell": ("cannot tell: the case says nothing about this result", [
        ("The bound of the required level would also accept zeros, a constant, or another function's output here."
        " log_softmax([0, -17]) in float32 is -4.1e-8, and the textbook algorithm may return 0: then a right result"
        " proves nothing. Such results are counted apart; --all shows them, --require tight makes most tell.")]),
    "enclosure": ("enclosure: an exact value with a bound on its own error", [
        ("mpmath computes every value together with a proven bound on its error, and raises the precision until the"
        " bound decides the verdict. Where it cannot, the result is undecided, which is an error of the tool (exit 3).")]),
    "choice": ("choice: what a target does where no single right answer exists", [
        ("softmax of a row of -inf has no limit: nan, zeros and 1/n all have their users. smxcheck observes the choice and"
        " calls only an inconsistent one wrong, or one that departs from --expect."),
        "\n".join(f"  --expect {c.name}={'|'.join(c.answers)}\n      {c.question}" for c in CHOICES.values())]),
    "result": ("result: one case, dtype and check of a target, with one status", [
        ("  ok                as accurate as --require demands\n"
        "  wrong             outside the bound, or something else that a check forbids\n"
        "  crashed, hung     the process died, or gave no answer within --timeout\n"
        "  declined          a clear refusal of a whole class beyond the core contract: counted, not wrong\n"
        "  not-run           left out: --time-limit, -x, or too many crashes before; the run then fails\n"
        "  no-single-answer  no limit exists: see choice\n"
        "  cannot-tell       the bound would accept something wrong here: see cannot-tell\n"
        "  undecided         a fault of smxcheck: exit code 3")]),
    "problem": ("problem: all wrong results of one function with one cause, shown by the smallest input", [
        ("smallest is the simplest input that shows it, got and right are the values there, again is the line that runs"
         " it alone; with --no-isolate that line runs in a debugger."),
        ("behaves as: the wrong implementations that smxcheck ships were run on the same inputs, and this one gives"
         " the same values. No name stands there where none agrees: a cause that was not observed is never asserted."),
        "accept it with --known FILE, or with --allow where it is about conduct (writes-input, prints)."]),
    "case": ("case: one input with a permanent id", [
        "An id reads function/group/name/dtype, as in log_softmax/far-tail/200/float32, and never changes its meaning.",
        ("  run one      smxcheck verify TARGET --case ID\n"
        "  run some     smxcheck verify TARGET -k far-tail\n"
        "  see ids      smxcheck verify TARGET --list\n"
        "  your own     smxcheck verify TARGET --inputs FILE   (.npy .npz .csv .json .toml)")]),
    "target": ("target: an implementation under test", [
        ("  kernel.py            every callable in it whose name contains a function's name\n"
        "  kernel.py:f          one callable or class; softmax=kernel.py:f says what it computes\n"
        "  package.module:f     from the current folder or the installed packages\n"
        "  scipy, torch ...     a library; all: smxcheck list targets\n"
        "  builtin.shifted      one of the algorithms that smxcheck ships")]),
    "gradient": ("gradient: a derivative or backward pass as a target", [
        ("A function named like one of the derivatives (softmax_vjp, softmax_backward, cross_entropy_grad) is found in"
        " its file like any other. What every argument is: smxcheck explain softmax_vjp."),
        ("  kernel.py:softmax --gradient auto\n"
        "      all that torch or jax derive from it, through your autograd.Function or custom_vjp\n"
        "  kernel.py:softmax --function softmax_vjp\n"
        "      one of these\n"
        "  kernel.py:softmax --gradient kernel.py:bwd\n"
        "      your own, known by its parameters: bwd(x, g) starts from the logits, bwd(grad, y) from the output\n"
        "  softmax_vjp=kernel.py:bwd\n"
        "      your own alone, and which it is"),
        ("Without --gradient or --function the backward pass of a forward function is not looked at. In Python:"
        " verify(softmax, gradient=softmax_vjp) or gradient='auto'.")]),
    "known": ("known: problems that are accepted, with a reason", [
        ("  [[known]]\n"
        '  target = "torch"     # also: function, dtype, check, case\n'
        '  check = "SMX101"\n'
        '  reason = "upstream issue 113708"\n'
        "  until = 2027-03-31   # optional: afterwards the problem counts again"),
        ("An entry names at least one of target, function, dtype, check and case, and accepts every wrong result that all"
        " of them fit. Accepted problems are shown and do not fail the run: --known FILE.")]),
    "exit-codes": ("exit codes: the same for every format", [
        ("  0    everything checked is right (as --require and --known say)\n"
        "  1    something is wrong, or was not run to its end\n"
        "  2    the command, a file or a target is not usable; nothing was checked\n"
        "  3    a fault of smxcheck, or a result that it could not decide\n"
        "  5    the selection matched nothing that tells\n"
        "  130  interrupted"),
        "--exit-zero turns 1 into 0 and nothing else."]),
}  # fmt: skip

#: Other words for the same page.
_ALIASES = {
    "allowed": "bound", "exact": "enclosure", "reference": "enclosure", "undecided": "enclosure", "blind": "cannot-tell",
    "no-single-answer": "choice", "group": "case", "id": "case", "exit": "exit-codes", "behaves-as": "problem",
    **dict.fromkeys(("derivative", "derivatives", "backward-pass", "autodiff", "autograd", "vjp", "jvp"), "gradient"),
    **dict.fromkeys(("1ulp", "tight", "standard", "wrong", "levels"), "level"),
    **dict.fromkeys(("ok", "status", "declined", "crashed", "hung", "not-run", "check"), "result"),
    **dict.fromkeys(CHOICES, "choice"),
}  # fmt: skip


def contents() -> list[str]:
    """What there are pages of."""
    return [
        "smxcheck explain TOPIC, where TOPIC is",
        f"  a word       {', '.join(_WORDS)}",
        "  a check      SMX101 ... as problems print it; all: smxcheck list checks",
        "  a function   softmax, cross_entropy ...; all: smxcheck list functions",
        "  a case       its id, like log_softmax/far-tail/200/float32",
        "  a group      its name, like far-tail; all: smxcheck list cases",
    ]


def find(topic: str) -> Page | None:
    """The page of a topic, None where there is none. Raises CaseError for what looks like a case's id and is none."""
    word = "-".join(topic.lower().split())
    word = _ALIASES.get(word, word)
    if word in _WORDS:
        return _WORDS[word]
    check = CHECKS.get(topic.upper()) or CHECKS_BY_NAME.get(topic)
    if check is not None:
        return f"{check.code} {check.name}: {check.title}", [check.page]
    if topic in FUNCTIONS:
        return _function(FUNCTIONS[topic])
    return _group(topic) or _case(topic)


def _function(f: Function) -> Page:
    derivatives = [g.name for g in FUNCTIONS.values() if g.derivative_of == f.name]
    facts = [f"  result          {SHAPES[f.shape]}"]
    facts += [f"  derivative of   {f.derivative_of}"] if f.derivative_of else []
    facts += [f"  derivatives     {name}" if i == 0 else f"                  {name}" for i, name in enumerate(derivatives)]
    return f"{f.name}({', '.join((*f.arguments, *f.keywords))})", [f.formula, f.summary, "\n".join(facts)]


def _group(topic: str) -> Page | None:
    group = next((g for g in groups() if g.name == topic), None)
    if group is None:
        return None
    bugs = [f"  {bug}" for bug in group.bugs]
    return f"{group.name}: {group.cases} cases of {', '.join(group.functions)}", [
        group.purpose, *(["\n".join(bugs)] if bugs else [group.reason])
    ]  # fmt: skip


def _case(topic: str) -> Page | None:
    from smxcheck.judge.call import ask
    from smxcheck.judge.words import right_text

    if topic.count("/") != 3:
        return None
    case = load_cases(ids=[topic])[0]
    arguments = tuple(case.build().values())
    text = describe_call(case)
    question = ask(case, arguments, case.keywords, text)
    right = question.expected.must_raise or right_text(question)
    lines = [case.purpose, *([case.why] if case.why else []), f"  call   {text}\n  right  {right}"]
    return case.id, [*lines, *(["\n".join(f"  {b}" for b in case.bugs)] if case.bugs else [])]


def near(topic: str) -> list[str]:
    """The nearest topics, at most three."""
    known = [*_WORDS, *_ALIASES, *CHECKS, *CHECKS_BY_NAME, *FUNCTIONS, *(g.name for g in groups())]
    return difflib.get_close_matches(topic, dict.fromkeys(known), n=3)
