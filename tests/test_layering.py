"""The shape of the source tree, where the linters have no rule for it. The import order itself is import-linter's
(pyproject.toml, run by make lint)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "nightlatch"
FILES = sorted(SOURCE.rglob("*.py"))
LATE_IMPORTS = 10  # optional parts, and what would slow the start of every command
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager", "managers"}
DIALECTS = ("kratos", "slack", "huawei")
SPEAKS_A_DIALECT = {"doors", "config", "data", "cli", "client"}
SCHEMA_EXTENSION = "ory.sh/kratos"  # the word by which identity schemas themselves name it


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_functions_that_import_are_few() -> None:
    late = {
        f"{file.relative_to(ROOT)}:{function.name}"
        for file in FILES
        for function in functions(ast.parse(file.read_text()))
        if any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(function))
    }
    assert len(late) <= LATE_IMPORTS, late


@pytest.mark.parametrize(("folder", "most"), [("src", 500), ("tests", 600), ("bench", 500), ("examples", 60)])
def test_no_file_is_too_long_to_be_read_at_once(folder: str, most: int) -> None:
    lengths = {
        str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in (ROOT / folder).rglob("*.py")
    }
    assert {name: lines for name, lines in lengths.items() if lines > most} == {}


def test_no_function_is_longer_than_60_lines() -> None:
    long = {
        f"{file.relative_to(ROOT)}:{function.name}"
        for file in FILES
        for function in functions(ast.parse(file.read_text()))
        if (function.end_lineno or 0) - function.lineno >= 60
    }
    assert long == set()


def test_every_module_is_named_after_what_it_holds() -> None:
    assert {str(file.relative_to(ROOT)) for file in FILES if file.stem in SAYS_NOTHING} == set()
    assert {str(folder) for folder in SOURCE.rglob("*") if folder.is_dir() and folder.name in SAYS_NOTHING} == set()


def test_every_module_says_what_it_owns() -> None:
    silent = {str(file.relative_to(ROOT)) for file in FILES if not ast.get_docstring(ast.parse(file.read_text()))}
    assert silent == set()


def test_the_core_and_the_stores_know_no_dialect() -> None:
    named = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in FILES
        if file.relative_to(SOURCE).parts[0] not in SPEAKS_A_DIALECT | {"app.py", "wiring.py"}
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if any(word in line.lower().replace(SCHEMA_EXTENSION, "") for word in DIALECTS)
    ]
    assert named == []


def test_nothing_is_left_to_do_later() -> None:
    marks = ("TODO", "FIXME", "XXX")
    assert {str(file.relative_to(ROOT)) for file in FILES if any(mark in file.read_text() for mark in marks)} == set()
