"""One question over all sessions, and the same question ends them: over HTTP, on both databases."""

import asyncio
import uuid
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from tests.doors.kratos.in_process import ADMIN_PORT, KEY, PASSWORD, UNKNOWN, Doors, Reply, request
from tests.doors.native.test_organizations import DEFAULT_ID, refused
from tests.serving import Server

from nightlatch.core.administration import questions
from nightlatch.core.administration import sessions as rules
from nightlatch.core.administration.work import KNOWN_MOST, Trial
from nightlatch.core.events.model import Act
from nightlatch.core.jobs.model import TAIL, Kind, Which
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.model import Device, How, Method, Where
from nightlatch.core.sessions.rules import Lifetime, end, issue, renew
from nightlatch.kernel.clock import DAY, HOUR, MINUTE

URL, END = "/v1/sessions", "/v1/sessions/end"
PHONE = Device("203.0.113.9", "Shop/2.1 (Android 14)", "Ulm, DE", "mobile")
LAPTOP = Device("198.51.100.4", "Mozilla/5.0", None, "web")
ON_PHONES = 'device.kind eq "mobile"'


def ask(doors: Doors, filter: str | None = None, *, key: str = KEY, **more: str) -> Reply:
    asked = more if filter is None else {"filter": filter, **more}
    return doors.admin("GET", f"{URL}?{urlencode(asked)}", key=key)


def ids(doors: Doors, filter: str | None = None, **more: str) -> list[str]:
    return [each["id"] for each in ask(doors, filter, **more).ok()["sessions"]]


def stop(doors: Doors, *, key: str = KEY, query: str = "", **body: Any) -> Reply:
    return doors.admin("POST", END + query, {"reason": "taken over", **body}, key=key)


def signed_in(
    doors: Doors, who: str, device: Device = PHONE, act: Act | None = None, organization: bytes = DEFAULT
) -> str:
    """The id of a new session of the identity, on this device."""
    return doors.run(signing_in(doors, who, device, act, organization))


async def signing_in(
    doors: Doors, who: str, device: Device = PHONE, act: Act | None = None, organization: bytes = DEFAULT
) -> str:
    async def unit(tx: Any) -> bytes:
        identity = await tx.identities.get(organization, uuid.UUID(who).bytes)
        epochs = await tx.sessions.epochs(organization, identity.id)
        how = (Method("password", 1, doors.clock.now()),)
        session, _ = await issue(tx, act or doors.act(), identity, how, device, doors.parts.lifetime, epochs)
        return session.id

    return str(uuid.UUID(bytes=await doors.store.write(unit)))


def stranger(doors: Doors) -> tuple[str, bytes]:
    """Somebody of another organization who is signed in: the session, and the organization."""
    acme = doors.organization("acme")
    ada = doors.person("stranger")["id"]
    identity = doors.read(lambda tx: tx.identities.get(DEFAULT, uuid.UUID(ada).bytes))
    theirs = msgspec.structs.replace(identity, id=doors.act().new_id(), organization=acme, external_id=None)
    doors.write(lambda tx: tx.identities.add([(theirs, ())]))
    return signed_in(doors, str(uuid.UUID(bytes=theirs.id)), organization=acme), acme


def alive(doors: Doors) -> set[str]:
    return set(ids(doors, 'state eq "active"'))


