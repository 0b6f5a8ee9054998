"""Slack's clients, unmodified: sessions listed, ended one by one, all of a person, by kind of device, and in bulk."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.sdk.bodies import PASSWORD, hashed, new_email
from tests.sdk.conftest import Clients
from tests.sdk.generated import Generated
from tests.sdk.releases import SLACK_NPM, SLACK_SDK, Release
from tests.sdk.slack import Slack, error, ok
from tests.serving import Server

TEAM = "00000000-0000-0000-0000-000000000001"
UNKNOWN = "8d3fbd3a-1f0b-4c8e-9d7e-0c1f7a5b6e42"
CLIENTS = [SLACK_SDK, SLACK_NPM, None]


@pytest.fixture(scope="session")
def generated() -> Iterator[Generated]:
    with Generated("slack") as started:
        yield started


@pytest.fixture(params=CLIENTS, ids=lambda release: release.name if release else "generated")
def slack(request: pytest.FixtureRequest, clients: Clients, generated: Generated, server: Server) -> Slack:
    release: Release | None = request.param
    return Slack(clients(release) if release else generated, server.admin, server.key)


AGENTS = {
    "web": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "mobile": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "desktop": "Slack/4.45 (Macintosh; Intel Mac OS X 10_15_7)",
}


@pytest.fixture
def user(server: Server) -> str:
    """The external id of a person who can sign in with PASSWORD."""
    return employ(server)


def employ(server: Server) -> str:
    email = new_email()
    credentials = {"password": {"config": {"hashed_password": hashed()}}}
    body = {"traits": {"email": email}, "credentials": credentials, "external_id": f"W-{email}"}
    assert server.ask_admin("POST", "/admin/identities", json=body).status_code == 201
    return f"W-{email}"


def sign_in(server: Server, user: str, kind: str = "web") -> str:
    """The token of a new session on a device of this kind."""
    answer = server.sign_in(user.removeprefix("W-"), PASSWORD, **{"user-agent": AGENTS[kind]})
    return str(answer["session_token"])


def alive(server: Server, *tokens: str) -> list[bool]:
    return [server.whoami(token).status_code == 200 for token in tokens]


def listed(slack: Slack, user: str, **arguments: Any) -> list[dict[str, Any]]:
    return list(ok(slack("list", user_id=user, team_id=TEAM, **arguments))["active_sessions"])


def test_S4_a_session_is_listed_and_invalidated_by_its_number(slack: Slack, server: Server, user: str) -> None:
    tokens = [sign_in(server, user) for _ in range(2)]
    [newer, older] = listed(slack, user)
    assert older["created"]["device_hardware"] == "web"
    assert older["created"]["slack_client_version"] == AGENTS["web"]
    assert (older["team_id"], older["created"]["ip"]) == (TEAM, "127.0.0.1")
    assert uuid.UUID(older["user_id"])
    # The JavaScript client must hold the number exactly. Only the generated one insists on a number.
    ok(
        slack(
            "invalidate", session_id=older["session_id"] if slack.generated else str(older["session_id"]), team_id=TEAM
        )
    )
    assert alive(server, *tokens) == [False, True]
    assert listed(slack, user) == [newer]
    assert error(slack("invalidate", session_id=older["session_id"], team_id=TEAM)) == "session_expired"
    assert error(slack("invalidate", session_id=1, team_id=TEAM)) == "session_not_found"
    assert error(slack("invalidate", session_id=newer["session_id"], team_id="T1")) == "team_not_found"
    ok(slack("invalidate", session_id=newer["session_id"], team_id=TEAM, user_id=user))
    assert error(slack("list", user_id=user, team_id=TEAM)) == "no_active_sessions"


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        ({}, []),
        ({"web_only": True}, ["mobile", "desktop"]),
        ({"mobile_only": True, "web_only": False}, ["web", "desktop"]),
        ({"mobile_only": True, "web_only": True}, ["desktop"]),
    ],
)  # fmt: skip
def test_S7_reset_ends_what_it_is_asked_to(
    slack: Slack, server: Server, user: str, arguments: dict[str, Any], left: list[str]
) -> None:
    tokens = {kind: sign_in(server, user, kind) for kind in AGENTS}
    assert ok(slack("reset", user_id=user, **arguments))["ok"] is True
    assert [kind for kind, token in tokens.items() if alive(server, token) == [True]] == left
    assert error(slack("reset", user_id=UNKNOWN)) == "user_not_found"


def test_S4_resetBulk_ends_all_of_many_at_once(slack: Slack, server: Server) -> None:
    users = [employ(server) for _ in range(3)]
    tokens = [sign_in(server, user) for user in users]
    ok(slack("resetBulk", user_ids=users[:2], web_only=True))
    assert alive(server, *tokens) == [False, False, True]
    answer = slack("resetBulk", user_ids=[users[2], "W-nobody", UNKNOWN])
    assert error(answer) == "failed_for_some_users"
    assert answer.body["failed_user_ids"] == {"W-nobody": "user_not_found", UNKNOWN: "user_not_found"}
    assert alive(server, *tokens) == [False, False, False]


def test_the_pages_of_a_list_are_followed_by_their_cursors(slack: Slack, server: Server, user: str) -> None:
    for _ in range(3):
        sign_in(server, user)
    numbers, cursor = [], ""
    while True:
        body = ok(slack("list", limit=2, user_id=user, team_id=TEAM, **({"cursor": cursor} if cursor else {})))
        numbers += [each["session_id"] for each in body["active_sessions"]]
        cursor = body["response_metadata"].get("next_cursor", "")
        if not cursor:
            break
    assert len(set(numbers)) == len(numbers) == 3
    assert error(slack("list", cursor="dXNlcg==")) == "invalid_cursor"
    assert ok(slack("list"))["active_sessions"]


def test_W1_without_a_good_key_the_clients_are_told_so_in_codes_they_know(
    slack: Slack, server: Server, user: str
) -> None:
    token = sign_in(server, user)
    assert error(slack.with_key("nl_key_wrong")("reset", user_id=user)) == "invalid_auth"
    # The generated one cannot leave the token out.
    nothing = "invalid_auth" if slack.generated else "not_authed"
    assert error(slack.with_key(None)("reset", user_id=user)) == nothing
    assert alive(server, token) == [True]


def test_settings_are_set_shown_and_cleared(slack: Slack, server: Server, user: str) -> None:
    other = employ(server)
    token = sign_in(server, user)
    assert ok(slack("getSettings", user_ids=[user, other]))["no_settings_applied"] == [user, other]
    ok(slack("setSettings", user_ids=[user, other], duration=28_800, desktop_app_browser_quit=True))
    ok(slack("setSettings", user_ids=[other], desktop_app_browser_quit=False))
    assert ok(slack("getSettings", user_ids=[user, other]))["session_settings"] == [
        {"user_id": user, "desktop_app_browser_quit": True, "duration": 28_800},
        {"user_id": other, "desktop_app_browser_quit": False, "duration": 28_800},
    ]
    left = datetime.fromisoformat(server.whoami(token).json()["expires_at"]) - datetime.now(UTC)
    assert left <= timedelta(hours=8)
    ok(slack("clearSettings", user_ids=[user]))
    assert ok(slack("getSettings", user_ids=[user, other]))["no_settings_applied"] == [user]
    assert error(slack("setSettings", user_ids=[user, UNKNOWN], duration=28_800)) == "user_not_found"


# What only slack_sdk can be made to send


@pytest.fixture
def slack_sdk(clients: Clients, server: Server) -> Slack:
    return Slack(clients(SLACK_SDK), server.admin, server.key)


def test_arguments_may_be_json(slack_sdk: Slack, server: Server, user: str) -> None:
    token = sign_in(server, user)
    ok(slack_sdk.api_call("admin.users.session.resetBulk", json={"user_ids": [user], "web_only": True}))
    assert alive(server, token) == [False]


def test_the_key_may_be_among_the_arguments(slack_sdk: Slack, server: Server, user: str) -> None:
    keyless = slack_sdk.with_key(None)
    assert error(keyless("reset", user_id=user)) == "not_authed"
    ok(keyless("reset", user_id=user, token=server.key))
    ok(keyless.api_call("admin.users.session.reset", json={"user_id": user, "token": server.key}))


def test_a_method_that_is_not_there_is_unknown(slack_sdk: Slack) -> None:
    assert error(slack_sdk.api_call("admin.users.list")) == "unknown_method"
