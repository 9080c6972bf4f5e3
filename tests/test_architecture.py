"""How the parts hang together: imports run one way, start-up is light, modules are short, tables are complete."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import smxref
from smxcheck import functions
from smxcheck.caseset import groups, load_cases
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.functions import ALGORITHMS
from smxcheck.judge.bounds import bounds_for
from smxcheck.judge.codes import CHECKS, CHECKS_BY_NAME
from smxcheck.judge.result import Level
from smxcheck.mistakes import MISTAKES
from smxcheck.oracle import expect
from smxcheck.report import formats
from smxcheck.targets.table import LIBRARIES

ROOT = Path(__file__).parents[1]

#: Source root → the package in it.
PACKAGES = {".": "smxcheck", "reference": "smxref", "cases": "smxcases"}

_TABLES = frozenset({"smxcheck.catalog", "smxcheck.dtypes", "smxcheck.version"})
_ARRAYS = frozenset({"numpy", "ml_dtypes"})
_BELOW_CLI = _TABLES | {"smxcheck.caseset", "smxcheck.judge", "smxcheck.report", "smxcheck.run", "smxcheck.targets"}

_BENCH = frozenset({"smxcheck.benchmark.results", "smxcheck.benchmark.shapes"})

#: Package or module → what it may import beside itself and the standard library. The longest entry that fits holds.
MAY_IMPORT: dict[str, frozenset[str]] = {
    "smxref": frozenset({"mpmath"}),
    "smxcases": frozenset(),
    "smxcheck.version": frozenset(),
    "smxcheck.catalog": frozenset(),
    "smxcheck.dtypes": _ARRAYS,
    # What is judged knows nothing of the judge, and the reference (above) knows nothing of what is judged.
    "smxcheck.functions": _ARRAYS,
    "smxcheck.network": _ARRAYS | {"smxcheck.functions"},
    "smxcheck.mistakes": _ARRAYS | _TABLES,
    "smxcheck.caseset": _ARRAYS | _TABLES | {"smxcases", "smxcheck.judge.codes"},
    "smxcheck.oracle": _ARRAYS | _TABLES | {"smxref"},
    # What is checked with Arb must not be computed with what is checked.
    "smxcheck.oracle.recheck": _ARRAYS | _TABLES | {"flint", "smxcheck.oracle.arb_formulas", "smxcheck.oracle.enclosure"},
    "smxcheck.oracle.arb_formulas": frozenset({"flint"}),
    # Of the targets only what was observed; of the reports nothing, but for the methods of Report that show it.
    "smxcheck.judge": _ARRAYS | _TABLES | {
        "smxref", "smxcheck.caseset", "smxcheck.mistakes", "smxcheck.oracle", "smxcheck.targets.protocol",
    },
    "smxcheck.judge.result": frozenset({"smxcheck.judge", "smxcheck.report"}),
    # Of the judge the tables: bounds, levels, formats of results.
    "smxcheck.derivatives": _ARRAYS | _TABLES | {"smxcheck.oracle", "smxcheck.judge.bounds", "smxcheck.judge.result"},
    "smxcheck.identities": _ARRAYS | _TABLES | {
        "smxcheck.caseset", "smxcheck.derivatives", "smxcheck.judge", "smxcheck.targets.protocol",
    },
    "smxcheck.targets": _ARRAYS | _TABLES | {"smxcheck.functions", "torch", "jax"},
    "smxcheck.targets.adapters.builtin": _ARRAYS | _TABLES | {"smxcheck.targets", "smxcheck.functions"},
    "smxcheck.targets.adapters.scipy": _ARRAYS | _TABLES | {"smxcheck.targets", "scipy"},
    "smxcheck.targets.adapters.torch": _ARRAYS | _TABLES | {"smxcheck.targets", "torch"},
    "smxcheck.targets.adapters.jax": _ARRAYS | _TABLES | {"smxcheck.targets", "jax"},
    "smxcheck.targets.adapters.onnxruntime": _ARRAYS | _TABLES | {"smxcheck.targets", "onnx", "onnxruntime"},
    "smxcheck.report": _TABLES | {"rich", "smxcheck.caseset", "smxcheck.judge", "smxcheck.targets.protocol"},
    # What failed, and how to put it again; only the command that does runs a unit.
    "smxcheck.store": _ARRAYS | _TABLES | {
        "smxref", "smxcheck.caseset", "smxcheck.judge", "smxcheck.oracle", "smxcheck.targets", "smxcheck.report.escape",
        "smxcheck.report.write", "smxcheck.run.applicable", "smxcheck.run.options",
    },
    "smxcheck.store.replay": _TABLES | {"smxcheck.judge", "smxcheck.targets", "smxcheck.run.unit", "smxcheck.store"},
    # Of the run only what can be put to a target: the run gives out the time, and merges what is found.
    "smxcheck.fuzz": _ARRAYS | _TABLES | {
        "hypothesis", "smxcheck.caseset", "smxcheck.judge", "smxcheck.run.applicable", "smxcheck.targets.protocol",
    },
    "smxcheck.run": _ARRAYS | _TABLES | {
        "mpmath", "smxcheck.caseset", "smxcheck.identities", "smxcheck.judge", "smxcheck.targets", "smxcheck.oracle.recheck",
        "smxcheck.oracle.tally", "smxcheck.derivations", "smxcheck.fuzz", "smxcheck.store",
    },
    # What was found is data; verdicts are made of it alone, and measuring asks them what is undecided.
    "smxcheck.benchmark": frozenset(),
    "smxcheck.benchmark.shapes": frozenset(),
    "smxcheck.benchmark.results": frozenset({"smxcheck.benchmark.shapes"}),
    "smxcheck.benchmark.compare": _ARRAYS | _BENCH | {"smxcheck.judge.result"},
    "smxcheck.benchmark.measure": _ARRAYS | _BENCH | _TABLES | {
        "smxcheck.benchmark.compare", "smxcheck.caseset", "smxcheck.judge", "smxcheck.oracle", "smxcheck.report",
        "smxcheck.run.applicable", "smxcheck.run.environment", "smxcheck.targets",
    },
    "smxcheck.benchmark.show": _ARRAYS | _BENCH | _TABLES | {
        "matplotlib", "smxcheck.benchmark.compare", "smxcheck.judge.result", "smxcheck.report",
    },
    "smxcheck.benchmark.files": _ARRAYS | _BENCH | _TABLES | {
        "matplotlib", "smxcheck.benchmark.compare", "smxcheck.benchmark.show", "smxcheck.report", "smxcheck.judge.result",
    },
    "smxcheck.benchmark.suites": _ARRAYS | _TABLES | {
        "mpmath", "flint", "scipy", "torch", "smxcheck.benchmark", "smxcheck.functions", "smxcheck.judge", "smxcheck.oracle",
        "smxcheck.report",
    },
    # Of the judge how errors are measured; of the reports how numbers and pages look.
    "smxcheck.hunt": _ARRAYS | _TABLES | {
        "smxcheck.judge.errors", "smxcheck.oracle", "smxcheck.report", "smxcheck.run.environment", "smxcheck.run.processes",
        "smxcheck.targets",
    },
    # What moved is told by the reports alone: nothing is run, and no array is looked at.
    "smxcheck.changes": frozenset({"smxcheck.judge.codes", "smxcheck.judge.result", "smxcheck.report", "smxcheck.version"}),
    # Formulas know nothing of what they are used for; derivations nothing of how they are shown.
    "smxcheck.formula": frozenset({"mpmath"}),
    "smxcheck.derivations": _ARRAYS | _TABLES | {
        "mpmath", "smxcases", "smxcheck.formula", "smxcheck.oracle", "smxcheck.mistakes", "smxcheck.network",
    },
    "smxcheck.pages": _BELOW_CLI | {
        "numpy", "smxcheck.formula", "smxcheck.derivations", "smxcheck.mistakes", "smxcheck.functions", "smxcheck.oracle",
    },
    # What must pass knows nothing of what is shipped, nor of what judges it.
    "smxcheck.right_forms": frozenset({"numpy"}),
    # The self-test puts the parts above to the question; the libraries are what other checks are made of.
    "smxcheck.selftest": _ARRAYS | _BELOW_CLI | {
        "mpmath", "flint", "torch", "jax", "onnx", "smxref", "smxcheck.functions", "smxcheck.mistakes", "smxcheck.oracle",
        "smxcheck.right_forms",
    },
    "smxcheck.api": _BELOW_CLI | {"smxcheck.pages"},
    # pytest loads the plugin of whoever has smxcheck installed: pytest is there then, and is no dependency.
    "smxcheck.testing": frozenset({"smxcheck.api", "smxcheck.judge", "smxcheck.report"}),
    "smxcheck.pytest_plugin": _BELOW_CLI | {"pytest", "smxcheck.api", "smxcheck.testing"},
    "smxcheck": frozenset({"smxcheck.api", "smxcheck.judge.result", "smxcheck.version"}),
    "smxcheck.cli": _BELOW_CLI | {"typer", "rich", "smxcheck.store", "smxcheck.identities", "smxcheck.changes", "smxcheck.api", "smxcheck.benchmark", "smxcheck.hunt", "smxcheck.pages", "smxcheck.formula", "smxcheck.selftest"},
    "smxcheck.__main__": frozenset({"smxcheck.cli"}),
}  # fmt: skip

#: What takes long to import. None of it is loaded before a command needs it.
HEAVY = ("numpy", "mpmath", "ml_dtypes", "rich", "scipy", "torch", "jax", "onnx", "onnxruntime", "matplotlib")

#: Tables and contracts, which anything may import at no cost.
LIGHT = (
    "smxcheck.catalog", "smxcheck.dtypes", "smxcheck.version", "smxcheck.caseset", "smxcheck.judge.codes",
    "smxcheck.judge.result", "smxcheck.targets.protocol", "smxcheck.targets.table", "smxcheck.report.formats",
    "smxcheck.benchmark.files.formats", "smxcheck.benchmark.suites.model", "smxcheck.hunt.model",
)  # fmt: skip


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the three packages: dotted name and file."""
    for root, package in PACKAGES.items():
        for path in sorted((ROOT / root / package).rglob("*.py")):
            parts = path.relative_to(ROOT / root).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(modules())


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a module imports anywhere in it, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in MODULES else str(node.module) for name in names)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def entry_for(module: str) -> str:
    """The entry of MAY_IMPORT that holds for a module; the package ``smxcheck`` stands for its __init__ only."""
    return max((e for e in MAY_IMPORT if (module == e if e == "smxcheck" else within(module, e))), key=len)