def test_a_session_is_shown_by_the_names_that_a_filter_asks_for(doors_of_each: Doors) -> None:
    doors = doors_of_each
    ada = doors.person("ada", external_id="crm-1")["id"]
    phone = signed_in(doors, ada)
    (shown,) = ask(doors).ok()["sessions"]
    assert shown == {
        "id": phone, "number": shown["number"], "state": "active", "organization": DEFAULT_ID,
        "identity": {"id": ada, "state": "active", "schema": "default", "external_id": "crm-1"},
        "device": {"kind": "mobile", "ip": "203.0.113.9", "user_agent": "Shop/2.1 (Android 14)", "location": "Ulm, DE"},
        "methods": ["password"], "aal": 1, "created_at": "2023-11-14T22:13:20Z", "issued_at": "2023-11-14T22:13:20Z",
        "authenticated_at": "2023-11-14T22:13:20Z", "expires_at": "2023-11-15T22:13:20Z",
        "last_seen": "2023-11-14T22:13:20Z",
    }  # fmt: skip
    flat = {**shown, **{f"{of}.{k}": v for of in ("identity", "device") for k, v in shown[of].items()}}
    for name, value in flat.items():
        if isinstance(value, str | int):
            said = f'"{value}"' if isinstance(value, str) else value
            assert ids(doors, f"{name} eq {said}") == [phone], name
    assert ids(doors, 'methods eq "password"') == [phone]


def test_pages_total_and_facets_are_of_what_the_filter_picks(doors_of_each: Doors) -> None:
    doors = doors_of_each
    ada, made = doors.person("ada")["id"], []
    for n in range(7):
        made.append(signed_in(doors, ada, PHONE if n % 2 else LAPTOP))
        doors.clock.advance(n % 3)
    phones = made[1::2]
    for sort, expected in (("created_at", phones), ("-created_at", phones[::-1])):
        seen, token = [], ""
        while token is not None:
            page = ask(doors, ON_PHONES, sort=sort, limit="2", cursor=token, include="total,facets").ok()
            seen += [each["id"] for each in page["sessions"]]
            token = page["next_cursor"]
            assert page["total"] == 3
            assert page["facets"] == {
                "device.kind": {"mobile": 3},
                "methods": {"password": 3},
                "organization": {str(uuid.UUID(bytes=DEFAULT)): 3},
                "country": {"DE": 3},
            }
        assert sorted(seen) == sorted(expected)
    whole = ask(doors, include="facets").ok()
    assert whole["facets"]["device.kind"] == {"mobile": 3, "web": 4}
    assert "total" not in whole


def test_W2_a_page_token_is_good_for_its_own_question_only(doors: Doors) -> None:
    ada = doors.person("ada")["id"]
    for _ in range(3):
        signed_in(doors, ada)
    token = ask(doors, ON_PHONES, limit="1").ok()["next_cursor"]
    assert ask(doors, ON_PHONES, limit="1", cursor=token).status == 200
    for text, more in ((None, {}), ('device.kind eq "web"', {}), (ON_PHONES, {"sort": "created_at"})):
        refused(ask(doors, text, cursor=token, **more), 400, "page_token_invalid")
    keys = doors.admin("GET", "/v1/keys?limit=1&cursor=" + token)
    refused(keys, 400, "page_token_invalid")


@pytest.mark.parametrize(
    ("filter", "column"),
    [
        ("", 1), ('device.kin eq "web"', 1), ('state eq "actve"', 10), ('state gt "active"', 1), ('id eq "x"', 7),
        ('created_at gt "yesterday"', 15), ('created_at gt "2026-01-01T00:00:00"', 15), ("aal eq 1.5", 8),
        ("aal eq true", 8), ("number gt 9223372036854775808", 11), ("device.ip gt null", 14), ("aal eq 1 and", 13),
        ('created_at gt "0001-01-01T00:00:00+14:00"', 15), ('methods co "pass"', 1), ('traits.email eq "x"', 1),
    ],
)  # fmt: skip
def test_W2_a_filter_that_cannot_be_understood_picks_nothing_and_says_where(
    doors: Doors, filter: str, column: int
) -> None:
    signed_in(doors, doors.person("ada")["id"])
    doors.happened()
    for reply in (ask(doors, filter), stop(doors, filter=filter), stop(doors, filter=filter, dry_run=True)):
        details = refused(reply, 400, "filter_invalid")
        assert (details["field"], details["column"]) == ("filter", column)
        assert details["detail"].startswith(f"Column {column}: ")
    assert doors.happened() == []
    assert len(alive(doors)) == 1


