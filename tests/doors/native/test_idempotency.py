"""Idempotency-Key: whoever asks again is answered the same, and nothing is done twice, whatever died in between."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from tests.doors.kratos.in_process import ADMIN_PORT, KEY, Doors, Reply, request
from tests.doors.kratos.test_sweep_answers import Failing
from tests.doors.native.test_organizations import refused

from nightlatch.core.access import idempotency as rules
from nightlatch.core.housekeeping import Retention, sweep
from nightlatch.doors.native.routes import ADMIN
from nightlatch.kernel.clock import DAY, MINUTE
from nightlatch.problems import StoreDown
from nightlatch.stores.sql.statement import sql

URL = "/v1/organizations"
ACME = {"name": "acme"}


def ask(doors: Doors, body: Any = ACME, url: str = URL, *, key: str = '"k-1"', **more: Any) -> Reply:
    return doors.admin("POST", url, body, headers={"idempotency-key": key}, **more)


def rows(doors: Doors) -> int:
    """How many keys are kept."""
    statement = "select count(*) from idempotency_keys"
    return int(doors.write(lambda tx: count(tx, statement)))


async def count(tx: Any, statement: str) -> int:
    row = await tx.idempotency_keys._connection.row(sql(statement))
    return int(row[0])


def names(doors: Doors) -> list[str]:
    return [each["name"] for each in doors.admin("GET", URL).ok()["organizations"]]


def test_who_asks_again_is_answered_the_same_and_nothing_happens(doors_of_each: Doors) -> None:
    doors = doors_of_each
    first = ask(doors)
    made = first.ok(201)
    assert doors.happened() == ["organization.created"]
    doors.clock.advance(DAY - 1)
    for key in ('"k-1"', "k-1"):
        again = ask(doors, key=key)
        assert again.ok(201) == made
        assert {name: again.headers[name] for name in ("location", "etag", "content-type")} == {
            name: first.headers[name] for name in ("location", "etag", "content-type")
        }
    assert doors.happened() == []
    doors.clock.advance(1)
    refused(ask(doors), 409, "conflict")  # it is another request now, for a name that is taken


def test_every_post_takes_a_key_and_answers_again_under_it(doors: Doors) -> None:
    person = doors.person()["id"]
    bodies = {
        "/v1/organizations": ACME,
        "/v1/identities/{id}/unlock": None,
        "/v1/sessions/end": {"everybody": True, "reason": "x"},
        "/v1/keys": {"name": "x", "scopes": ["*"]},
    }
    for path, body in bodies.items():
        first, again = (ask(doors, body, path.replace("{id}", person), key=path) for _ in range(2))
        assert first.status == again.status < 300
        assert first.body == again.body
    takes = {route.path for route in ADMIN if any(each.name == "Idempotency-Key" for each in route.query)}
    assert takes == {route.path for route in ADMIN if route.method == "POST"} >= bodies.keys()


def test_a_trial_that_is_asked_for_again_is_the_same_trial(doors: Doors) -> None:
    body = {"filter": 'id pr and created_at gt "2020-01-01T00:00:00Z"', "reason": "x", "dry_run": True}
    first = ask(doors, body, "/v1/sessions/end").ok()
    doors.clock.advance(5 * MINUTE)
    assert ask(doors, body, "/v1/sessions/end").ok() == first


def test_a_key_is_for_one_request(doors_of_each: Doors) -> None:
    doors = doors_of_each
    ask(doors).ok(201)
    doors.happened()
    for body, url in (({"name": "other"}, URL), (ACME, f"{URL}?x=1"), (b'{ "name": "acme" }', URL)):
        reply = ask(doors, body, url)
        assert refused(reply, 400 if "?" in url else 422, "field_invalid" if "?" in url else "idempotency_key_reused")
    refused(ask(doors, {"name": "x", "scopes": ["*"]}, "/v1/keys"), 422, "idempotency_key_reused")
    assert doors.happened() == []


def test_W1_a_key_is_its_access_keys_own_and_opens_nothing_without_it(doors: Doors) -> None:
    first = ask(doors).ok(201)
    mine = doors.key()
    assert ask(doors, {"name": "mine"}, key='"k-1"').status == 422
    assert doors.admin("POST", URL, {"name": "mine"}, key=mine, headers={"idempotency-key": "k-1"}).ok(201) != first
    weak = doors.key("organizations:read")
    refused(doors.admin("POST", URL, ACME, key=weak, headers={"idempotency-key": "k-1"}), 403, "scope_missing")
    refused(doors.admin("POST", URL, ACME, key=None, headers={"idempotency-key": "k-1"}), 401, "key_required")


def test_what_was_refused_may_be_asked_again_mended_under_the_same_key(doors_of_each: Doors) -> None:
    doors = doors_of_each
    refused(ask(doors, {"name": ""}), 400, "field_invalid")
    refused(ask(doors, b"{"), 400, "invalid")
    refused(ask(doors, {"name": "x"} | {"aliases": ["x" * 70_000]}), 413, "")
    assert rows(doors) == 0
    ask(doors).ok(201)


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "caf\xe9", "a\tb"])
def test_a_key_that_is_none_is_400(doors: Doors, key: str) -> None:
    assert refused(ask(doors, key=key), 400, "field_invalid")["field"] == "Idempotency-Key"
    assert doors.happened() == []


def test_F14_of_many_at_once_one_acts_and_all_others_are_told_so(doors_of_each: Doors) -> None:
    doors = doors_of_each
    headers = {"authorization": f"Bearer {KEY}", "idempotency-key": "k-1"}

    async def at_once() -> list[Reply]:
        asked = (request(doors._admin, ADMIN_PORT, "POST", URL, ACME, headers=headers) for _ in range(12))
        return await asyncio.gather(*asked)

    replies = doors.run(at_once())
    assert {reply.status for reply in replies} <= {201, 409}
    made = {reply.body for reply in replies if reply.status == 201}
    assert len(made) == 1
    for reply in replies:
        if reply.status == 409:
            refused(reply, 409, "idempotency_key_busy")
    assert Counter(names(doors))["acme"] == 1
    assert ask(doors).body in made


@pytest.mark.parametrize("at", [2, 3])
def test_F14_a_server_that_dies_before_or_after_the_act_has_it_done_once(doors_of_each: Doors, at: int) -> None:
    doors, store = doors_of_each, doors_of_each.store
    doors.listen(store=Failing(store, at, lambda: RuntimeError("killed")))
    assert ask(doors).status == 500
    doors.failures.clear()
    doors.listen(store=store)
    refused(ask(doors), 409, "idempotency_key_busy")
    doors.clock.advance(MINUTE)
    again = ask(doors)
    if at == 2:
        again.ok(201)
    else:
        refused(again, 409, "answer_lost")
    assert names(doors).count("acme") == 1


def test_F14_where_the_answer_cannot_be_kept_whoever_waits_gets_it_and_nobody_acts_again(doors: Doors) -> None:
    store = doors.store
    doors.listen(store=Failing(store, 3, StoreDown))
    ask(doors).ok(201)
    doors.listen(store=store)
    doors.clock.advance(MINUTE)
    refused(ask(doors), 409, "answer_lost")
    assert doors.happened() == ["organization.created"]


def test_F14_who_was_too_slow_does_not_act_once_somebody_else_did(doors_of_each: Doors) -> None:
    doors = doors_of_each
    first = doors.write(lambda tx: rules.hold(tx, doors.act(), "k", b"f"))
    doors.clock.advance(MINUTE)
    second = doors.write(lambda tx: rules.hold(tx, doors.act(), "k", b"f"))
    with pytest.raises(rules.IdempotencyKeyBusy):
        doors.write(lambda tx: rules.mark(tx, first))
    doors.write(lambda tx: rules.mark(tx, second))
    doors.write(lambda tx: rules.release(tx, first))
    assert rows(doors) == 1


def test_S2_an_answer_that_holds_a_secret_is_kept_sealed(doors_of_each: Doors) -> None:
    doors = doors_of_each
    token = ask(doors, {"name": "x", "scopes": ["*"]}, "/v1/keys").ok(201)["token"]
    entry = doors.read(
        lambda tx: tx.idempotency_keys.get(
            rules.sha256(f"key:{'0' * 8}-0000-0000-0000-{'0' * 12} k-1".encode()).digest()
        )
    )
    assert entry.answer is not None
    assert token.encode() not in entry.answer
    assert token.encode() in doors.parts.vault.keys.decrypt(entry.answer, entry.id)


def test_F23_keys_are_bounded_in_number_and_leave_after_a_day(
    doors_of_each: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    doors = doors_of_each
    monkeypatch.setattr(rules, "MOST", 2)
    for n in range(2):
        ask(doors, {"name": f"o{n}"}, key=f"k-{n}").ok(201)
        doors.clock.advance(MINUTE)
    reply = ask(doors, key="k-2")
    refused(reply, 429, "throttled")
    assert reply.headers["retry-after"] == str(24 * 3600 - 120 + 1)
    assert ask(doors, {"name": "o0"}, key="k-0").status == 201
    doors.clock.advance(DAY - 2 * MINUTE)
    ask(doors, key="k-2").ok(201)
    doors.clock.advance(MINUTE + 1)
    removed: Counter[str] = Counter()
    retention = Retention(DAY, DAY, DAY)
    schemas = doors.parts.schemas
    doors.run(sweep(doors.store, doors.act(), b"one", retention, schemas, lambda what, n: removed.update({what: n})))
    assert removed["idempotency_keys"] == 2
    assert rows(doors) == 1


def test_an_answer_that_is_too_long_is_not_kept(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LARGEST", 10)
    ask(doors).ok(201)
    doors.clock.advance(MINUTE)
    refused(ask(doors), 409, "answer_lost")
