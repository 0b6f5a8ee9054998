"""Recovery codes and links: made by an administrator, redeemed by the person (contract: admin API 1.19, public 4.1, 4.2)."""

import base64
import re
from typing import Any

import pytest
from tests.doors.kratos.in_process import PUBLIC_URL, UNKNOWN, Doors, Reply, flows

from nightlatch.kernel.clock import HOUR, MINUTE

CODE, LINK = "/admin/recovery/code", "/admin/recovery/link"
BAD = "The request was malformed or contained invalid parameters"
BOTH = pytest.mark.parametrize("path", [CODE, LINK])
WRONG = 4060006


@pytest.fixture
def ada(doors: Doors) -> str:
    made = str(doors.person("ada")["id"])
    doors.happened()
    return made


def flow_of(link: str) -> str:
    found = re.search(r"[?&]flow=([0-9a-f-]{36})", link)
    assert found
    return found[1]


def redeem(doors: Doors, flow: str, code: Any, **more: Any) -> Reply:
    return doors.public("POST", f"/self-service/recovery?flow={flow}", {"method": "code", "code": code}, **more)


def messages(reply: Reply) -> list[int]:
    ui = reply.json["ui"]
    return [m["id"] for place in (ui, *ui["nodes"]) for m in place.get("messages", [])]


# Making them


def test_a_code_is_answered_as_the_contract_draws_it(doors: Doors, ada: str) -> None:
    """Golden: 1.19."""
    made = doors.admin("POST", CODE, {"identity_id": ada}).ok(201)
    assert set(made) == {"recovery_link", "recovery_code", "expires_at"}
    assert re.fullmatch("[0-9]{6}", made["recovery_code"])
    assert re.fullmatch(r"https://ui\.example\.org/recovery\?flow=[0-9a-f-]{36}", made["recovery_link"])
    assert made["expires_at"] == "2023-11-14T23:13:20Z"
    assert doors.happened() == ["recovery_code.created"]


def test_a_link_is_answered_as_the_contract_draws_it(doors: Doors, ada: str) -> None:
    """Golden: 1.19."""
    made = doors.admin("POST", LINK, {"identity_id": ada}).ok(200)
    assert set(made) == {"recovery_link", "expires_at"}
    expected = re.escape(PUBLIC_URL) + r"self-service/recovery\?flow=[0-9a-f-]{36}&token=[A-Za-z0-9]{32}"
    assert re.fullmatch(expected, made["recovery_link"])
    assert doors.happened() == ["recovery_link.created"]


@BOTH
@pytest.mark.parametrize(
    ("text", "expires_at"),
    [
        ("1m30s", "2023-11-14T22:14:50Z"),
        ("500ms", "2023-11-14T22:13:20.500000Z"),
        ("720h", "2023-12-14T22:13:20Z"),
        ("", "2023-11-14T23:13:20Z"),
        (None, "2023-11-14T23:13:20Z"),
    ],
)
def test_the_lifespan_is_as_asked_or_an_hour(
    doors: Doors, ada: str, path: str, text: str | None, expires_at: str
) -> None:
    assert doors.admin("POST", path, {"identity_id": ada, "expires_in": text}).json["expires_at"] == expires_at


UNREAD = 'Unable to parse "expires_in" as a duration string (e.g. "1h", "1m30s", "500ms"): '
PAST = 'Value from "expires_in" must result to a future time: '
LONG = "Recovery codes and links live 30 days at most."
EXPIRIES = [
    ("1d", UNREAD + "1d"), ("x", UNREAD + "x"), ("1", UNREAD + "1"), ("9" * 400 + "h", UNREAD + "9" * 400 + "h"),
    ("0", PAST + "0s"), ("0h", PAST + "0s"), ("-1h", PAST + "-1h0m0s"), ("721h", LONG),
]  # fmt: skip


@BOTH
@pytest.mark.parametrize(("text", "reason"), EXPIRIES)
def test_a_lifespan_that_is_wrong_is_told_before_the_identity_is_looked_for(
    doors: Doors, ada: str, path: str, text: str, reason: str
) -> None:
    """1.19: expiry errors beat not-found; one wording (part 3, 23); 30 days at most (part 0)."""
    for identity_id in (ada, UNKNOWN):
        error = doors.admin("POST", path, {"identity_id": identity_id, "expires_in": text}).refused(400)
        assert (error["message"], error["reason"]) == (BAD, reason)
    assert doors.happened() == []


@BOTH
@pytest.mark.parametrize("body", [{"identity_id": UNKNOWN}, {}, {"identity_id": None}, {"identity_id": ""}])
def test_an_unknown_identity_is_404_for_both(doors: Doors, path: str, body: dict[str, Any]) -> None:
    """Part 3, 23."""
    error = doors.admin("POST", path, body).refused(404)
    assert error["message"] == "Unable to locate the resource"
    assert error["reason"] == "could not find identity"


