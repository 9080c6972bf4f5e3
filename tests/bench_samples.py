"""Fabricated runs of ``bench``: seeded times with the noise that real ones have. The figures are made up."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from smxcheck.benchmark.results import (
    COPY,
    EMPTY,
    EXP,
    YARDSTICKS,
    Benchmark,
    Entry,
    Judgement,
    Launch,
    Run,
    Settings,
    TimedTarget,
    Trust,
)
from smxcheck.benchmark.shapes import Shape

OWN = "kernel.py:softmax"
TARGETS = ("scipy", "torch", OWN)
SHAPES = (Shape((4096, 1000)), Shape((64, 50_257)), Shape((1000, 4096), axis=0))
LAUNCHES, ROUNDS = 3, 8
ITEMSIZE = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}
#: Nanoseconds for a byte of the argument.
COSTS = {"scipy": 1.1, "torch": 0.19, OWN: 0.16, COPY: 0.11, EXP: 0.18}
JUDGEMENTS = {
    "scipy": Judgement("standard", 63.0, 260.0),
    "torch": Judgement("tight", 1.9, 3.2),
    OWN: Judgement("wrong", math.inf, 3.2, "softmax returns nan where the answer is finite", "nan", "0.5"),
}
#: What the machine tells, with every kind of value that it has.
MACHINE = {
    "smxcheck": "0.1.0", "case_set": 1, "judge": 1, "python": "3.11.7", "numpy": "2.4.6", "scipy": "1.17.0",
    "torch": "2.13.0", "mpmath": "1.3.0", "platform": "Linux x86_64", "machine": "x86_64", "cpu": "Xeon 2.0 GHz", "cpus": 2,
    "numpy_simd": "AVX512_SPR", "flush_to_zero": False, "threads": 1, "governor": "performance",
    "clock_resolution_seconds": 1e-9, "variables": {"OMP_NUM_THREADS": "1"},
}  # fmt: skip
#: Of a process in a launch, of the machine in a round, of a sample: standard deviations of the logarithms of times.
LAUNCH_SPREAD, DRIFT, NOISE = 0.005, 0.02, 0.01


def sample_run(
    *,
    slower: Mapping[str, float] | None = None,
    targets: Sequence[str] = TARGETS,
    functions: Sequence[str] = ("softmax",),
    dtypes: Sequence[str] = ("float32", "float64"),
    shapes: Sequence[Shape] = SHAPES,
    launches: int = LAUNCHES,
    rounds: int = ROUNDS,
    wrong: Sequence[str] = (OWN,),
    failed: Mapping[str, str] | None = None,
    noise: float = 1.0,
    seed: int = 1,
    trust: bool = False,
) -> Run:
    """Targets timed beside the yardsticks; ``slower={"torch": 1.3}`` multiplies the times of a target.

    ``wrong`` names the targets whose values are wrong, ``failed`` those that were not timed, with the reason; ``noise``
    multiplies all spread. Equal arguments give equal runs, another ``seed`` another run on the same machine.
    """
    chance = random.Random(seed)
    settings = Settings(tuple(targets), tuple(functions), tuple(dtypes), tuple(shapes), launches=launches)
    made = []
    for function in functions:
        for dtype in dtypes:
            for shape in shapes:
                moved = 2 * shape.elements * ITEMSIZE[dtype]
                taken = _seconds([*targets, *YARDSTICKS], moved, launches, rounds, noise, chance)
                entries = tuple(
                    _entry(name, taken[name], (slower or {}).get(name, 1.0), name in wrong, (failed or {}).get(name, ""))
                    for name in taken
                )
                made.append(Benchmark(function, dtype, shape, moved, entries))
    loaded = tuple(map(timed_target, targets))
    run = Run(settings, MACHINE, loaded, tuple(made), 61.5, True, (), "smxcheck bench", "2026-01-02T03:04:05+00:00")
    return replace(run, trust=sample_trust()) if trust else run


def sample_trust() -> Trust:
    return Trust(20, 4, 0, 20, 1.2, 0.1, (0.99, 1.0, 1.01), ("scipy", "torch"), ("softmax float32 4096 x 1000",))


def timed_target(name: str) -> TimedTarget:
    path = name.partition(":")[0] if ".py" in name else ""
    measured = "NumPy arrays; the result is allocated in each call; 1 thread"
    versions = {} if path else {name.partition(".")[0]: "1.17.0"}
    return TimedTarget(name, "numpy", versions, 0.4, path, "ab" * 32 if path else "", (), measured)


def _entry(name: str, launches: tuple[Launch, ...], factor: float, wrong: bool, failure: str) -> Entry:
    if failure:
        return Entry(name, (), None, failure)
    scaled = tuple(replace(one, seconds=tuple(s * factor for s in one.seconds)) for one in launches)
    if name in YARDSTICKS:
        return Entry(name, scaled)
    judged = JUDGEMENTS[OWN] if wrong else JUDGEMENTS.get(name, Judgement("tight", 1.5, 3.2))
    judged = JUDGEMENTS["torch"] if judged.wrong and not wrong else judged
    return Entry(name, scaled, judged, "", f"{name}.softmax" if ":" not in name else name)


def _seconds(
    names: Sequence[str], moved: int, launches: int, rounds: int, noise: float, chance: random.Random
) -> dict[str, tuple[Launch, ...]]:
    """Name → launches. All that take turns in a round share its drift; a process is as fast in all rounds of a launch."""
    found: dict[str, list[Launch]] = {name: [] for name in names}
    for _ in range(launches):
        drift = [chance.gauss(0, noise * DRIFT) for _ in range(rounds)]
        for name in names:
            own = chance.gauss(0, noise * LAUNCH_SPREAD)
            typical = 40e-9 if name == EMPTY else COSTS.get(name, 0.3) * moved / 2 * 1e-9
            logs = [own + shared + chance.gauss(0, noise * NOISE) for shared in drift]
            taken = tuple(typical * math.exp(log) for log in logs)
            peak = None if name == EMPTY else moved // 2
            found[name].append(Launch(max(1, round(0.01 / typical)), taken, 3 * typical, 1.0, peak))
    return {name: tuple(made) for name, made in found.items()}


def entries(run: Run) -> Iterator[tuple[Benchmark, Entry]]:
    """Every target of every benchmark."""
    for benchmark in run.benchmarks:
        for entry in benchmark.targets:
            yield benchmark, entry
