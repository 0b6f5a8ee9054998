"""The page about this dialect is complete and true."""

import re
from pathlib import Path

from tests.doors.sessions_api.asking import ADMIN, name

from nightlatch.doors.http.openapi import operation_id
from nightlatch.doors.sessions_api.errors import STATUS
from nightlatch.doors.sessions_api.shapes import SessionResponse

PAGE = (Path(__file__).parents[3] / "docs/dialects/sessions-api.md").read_text()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| ")]


def test_every_line_is_on_the_page_with_its_scope_and_status_and_no_other() -> None:
    rows = {row[0]: row[1:] for row in ROWS if "/sessions-api/" in row[0]}
    assert set(rows) == {f"`{name(route)}`" for route in ADMIN}
    for route in ADMIN:
        operation, scope, answer = rows[f"`{name(route)}`"]
        assert (operation, scope) == (operation_id(route), f"`{route.scope}`" if route.scope else "none")
        assert answer.startswith(str(route.status))


def test_every_member_of_a_session_is_explained() -> None:
    section = PAGE[PAGE.index("## What is what") : PAGE.index("## Refusals")]
    assert set(SessionResponse.__struct_fields__) <= set(re.findall(r"`(\w+)`", section))


def test_every_status_that_an_operation_can_have_is_explained() -> None:
    told = {int(row[0]) for row in ROWS if row[0].isdecimal()}
    operations = {401, 403, *(status for route in ADMIN for status in route.refuses)}
    assert operations <= told
    assert told <= {*STATUS.values(), 405, 500}