def test_what_else_is_asked_amiss_is_refused(doors: Doors) -> None:
    for more in ({"sort": "number"}, {"include": "everything"}, {"allow_scan": "yes"}, {"limit": "0"}):
        assert refused(ask(doors, **more), 400, "field_invalid")["field"] == next(iter(more))
    for body, field in (
        ({}, "filter"), ({"everybody": False}, "filter"), ({"everybody": True, "filter": ON_PHONES}, "filter"),
        ({"everybody": True, "dry_run": True}, "dry_run"), ({"ids": ["x"]}, "ids"), ({"organization": "x"}, "organization"),
        ({"token": "x"}, "token"), ({"organization": ""}, "organization"), ({"token": ""}, "token"),
    ):  # fmt: skip
        assert refused(stop(doors, **body), 400, "field_invalid")["field"] == field
    for body in ({"ids": []}, {"identities": [UNKNOWN] * 1001}, {"reason": "", "everybody": True}, {"all": True}):
        refused(stop(doors, **body), 400, "invalid")
    refused(doors.admin("POST", END, {"everybody": True}), 400, "invalid")
    refused(stop(doors, organization=UNKNOWN), 404, "organization_not_found")
    refused(stop(doors, everybody=True, query="?organization_id="), 404, "organization_not_found")
    assert doors.happened() == []


@pytest.mark.parametrize(
    ("query", "field"), [("organisation_id=x", "organisation_id"), ("filter=x", "filter"), ("organization_id", "")]
)
def test_a_parameter_that_is_unknown_or_comes_twice_is_refused_before_anything_ends(
    doors: Doors, query: str, field: str
) -> None:
    signed_in(doors, doors.person("ada")["id"])
    doors.happened()
    query = f"?{query}" if field else f"?{query}={DEFAULT_ID}&{query}={DEFAULT_ID}"
    details = refused(stop(doors, everybody=True, query=query), 400, "field_invalid")
    assert details["field"] == (field or "organization_id")
    assert doors.admin("HEAD", "/v1/keys?page=2").status == 400
    assert doors.happened() == []


def test_W1_a_trial_shows_sessions_to_whoever_may_read_them(doors: Doors) -> None:
    signed_in(doors, doors.person("ada")["id"])
    ends, both = doors.key("sessions:end"), doors.key("sessions:end", "sessions:read")
    refused(stop(doors, filter="id pr", dry_run=True, key=ends), 403, "scope_missing")
    assert stop(doors, filter="id pr", dry_run=True, key=both).ok()["count"] == 1
    assert stop(doors, filter="id pr", key=ends).ok()["count"] == 1


@pytest.mark.parametrize("how", list(How))
def test_S4_what_a_filter_picks_is_ended_and_nothing_else(doors_of_each: Doors, how: How) -> None:
    doors = doors_of_each
    ada, bob = (doors.person(name)["id"] for name in ("ada", "bob"))
    phones = [signed_in(doors, who) for who in (ada, bob, ada)]
    laptop = signed_in(doors, ada, LAPTOP)
    stop(doors, ids=[phones[2]]).ok()
    doors.happened()
    assert stop(doors, filter=ON_PHONES, how=how).ok() == {
        "count": 2 if how is How.DISABLE else 3, "more": False, "missing": [],
    }  # fmt: skip
    assert alive(doors) == {laptop}
    assert len(ids(doors)) == (4 if how is How.DISABLE else 1)
    (told,) = doors.events
    assert told.name == ("session.ended" if how is How.DISABLE else "session.deleted")
    assert told.reason == "taken over"
    assert told.data is not None
    assert told.data["filter"] == ON_PHONES
    assert set(told.data["sessions"]) == set(phones[: told.amount])
    assert stop(doors, filter=ON_PHONES).ok()["count"] == 0


