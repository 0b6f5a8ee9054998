"""Login and logout as an app does them (contract: public 3.1 to 3.3, 3.6, 5.1; message ids of part 7)."""

import json
import uuid
from typing import Any

import pytest
from tests.doors.kratos.in_process import PASSWORD, UNKNOWN, Doors, Reply, flows

from nightlatch.core.identities.schemas import Schema, Schemas
from nightlatch.kernel.clock import HOUR, MINUTE

API, FLOWS, SUBMIT, LOGOUT = (f"/self-service/{p}" for p in ("login/api", "login/flows", "login", "logout/api"))
TIME, HOUR_LATER = "2023-11-14T22:13:20Z", "2023-11-14T23:13:20Z"
BAD = "The request was malformed or contained invalid parameters"
WRONG, MISSING, NO_STRATEGY, DISABLED = 4000006, 4000002, 4010002, 4010011


@pytest.fixture
def ada(doors: Doors) -> str:
    made = str(doors.person("ada", metadata_admin={"secret": 1})["id"])
    doors.happened()
    return made


def begin(doors: Doors, query: str = "", **more: Any) -> str:
    return str(doors.public("GET", API + query, **more).ok()["id"])


def submit(doors: Doors, flow: str, **fields: Any) -> Reply:
    known = {"method": "password", "identifier": "ada@example.org", "password": PASSWORD}
    return doors.public("POST", f"{SUBMIT}?flow={flow}", known | fields)


def messages(reply: Reply) -> dict[str, list[int]]:
    """Numbers of messages by field; those of none under ""."""
    ui = reply.json["ui"]
    found = {node["attributes"]["name"]: [m["id"] for m in node["messages"]] for node in ui["nodes"]}
    found[""] = [m["id"] for m in ui.get("messages", [])]
    return {name: numbers for name, numbers in found.items() if numbers}


# The flow


