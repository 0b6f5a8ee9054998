"""Tokens that clients carry: only the exact one is good, and it is told once (rows S11, W2 and W9)."""

import base64
import random
import string
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.doors.kratos.in_process import KEY, PASSWORD, PUBLIC_URL, Doors
from tests.doors.kratos.pages import links
from tests.doors.kratos.table import ADMIN, LISTS, PUBLIC, Line, World, name

from nightlatch.core.credentials.person import Vault
from nightlatch.doors.kratos.shapes import Render
from nightlatch.kernel.secrets import Keys

CHARACTERS = string.ascii_letters + string.digits + "_-+/=.%\x00 \t\n\r\x7f\xa0\xff"
SHARED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
S11_MUTATIONS, W2_MUTATIONS = 5_000, 5_000


@st.composite
def mutations(draw: st.DrawFn) -> Any:
    """A function from a token to another text."""
    where = draw(st.floats(0, 1, exclude_max=True))
    character = draw(st.sampled_from(CHARACTERS))
    kind = draw(
        st.sampled_from(["cut", "cut front", "insert", "replace", "case", "append", "prepend", "swap", "twice"])
    )

    def mutate(token: str) -> str:
        at = int(where * len(token))
        swapped = token[at].swapcase()
        return {
            "cut": token[:at],
            "cut front": token[at + 1 :],
            "insert": token[:at] + character + token[at:],
            "replace": token[:at] + character + token[at + 1 :],
            "case": token[:at] + swapped + token[at + 1 :],
            "append": token + character,
            "prepend": character + token,
            "swap": token[:at] + token[at:][::-1],
            "twice": token + token,
        }[kind]

    return mutate


FIXED = [
    str.upper, str.lower, str.strip, lambda t: t + " ", lambda t: " " + t, lambda t: t + "\x00", lambda t: t[:-1], lambda t: t[1:],
    lambda t: t.removeprefix("ory_st_"), lambda t: t + "=", lambda t: quote(t, safe="").replace("_", "%5F"), lambda t: f'"{t}"',
    lambda t: t + ",", lambda t: t + "\t", lambda t: f"{t}, {t}", lambda t: base64.b64encode(t.encode()).decode(),
]  # fmt: skip


def check(doors: Doors, token: str, text: str) -> None:
    if text == token:
        return
    for headers in ({"x-session-token": text}, {"authorization": f"Bearer {text}"}):
        reply = doors.public("GET", "/sessions/whoami", headers=headers)
        assert reply.status == 401, (text, headers)


def test_S11_a_token_that_is_changed_in_any_way_is_none(doors: Doors) -> None:
    token = doors.session(doors.person()["id"])[1]
    for change in FIXED:
        check(doors, token, change(token))

    @settings(SHARED, max_examples=500)
    @given(mutations())
    def mutated(mutate: Any) -> None:
        check(doors, token, mutate(token))

    mutated()
    doors.public("GET", "/sessions/whoami", token=token).ok()


def test_S11_of_5000_mutations_none_is_accepted(doors: Doors) -> None:
    token = doors.session(doors.person()["id"])[1]
    source = random.Random(11)
    for _ in range(S11_MUTATIONS):
        letters = list(token)
        for _ in range(source.randint(1, 3)):
            at = source.randrange(len(letters))
            letters[at : at + source.randint(0, 1)] = source.choices(CHARACTERS, k=source.randint(0, 2))
            letters = letters or ["x"]
        check(doors, token, "".join(letters))


def test_S11_a_key_that_is_changed_in_any_way_is_none(doors: Doors) -> None:
    key = doors.key()

    @settings(SHARED, max_examples=300)
    @given(mutations())
    def mutated(mutate: Any) -> None:
        for known in (key, KEY):
            text = mutate(known)
            if text != known:
                for value in (f"Bearer {text}", text):
                    reply = doors.admin("GET", "/admin/sessions", key=None, headers={"authorization": value})
                    assert reply.status == 401 or value == f"Bearer {known}", value

    mutated()


# W2: page tokens


