"""The OpenAPI document of this door, tried on the door itself; and its page of the docs."""

import asyncio
import contextlib
import json
import random
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from tests.doors.kratos.in_process import KEY, UNKNOWN, Doors
from tests.doors.kratos.test_document import CHECKS
from tests.doors.kratos.test_sweep_answers import instance, kinds_of_problem
from tests.doors.native.test_organizations import DEFAULT_ID

from nightlatch import problems
from nightlatch.doors.native import errors
from nightlatch.doors.native.routes import ADMIN

PAGE = (Path(__file__).parents[3] / "docs/dialects/native.md").read_text()
SCOPE = {"method": "GET", "request_id": "r1"}
OWN = [kind for kind in kinds_of_problem() if kind.__module__ == problems.__name__]


@pytest.mark.parametrize("kind", OWN)
def test_every_problem_is_said_in_problem_details(kind: type[problems.Problem]) -> None:
    problem = instance(kind)
    answer = errors.of_problem(problem, SCOPE)
    details = json.loads(answer.body)
    assert answer.media_type == "application/problem+json"
    assert (details["status"], details["type"]) == (answer.status, f"urn:nightlatch:problem:{kind.code}")
    assert details["detail"] == problem.reason or (details["detail"] and not problem.reason)
    assert (answer.status >= 500) is issubclass(kind, problems.Unavailable)
    assert ("retry-after" in dict(answer.headers)) is issubclass(kind, problems.Unavailable | problems.Throttled)
    posted = errors.of_problem(problem, SCOPE | {"method": "POST"})
    assert ("retry-after" in dict(posted.headers)) is (kind in {problems.Busy, problems.Throttled})


def test_W10_a_bug_is_told_as_a_number_and_nothing_else(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    async def bug(*_: Any) -> None:
        raise KeyError("canary")

    monkeypatch.setattr(doors.store, "scan", bug)
    reply = doors.admin("GET", "/v1/keys")
    assert reply.status == 500
    assert b"canary" not in reply.body
    assert set(reply.json) == {"type", "title", "status", "detail", "request_id"}
    doors.failures.clear()


def test_the_document_is_sound_and_names_every_line(doors: Doors) -> None:
    document = doors.admin("GET", "/v1/openapi.json", key=None).ok()
    assert document["openapi"] == "3.1.0"
    listed = {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}
    assert listed == {(route.method, route.path) for route in ADMIN}
    assert len([each.ok() for each in schemathesis.openapi.from_dict(document).get_all_operations()]) == len(ADMIN)


def test_what_is_answered_is_what_the_document_promises(doors: Doors) -> None:
    doors.organization("acme")
    source = random.Random(4)
    document = doors.admin("GET", "/v1/openapi.json").ok()
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = result.ok()
        for mode in schemathesis.GenerationMode:

            @settings(
                max_examples=8, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck),
                phases=[Phase.generate],
            )  # fmt: skip
            @given(case=operation.as_strategy(generation_mode=mode))
            def run(case: Any) -> None:
                for places, name in ((case.path_parameters, "id"), (case.query, "organization_id")):
                    if name in (places or {}) and source.random() < 0.7:
                        places[name] = source.choice((DEFAULT_ID, UNKNOWN))
                case.validate_response(doors.run(answer(doors, case)), checks=CHECKS)

            with contextlib.suppress(*([Unsatisfiable] if mode is schemathesis.GenerationMode.NEGATIVE else [])):
                run()
    assert doors.failures == []


async def answer(doors: Doors, case: Any) -> httpx.Response:
    sent = case.as_transport_kwargs(base_url="http://127.0.0.1")
    given = dict(sent["headers"]) | {"authorization": f"Bearer {KEY}"}
    headers = {name: str(value).encode("latin-1") for name, value in given.items()}
    body = {"json": sent["json"]} if "json" in sent else {"content": sent.get("data") or b""}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(doors._admin), trust_env=False) as client:
        request = client.build_request(sent["method"], sent["url"], params=sent.get("params"), headers=headers, **body)
        return await asyncio.wait_for(client.send(request), 30)


def test_the_page_has_every_line_with_its_scope_and_status_and_no_other() -> None:
    rows = re.findall(
        r"^\| `((?:GET|POST|PUT|PATCH|DELETE) /[^`]*)` \|[^|]*\| (?:`([^`]*)`)? *\| (\d+) \|", PAGE, re.MULTILINE
    )
    assert set(rows) == {(f"{r.method} {r.path}", r.scope or "", str(r.status)) for r in ADMIN}
    assert len(rows) == len(ADMIN)