def test_a_login_flow_is_as_the_contract_draws_it(doors: Doors) -> None:
    """Golden: public 3.2 and 0.9."""
    shown = doors.public("GET", f"{API}?return_to=https://ui.example.org/x").ok()
    flow = shown["id"]

    def node(group: str, name: str, kind: str, label: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
        attributes = {"name": name, "type": kind, "disabled": False, "node_type": "input", **more}
        meta = {"label": label | {"type": "info"}} if label else {}
        return {"type": "input", "group": group, "attributes": attributes, "messages": [], "meta": meta}

    password = {"id": 1070001, "text": "Password"}
    email = {"id": 1070002, "text": "E-mail", "context": {"title": "E-mail", "name": "traits.email"}}
    assert shown == {
        "id": flow,
        "type": "api",
        "expires_at": HOUR_LATER,
        "issued_at": TIME,
        "created_at": TIME,
        "updated_at": TIME,
        "request_url": "https://id.example.org/self-service/login/api?return_to=https://ui.example.org/x",
        "return_to": "https://ui.example.org/x",
        "state": "choose_method",
        "refresh": False,
        "requested_aal": "aal1",
        "organization_id": None,
        "ui": {
            "action": f"https://id.example.org/self-service/login?flow={flow}",
            "method": "POST",
            "nodes": [
                node("default", "csrf_token", "hidden", None, value="", required=True),
                node("default", "identifier", "text", email, value="", required=True),
                node("password", "password", "password", password, required=True, autocomplete="current-password"),
                node(
                    "password", "method", "submit", {"id": 1010022, "text": "Sign in with password"}, value="password"
                ),
            ],
        },
    }
    assert doors.public("GET", f"{FLOWS}?id={flow}").ok() == shown


@pytest.mark.parametrize(
    ("traits", "label"),
    [
        ({"nick": {"ory.sh/kratos": {"credentials": {"password": {"identifier": True}}}}}, 1070004),
        (
            {
                name: {"title": name, "ory.sh/kratos": {"credentials": {"password": {"identifier": True}}}}
                for name in ("nick", "mail")
            },
            1070004,
        ),
        ({"a": {"properties": {"b": {"title": "B", "ory.sh/kratos": {"credentials": {"code": {"identifier": True, "via": "email"}}}}}}}, 1070002),
    ],
)  # fmt: skip
def test_the_identifier_has_the_title_of_its_trait_where_there_is_one(
    doors: Doors, traits: dict[str, Any], label: int
) -> None:
    """Part 7."""
    document = json.dumps({"properties": {"traits": {"type": "object", "properties": traits}}}).encode()
    doors.listen(schemas=Schemas([Schema("default", document)], "default"))
    shown = doors.public("GET", API).ok()
    [field] = [node for node in shown["ui"]["nodes"] if node["attributes"]["name"] == "identifier"]
    assert field["meta"]["label"]["id"] == label


def test_a_signed_in_person_need_not_sign_in_again(doors: Doors, ada: str) -> None:
    """3.3."""
    token = doors.session(ada)[1]
    error = doors.public("GET", API, token=token).refused(400)
    assert error["id"] == "session_already_available"
    known = {"method": "password", "identifier": "ada@example.org", "password": PASSWORD}
    reply = doors.public("POST", f"{SUBMIT}?flow={begin(doors)}", known, token=token)
    assert (reply.status, messages(reply)) == (400, {"": [4000001]})
    assert doors.happened() == ["session.issued"]


def test_a_refresh_shows_who_is_meant_and_without_a_session_is_a_plain_login(doors: Doors, ada: str) -> None:
    """3.3: message 1010003, the identifier prefilled and hidden."""
    assert doors.public("GET", f"{API}?refresh=true").ok()["refresh"] is False
    shown = doors.public("GET", f"{API}?refresh=True", token=doors.session(ada)[1]).ok()
    assert shown["refresh"] is True
    assert [m["id"] for m in shown["ui"]["messages"]] == [1010003]
    [who] = [n["attributes"] for n in shown["ui"]["nodes"] if n["attributes"]["name"] == "identifier"]
    assert (who["type"], who["value"]) == ("hidden", "ada@example.org")


@pytest.mark.parametrize("level", ["aal0", "aal2", "aal3", "x"])
def test_a_level_that_is_not_offered_is_refused(doors: Doors, level: str) -> None:
    doors.public("GET", f"{API}?aal={level}").refused(400)


def test_a_flow_that_is_not_there_is_404_and_one_that_is_over_410_with_the_way_to_a_new_one(doors: Doors) -> None:
    """3.2: GET of an expired flow."""
    for flow in ("", "x", UNKNOWN):
        doors.public("GET", f"{FLOWS}?id={flow}").refused(404)
    flow = begin(doors, "?return_to=https://ui.example.org/x")
    doors.clock.advance(HOUR)
    error = doors.public("GET", f"{FLOWS}?id={flow}").refused(410)
    assert error["id"] == "self_service_flow_expired"
    api = "https://id.example.org/self-service/login/api"
    assert error["details"] == {"api": api, "return_to": "https://ui.example.org/x"}
    registration = doors.public("GET", "/self-service/registration/api").ok()["id"]
    doors.public("GET", f"{FLOWS}?id={registration}").refused(404)


# Signing in


def test_a_right_password_gives_a_session_and_its_token(doors: Doors, ada: str) -> None:
    """Golden: public 3.3 submit success; continue_with is null; no token in the session."""
    reply = submit(doors, begin(doors), identifier=" ADA@example.org")
    done = reply.ok()
    assert set(done) == {"session", "session_token", "continue_with"}
    assert done["continue_with"] is None
    token = done["session_token"]
    assert len(token) == len("ory_st_") + 32
    assert token.startswith("ory_st_")
    assert reply.body.count(token.encode()) == 1
    assert doors.public("GET", "/sessions/whoami", token=token).ok() == done["session"]
    assert not {"credentials", "metadata_admin"} & done["session"]["identity"].keys()
    assert doors.happened() == ["session.issued"]


@pytest.mark.parametrize("name", ["identifier", "password_identifier"])
def test_both_names_of_the_identifier_are_read(doors: Doors, ada: str, name: str) -> None:
    """5.1."""
    body = {"method": "password", name: "ada@example.org", "password": PASSWORD}
    doors.public("POST", f"{SUBMIT}?flow={begin(doors)}", body).ok()


REFUSED: list[tuple[dict[str, Any], dict[str, list[int]]]] = [
    # fields, messages by field
    ({"password": "wrong"}, {"": [WRONG]}),
    ({"identifier": "nobody@example.org"}, {"": [WRONG]}),
    ({"password": PASSWORD + "x" * 1024}, {"": [WRONG]}),
    ({"password": PASSWORD.upper()}, {"": [WRONG]}),
    ({"identifier": ""}, {"identifier": [MISSING]}),
    ({"password": ""}, {"password": [MISSING]}),
    ({"identifier": None, "password": None}, {"identifier": [MISSING], "password": [MISSING]}),
    ({"identifier": 3, "password": ["x"]}, {"identifier": [MISSING], "password": [MISSING]}),
    ({"method": "shoe"}, {"": [NO_STRATEGY]}),
    ({"method": None}, {"": [NO_STRATEGY]}),
]


@pytest.mark.parametrize(("fields", "expected"), REFUSED)
def test_what_cannot_sign_in_is_shown_the_form_again_with_400(
    doors: Doors, ada: str, fields: dict[str, Any], expected: dict[str, list[int]]
) -> None:
    """0.4, 3: the flow, not an error."""
    flow = begin(doors)
    reply = submit(doors, flow, **fields)
    assert reply.status == 400
    assert (reply.json["id"], messages(reply)) == (flow, expected)
    assert PASSWORD not in reply.body.decode()
    assert "session.issued" not in doors.happened()
    submit(doors, flow).ok()


def test_an_unknown_person_and_a_wrong_password_are_told_the_same(doors: Doors, ada: str) -> None:
    """5.2."""
    doors.admin("POST", "/admin/identities", {"traits": {"email": "nopass@example.org"}}).ok(201)
    shown = []
    for name in ("ada", "nobody", "nopass"):
        reply = submit(doors, begin(doors), identifier=f"{name}@example.org", password="wrong")
        flow = reply.json["id"]
        shown.append(reply.body.decode().replace(flow, "").replace(name, ""))
    assert len(set(shown)) == 1


def test_an_inactive_person_is_told_so_only_with_the_right_password(doors: Doors) -> None:
    """3.3."""
    doors.person("bob", state="inactive")
    assert messages(submit(doors, begin(doors), identifier="bob@example.org", password="x")) == {"": [WRONG]}
    assert messages(submit(doors, begin(doors), identifier="bob@example.org")) == {"": [DISABLED]}


def test_a_password_that_is_switched_off_is_404(doors: Doors, ada: str) -> None:
    """0.4: a known method that is disabled."""
    flow = begin(doors)
    doors.listen(flows=flows(password_enabled=False))
    assert submit(doors, flow).refused(404)["reason"].startswith("This endpoint was disabled")
    shown = doors.public("GET", f"{FLOWS}?id={flow}").ok()
    assert [n["attributes"]["name"] for n in shown["ui"]["nodes"]] == ["csrf_token"]


@pytest.mark.parametrize("flow", ["", "x", UNKNOWN])
def test_a_submission_to_no_flow_is_refused(doors: Doors, flow: str) -> None:
    """0.4, 1."""
    error = submit(doors, flow).refused(404 if flow == UNKNOWN else 400)
    if flow != UNKNOWN:
        assert error["reason"] == "The flow query parameter is missing or malformed."


@pytest.mark.parametrize("why", ["expired", "used"])
@pytest.mark.parametrize("fields", [{}, {"method": "shoe"}, {"password": "x"}, {"password": ""}])
def test_a_submission_to_a_flow_that_is_over_is_given_another(
    doors: Doors, ada: str, why: str, fields: dict[str, Any]
) -> None:
    """0.2: 410 with its three siblings; 0.4, 2."""
    flow = begin(doors, "?return_to=https://ui.example.org/x")
    if why == "used":
        submit(doors, flow).ok()
        doors.clock.advance(MINUTE)
    else:
        doors.clock.advance(HOUR + MINUTE)
    reply = submit(doors, flow, **fields)
    assert reply.refused(410)["id"] == "self_service_flow_expired"
    assert reply.headers["ory-error-id"] == "self_service_flow_expired"
    assert reply.json["expired_at"] == HOUR_LATER
    assert reply.json["since"] == (60 * 10**9 if why == "expired" else -59 * 60 * 10**9)
    following = doors.public("GET", f"{FLOWS}?id={reply.json['use_flow_id']}").ok()
    assert following["return_to"] == "https://ui.example.org/x"
    submit(doors, following["id"]).ok()


BODIES: list[tuple[Any, dict[str, str], int]] = [
    # body, headers, status
    (b"", {}, 400), (b"[]", {}, 400), (b"{", {}, 400), (b'{"method":1', {}, 400), (b'"x"', {}, 400),
    (b"method=password", {"content-type": "application/x-www-form-urlencoded"}, 415),
    (b"--x--", {"content-type": "multipart/form-data; boundary=x"}, 415), ({}, {"content-type": "text/plain"}, 415),
    ({}, {"content-encoding": "gzip"}, 415), ({"password": "x" * 65536}, {}, 413),
    ({}, {"origin": "https://evil.example"}, 400), ({}, {"cookie": "ory_kratos_session=x"}, 400),
    ({}, {"cookie": "__cfduid=1; a=b"}, 400),
]  # fmt: skip


@pytest.mark.parametrize("path", [SUBMIT, "/self-service/registration", "/self-service/recovery"])
@pytest.mark.parametrize(("body", "headers", "status"), BODIES)
def test_what_no_app_would_send_is_refused(
    doors: Doors, path: str, body: Any, headers: dict[str, str], status: int
) -> None:
    """0.5: neither Origin nor a cookie, but for those of a proxy; 0.9: multipart is 415."""
    if path.endswith("recovery"):
        asked = {"identity_id": doors.person("eve")["id"], "flow_type": "api"}
        flow = doors.admin("POST", "/admin/recovery/code", asked).ok(201)["recovery_link"].partition("flow=")[2]
    else:
        flow = doors.public("GET", f"{path}/api").ok()["id"]
    accept = {"accept": "application/json"}
    doors.public("POST", f"{path}?flow={flow}", body, headers=accept | headers).refused(status)


@pytest.mark.parametrize("method", ["totp", "lookup_secret", "webauthn", "passkey", "oidc"])
def test_a_method_that_is_known_and_that_nobody_can_use_is_404(doors: Doors, ada: str, method: str) -> None:
    """0.4."""
    token = doors.sign_in()["session_token"]
    for act in ("login", "registration", "settings"):
        known = {"token": token} if act == "settings" else {}
        flow = doors.public("GET", f"/self-service/{act}/api", **known).ok()["id"]
        doors.public("POST", f"/self-service/{act}?flow={flow}", {"method": method}, **known).refused(404)


def test_the_cookies_of_a_proxy_are_let_through(doors: Doors, ada: str) -> None:
    body = {"method": "password", "identifier": "ada@example.org", "password": PASSWORD}
    cookies = {"cookie": "__cfduid=1; _cfuvid=2; cf_clearance=3"}
    doors.public("POST", f"{SUBMIT}?flow={begin(doors)}", body, headers=cookies).ok()


def test_S11_a_refresh_keeps_session_and_token_and_proves_it_anew(doors: Doors, ada: str) -> None:
    """0.7: API sessions keep their token."""
    first = doors.sign_in()
    token = first["session_token"]
    doors.happened()
    doors.clock.advance(30 * MINUTE)
    flow = begin(doors, "?refresh=true", token=token)
    body = {"method": "password", "identifier": "ada@example.org", "password": PASSWORD}
    again = doors.public("POST", f"{SUBMIT}?flow={flow}", body, token=token).ok()
    assert (again["session"]["id"], again["session_token"]) == (first["session"]["id"], token)
    assert again["session"]["authenticated_at"] == "2023-11-14T22:43:20Z"
    assert again["session"]["expires_at"] == "2023-11-15T22:43:20Z"
    assert again["session"]["authentication_methods"] == [
        {"method": "password", "aal": "aal1", "completed_at": "2023-11-14T22:43:20Z"}
    ]
    assert doors.happened() == ["session.renewed"]


def test_S11_signing_in_as_somebody_else_gives_a_session_of_its_own(doors: Doors, ada: str) -> None:
    """3.3: submitted method's identity is not that of the session."""
    doors.person("bob")
    first = doors.sign_in()
    flow = begin(doors, "?refresh=true", token=first["session_token"])
    body = {"method": "password", "identifier": "bob@example.org", "password": PASSWORD}
    other = doors.public("POST", f"{SUBMIT}?flow={flow}", body, token=first["session_token"]).ok()
    assert other["session_token"] != first["session_token"]
    assert other["session"]["id"] != first["session"]["id"]
    for one, name in ((first, "ada"), (other, "bob")):
        shown = doors.public("GET", "/sessions/whoami", token=one["session_token"]).ok()
        assert shown["identity"]["traits"]["email"] == f"{name}@example.org"


def test_the_device_is_what_the_request_came_from(doors: Doors, ada: str) -> None:
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15"
    headers = {"user-agent": agent, "x-forwarded-for": "198.51.100.9"}
    [device] = doors.sign_in(headers=headers, peer="203.0.113.5")["session"]["devices"]
    assert (device["ip_address"], device["user_agent"]) == ("203.0.113.5", agent)
    assert uuid.UUID(device["id"])


# Signing out


def test_signing_out_ends_the_session_and_may_be_repeated(doors: Doors, ada: str) -> None:
    """3.6."""
    token, other = doors.session(ada)[1], doors.session(ada)[1]
    doors.happened()
    for _ in range(2):
        reply = doors.public("DELETE", LOGOUT, {"session_token": token})
        assert (reply.status, reply.body) == (204, b"")
    assert doors.happened() == ["session.ended"]
    doors.public("GET", "/sessions/whoami", token=token).refused(401)
    doors.public("GET", "/sessions/whoami", token=other).ok()


@pytest.mark.parametrize(
    ("body", "status"),
    [({"session_token": "ory_st_" + "a" * 32}, 403), ({"session_token": ""}, 403), ({}, 403), ({"session_token": 3}, 403), (b"", 400), (b"[]", 400)],
)  # fmt: skip
def test_signing_out_of_nothing_is_refused(doors: Doors, ada: str, body: Any, status: int) -> None:
    doors.public("DELETE", LOGOUT, body).refused(status)
    assert doors.happened() == []
