"""The OpenAPI document of each port, tried on the port itself: what it promises is what is answered."""

import asyncio
import contextlib
import json
import random
import time
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.specs.openapi import checks
from tests.doors.kratos.in_process import KEY, Doors
from tests.doors.kratos.table import ADMIN, PUBLIC, World

CHECKS = [
    checks.status_code_conformance, checks.content_type_conformance, checks.response_headers_conformance,
    checks.response_schema_conformance, schemathesis.checks.not_a_server_error,
]  # fmt: skip
PORTS = {"admin": ADMIN, "public": PUBLIC}
MODES = list(schemathesis.GenerationMode)


def schema_of(port: str, doors: Doors) -> Any:
    reply = doors.admin("GET", "/openapi.json") if port == "admin" else doors.public("GET", "/openapi.json")
    return schemathesis.openapi.from_dict(reply.ok())


@pytest.mark.parametrize("port", PORTS)
def test_the_document_is_a_sound_one(doors: Doors, port: str) -> None:
    """Every operation can be read by a tool that knows the specification; every reference leads somewhere."""
    schema = schema_of(port, doors)
    found = [each.ok() for each in schema.get_all_operations()]
    assert len(found) == len(PORTS[port])
    document = doors.admin("GET", "/openapi.json").ok()
    names = set(document["components"]["schemas"])
    text = json.dumps(document)
    referred = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert referred <= names
    assert names <= referred
    ids = [o["operationId"] for p in document["paths"].values() for o in p.values() if "operationId" in o]
    assert len(ids) == len(set(ids))


def test_the_document_is_made_once_and_needs_no_key(doors: Doors) -> None:
    began = time.perf_counter()
    for _ in range(100):
        doors.admin("GET", "/openapi.json", key=None).ok()
    assert time.perf_counter() - began < 2
    assert b"nightlatch" in doors.public("GET", "/openapi.json").body


def conforms(doors: Doors, port: str, examples: int) -> None:
    """Sends `examples` generated requests that fit, and as many that do not, to every operation; half of them are about
    things that exist."""
    world = World(doors)
    known = [world.identity, world.session, "crm-1", "default", "totp", *world.flows.values()]
    source = random.Random(4)
    for result in schema_of(port, doors).get_all_operations():
        operation = result.ok()
        if "operationId" not in operation.definition.raw:
            continue  # another spelling of one that was or will be tried
        for mode in MODES:

            @settings(
                max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck),
                phases=[Phase.generate],
            )  # fmt: skip
            @given(case=operation.as_strategy(generation_mode=mode))
            def run(case: Any) -> None:
                for places in (case.path_parameters, case.query):
                    for name in places or {}:
                        if name in {"id", "flow", "external_id", "type"} and source.random() < 0.5:
                            places[name] = source.choice(known)
                case.validate_response(doors.run(_answer(doors, port, case, world)), checks=CHECKS)

            # Where nothing but text is asked for, nothing can be wrong.
            with contextlib.suppress(*([Unsatisfiable] if mode is schemathesis.GenerationMode.NEGATIVE else [])):
                run()
    assert doors.failures == []


async def _answer(doors: Doors, port: str, case: Any, world: World) -> httpx.Response:
    """What the port says to `case`. The credentials are right."""
    sent = case.as_transport_kwargs(base_url="http://127.0.0.1")
    headers = dict(sent["headers"]) | {"authorization": f"Bearer {KEY}", "x-session-token": world.token}
    app = doors._admin if port == "admin" else doors._public
    body = {"json": sent["json"]} if "json" in sent else {"content": sent.get("data") or b""}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), trust_env=False) as client:
        request = client.build_request(sent["method"], sent["url"], params=sent.get("params"), headers=headers, **body)
        return await asyncio.wait_for(client.send(request), 30)


@pytest.mark.parametrize("port", PORTS)
def test_what_is_answered_is_what_the_document_promises(doors: Doors, port: str) -> None:
    conforms(doors, port, examples=6)


@pytest.mark.long
@pytest.mark.parametrize("port", PORTS)
def test_what_is_answered_is_what_the_document_promises_at_length(doors_of_each: Doors, port: str) -> None:
    conforms(doors_of_each, port, examples=150)
