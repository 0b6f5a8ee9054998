"""The page about this dialect is complete and true: every method with its scope and arguments, every code."""

import re
from pathlib import Path

import msgspec
import pytest
from tests.doors.slack.asking import METHODS, Line, name

from nightlatch.doors.slack import errors
from nightlatch.doors.slack.auth import SCOPES

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/dialects/slack.md").read_text()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| `")]
SAID = re.compile(r'(?:Said|BodyRefused)\("(\w+)"|"((?:invalid|missing)_post_type)"')


@pytest.mark.parametrize("line", METHODS, ids=name)
def test_a_method_is_on_the_page_with_its_scope_and_its_arguments(line: Line) -> None:
    [row] = [row for row in ROWS if row[0] == f"`POST {line.path}`"]
    assert row[1] == f"`{line.scope}`"
    told = {field: mark == "" for field, mark in re.findall(r"`(\w+)`(\??)", row[2])}
    assert told == {field.name: field.required for field in msgspec.structs.fields(line.takes)}


def test_the_page_lists_the_methods_that_there_are_and_no_other() -> None:
    listed = {row[0] for row in ROWS if row[0].startswith("`POST ")}
    assert listed == {f"`POST {line.path}`" for line in METHODS}


def test_the_scopes_are_those_of_the_page() -> None:
    rows = {row[0]: row[1] for row in ROWS if len(row) == 2}
    assert {f"`{theirs}`": f"`{ours}`" for ours, theirs in SCOPES.items()}.items() <= rows.items()


def test_every_code_that_can_be_answered_is_on_the_page_and_no_other() -> None:
    section = PAGE[PAGE.index("## Errors") : PAGE.index("## Where")]
    listed = {
        code for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for code in re.findall(r"`(\w+)`", row)
    }
    said = {code for _, code in errors.ERRORS.values()} | set(errors._REFUSALS.values()) | {"internal_error"}
    for file in (ROOT / "src/nightlatch/doors/slack").glob("*.py"):
        said |= {code for found in SAID.findall(file.read_text()) for code in found if code}
    assert listed == said
