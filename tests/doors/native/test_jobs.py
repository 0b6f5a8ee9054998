"""Jobs over HTTP: begun by an ending or a change of very many, looked at, cancelled."""

import uuid
from typing import Any

import pytest
from tests.doors.kratos.in_process import KEY, UNKNOWN, Doors, Reply
from tests.doors.native.test_identities import employee, found
from tests.doors.native.test_organizations import DEFAULT_ID, refused
from tests.doors.native.test_sessions import ON_PHONES, alive, signed_in, stop

from nightlatch.core.administration import jobs, sessions, work
from nightlatch.core.identities.filling import want
from nightlatch.kernel.clock import MINUTE

URL, DEACTIVATE, DELETE = "/v1/jobs", "/v1/identities/deactivate", "/v1/identities/delete"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (work, sessions):
        monkeypatch.setattr(module, "KNOWN_MOST", 4)
    monkeypatch.setattr(jobs, "AT_ONCE", 3)


def change(doors: Doors, target: str = DEACTIVATE, *, key: str = KEY, query: str = "", **body: Any) -> Reply:
    return doors.admin("POST", target + query, {"reason": "taken over", **body}, key=key)


def advance(doors: Doors) -> bool:
    return doors.run(jobs.advance(doors.store, doors.act, b"one", doors.parts.schemas.traits)) is not None


def look(doors: Doors, job: dict[str, Any]) -> dict[str, Any]:
    return dict(doors.admin("GET", f"{URL}/{job['id']}").ok())


def phones(doors: Doors, count: int = 7) -> set[str]:
    ada = doors.person("ada")["id"]
    return {signed_in(doors, ada) for _ in range(count)}


def test_an_ending_of_very_many_is_answered_with_the_job_that_does_it(doors_of_each: Doors) -> None:
    doors = doors_of_each
    made = phones(doors)
    reply = stop(doors, filter=ON_PHONES, how="delete")
    begun = reply.ok(202)
    assert reply.headers["location"] == f"{URL}/{begun['id']}"
    at = "2023-11-14T22:13:20Z"
    assert begun == {
        "id": begun["id"], "kind": "sessions.end", "status": "running", "actor": begun["actor"], "reason": "taken over",
        "filter": ON_PHONES, "total": 7, "done": 0, "failed": 0, "failures": [], "created_at": at, "updated_at": at,
        "ended_at": None,
    }  # fmt: skip
    assert alive(doors) == made
    assert advance(doors)
    assert look(doors, begun)["done"] == 3
    while advance(doors):
        pass
    over = look(doors, begun)
    assert over == {**begun, "status": "done", "done": 7, "ended_at": at}
    assert alive(doors) == set()
    assert doors.admin("GET", URL).ok() == {"jobs": [over], "next_cursor": None}
    names = [event.name for event in doors.events if event.name.startswith("job.")]
    assert names == ["job.begun", "job.ended"]


def test_a_trial_of_very_many_is_ended_by_a_job_and_spares_the_last_minute(doors_of_each: Doors) -> None:
    doors = doors_of_each
    made = phones(doors)
    doors.clock.advance(MINUTE)
    just_now = signed_in(doors, doors.person("bob")["id"])
    tried = stop(doors, filter=ON_PHONES, dry_run=True).ok()
    assert tried["count"] == 7
    assert {each["id"] for each in tried["sample"]} == made
    job = stop(doors, token=tried["token"]).ok(202)
    while advance(doors):
        pass
    assert look(doors, job)["done"] == 7
    assert alive(doors) == {just_now}


def test_a_job_that_is_cancelled_stays_as_it_was_then(doors: Doors) -> None:
    made = phones(doors)
    job = stop(doors, filter=ON_PHONES).ok(202)
    advance(doors)
    cancelled = doors.admin("POST", f"{URL}/{job['id']}/cancel").ok()
    assert (cancelled["status"], cancelled["done"]) == ("cancelled", 3)
    assert not advance(doors)
    assert look(doors, job) == cancelled
    assert len(alive(doors) & made) == 4
    assert doors.admin("POST", f"{URL}/{job['id']}/cancel").ok() == cancelled