REFUSED = [
    (b"", "application/json", 'Unable to decode HTTP Request Body because its HTTP Header "Content-Length" is zero.'),
    (b"{}", "text/plain", "HTTP Request Body must be sent with Content-Type application/json."),
    (b'{"identity_id":3}', "application/json", "Unable to decode JSON payload: "),
    (b'{"identity_id":"x","expires_in":"x"}', "application/json", "Unable to decode JSON payload: uuid: "),
]


@BOTH
@pytest.mark.parametrize(("body", "content_type", "reason"), REFUSED)
def test_a_body_that_cannot_be_read_is_refused(
    doors: Doors, path: str, body: bytes, content_type: str, reason: str
) -> None:
    error = doors.admin("POST", path, body, headers={"content-type": content_type}).refused(400)
    assert error["message"] == BAD
    assert error["reason"].startswith(reason)


@pytest.mark.parametrize("kind", ["sms", "API", "x"])
def test_a_flow_type_that_does_not_exist_is_refused(doors: Doors, ada: str, kind: str) -> None:
    error = doors.admin("POST", CODE, {"identity_id": ada, "flow_type": kind}).refused(400)
    assert error["reason"] == f'Value from "flow_type" is not valid: "{kind}"'


@BOTH
def test_where_to_return_to_is_compared_with_what_is_allowed(doors: Doors, ada: str, path: str) -> None:
    good = doors.admin("POST", f"{path}?return_to=https://ui.example.org/home", {"identity_id": ada})
    flow = doors.public("GET", f"/self-service/recovery/flows?id={flow_of(good.json['recovery_link'])}").ok()
    assert flow["return_to"] == "https://ui.example.org/home"
    for bad in ("https://evil.example/", "//ui.example.org/", "https://ui.example.org.evil.example/", "javascript:1"):
        error = doors.admin("POST", f"{path}?return_to={bad}", {"identity_id": ada}).refused(400)
        assert error["reason"] == "Requested return_to URL is not allowed."


@BOTH
def test_where_recovery_is_off_there_is_no_such_endpoint(doors: Doors, ada: str, path: str) -> None:
    doors.listen(flows=flows(recovery_enabled=False))
    error = doors.admin("POST", path, {"identity_id": ada}).refused(404)
    assert error["reason"].startswith("This endpoint was disabled by system administrator.")
    error = redeem(doors, UNKNOWN, "123456").refused(400)
    assert "disabled" in error["reason"]


# Redeeming them


def test_a_code_is_redeemed_to_a_session_and_a_settings_flow(doors: Doors, ada: str) -> None:
    """Golden: public 4.1 with use_continue_with_transitions, API flow."""
    old = doors.session(ada)[1]
    made = doors.admin("POST", CODE, {"identity_id": ada, "flow_type": "api"}).ok(201)
    flow = flow_of(made["recovery_link"])
    shown = doors.public("GET", f"/self-service/recovery/flows?id={flow}").ok()
    assert (shown["type"], shown["state"], shown["active"]) == ("api", "sent_email", "code")
    fields = {node["attributes"]["name"]: node["attributes"] for node in shown["ui"]["nodes"]}
    assert set(fields) == {"code", "method"}
    assert fields["code"] == {
        "name": "code", "type": "text", "required": True, "pattern": "[0-9]+", "maxlength": 6, "disabled": False,
        "autocomplete": "one-time-code", "node_type": "input",
    }  # fmt: skip
    doors.happened()
    done = redeem(doors, flow, made["recovery_code"]).ok()
    assert done["state"] == "passed_challenge"
    token_item, settings_item = done["continue_with"]
    assert token_item["action"] == "set_ory_session_token"
    settings = settings_item["flow"]
    assert settings_item == {"action": "show_settings_ui", "flow": settings}
    assert settings["url"] == f"https://ui.example.org/settings?flow={settings['id']}"
    session = doors.public("GET", "/sessions/whoami", token=token_item["ory_session_token"]).ok()
    assert session["identity"]["id"] == ada
    assert session["authentication_methods"][0]["method"] == "code_recovery"
    assert session["authenticator_assurance_level"] == "aal1"
    assert session["identity"]["verifiable_addresses"][0]["verified"] is False
    doors.public("GET", "/sessions/whoami", token=old).refused(401)
    assert doors.happened() == ["session.ended", "session.issued", "identity.recovered"]


def test_a_wrong_code_gives_the_flow_again_with_200(doors: Doors, ada: str) -> None:
    made = doors.admin("POST", CODE, {"identity_id": ada}).ok(201)
    flow, code = flow_of(made["recovery_link"]), made["recovery_code"]
    wrong = f"{(int(code) + 1) % 10**6:06}"
    reply = redeem(doors, flow, wrong)
    assert (reply.status, messages(reply), reply.json["state"]) == (200, [WRONG], "sent_email")
    assert code not in reply.body.decode().replace(flow, "")
    assert messages(redeem(doors, flow, code)) == []


def test_a_code_has_five_tries_and_the_right_one_is_a_try_too(doors: Doors, ada: str) -> None:
    """Part 0, row 1.19."""
    made = doors.admin("POST", CODE, {"identity_id": ada}).ok(201)
    flow, code = flow_of(made["recovery_link"]), made["recovery_code"]
    for _ in range(5):
        assert messages(redeem(doors, flow, "00000x")) == [WRONG]
    assert redeem(doors, flow, code).status == 410
    assert set(doors.happened()) == {"recovery_code.created", "recovery.refused"}