def test_S4_ids_identities_an_organization_and_everybody_are_ended_as_they_are_named(doors_of_each: Doors) -> None:
    doors = doors_of_each
    ada, bob, eve = (doors.person(name)["id"] for name in ("ada", "bob", "eve"))
    of_ada = [signed_in(doors, who) for who in (ada, ada, bob)]
    left = signed_in(doors, eve)
    assert stop(doors, ids=[of_ada[0], of_ada[0], UNKNOWN]).ok() == {"count": 1, "more": False, "missing": [UNKNOWN]}
    assert stop(doors, identities=[ada, bob, UNKNOWN], how="delete").ok()["missing"] == [UNKNOWN]
    assert ids(doors) == [left]
    assert stop(doors, everybody=True).ok()["count"] == 1
    left = signed_in(doors, eve)
    assert alive(doors) == {left}
    assert stop(doors, organization=DEFAULT_ID).ok()["count"] == 1
    assert alive(doors) == set()


def test_a_trial_ends_nothing_and_its_token_ends_what_it_showed(doors_of_each: Doors) -> None:
    doors = doors_of_each
    ada = doors.person("ada")["id"]
    made = []
    for _ in range(12):
        made.append(signed_in(doors, ada))
        doors.clock.advance(1)
    laptop = signed_in(doors, ada, LAPTOP)
    doors.happened()
    tried = stop(doors, filter=ON_PHONES, how="delete", dry_run=True).ok()
    assert tried["count"] == 12
    assert [each["id"] for each in tried["sample"]] == made[:1:-1]
    assert tried["expires_at"].startswith("2023-11-14T22:23:20")
    assert doors.happened() == []
    stop(doors, ids=[made[0]]).ok()
    later = signed_in(doors, ada)
    refused(stop(doors, token=tried["token"], how="disable"), 400, "field_invalid")
    assert stop(doors, token=tried["token"]).ok()["count"] == 12
    assert set(ids(doors)) == {laptop, later}
    assert stop(doors, token=tried["token"]).ok()["count"] == 0


def test_a_trial_is_of_who_asked_of_where_and_of_ten_minutes(doors: Doors) -> None:
    signed_in(doors, doors.person("ada")["id"])
    acme = doors.organization("acme")
    mine, other = doors.key(), doors.key()
    token = stop(doors, filter=ON_PHONES, dry_run=True, key=mine).ok()["token"]
    elsewhere = f"?organization_id={uuid.UUID(bytes=acme)}"
    doors.happened()
    for key, query, given in ((other, "", token), (KEY, "", token), (mine, elsewhere, token), (mine, "", token[:-1])):
        assert refused(stop(doors, token=given, key=key, query=query), 400, "field_invalid")["field"] == "token"
    doors.clock.advance(10 * MINUTE)
    refused(stop(doors, token=token, key=mine), 400, "field_invalid")
    assert doors.happened() == []
    doors.clock.advance(-1)
    assert stop(doors, token=token, key=mine).ok()["count"] == 1


def test_S4_a_trial_never_ends_more_than_it_showed_whoever_signs_in_meanwhile(doors_of_each: Doors) -> None:
    doors = doors_of_each
    ada, bob = (doors.person(name)["id"] for name in ("ada", "bob"))
    before = {signed_in(doors, ada) for _ in range(20)}
    begun = [doors.act() for _ in range(10)]  # sign-ins that began before the trial and are written after it
    doors.clock.advance(1000)
    tried = stop(doors, filter=ON_PHONES, dry_run=True).ok()
    assert tried["count"] == 20

    async def all_at_once() -> list[Any]:
        late = await asyncio.gather(*[signing_in(doors, bob, PHONE, act) for act in begun[:5]])
        ending = request(
            doors._admin, ADMIN_PORT, "POST", END, {"reason": "r", "token": tried["token"]},
            headers={"authorization": f"Bearer {KEY}"},
        )  # fmt: skip
        after = [signing_in(doors, bob, PHONE, act) for act in begun[5:]]
        return [*late, *await asyncio.gather(ending, *after)]

    came = {each for each in doors.run(all_at_once()) if isinstance(each, str)}
    assert len(came) == 10
    assert alive(doors) == came
    ended = [each for event in doors.events if event.name == "session.ended" for each in event.data["sessions"]]  # type: ignore[index]
    assert set(ended) == before


