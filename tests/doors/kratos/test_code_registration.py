"""Signing up by a one-time code (contract: public 3.4, 5.1, 5.6; message ids of part 7), and on one page."""

from typing import Any

import pytest
from tests.doors.kratos.by_code import another, last_code, listen, mail, names
from tests.doors.kratos.in_process import PASSWORD, Doors, Reply
from tests.doors.kratos.visitor import UI, Visitor, numbers

from nightlatch.kernel.clock import MINUTE

API, SUBMIT = "/self-service/registration/api", "/self-service/registration"
TRAITS = {"email": "Ada@example.org", "name": {"first": "Ada"}}
ASK = {"method": "code", "traits": TRAITS}
SENT, WRONG, MISSING, GENERIC, CHANGED, TAKEN, NOBODY = 1040005, 4040003, 4000002, 4000001, 4000036, 4000007, 4000009


@pytest.fixture
def open_doors(doors: Doors) -> Doors:
    listen(doors)
    return doors


@pytest.fixture
def visitor(open_doors: Doors) -> Visitor:
    return Visitor(open_doors)


def begin(doors: Doors) -> str:
    return str(doors.public("GET", API).ok()["id"])


def submit(doors: Doors, flow: str, sent: dict[str, Any]) -> Reply:
    return doors.public("POST", f"{SUBMIT}?flow={flow}", sent)