def foreign(module: str) -> list[str]:
    """What a module imports and must not."""
    entry = entry_for(module)
    allowed = {entry, *MAY_IMPORT[entry]} - {"smxcheck"}
    return [
        name
        for name in imports(MODULES[module])
        if name.partition(".")[0] not in sys.stdlib_module_names and not any(within(name, a) for a in allowed)
    ]


def test_imports_run_one_way() -> None:
    found = {module: names for module in MODULES if (names := foreign(module))}
    assert not found, "\n".join(f"{module} must not import {', '.join(names)}" for module, names in found.items())


def test_the_rules_on_imports_name_only_what_exists() -> None:
    """A renamed package would otherwise leave a rule behind that guards nothing."""
    packages = {m.rpartition(".")[0] for m in MODULES} | set(MODULES)
    own = {name for entry in MAY_IMPORT.items() for name in (entry[0], *entry[1]) if name.startswith("smx")}
    assert own <= packages


def test_the_libraries_under_test_are_imported_by_their_adapters_and_when_used() -> None:
    """At the top of a module only by the adapter, and by what differentiates with it; elsewhere inside a function."""
    own = {"smxcheck.targets.autodiff_torch", "smxcheck.targets.autodiff_jax"}
    libraries = {need for library in LIBRARIES.values() for need in library.needs}
    for module, path in MODULES.items():
        if not within(module, "smxcheck.targets.adapters") and module not in own:
            top = ast.Module(ast.parse(path.read_text(encoding="utf-8")).body, [])
            names = [n for node in top.body if isinstance(node, ast.Import) for n in (a.name for a in node.names)]
            names += [str(node.module) for node in top.body if isinstance(node, ast.ImportFrom)]
            assert not libraries & {n.partition(".")[0] for n in names}, module


