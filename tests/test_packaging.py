"""What is published holds the code and the data, nothing else, and says the same everywhere."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest

from smxcheck.targets.table import LIBRARIES
from smxcheck.version import __version__

ROOT = Path(__file__).parents[1]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT: dict[str, Any] = PYPROJECT["project"]
#: Import name → folder.
FOLDERS = {"smxcheck": "smxcheck", "smxref": "reference/smxref", "smxcases": "cases/smxcases"}


def build(kind: str, into: Path) -> Path:
    """The wheel or the sdist of this tree, by the backend that pyproject.toml names, without the network."""
    code = f"import hatchling.build as b; print(b.build_{kind}({str(into)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return into / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(build("wheel", tmp_path_factory.mktemp("wheel")))


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    name = next(n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
    return Parser().parsestr(wheel.read(name).decode())


def files_of(folder: str) -> set[str]:
    """The files of a package in this tree."""
    found = (p for p in (ROOT / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return {p.relative_to(ROOT / folder).as_posix() for p in found}


def test_the_wheel_has_exactly_three_names_at_the_top(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {t for t in tops if not t.endswith(".dist-info")} == set(FOLDERS)


@pytest.mark.parametrize("package", FOLDERS)
def test_the_wheel_holds_every_file_of_a_package(wheel: zipfile.ZipFile, package: str) -> None:
    """Code and data alike: a pattern in .gitignore would drop data from the wheel without a word."""
    inside = {n.removeprefix(f"{package}/") for n in wheel.namelist() if n.startswith(f"{package}/")}
    assert inside == files_of(FOLDERS[package])


def test_data_and_type_markers_are_where_the_code_looks_for_them(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    schemas = {f"smxcheck/{part}/schema.json" for part in ("benchmark/files", "changes", "pages", "report", "selftest")}
    assert {"smxcheck/py.typed", "smxref/py.typed", "smxcases/digits.npz", *schemas} <= names
    assert sum(n.startswith("smxcases/") and n.endswith(".toml") for n in names) > 30


@pytest.mark.slow
def test_the_sdist_can_be_built_and_tested_on_its_own(tmp_path: Path) -> None:
    with tarfile.open(build("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    root_files = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff"}
    assert root_files <= names
    assert {f"tests/{name}" for name in files_of("tests")} <= names
    assert {f"cases/smxcases/{name}" for name in files_of("cases/smxcases")} <= names


def test_metadata_names_licence_python_and_command(wheel: zipfile.ZipFile, metadata: Message) -> None:
    assert (metadata["Version"], metadata["Requires-Python"]) == (__version__, ">=3.11")
    assert (metadata["License-Expression"], metadata["License-File"]) == ("Apache-2.0", "LICENSE")
    entry_points = next(n for n in wheel.namelist() if n.endswith("entry_points.txt"))
    assert "smxcheck = smxcheck.cli:main" in wheel.read(entry_points).decode()


def test_the_readme_is_the_long_description(metadata: Message) -> None:
    assert str(metadata.get_payload()).strip() == (ROOT / "README.md").read_text(encoding="utf-8").strip()


def names(requirements: list[str]) -> set[str]:
    """The names of the required projects, as a module would be spelled."""
    return {re.split(r"[\[><=!~; ]", text)[0].lower().replace("-", "_") for text in requirements}


def test_no_library_under_test_is_a_dependency() -> None:
    libraries = {need for library in LIBRARIES.values() for need in library.needs}
    assert libraries
    assert not libraries & names(PROJECT["dependencies"])


def test_the_extra_of_each_library_installs_what_it_needs() -> None:
    extras = PROJECT["optional-dependencies"]
    for library in LIBRARIES.values():
        assert set(library.needs) <= (names(extras[library.extra]) if library.extra else set()), library.name
    every = {library.extra for library in LIBRARIES.values() if library.extra}
    assert extras["libraries"] == [f"smxcheck[{','.join(e for e in extras if e in every)}]"]


def test_every_dependency_has_its_reason_in_contributing() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    extras = PROJECT["optional-dependencies"].values()
    wanted = names(PROJECT["dependencies"]).union(*(names(e) for e in extras)) - {"smxcheck"}
    told = {name.lower().replace("-", "_") for name in re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE)}
    assert told == wanted


def test_the_version_is_the_same_everywhere() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (\S+)$", citation, re.MULTILINE)[1] == __version__
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## \[([\d.]+)\]", changes, re.MULTILINE)[1] == __version__


def test_the_oldest_python_is_the_same_everywhere() -> None:
    oldest = PROJECT["requires-python"].removeprefix(">=")
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    pythons = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r"Python :: \d\.\d", c)]
    assert pythons[0] == oldest
    assert f"Python {oldest}" in (ROOT / "README.md").read_text(encoding="utf-8")
