"""One question over all identities, and traits in questions: over HTTP, on both databases."""

import uuid
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from tests.doors.kratos.in_process import KEY, Doors, Reply
from tests.doors.native.test_organizations import DEFAULT_ID, refused
from tests.doors.native.test_sessions import ids, signed_in, stop

from nightlatch.core.administration import questions
from nightlatch.core.identities.filling import want
from nightlatch.core.organizations.model import DEFAULT

URL = "/v1/identities"


def ask(doors: Doors, filter: str | None = None, *, key: str = KEY, **more: str) -> Reply:
    asked = more if filter is None else {"filter": filter, **more}
    return doors.admin("GET", f"{URL}?{urlencode(asked)}", key=key)


def found(doors: Doors, filter: str | None = None, **more: str) -> list[str]:
    return [each["id"] for each in ask(doors, filter, **more).ok()["identities"]]


def employee(doors: Doors, name: str, number: int, **more: Any) -> str:
    """The id of a new person whose number a filter may name."""
    traits = {"email": f"{name}@example.org", "number": number}
    return str(doors.person(name, schema_id="employee", traits=traits, **more)["id"])


@pytest.fixture
def staff(doors_of_each: Doors) -> Doors:
    doors_of_each.write(lambda tx: want(tx, doors_of_each.parts.schemas))
    return doors_of_each


def test_an_identity_is_shown_by_the_names_that_a_filter_asks_for(staff: Doors) -> None:
    ada = employee(staff, "ada", 7, external_id="crm-1", metadata_admin={"secret": 1})
    staff.person("bob")
    shown = ask(staff, f'id eq "{ada}"').ok()["identities"]
    assert shown == [{
        "id": ada, "organization": DEFAULT_ID, "state": "active", "schema": "employee", "external_id": "crm-1",
        "traits": {"email": "ada@example.org", "number": 7}, "created_at": "2023-11-14T22:13:20Z",
        "updated_at": "2023-11-14T22:13:20Z", "state_changed_at": "2023-11-14T22:13:20Z",
    }]  # fmt: skip
    for name, value in shown[0].items():
        if name != "traits":
            assert ada in found(staff, f'{name} eq "{value}"'), name
    assert found(staff, "traits.number eq 7") == [ada]
    assert found(staff, 'traits.number pr and not (external_id eq "crm-1")') == []


def test_pages_total_and_facets_are_of_the_identities_that_the_filter_picks(staff: Doors) -> None:
    made = []
    for n in range(7):
        made.append(employee(staff, f"e{n}", n + 1))
        staff.person(f"p{n}")
        staff.clock.advance(n % 3)
    picked = "traits.number ge 3"
    for sort in ("created_at", "-created_at"):
        seen, token = [], ""
        while token is not None:
            page = ask(staff, picked, sort=sort, limit="2", cursor=token, include="total,facets").ok()
            seen += [each["id"] for each in page["identities"]]
            token = page["next_cursor"]
            assert page["total"] == 5
            assert page["facets"] == {"state": {"active": 5}, "schema": {"employee": 5}}
        assert sorted(seen) == sorted(made[2:])
    whole = ask(staff, include="facets").ok()
    assert whole["facets"] == {"state": {"active": 14}, "schema": {"default": 7, "employee": 7}}
    assert "total" not in whole
    first = ask(staff, picked, limit="1").ok()["next_cursor"]
    refused(ask(staff, "traits.number ge 2", cursor=first), 400, "page_token_invalid")


def test_sessions_are_found_and_ended_by_a_trait_of_whose_they_are(staff: Doors) -> None:
    ada, bob = employee(staff, "ada", 7), employee(staff, "bob", 8)
    hers, his = [signed_in(staff, ada) for _ in range(2)], signed_in(staff, bob)
    assert sorted(ids(staff, "traits.number eq 7")) == sorted(hers)
    trial = stop(staff, filter="traits.number eq 7", dry_run=True).ok()
    assert trial["count"] == len(trial["sample"]) == 2
    assert stop(staff, token=trial["token"]).ok()["count"] == 2
    assert ids(staff, 'state eq "active"') == [his]
    assert stop(staff, filter="traits.number lt 9").ok()["count"] == 1


@pytest.mark.parametrize(
    ("filter", "column"),
    [
        ("", 1), ('stat eq "active"', 1), ('traits.email eq "ada@example.org"', 1), ('traits.number eq "7"', 18),
        ("traits.number eq 1.5", 18), ("traits.number sw 7", 1), ('state eq "active" and not (traits.nummer eq 7)', 28),
        ('state eq "actve"', 10),
    ],
)  # fmt: skip
def test_W2_a_filter_over_identities_that_cannot_be_understood_picks_nobody(
    staff: Doors, filter: str, column: int
) -> None:
    employee(staff, "ada", 7)
    details = refused(ask(staff, filter), 400, "filter_invalid")
    assert (details["field"], details["column"]) == ("filter", column)
    assert details["detail"].startswith(f"Column {column}: ")


def test_W2_a_filter_over_a_trait_waits_until_everybody_is_found_by_it(doors_of_each: Doors) -> None:
    doors = doors_of_each
    ada = employee(doors, "ada", 7)
    signed_in(doors, ada)
    for reply in (
        ask(doors, "traits.number ne 8"), ask(doors, "traits.number ne 8", include="total"),
        doors.admin("GET", "/v1/sessions?filter=traits.number+ne+8"), stop(doors, filter="traits.number ne 8"),
        stop(doors, filter="traits.number ne 8", dry_run=True),
    ):  # fmt: skip
        details = refused(reply, 400, "filter_invalid")
        assert details["column"] == 1
        assert "not filled in yet" in details["detail"]


def test_what_no_index_serves_is_refused_above_a_bound(staff: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "READ_MOST", 3)
    for n in range(6):
        employee(staff, f"e{n}", n + 1)
        staff.clock.advance(1)
    assert len(found(staff, "traits.number ge 6")) == 1
    assert len(found(staff)) == 6
    details = refused(ask(staff, 'external_id sw "x"'), 400, "query_too_broad")
    assert "allow_scan" in details["detail"]
    assert found(staff, 'external_id sw "x"', allow_scan="true") == []
    refused(ask(staff, include="total"), 400, "query_too_broad")
    assert ask(staff, include="total", allow_scan="true").ok()["total"] == 6


def test_W3_identities_of_another_organization_are_found_there_alone(staff: Doors) -> None:
    ada = employee(staff, "ada", 7)
    acme = staff.organization("acme")
    there = staff.key("identities:read", organization=acme)
    identity = staff.read(lambda tx: tx.identities.get(DEFAULT, uuid.UUID(ada).bytes))
    theirs = msgspec.structs.replace(identity, id=staff.act().new_id(), organization=acme)
    staff.write(lambda tx: tx.identities.add([(theirs, ())]))
    assert [each["id"] for each in ask(staff, key=there).ok()["identities"]] == [str(uuid.UUID(bytes=theirs.id))]
    assert ask(staff, "traits.number eq 7", key=there).ok()["identities"] == []
    refused(ask(staff, organization_id=DEFAULT_ID, key=there), 403, "scope_missing")
    managing = staff.key("identities:read", "organizations:write")
    elsewhere = ask(staff, key=managing, organization_id=str(uuid.UUID(bytes=acme))).ok()["identities"]
    assert [each["organization"] for each in elsewhere] == [str(uuid.UUID(bytes=acme))]
    refused(ask(staff, key=staff.key("sessions:read")), 403, "scope_missing")
