"""Guessing at one account, many guesses at once and from everywhere, against four workers on each database."""

import asyncio
import re
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.postgres import Postgres
from tests.serving import Server

PASSWORD = "Tr0ut-lamp*ferry 91"
LIMIT = 6
THROTTLING = {"free_attempts": LIMIT, "attempts": LIMIT, "floor": "0s"}
SETTINGS = {"nightlatch": {"hashing": {"queue": 500}, "throttling": THROTTLING}}


@pytest.fixture(params=["sqlite", "postgres"])
def four(request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres) -> Iterator[Server]:
    dsn = f"sqlite://{tmp_path}/nightlatch.sqlite" if request.param == "sqlite" else postgres.create_database()
    with Server(tmp_path / "run", dsn, workers=4, settings=SETTINGS) as server:
        yield server
    if request.param == "postgres":
        postgres.drop_database(dsn)


def refused(server: Server) -> dict[str, int]:
    """How many sign-ins were refused so far, by reason: a wrong one is one that the verifier looked at."""
    text = server.ask_admin("GET", "/metrics").text
    found = re.findall(r'^nightlatch_sign_ins_refused_total{reason="(\w+)"} (\S+)$', text, re.MULTILINE)
    return {reason: int(float(count)) for reason, count in found}


def anna(server: Server) -> tuple[str, str]:
    email = f"anna-{uuid.uuid4().hex}@example.com"
    body = {
        "schema_id": "default",
        "traits": {"email": email},
        "credentials": {"password": {"config": {"password": PASSWORD}}},
    }
    return server.ask_admin("POST", "/admin/identities", json=body).json()["id"], email


def guess(server: Server, email: str, count: int) -> list[httpx.Response]:
    """So many at once, each from a network of its own."""

    async def one(client: httpx.AsyncClient, n: int) -> httpx.Response:
        network = {"X-Forwarded-For": f"192.0.2.{n}"}
        flow = (await client.get("/self-service/login/api", headers=network)).json()["id"]
        body = {"method": "password", "identifier": email, "password": f"guess {n}"}
        return await client.post("/self-service/login", params={"flow": flow}, json=body, headers=network)

    async def together() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=count)
        async with httpx.AsyncClient(base_url=server.public, limits=limits, timeout=60, trust_env=False) as client:
            return await asyncio.gather(*(one(client, n) for n in range(count)))

    return asyncio.run(together())


def masked(reply: httpx.Response) -> tuple[int, str, dict[str, str]]:
    headers = {name: value for name, value in reply.headers.items() if name not in {"date", "x-request-id"}}
    return reply.status_code, re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[\d:.]+Z", "*", reply.text), headers


def test_P8_of_200_guesses_at_once_the_verifier_sees_as_many_as_the_limit_and_no_more(four: Server) -> None:
    identity_id, email = anna(four)
    token = four.sign_in(email, PASSWORD)["session_token"]
    replies = guess(four, email, 200)
    assert Counter(reply.status_code for reply in replies) == {400: 200}
    seen = refused(four)
    assert seen == {"credentials_wrong": LIMIT, "locked": 200 - LIMIT}
    assert len({masked(reply)[:2] for reply in replies}) == 1, "P7: a lock looks like a wrong password"
    assert masked(four.try_sign_in(email, PASSWORD))[:2] == masked(replies[0])[:2]
    assert four.whoami(token).status_code == 200
    assert four.ask_admin("POST", f"/v1/identities/{identity_id}/unlock").status_code == 204
    assert four.sign_in(email, PASSWORD)


def test_P8_a_guess_counts_though_its_worker_dies_before_it_answers(four: Server) -> None:
    _, email = anna(four)
    for _ in range(2):
        guess(four, email, LIMIT // 2)
        four.kill()
        four.start()
    assert four.try_sign_in(email, PASSWORD).status_code == 400


def test_P6_names_that_nobody_has_are_counted_and_answered_alike(four: Server) -> None:
    _, email = anna(four)
    known, unknown = (
        [masked(four.try_sign_in(name, "wrong")) for _ in range(8)]
        for name in (email, f"{uuid.uuid4().hex}@example.com")
    )
    same: Any = [(status, text.replace(email, "*")) for status, text, _ in known]
    assert [status for status, _, _ in unknown] == [status for status, _ in same]
    assert {headers["content-type"] for _, _, headers in (*known, *unknown)} == {"application/json; charset=utf-8"}
    assert {len(text) for _, text, _ in known} == {len(known[0][1])}
