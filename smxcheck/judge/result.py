"""The frozen results that a run produces and every renderer reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """One per result."""

    OK = "ok"
    WRONG = "wrong"
    DECLINED = "declined"
    CRASHED = "crashed"
    HUNG = "hung"
    NOT_RUN = "not-run"
    NO_SINGLE_ANSWER = "no-single-answer"
    CANNOT_TELL = "cannot-tell"
    UNDECIDED = "undecided"


class Level(StrEnum):
    """How accurate a result is, best first."""

    ULP1 = "1ulp"
    TIGHT = "tight"
    STANDARD = "standard"
    WRONG = "wrong"


#: Levels from best to worst; ``LEVEL_ORDER[a] <= LEVEL_ORDER[b]`` when a is at least as good as b.
LEVEL_ORDER: dict[Level, int] = {level: i for i, level in enumerate(Level)}


@dataclass(frozen=True)
class Result:
    """One case, dtype and check of one target. Text fields are plain, never marked up.

    ``error_ulp`` and ``allowed_ulp`` belong to the worst element (largest error over bound), ``index`` says where it
    is. ``largest_error_ulp`` is the largest error of any element, and ``largest_allowed_ulp`` what was allowed there
    (None: not recorded). ``histogram`` maps ⌈8·log2(error)⌉ to a number of elements (key None: error 0), so that
    quantiles over many results can be formed. ``signed_sum`` is Σ (ŷ - y)/ulp over the ``elements`` that were measured.
    """

    target: str
    function: str
    dtype: str
    case: str
    group: str
    check: str
    status: Status
    level: Level | None = None
    message: str = ""
    input: str = ""  # the call, short: "log_softmax([0, -200])"
    got: str = ""
    right: str = ""
    got_hex: str = ""
    right_digits: str = ""  # the exact value in as many digits as are proven, 30 at most
    index: tuple[int, ...] = ()
    error_ulp: float | None = None
    allowed_ulp: float | None = None
    largest_error_ulp: float | None = None
    largest_allowed_ulp: float | None = None
    signed_sum: float = 0.0
    elements: int = 0
    flushed: int = 0
    blind: int = 0  # right elements at which the bound would admit 0: their error says nothing, and is not counted
    histogram: Mapping[int | None, int] = field(default_factory=dict)
    largest_term: str = ""
    choice: Mapping[str, str] = field(default_factory=dict)  # choice -> observed, for no-single-answer
    cannot_tell: str = ""  # what else the bound would accept here: "zeros", "a constant", ...
    digest: str = ""  # of the output's bytes
    seconds: float = 0.0
    known: str = ""  # the reason, where a --known file accepts this


@dataclass(frozen=True)
class Problem:
    """All wrong results of one target and function that have one cause, shown by its smallest input."""

    target: str
    function: str
    check: str
    dtype: str  # dtype of the smallest case
    dtypes: tuple[str, ...]
    smallest: str  # case id
    cases: tuple[str, ...]  # every case id
    count: int
    message: str
    input: str
    got: str
    right: str
    behaves_as: str = ""  # "log(softmax(x)), in 60 of the 60 wrong results"; empty where no shipped mistake agrees
    instead: str = ""
    again: str = ""  # the command that runs the smallest case again
    shrunk: str = ""  # a smaller call that fails in the same way, where one was found: "softmax([89, 0]), float32"
    shrunk_again: str = ""  # the command that runs that
    bugs: tuple[str, ...] = ()
    beside: str = ""
    known: str = ""


@dataclass(frozen=True)
class TargetReport:
    """What a report says of a target beside its results."""

    name: str
    versions: Mapping[str, str]
    arrays: str
    functions: Mapping[str, str]  # function -> spelled
    import_seconds: float
    path: str = ""
    sha256: str = ""
    not_tested: tuple[str, ...] = ()  # sentences: "axis of softmax: the callable takes none"
    choices: Mapping[str, str] = field(default_factory=dict)  # "a row of -inf" -> "nan, always"
    notes: tuple[str, ...] = ()
    expected_wrong: bool = False  # shipped wrong on purpose
    beside: bool = False


@dataclass(frozen=True)
class Recheck:
    """How enclosures of the run fared against a second arithmetic. ``misses`` are sentences: each is a fault of smxcheck."""

    library: str  # "Arb (FLINT 3.6.0)"
    questions: int
    functions: int
    held: int
    undecided: int
    misses: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()  # functions of the run without a formula there

    @property
    def compared(self) -> int:
        return self.held + self.undecided + len(self.misses)


@dataclass(frozen=True)
class Published:
    """How the published statements fared: ``counts`` by verdict found, ``misses`` a sentence for each that is not as
    recorded, with its id and both verdicts. Those for which no time was left are ``not_run``."""

    checked: int
    counts: Mapping[str, int]
    misses: tuple[str, ...] = ()
    not_run: int = 0

    @property
    def as_recorded(self) -> bool:
        return not self.misses and not self.not_run


@dataclass(frozen=True)
class Fuzzed:
    """How one function of a target fared on inputs that were drawn: ``worst_ratio`` is the largest error over what is
    allowed (above 1: wrong), at the call ``worst``; ``found`` the ids of the failing cases, each the smallest of its cause.
    ``left_out`` is a sentence where nothing was drawn, and says why.
    """

    target: str
    function: str
    dtype: str
    inputs: int
    worst_ratio: float | None = None
    worst: str = ""
    found: tuple[str, ...] = ()
    seconds: float = 0.0
    left_out: str = ""


@dataclass(frozen=True)
class Kept:
    """The failing inputs that were kept: where, how many, and a sentence for each that was not."""

    folder: str
    inputs: int
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class Traits:
    """What the order of problems needs of a case."""

    elements: int
    layout: str
    acceptance: bool
    bugs: tuple[str, ...]


@dataclass(frozen=True)
class Broken:
    """A property that calls of one dtype broke: in how many, and in the shortest of them. ``place`` is that of its case."""

    dtype: str
    code: str
    count: int
    place: int
    message: str
    case: str
    input: str


@dataclass(frozen=True)
class Likened:
    """A known mistake on the cases ``Seen.looked``, by position: those that it reproduces, those where it is wrong in the
    same places, and how many right results contradict it."""

    mistake: str
    wider: bool
    agreed: tuple[int, ...]
    akin: tuple[int, ...]
    contradicted: int


@dataclass(frozen=True)
class Seen:
    """What was seen of one function of a target, before anything was judged across cases.

    ``places`` are the numbers of the cases of the results (properties apart) among those of the whole run; ``before`` are
    the results, by position, that settling changed. ``weights`` belong to ``looked``.
    """

    target: str
    function: str
    places: tuple[int, ...]
    before: Mapping[int, Result]
    classes: Mapping[str, tuple[str, ...]]
    first: Mapping[str, str]  # dtype -> the first case that was called
    calls: Mapping[str, int]
    broken: tuple[Broken, ...]
    traits: Mapping[str, Traits]  # of the cases that are wrong, or may be found so beside those of other parts
    looked: tuple[str, ...]
    weights: tuple[float, ...]
    likened: tuple[Likened, ...]


@dataclass(frozen=True)
class Part:
    """What one part of a run hands on, so that the whole can be settled. ``asked`` must be equal in all parts.

    ``cases`` counts those of the whole run. Of parts that were put together, ``missing`` are those that were not there.
    """

    cases: int
    asked: Mapping[str, Any]
    again: str = ""  # the options of the line that repeats a case
    seen: tuple[Seen, ...] = ()
    gaps: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)  # by target: what could not be asked
    missing: tuple[int, ...] = ()


@dataclass(frozen=True, repr=False)
class Report:
    """Everything that a run found. Renderers read it; nothing writes to it."""

    targets: tuple[TargetReport, ...]
    results: tuple[Result, ...]
    problems: tuple[Problem, ...]
    require: Level
    tier: str
    dtypes: tuple[str, ...]
    environment: Mapping[str, Any]
    command: str = ""
    seconds: float = 0.0
    own: bool = False  # bare run: none of the user's code was checked
    max_ulp: float | None = None
    exit_zero: bool = False
    interrupted: bool = False
    notices: tuple[str, ...] = ()  # what makes the verdict worth less, in sentences
    beside: str = ""
    oracle: Mapping[str, int] = field(default_factory=dict)  # exact values by what enclosed them
    recheck: Recheck | None = None
    published: Published | None = None  # the published statements, where they were run
    fuzzed: tuple[Fuzzed, ...] = ()  # what --fuzz tried beyond the fixed cases
    shard: str = ""  # "2/3" where this is a part of a run, "" of a whole one
    part: Part | None = None  # of a part, or of several without the others
    kept: Kept | None = None  # the failing inputs in the store, where some were kept

    @property
    def exit_code(self) -> int:
        """0 right, 1 wrong or not run to its end, 3 undecided or a wrong enclosure, 5 nothing telling was checked,
        130 interrupted."""
        from smxcheck.judge.verdict import exit_code

        return exit_code(self)

    @property
    def passed(self) -> bool:
        return self.exit_code == 0

    def to_json(self) -> str:
        """The report in the format ``smxcheck-report/1``."""
        from smxcheck.report.as_json import render

        return render(self)

    def __repr__(self) -> str:
        """The verdict: thousands of results are nothing to look at in a shell."""
        from smxcheck.report.sentences import verdict

        return f"<smxcheck report: {verdict(self).text}>"

    def _repr_html_(self) -> str:
        """The HTML report in a frame of its own, for notebooks: its styles stay inside."""
        from html import escape

        from smxcheck.report.as_html import render

        return f'<iframe srcdoc="{escape(render(self))}" style="width: 100%; height: 40em; border: 0"></iframe>'
