"""The real server, killed while it is asked under an idempotency key."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
from tests.serving import Server

ROUNDS = 4


def ask(server: Server, name: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {server.key}", "Idempotency-Key": name}
    return httpx.post(f"{server.admin}/v1/organizations", json={"name": name}, headers=headers, trust_env=False)


def test_F14_a_server_that_is_killed_at_any_moment_does_nothing_twice(serve: Callable[..., Server]) -> None:
    server, moment = serve(), random.Random(14)
    assert ask(server, "warm").status_code == 201
    with ThreadPoolExecutor(1) as another:
        for n in range(ROUNDS):
            asked = another.submit(ask, server, f"o{n}")
            time.sleep(moment.uniform(0, 0.02))
            server.kill()
            with suppress(httpx.TransportError):
                assert asked.result().status_code == 201
            server.start()
            again = ask(server, f"o{n}")
            assert again.status_code in {201, 409}, again.text
            listed = server.ask_admin("GET", "/v1/organizations").json()["organizations"]
            ids = [each["id"] for each in listed if each["name"] == f"o{n}"]
            assert len(ids) <= 1
            if again.status_code == 201:
                assert ids == [again.json()["id"]]
            else:
                assert again.json()["type"].endswith(("idempotency_key_busy", "answer_lost"))