def test_a_trial_spares_who_proved_themselves_since(doors_of_each: Doors) -> None:
    doors = doors_of_each
    ada = doors.person("ada")["id"]
    idle, proved = signed_in(doors, ada), signed_in(doors, ada)
    token = stop(doors, filter=ON_PHONES, dry_run=True).ok()["token"]
    doors.clock.advance(1)
    again = Method("password", 1, doors.clock.now())
    doors.write(lambda tx: renew(tx, doors.act(), uuid.UUID(proved).bytes, again, doors.parts.lifetime))
    assert stop(doors, token=token).ok()["count"] == 1
    assert alive(doors) == {proved} != {idle}


def test_a_trial_ends_none_that_fits_only_since(doors: Doors) -> None:
    ada = doors.person("ada")["id"]
    doors.listen(lifetime=Lifetime(DAY, HOUR, idle=HOUR))
    idle = signed_in(doors, ada)
    doors.clock.advance(2 * HOUR)
    busy = signed_in(doors, ada)
    text = 'state eq "expired"'
    tried = stop(doors, filter=text, dry_run=True, how="delete").ok()
    assert tried["count"] == 1
    doors.clock.advance(9 * MINUTE)
    doors.listen(lifetime=Lifetime(DAY, HOUR, idle=MINUTE))
    assert sorted(ids(doors, text)) == sorted([idle, busy])
    assert stop(doors, token=tried["token"]).ok()["count"] == 1
    assert ids(doors) == [busy]