@pytest.mark.parametrize("target", [DEACTIVATE, DELETE])
def test_identities_are_changed_by_a_job_which_lists_those_that_are_not_there(
    doors_of_each: Doors, target: str
) -> None:
    doors = doors_of_each
    ada, bob = (doors.person(name)["id"] for name in ("ada", "bob"))
    signed_in(doors, ada)
    left = signed_in(doors, bob)
    job = change(doors, target, ids=[ada, UNKNOWN, ada]).ok(202)
    assert (job["kind"], job["total"], job["filter"]) == (target.removeprefix("/v1/").replace("/", "."), 2, None)
    while advance(doors):
        pass
    over = look(doors, job)
    assert (over["status"], over["done"], over["failed"]) == ("done", 1, 1)
    assert over["failures"] == [
        {"id": UNKNOWN, "problem": "identity_not_found", "detail": "There is no such identity."}
    ]
    assert alive(doors) == {left}
    shown = doors.admin("GET", f"/admin/identities/{ada}")
    if target == DELETE:
        shown.refused(404)
    else:
        assert shown.ok()["state"] == "inactive"


@pytest.mark.parametrize("target", [DEACTIVATE, DELETE])
@pytest.mark.parametrize("count", [3, 6])
def test_identities_that_a_filter_picks_are_tried_and_then_changed(
    doors_of_each: Doors, target: str, count: int
) -> None:
    doors = doors_of_each
    doors.write(lambda tx: want(tx, doors.parts.schemas))
    made = []
    for n in range(count + 2):
        made.append(employee(doors, f"e{n}", n + 1))
        doors.clock.advance(1000)
    doors.clock.advance(MINUTE)
    picked = f"traits.number le {count}"
    tried = change(doors, target, filter=picked, dry_run=True).ok()
    assert (tried["count"], [each["id"] for each in tried["sample"]]) == (count, made[: min(count, 4)])
    later = employee(doors, "later", 1)
    assert doors.admin("GET", URL).ok()["jobs"] == []
    job = change(doors, target, token=tried["token"]).ok(202)
    assert (job["filter"], job["total"]) == (picked, count)
    while advance(doors):
        pass
    assert (look(doors, job)["status"], look(doors, job)["done"]) == ("done", count)
    rest = found(doors, 'state eq "active"', sort="created_at")
    assert rest == [*made[count:], later]
    job = change(doors, target, filter=picked).ok(202)
    while advance(doors):
        pass
    assert found(doors, 'state eq "active"') == made[: count - 1 : -1]


def test_S4_a_filter_over_identities_that_is_amiss_is_refused_and_changes_nobody(doors: Doors) -> None:
    ada = doors.person("ada")["id"]
    doors.happened()
    for target in (DEACTIVATE, DELETE):
        for trial in (False, True):
            for text in ("", "state", 'state eq "actve"', "traits.number eq 1", 'device.kind eq "web"'):
                refused(change(doors, target, filter=text, dry_run=trial), 400, "filter_invalid")
            both = change(doors, target, filter="", organization=DEFAULT_ID, dry_run=trial)
            assert refused(both, 400, "field_invalid")["field"] == "ids"
    assert doors.happened() == []
    assert doors.admin("GET", URL).ok()["jobs"] == []
    assert found(doors, 'state eq "active"') == [ada]


@pytest.mark.parametrize("count", [3, 6])
def test_a_trial_shows_identities_and_its_token_changes_those(doors: Doors, count: int) -> None:
    people = sorted(doors.person(f"p{n}")["id"] for n in range(count))
    doors.clock.advance(MINUTE)
    tried = change(doors, organization=DEFAULT_ID, dry_run=True).ok()
    assert (tried["count"], [each["id"] for each in tried["sample"]]) == (count, people[:4])
    assert tried["sample"][0] == doors.admin("GET", "/v1/identities?sort=created_at").ok()["identities"][0]
    later = doors.person("later")["id"]
    refused(change(doors, DELETE, token=tried["token"]), 400, "field_invalid")
    job = change(doors, token=tried["token"]).ok(202)
    while advance(doors):
        pass
    assert look(doors, job)["done"] == count
    states = {each: doors.admin("GET", f"/admin/identities/{each}").ok()["state"] for each in (*people, later)}
    assert states == {**dict.fromkeys(people, "inactive"), later: "active"}