@pytest.mark.parametrize("second", [CODE, LINK])
def test_a_newer_code_voids_the_older_and_a_link_does_not(doors: Doors, ada: str, second: str) -> None:
    first = doors.admin("POST", CODE, {"identity_id": ada}).ok(201)
    doors.admin("POST", second, {"identity_id": ada})
    reply = redeem(doors, flow_of(first["recovery_link"]), first["recovery_code"])
    assert messages(reply) == ([WRONG] if second == CODE else [])


def test_a_code_is_of_its_own_flow_only(doors: Doors, ada: str) -> None:
    made = [doors.admin("POST", CODE, {"identity_id": doors.person(f"p{n}")["id"]}).ok(201) for n in range(2)]
    made[0]["recovery_code"] = made[0]["recovery_code"]
    if made[0]["recovery_code"] != made[1]["recovery_code"]:
        assert messages(redeem(doors, flow_of(made[0]["recovery_link"]), made[1]["recovery_code"])) == [WRONG]


def test_a_code_is_good_once_and_until_its_time(doors: Doors, ada: str) -> None:
    made = doors.admin("POST", CODE, {"identity_id": ada, "expires_in": "10m"}).ok(201)
    flow = flow_of(made["recovery_link"])
    redeem(doors, flow, made["recovery_code"]).ok()
    assert redeem(doors, flow, made["recovery_code"]).refused(410)["id"] == "self_service_flow_expired"
    made = doors.admin("POST", CODE, {"identity_id": ada, "expires_in": "10m"}).ok(201)
    doors.clock.advance(10 * MINUTE)
    redeem(doors, flow_of(made["recovery_link"]), made["recovery_code"]).refused(410)
    doors.public("GET", f"/self-service/recovery/flows?id={flow_of(made['recovery_link'])}").refused(410)


def test_a_code_of_an_inactive_identity_gives_no_session(doors: Doors, ada: str) -> None:
    made = doors.admin("POST", CODE, {"identity_id": ada}).ok(201)
    body = {"traits": {"email": "ada@example.org"}, "state": "inactive"}
    doors.admin("PUT", f"/admin/identities/{ada}", body).ok()
    reply = redeem(doors, flow_of(made["recovery_link"]), made["recovery_code"])
    assert reply.status in {200, 410}
    assert b"ory_st_" not in reply.body


def test_the_token_of_a_link_is_no_code(doors: Doors, ada: str) -> None:
    link = doors.admin("POST", LINK, {"identity_id": ada}).ok()["recovery_link"]
    reply = redeem(doors, flow_of(link), link.partition("token=")[2])
    assert messages(reply) == [WRONG]
    assert b"ory_st_" not in reply.body


@pytest.mark.parametrize(
    "body", [{"method": "code"}, {"method": "code", "code": 7}, {"method": "link", "code": "1"}, {}]
)
def test_a_form_without_a_code_is_shown_again(doors: Doors, ada: str, body: dict[str, Any]) -> None:
    made = doors.admin("POST", CODE, {"identity_id": ada}).ok(201)
    reply = doors.public("POST", f"/self-service/recovery?flow={flow_of(made['recovery_link'])}", body)
    if "method" not in body:
        assert (reply.status, messages(reply)) == (400, [4000002])
    else:
        assert reply.status == 400
    assert b"ory_st_" not in reply.body


def test_a_recovery_flow_that_is_not_there_is_404_and_one_that_is_not_named_400(doors: Doors) -> None:
    assert redeem(doors, UNKNOWN, "123456").refused(404)["message"] == "Unable to locate the resource"
    for flow in ("", "x"):
        error = redeem(doors, flow, "123456").refused(400)
        assert error["reason"] == "The flow query parameter is missing or malformed."
        doors.public("GET", f"/self-service/recovery/flows?id={flow}").refused(404)
    doors.public("GET", f"/self-service/recovery/flows?id={UNKNOWN}").refused(404)


def test_W9_neither_code_nor_token_is_kept_in_clear(doors: Doors, ada: str, tmp_path: Any) -> None:
    code = doors.admin("POST", CODE, {"identity_id": ada}).ok(201)["recovery_code"]
    token = doors.admin("POST", LINK, {"identity_id": ada}).ok()["recovery_link"].partition("token=")[2]
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert token.encode() not in kept
    assert base64.b64encode(token.encode()) not in kept
    assert b'"' + code.encode() + b'"' not in kept


def test_a_code_outlives_the_time_of_a_self_service_one(doors: Doors, ada: str) -> None:
    """An hour: whoever hands it over by phone needs longer than who waits at a screen."""
    made = doors.admin("POST", CODE, {"identity_id": ada}).ok(201)
    doors.clock.advance(HOUR - MINUTE)
    assert messages(redeem(doors, flow_of(made["recovery_link"]), made["recovery_code"])) == []