@pytest.mark.parametrize(("port", "line"), LISTS, ids=[f"{port} {name(line)}" for port, line in LISTS])
def test_W2_a_page_token_that_is_changed_in_any_way_is_400(doors: Doors, port: str, line: Line) -> None:
    world = World(doors)
    for _ in range(3):
        doors.session(world.identity)
        world.told()
        doors.admin("POST", "/admin/identities", {"schema_id": "robot"})
    target = world.target(line)

    def ask(page_token: str) -> Any:
        query = f"{target}?page_size=1&page_token={quote(page_token, safe='')}"
        return doors.admin("GET", query) if port == "admin" else doors.public("GET", query, token=world.token)

    first = doors.admin("GET", f"{target}?page_size=1") if port == "admin" else doors.public("GET", f"{target}?page_size=1", token=world.token)  # fmt: skip
    good = dict(parse_qsl(urlsplit(links(first)["next"]).query))["page_token"]
    ask(good).ok()
    source = random.Random(2)
    for _ in range(W2_MUTATIONS // len(LISTS)):
        letters = list(good)
        for _ in range(source.randint(1, 3)):
            at = source.randrange(len(letters))
            letters[at : at + source.randint(0, 1)] = source.choices(CHARACTERS, k=source.randint(0, 2))
        text = "".join(letters)
        if text not in {"", good} and "\x00" not in text:
            ask(text).refused(400)


@settings(SHARED, max_examples=300)
@given(raw=st.binary(max_size=96))
def test_W2_what_was_never_a_page_token_is_400(doors: Doors, raw: bytes) -> None:
    for text in (base64.urlsafe_b64encode(raw).decode(), base64.b64encode(raw).decode().rstrip("="), raw.hex()):
        if text:
            for path in ("/admin/identities", "/admin/sessions", "/schemas"):
                doors.admin("GET", f"{path}?page_token={quote(text, safe='')}").refused(400)


# W15: secrets are lists


def test_W15_what_was_made_under_the_former_secret_is_good_until_that_is_dropped_and_then_refused(doors: Doors) -> None:
    """Codes and encrypted configs; page tokens are tried where lists are."""
    old, new = b"the former secret of it", b"the secret that is new."

    def under(*secrets: bytes) -> None:
        vault = Vault(Keys(secrets, "credentials"))
        doors.listen(code_keys=Keys(secrets, "codes"), vault=vault, render=Render(PUBLIC_URL, vault))

    def redeemed(code: dict[str, str]) -> bool:
        body = {"method": "code", "code": code["recovery_code"]}
        flow = code["recovery_link"].partition("flow=")[2]
        return bool(doors.public("POST", f"/self-service/recovery?flow={flow}", body).ok().get("continue_with"))

    under(old)
    url = {"totp_url": "otpauth://totp/x?secret=JBSWY3DP"}
    ada, bob = (doors.person(name, credentials={"totp": {"config": url}})["id"] for name in ("ada", "bob"))
    of_ada, of_bob = (doors.admin("POST", "/admin/recovery/code", {"identity_id": i}).ok(201) for i in (ada, bob))
    shown = f"/admin/identities/{ada}?include_credential=totp"
    under(new, old)
    assert redeemed(of_ada)
    assert doors.admin("GET", shown).ok()["credentials"]["totp"]["config"] == url
    under(new)
    assert not redeemed(of_bob)
    assert doors.admin("GET", shown).ok()["credentials"]["totp"]["config"] == {}


# W9: told once


def test_W9_a_token_is_in_no_answer_but_the_one_that_issues_it(doors: Doors) -> None:
    world = World(doors)
    secrets = {"token": world.token, "code": f'"{world.code}"', "key": KEY, "password": PASSWORD}
    for port, routes in (("admin", ADMIN), ("public", PUBLIC)):
        for route in routes:
            if route.method == "DELETE":
                continue
            said = world.ask(port, route)
            text = said.body.decode() + repr(said.headers)
            found = {what for what, secret in secrets.items() if secret in text}
            assert found == set(), name(route)


def test_W9_neither_events_nor_failures_hold_a_secret(doors: Doors) -> None:
    world = World(doors)
    doors.sign_in()
    doors.try_sign_in("ada@example.org", "a-wrong-password-canary")
    for port, routes in (("admin", ADMIN), ("public", PUBLIC)):
        for route in routes:
            world.ask(port, route)
    told = repr(doors.events) + repr(doors.failures)
    for secret in (world.token, KEY, PASSWORD, "canary", "ory_st_", "$argon2"):
        assert secret not in told