def test_what_is_asked_amiss_begins_no_job(doors: Doors) -> None:
    ada = doors.person("ada")["id"]
    doors.happened()
    for body, field in (
        ({}, "ids"), ({"ids": [ada], "organization": DEFAULT_ID}, "ids"), ({"ids": ["x"]}, "ids"),
        ({"organization": "x"}, "organization"), ({"token": "x"}, "token"), ({"token": "x", "dry_run": True}, "dry_run"),
    ):  # fmt: skip
        assert refused(change(doors, **body), 400, "field_invalid")["field"] == field
    for body in ({"ids": []}, {"ids": [UNKNOWN] * 1001}, {"reason": "", "ids": [ada]}, {"everybody": True}):
        refused(change(doors, **body), 400, "invalid")
    refused(doors.admin("POST", DELETE, {"ids": [ada]}), 400, "invalid")
    refused(change(doors, organization=UNKNOWN), 404, "organization_not_found")
    for target in (UNKNOWN, "x"):
        refused(doors.admin("GET", f"{URL}/{target}"), 404, "not_found")
        refused(doors.admin("POST", f"{URL}/{target}/cancel"), 404, "not_found")
    assert doors.happened() == []
    assert doors.admin("GET", URL).ok()["jobs"] == []


def test_W1_a_trial_shows_identities_to_whoever_may_read_them(doors: Doors) -> None:
    ada = doors.person("ada")["id"]
    writes, both = doors.key("identities:write"), doors.key("identities:write", "identities:read")
    refused(change(doors, ids=[ada], dry_run=True, key=writes), 403, "scope_missing")
    assert change(doors, ids=[ada], dry_run=True, key=both).ok()["count"] == 1
    job = change(doors, ids=[ada], key=writes).ok(202)
    refused(doors.admin("GET", f"{URL}/{job['id']}", key=both), 403, "scope_missing")
    refused(doors.admin("POST", f"{URL}/{job['id']}/cancel", key=doors.key("jobs:read")), 403, "scope_missing")


def test_W3_a_job_is_its_organizations_own(doors: Doors) -> None:
    acme, ada = doors.organization("acme"), doors.person("ada")["id"]
    mine = change(doors, ids=[ada]).ok(202)
    theirs = doors.key(organization=acme)
    in_acme = f"?organization_id={uuid.UUID(bytes=acme)}"
    for key, query in ((theirs, ""), (KEY, in_acme)):
        assert doors.admin("GET", URL + query, key=key).ok()["jobs"] == []
        refused(doors.admin("GET", f"{URL}/{mine['id']}{query}", key=key), 404, "not_found")
        refused(doors.admin("POST", f"{URL}/{mine['id']}/cancel{query}", key=key), 404, "not_found")
    refused(change(doors, organization=DEFAULT_ID, key=theirs), 403, "default_organization_only")
    job = change(doors, DELETE, ids=[ada], key=theirs).ok(202)
    while advance(doors):
        pass
    assert doors.admin("GET", f"{URL}/{job['id']}", key=theirs).ok()["failed"] == 1
    assert doors.admin("GET", f"/admin/identities/{ada}").ok()["state"] == "inactive"


def test_jobs_are_listed_in_pages_the_newest_first(doors: Doors) -> None:
    made = []
    for _ in range(5):
        made.append(change(doors, ids=[UNKNOWN]).ok(202)["id"])
        doors.clock.advance(1000)
    seen, token = [], ""
    while token is not None:
        page = doors.admin("GET", f"{URL}?limit=2&cursor={token}").ok()
        seen += [each["id"] for each in page["jobs"]]
        token = page["next_cursor"]
    assert seen == made[::-1]