def loaded_by(code: str) -> set[str]:
    """The heavy modules that a fresh interpreter has loaded after running ``code``."""
    tail = f"\nimport sys\nprint('LOADED', *(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize(
    "code",
    [
        "import smxcheck",
        "import smxcheck.cli.app",
        "from smxcheck.cli.app import app\napp(['--help'], standalone_mode=False)",
        "from smxcheck.cli.app import app\napp(['verify', '--help'], standalone_mode=False)",
        "from smxcheck.cli.app import app\napp(['bench', '--help'], standalone_mode=False)",
        "from smxcheck.cli.app import app\napp(['explain', '--help'], standalone_mode=False)",
        "from smxcheck.cli.app import app\napp(['list', 'functions'], standalone_mode=False)",
        f"import {', '.join(LIGHT)}",
    ],
    ids=["package", "app", "help", "verify-help", "bench-help", "explain-help", "list", "tables"],
)
def test_start_up_is_light(code: str) -> None:
    assert loaded_by(code) == set()


def test_a_heavy_import_would_be_seen() -> None:
    assert "numpy" in loaded_by("import smxcheck.functions")


def test_modules_are_short_and_say_what_they_are() -> None:
    texts_of = {module: path.read_text(encoding="utf-8") for module, path in MODULES.items()}
    assert not [module for module, text in texts_of.items() if len(text.splitlines()) > 400]
    assert not [module for module, text in texts_of.items() if not ast.get_docstring(ast.parse(text))]