def traits_shown(flow: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    nodes = [n["attributes"] for n in flow["ui"]["nodes"]]
    return {n["name"]: (n["type"], n.get("value")) for n in nodes if n["name"].startswith("traits.") and "value" in n}


def test_an_app_asks_for_a_code_and_signs_up_with_it(open_doors: Doors) -> None:
    doors, flow = open_doors, begin(open_doors)
    reply = submit(doors, flow, ASK)
    assert (reply.status, numbers(reply.json), reply.json["state"]) == (400, [SENT], "sent_email")
    shown = reply.json
    assert traits_shown(shown) == {
        "traits.email": ("hidden", "Ada@example.org"),
        "traits.name.first": ("hidden", "Ada"),
    }
    assert names(shown)[-5:] == [
        "code:text",
        "method:hidden",
        "method=code",
        "resend=code",
        "screen=credential-selection",
    ]
    assert {n["group"] for n in shown["ui"]["nodes"] if n["attributes"]["type"] == "hidden"} == {"default", "code"}
    labels = [n["meta"]["label"]["id"] for n in shown["ui"]["nodes"] if n["group"] == "code" and n["meta"]]
    assert labels[-3:] == [1070012, 1070009, 1070008]
    [(template, recipient, code)] = mail(doors)
    assert (template, recipient) == ("registration_code", "ada@example.org")
    assert doors.happened() == []
    done = submit(doors, flow, ASK | {"code": code}).ok()
    assert set(done) == {"identity", "session", "session_token", "continue_with"}
    assert done["identity"]["traits"] == TRAITS
    [address] = done["identity"]["verifiable_addresses"]
    assert (address["value"], address["verified"]) == ("ada@example.org", True)
    assert [m["method"] for m in done["session"]["authentication_methods"]] == ["code"]
    assert doors.public("GET", "/sessions/whoami", token=done["session_token"]).ok() == done["session"]
    assert submit(doors, flow, ASK | {"code": code}).refused(410)["id"] == "self_service_flow_expired"


def test_the_way_back_from_a_code_is_the_choice_of_a_credential(open_doors: Doors) -> None:
    """3.4: `screen`. The traits need not come with it."""
    doors, flow = open_doors, begin(open_doors)
    submit(doors, flow, ASK)
    back = submit(doors, flow, {"screen": "credential-selection"})
    assert (back.status, back.json["state"], numbers(back.json)) == (400, "choose_method", [1040009])
    assert names(back.json)[-4:] == ["method=code", "password:password", "method=password", "screen=previous"]
    assert traits_shown(back.json)["traits.email"] == ("hidden", "Ada@example.org")
    assert {n["group"] for n in back.json["ui"]["nodes"] if n["attributes"]["type"] == "hidden"} == {"default"}


def test_without_the_hook_who_signs_up_by_code_is_not_signed_in(doors: Doors) -> None:
    listen(doors, signing_in=frozenset({"password"}))
    flow = begin(doors)
    submit(doors, flow, ASK)
    done = submit(doors, flow, ASK | {"code": last_code(doors)}).ok()
    assert set(done) == {"identity", "continue_with"}


def test_two_steps_lead_to_the_choice_of_a_credential_and_back(open_doors: Doors) -> None:
    """3.4: 1040009."""
    doors, flow = open_doors, begin(open_doors)
    assert names(doors.public("GET", API).ok())[-1] == "method=profile"
    reply = submit(doors, flow, {"method": "profile", "traits": TRAITS})
    assert (reply.status, numbers(reply.json)) == (400, [1040009])
    assert names(reply.json)[-4:] == ["method=code", "password:password", "method=password", "screen=previous"]
    [button] = [n for n in reply.json["ui"]["nodes"] if n["attributes"].get("value") == "code"]
    assert button["meta"]["label"]["id"] == 1040006
    submit(doors, flow, ASK)
    back = submit(doors, flow, {"screen": "previous"})
    assert (back.status, back.json["state"], names(back.json)[-1]) == (400, "choose_method", "method=profile")
    assert traits_shown(back.json)["traits.email"] == ("email", "Ada@example.org")
    submit(doors, flow, {"method": "password", "traits": TRAITS, "password": PASSWORD}).ok()


def test_the_traits_need_not_be_repeated_but_may_not_change(open_doors: Doors) -> None:
    """5.6: 4000036."""
    doors, flow = open_doors, begin(open_doors)
    submit(doors, flow, ASK)
    code = last_code(doors)
    other = submit(doors, flow, ASK | {"code": code, "traits": {"email": "mallory@example.org"}})
    assert (other.status, numbers(other.json), other.json["state"]) == (400, [CHANGED], "sent_email")
    submit(doors, flow, {"method": "code", "code": code}).ok()


def test_what_is_wrong_is_shown_on_the_form_and_nobody_is_stored(open_doors: Doors) -> None:
    doors, flow = open_doors, begin(open_doors)
    wrong = submit(doors, flow, {"method": "code", "traits": {"email": "nonsense"}})
    assert (wrong.status, wrong.json["state"]) == (400, "choose_method")
    assert mail(doors) == []
    submit(doors, flow, ASK)
    code = last_code(doors)
    assert sorted(numbers(submit(doors, flow, ASK).json)) == [SENT, MISSING]
    for _ in range(5):
        assert numbers(submit(doors, flow, ASK | {"code": another(code)}).json) == [WRONG]
    assert numbers(submit(doors, flow, ASK | {"code": code}).json) == [GENERIC]
    submit(doors, flow, ASK | {"resend": "code"})
    code = last_code(doors)
    doors.clock.advance(10 * MINUTE)
    assert numbers(submit(doors, flow, ASK | {"code": code}).json) == [GENERIC]
    assert doors.happened() == []


def test_P6_only_who_reads_the_mail_is_told_that_the_address_is_taken(open_doors: Doors) -> None:
    """3.4: 4000007."""
    doors = open_doors
    doors.person("ada")
    flow = begin(doors)
    asked = submit(doors, flow, ASK)
    assert numbers(asked.json) == [SENT]
    reply = submit(doors, flow, ASK | {"code": last_code(doors)})
    assert (reply.status, numbers(reply.json), reply.json["state"]) == (400, [TAKEN], "choose_method")


def test_on_one_page_all_is_asked_at_once(doors: Doors) -> None:
    listen(doors, unified=True)
    shown = doors.public("GET", API).ok()
    assert names(shown)[-3:] == ["method=code", "password:password", "method=password"]
    assert not {"method=profile", "screen=previous"} & set(names(shown))
    assert {n["group"] for n in shown["ui"]["nodes"]} == {"default", "code", "password"}
    weak = submit(doors, shown["id"], {"method": "password", "traits": TRAITS, "password": "short"}).json
    assert traits_shown(weak)["traits.email"] == ("email", "Ada@example.org")
    submit(doors, shown["id"], ASK)
    submit(doors, shown["id"], ASK | {"code": last_code(doors)}).ok()
    by_password = {"method": "password", "traits": {"email": "bob@example.org"}, "password": PASSWORD}
    submit(doors, begin(doors), by_password).ok()


@pytest.mark.parametrize("unified", [False, True])
def test_a_form_signs_up_by_code(doors: Doors, unified: bool) -> None:
    listen(doors, unified=unified)
    visitor = Visitor(doors)
    flow = visitor.begin("registration", f"?return_to={UI}/x")
    filled = {"traits.email": "ada@example.org", "traits.name.first": "Ada"}
    if not unified:
        reply = visitor.submit(flow, filled | {"method": "profile"})
        assert reply.status == 302
        flow, filled = visitor.flow(reply), {}
    shown = visitor.flow(visitor.submit(flow, filled | {"method": "code"}))
    assert (shown["state"], numbers(shown)) == ("sent_email", [SENT])
    code = last_code(doors)
    shown = visitor.flow(visitor.submit(shown, {"method": "code", "code": another(code)}))
    assert (shown["state"], numbers(shown)) == ("sent_email", [WRONG])
    shown = visitor.flow(visitor.submit(shown, {"resend": "code"}))
    assert numbers(shown) == [SENT]
    done = visitor.submit(shown, {"method": "code", "code": last_code(doors)})
    assert (done.status, done.headers["location"]) == (303, f"{UI}/x")
    assert visitor.whoami().ok()["identity"]["traits"] == {"email": "ada@example.org", "name": {"first": "Ada"}}


def test_a_script_signs_up_by_code(open_doors: Doors, visitor: Visitor) -> None:
    flow = visitor.fetch("GET", "/self-service/registration/browser").ok()
    reply = visitor.post(flow, ASK)
    assert (reply.status, numbers(reply.json)) == (400, [SENT])
    done = visitor.post(reply.json, ASK | {"code": last_code(open_doors)}).ok()
    assert set(done) == {"identity", "session", "continue_with"}
    assert visitor.whoami().ok() == done["session"]


def test_a_schema_without_an_address_for_codes_says_so(doors: Doors) -> None:
    """Part 7: 4000009."""
    schemas = doors.parts.schemas
    listen(doors)
    doors.listen(schemas=schemas)
    reply = submit(doors, begin(doors), ASK)
    assert (reply.status, numbers(reply.json), mail(doors)) == (400, [NOBODY], [])
