"""The page about this dialect is complete and true: every line of the tables and every Problem is on it."""

import re
from pathlib import Path

import pytest
from tests.doors.kratos.table import ADMIN, PUBLIC
from tests.doors.kratos.test_sweep_answers import kinds_of_problem

from nightlatch.doors.http.openapi import operation_id
from nightlatch.doors.kratos import errors

PAGE = (Path(__file__).parents[3] / "docs/dialects/kratos.md").read_text()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| `")]
LINE = re.compile(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`]*)`")
SCOPE = re.compile(r"`(\w+:\w+)`")


def section(title: str) -> str:
    found = re.search(rf"^## {title}$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"the page has no section {title}"
    return found[1]


def lines(title: str) -> set[str]:
    return set(LINE.findall(section(title)))


def test_every_line_of_the_tables_is_on_the_page_and_no_other() -> None:
    shared, long = lines("Both ports"), lines("The admin port")
    short = {line.replace("/admin", "", 1) for line in long if SCOPE.search(section("The admin port"))}
    of_admin = {f"{r.method} {r.path.replace(':path', '')}" for r in ADMIN}
    scoped = {f"{r.method} {r.path.replace(':path', '')}" for r in ADMIN if r.scope}
    assert of_admin == shared | long | (short & scoped)
    own = lines("The public port")
    redirected = {
        line for line in own if "/identities" in line or ("/recovery/" in line and "self-service" not in line)
    }
    prefixed = {line.replace(" /", " /admin/", 1) for line in redirected}
    assert {f"{r.method} {r.path.replace(':path', '')}" for r in PUBLIC} == shared | own | prefixed


@pytest.mark.parametrize(
    "route", [r for r in (*ADMIN, *PUBLIC) if r.status < 300], ids=lambda r: f"{r.method} {r.path}"
)
def test_a_line_has_the_operation_scope_and_status_that_the_table_gives_it(route) -> None:
    path = route.path.replace(":path", "")
    spelled = {f"`{route.method} {path}`", f"`{route.method} /admin{path}`"}
    rows = [row for row in ROWS if row[0] in spelled and operation_id(route) in row]
    assert rows
    said = " | ".join(rows[0])
    assert str(route.status) in said or "the same" in said
    if route.scope:
        assert f"`{route.scope}`" in said


def test_every_problem_is_on_the_page_as_it_is_answered_and_no_other() -> None:
    rows = {row[0].strip("`"): row[1:3] for row in ROWS if len(row) == 4 and row[1].isdecimal()}
    kinds = [kind for kind in kinds_of_problem() if kind is not errors.AllConflict]
    known = {}
    for kind in kinds:
        found = next(errors.ERRORS[parent] for parent in kind.__mro__ if parent in errors.ERRORS)
        known[kind.code] = [str(found.status), f"`{found.id}`" if found.id else ""]
    assert rows == known


def test_the_page_names_no_operation_that_does_not_exist() -> None:
    named = {row[1] for row in ROWS if LINE.fullmatch(row[0]) and len(row) > 2 and row[1]}
    assert named == {operation_id(r) for r in (*ADMIN, *PUBLIC) if r.status < 300}