def texts() -> Iterator[Path]:
    """Every text file that is published."""
    folders = ("smxcheck", "reference", "cases", "tests", "reports", ".ci")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    files += [p for p in ROOT.iterdir() if p.suffix in (".md", ".toml", ".cff") or p.name in ("LICENSE", ".gitignore")]
    return (p for p in files if p.is_file() and p.suffix not in (".npz", ".pyc", ".gz"))


def test_no_file_names_a_machine_or_a_package_host() -> None:
    """Folders of one machine, and hosts that packages come from: those are settings of whoever installs."""
    folders = "|".join(("tmp", "home", "work", "root", "Users"))
    hosts = "|".join(("pypi", "files[.]pythonhosted", "download[.]pytorch"))
    pattern = re.compile(rf"(?<![\w.~/-])/(?:{folders})/\w|\b(?:{hosts})[.]org|--(?:extra-)?index-url")
    own = Path(__file__).resolve()
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in texts()
        if path.resolve() != own
        for match in pattern.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found


# The tables: what one of them names, the others have.


def test_every_function_has_algorithms_a_public_name_and_a_reference() -> None:
    assert set(ALGORITHMS) == set(FUNCTIONS)
    assert set(FUNCTIONS) < set(functions.__all__)
    assert set(FUNCTIONS) < set(smxref.__all__)


def test_functions_belong_to_the_reference_only_if_the_catalog_has_them() -> None:
    helpers = {"Ball", "Packed", "decimal_string", "pack", "refine", "starting_bits"}
    assert set(smxref.__all__) - helpers == set(FUNCTIONS)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_cases_an_exact_value_and_bounds(function: str) -> None:
    case = next(c for c in load_cases([function], ["float64"]) if c.check in ("accuracy", "sampler"))
    arguments = tuple(case.build().values())
    expected = expect(function, arguments, case.keywords)
    for level in (Level.TIGHT, Level.STANDARD):
        bound = bounds_for(function, arguments, case.keywords, FORMATS["float64"], level)
        allowed = bound.total_absolute() + bound.total_relative()
        assert np.broadcast_shapes(np.shape(allowed), expected.kind.shape) == expected.kind.shape


def test_every_function_has_known_mistakes() -> None:
    assert {m.function for m in MISTAKES} == set(FUNCTIONS)


def test_the_first_algorithm_of_each_function_is_the_default_and_not_wrong() -> None:
    for function, algorithms in ALGORITHMS.items():
        name, algorithm = next(iter(algorithms.items()))
        assert (name, algorithm.declared) == ("accurate", "tight"), function


def test_every_library_has_an_adapter_and_every_adapter_a_library() -> None:
    files = {m.rpartition(".")[2] for m in MODULES if m.startswith("smxcheck.targets.adapters.")}
    assert files == {library.adapter for library in LIBRARIES.values()}


def test_every_report_format_has_a_module_and_every_module_a_format() -> None:
    files = {m for m in MODULES if m.startswith("smxcheck.report.as_")}
    assert files == {f.module for f in formats.FORMATS.values()}


def test_tables_are_sorted_where_the_order_says_nothing() -> None:
    assert list(CHECKS) == sorted(CHECKS)
    assert [m.id for m in MISTAKES] == sorted(m.id for m in MISTAKES)
    assert [g.name for g in groups()] == sorted(g.name for g in groups())
    assert smxref.__all__ == sorted(smxref.__all__)
    assert functions.__all__ == sorted(functions.__all__)


def test_checks_have_permanent_codes_and_one_name_each() -> None:
    assert all(re.fullmatch(r"SMX[1-6]\d\d", code) for code in CHECKS)
    assert len(CHECKS_BY_NAME) == len(CHECKS)
