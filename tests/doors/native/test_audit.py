"""The log of what happened, over HTTP, on both databases."""

import uuid
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from tests.doors.kratos.in_process import KEY, Doors, Reply
from tests.doors.native.test_organizations import refused

from nightlatch.core.administration import questions
from nightlatch.core.events.model import event
from nightlatch.core.organizations.model import DEFAULT

URL = "/v1/audit"


def ask(doors: Doors, filter: str | None = None, *, key: str = KEY, **more: str) -> Reply:
    asked = more if filter is None else {"filter": filter, **more}
    return doors.admin("GET", f"{URL}?{urlencode(asked)}", key=key)


def names(doors: Doors, filter: str | None = None, **more: str) -> list[str]:
    return [each["name"] for each in ask(doors, filter, **more).ok()["events"]]


def happen(doors: Doors, *names: str, organization: bytes = DEFAULT, **more: Any) -> None:
    for name in names:
        doors.clock.advance(1000)
        act = msgspec.structs.replace(doors.act(), organization=organization)
        doors.write(lambda tx, act=act, name=name: tx.events.add([event(act, name, **more)]))


def test_what_was_done_is_shown_by_the_names_that_a_filter_asks_for(doors_of_each: Doors) -> None:
    doors = doors_of_each
    ada = doors.person("ada")["id"]
    ended = {"identities": [ada], "reason": "taken over"}
    doors.admin("POST", "/v1/sessions/end", ended).ok()
    (shown,) = ask(doors, f'identity.id eq "{ada}" and name eq "session.ended"').ok()["events"]
    assert shown == {
        "id": shown["id"], "at": "2023-11-14T22:13:20Z", "name": "session.ended", "actor": shown["actor"],
        "reason": "taken over", "identity": {"id": ada}, "session": None, "amount": 0, "position": None,
        "data": {"identities": [ada]},
    }  # fmt: skip
    assert shown["actor"].startswith("key:")
    for name in ("id", "at", "name", "actor", "reason"):
        assert f'"{shown["id"]}"' in ask(doors, f'{name} eq "{shown[name]}"').body.decode(), name
    assert names(doors, "amount eq 0 and not (position pr)") == ["session.ended"]


def test_pages_go_either_way_and_their_tokens_are_good_for_their_own_question(doors_of_each: Doors) -> None:
    doors = doors_of_each
    happen(doors, "a.1", "a.2", "b.1", "a.3")
    for sort, expected in (("at", ["a.1", "a.2", "a.3"]), ("-at", ["a.3", "a.2", "a.1"])):
        seen, token = [], ""
        while token is not None:
            page = ask(doors, 'name sw "a."', sort=sort, limit="2", cursor=token).ok()
            seen += [each["name"] for each in page["events"]]
            token = page["next_cursor"]
        assert seen == expected
    token = ask(doors, limit="1").ok()["next_cursor"]
    refused(ask(doors, 'name sw "a."', cursor=token), 400, "page_token_invalid")
    refused(doors.admin("GET", f"/v1/sessions?cursor={token}"), 400, "page_token_invalid")


def test_W3_the_log_of_another_organization_is_for_whoever_manages_organizations(doors_of_each: Doors) -> None:
    doors = doors_of_each
    acme = doors.organization("acme")
    happen(doors, "theirs.1", organization=acme)
    happen(doors, "ours.1")
    of_acme = {"organization_id": str(uuid.UUID(bytes=acme))}
    assert "theirs.1" not in names(doors)
    assert "theirs.1" in names(doors, **of_acme)
    theirs = doors.key("audit:read", organization=acme)
    assert "ours.1" not in [each["name"] for each in ask(doors, "id pr", key=theirs).ok()["events"]]
    refused(ask(doors, key=doors.key("audit:read"), **of_acme), 403, "scope_missing")
    refused(ask(doors, key=doors.key("sessions:*")), 403, "scope_missing")


def test_a_question_about_the_log_that_no_index_serves_is_refused_above_a_bound(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "READ_MOST", 5)
    happen(doors, "rare.1", *["often.1"] * 6)
    rarely = 'name eq "rare.1"'
    assert "position" in refused(ask(doors, rarely), 400, "query_too_broad")["detail"]
    assert names(doors, rarely, allow_scan="true") == ["rare.1"]
    assert names(doors, f'{rarely} and at lt "2023-11-14T22:13:20.002Z"') == ["rare.1"]
    for text, column in (('nam eq "x"', 1), ('at gt "now"', 7), ("", 1)):
        assert refused(ask(doors, text), 400, "filter_invalid")["column"] == column
    refused(ask(doors, sort="name"), 400, "field_invalid")