def test_a_question_that_no_index_serves_is_refused_above_a_bound_unless_it_is_meant(
    doors_of_each: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    doors = doors_of_each
    monkeypatch.setattr(questions, "READ_MOST", 5)
    ada, eve = (doors.person(name)["id"] for name in ("ada", "eve"))
    rare = signed_in(doors, eve, LAPTOP)
    for _ in range(6):
        doors.clock.advance(1000)
        signed_in(doors, ada)
    rarely = 'device.kind eq "web"'
    for reply in (ask(doors, rarely), ask(doors, include="total"), stop(doors, filter=rarely)):
        assert "created_at" in refused(reply, 400, "query_too_broad")["detail"]
    assert ids(doors, rarely, allow_scan="true") == [rare]
    assert ask(doors, rarely, allow_scan="true", include="total").ok()["total"] == 1
    assert len(ids(doors, ON_PHONES, limit="3")) == 3
    assert len(ids(doors)) == 7
    for served in (f'identity.id eq "{eve}"', 'created_at lt "2023-11-14T22:13:20.001Z"', f'id eq "{rare}"'):
        assert ask(doors, f"{rarely} and {served}", include="total").ok()["total"] == 1
    assert stop(doors, filter=rarely, allow_scan=True).ok()["count"] == 1


def test_more_than_a_thousand_are_ended_in_units_that_each_leave_an_event(
    doors_of_each: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    doors = doors_of_each
    monkeypatch.setattr(rules, "AT_ONCE", 3)
    ada = doors.person("ada")["id"]
    made = {signed_in(doors, ada) for _ in range(8)}
    doors.happened()
    token = stop(doors, filter=ON_PHONES, dry_run=True).ok()["token"]
    assert stop(doors, token=token).ok()["count"] == 8
    told = [(event.name, event.amount) for event in doors.events]
    assert told == [("session.ended", 3), ("session.ended", 3), ("session.ended", 2)]
    assert {each for event in doors.events for each in event.data["sessions"]} == made  # type: ignore[index]


def test_the_token_of_the_greatest_trial_fits_into_a_request(doors: Doors) -> None:
    act = doors.act()
    tails = b"".join(act.new_id()[-TAIL:] for _ in range(KNOWN_MOST))
    which = Which(act.now, "😀" * 2000, idle=act.now, allow_scan=True, by=act.now, tails=tails)
    token = doors.parts.page_keys.seal(("trial", Trial(act.actor, DEFAULT, Kind.END_SESSIONS, which, KNOWN_MOST)))
    assert which.shown([(0, act.new_id()) for _ in range(100)]) == []
    body = {"reason": "😀" * 500, "token": token}
    refused(doors.admin("POST", END, body), 400, "field_invalid")  # of another actor, and not too large


def test_W3_no_key_finds_or_ends_what_is_another_organizations(doors_of_each: Doors) -> None:
    doors = doors_of_each
    theirs, acme = stranger(doors)
    mine = signed_in(doors, doors.person("ada")["id"])
    of_acme = f"?organization_id={uuid.UUID(bytes=acme)}"
    key = doors.key(organization=acme)
    mere = doors.key("sessions:*")
    doors.happened()
    everything = ("id pr", 'state eq "active"', f'organization eq "{DEFAULT_ID}" or id pr')
    for text in (*everything, f'id eq "{theirs}"', f'id eq "{mine}"', f'organization eq "{DEFAULT_ID}"'):
        assert theirs not in ids(doors, text)
        assert mine not in ids(doors, text, key=key)
    assert stop(doors, ids=[theirs], key=mere).ok()["missing"] == [theirs]
    assert stop(doors, filter=f'id eq "{mine}"', key=key).ok()["count"] == 0
    for query, body in ((of_acme, {"filter": "id pr"}), ("", {"organization": str(uuid.UUID(bytes=acme))})):
        refused(stop(doors, key=mere, query=query, **body), 403, "scope_missing")
    refused(stop(doors, key=key, organization=DEFAULT_ID), 403, "default_organization_only")
    refused(ask(doors, key=mere, organization_id=str(uuid.UUID(bytes=acme))), 403, "scope_missing")
    assert doors.happened() == []
    assert stop(doors, everybody=True, key=key).ok()["count"] == 1
    assert alive(doors) == {mine}
    assert stop(doors, filter="id pr", query=of_acme, how="delete").ok()["count"] == 1
    assert {event.organization for event in doors.events} == {acme}


def test_an_ending_by_filter_is_an_ending_by_the_one_rule(doors: Doors) -> None:
    ada = doors.person("ada")["id"]
    one, two = signed_in(doors, ada), signed_in(doors, ada)
    stop(doors, filter=f'id eq "{one}"').ok()
    named = Where(session_ids=(uuid.UUID(two).bytes,))
    doors.write(lambda tx: end(tx, doors.act(), named, How.DISABLE, "taken over"))
    by_filter, by_rule = [event for event in doors.events if event.name == "session.ended"]
    assert by_filter.data == {"filter": f'id eq "{one}"'}
    assert (by_filter.identity_id, by_filter.reason, by_filter.amount) == (by_rule.identity_id, by_rule.reason, 1)


def test_W9_what_an_operator_types_as_a_reason_is_no_label_of_a_counter(server: Server) -> None:
    email = f"{uuid.uuid4()}@example.com"
    password = {"password": {"config": {"password": PASSWORD}}}
    person = server.ask_admin(
        "POST", "/admin/identities", json={"schema_id": "default", "traits": {"email": email}, "credentials": password}
    ).json()
    server.sign_in(email, PASSWORD)
    body = {"filter": f'identity.id eq "{person["id"]}"', "reason": "a word of my own"}
    assert server.ask_admin("POST", END, json=body).json()["count"] == 1
    figures = server.ask_admin("GET", "/metrics").text
    assert 'nightlatch_sessions_ended_total{reason="other"}' in figures
    assert "my own" not in figures
