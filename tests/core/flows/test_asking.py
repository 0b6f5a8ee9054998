"""Secrets sent to addresses: known and unknown ones alike, and only so many."""

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from tests.core.world import THROTTLING, World

from nightlatch.core.flows.asking import Asked, ask
from nightlatch.core.flows.model import SENT, Flow
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.identities.model import Address
from nightlatch.core.identities.model import Kind as Use
from nightlatch.core.login.rules import SignedIn
from nightlatch.core.recovery.rules import Recovered, Redeeming, redeem
from nightlatch.core.sessions.model import Method
from nightlatch.kernel.clock import HOUR, MINUTE, SECOND
from nightlatch.problems import FlowExpired, FlowSpent, Throttled

ANNA = "anna@example.org"
NOBODY = "nobody@example.org"
REDEEMING = Redeeming(tries=5, settings_lifespan=HOUR)
BOTH = pytest.mark.parametrize("kind", [Kind.RECOVERY, Kind.VERIFICATION])


def asked(
    world: World, address: str = ANNA, *, kind: Kind = Kind.RECOVERY, flow: Flow | None = None, **more: Any
) -> Flow:
    who = Asked(address, more.pop("method", "code"), more.pop("ip", world.elsewhere().ip), more.pop("tell", False))
    return world.run(ask(world.means(**more), world.act(), kind, (flow or world.flow(kind)).id, who))


def redeemed(world: World, flow: Flow, secret: str, purpose: str = "code") -> Recovered | Flow:
    means = world.means()
    return world.run(redeem(means, world.act(), flow.id, secret, world.elsewhere(), REDEEMING, purpose=purpose))


def told(flow: Recovered | Flow) -> list[str]:
    assert isinstance(flow, Flow)
    return [problem["code"] for problem in flow.facts.problems]


def test_a_code_goes_to_the_address_and_recovers_and_the_address_is_verified(world: World) -> None:
    anna = world.anna()
    flow = asked(world, " Anna@Example.ORG ")
    assert (flow.state, flow.method, flow.facts.identifier, flow.identity_id) == (SENT, "code", ANNA, None)
    [(template, recipient, given)] = world.letters()
    assert (template, recipient, given["minutes"], given.keys()) == ("recovery_code", ANNA, "10", {"code", "minutes"})
    outcome = redeemed(world, flow, given["code"])
    assert isinstance(outcome, Recovered)
    assert (outcome.identity.id, outcome.session.methods) == (
        anna.identity.id,
        (Method("code_recovery", 1, world.now),),
    )
    [address] = [a for a in world.stored(anna).identity.addresses if a.kind == "verifiable"]
    assert (address.verified, address.status, address.verified_at) == (True, "completed", world.now)


@pytest.mark.parametrize(("verified", "themselves"), [(False, True), (True, True), (False, False)])
def test_P18_who_recovers_an_address_that_nobody_proved_leaves_no_password_of_others(
    world: World, verified: bool, themselves: bool
) -> None:
    claim = Address(b"", Use.VERIFIABLE, "email", ANNA, 0, 0, verified=verified)
    world.anna(addresses=(claim,), themselves=themselves)
    token = world.signed_in()
    flow = asked(world)
    code = next(given["code"] for template, _, given in world.letters() if template == "recovery_code")
    outcome = redeemed(world, flow, code)
    assert isinstance(outcome, Recovered)
    assert (world.accepts(token), world.accepts(outcome.token)) == (False, True)
    assert isinstance(world.login(), SignedIn) is (verified or not themselves)


def test_a_link_recovers_wherever_it_is_opened_and_is_no_code(world: World) -> None:
    world.anna()
    flow = asked(world, method="link")
    [(template, _, given)] = world.letters()
    assert (template, given["minutes"], given.keys()) == ("recovery_link", "60", {"link", "minutes"})
    query = parse_qs(urlsplit(given["link"]).query)
    token = query["token"][0]
    assert told(redeemed(world, flow, token)) == ["code_wrong"]
    assert told(redeemed(world, flow, token + "x", "link")) == ["link_wrong"]
    outcome = redeemed(world, flow, token, "link")
    assert isinstance(outcome, Recovered)
    assert outcome.session.methods[0].method == "link_recovery"


@BOTH
def test_P6_an_address_that_nobody_has_is_answered_counted_and_refused_alike(world: World, kind: Kind) -> None:
    world.anna()
    flows = [asked(world, address, kind=kind) for address in (ANNA, NOBODY)]
    known, unknown = [
        msgspec.structs.replace(f, id=b"", facts=msgspec.structs.replace(f.facts, identifier="")) for f in flows
    ]
    assert known == unknown
    assert [recipient for _, recipient, _ in world.letters()] == [ANNA]
    rows = world.db.sql("select purpose, expires_at, tries, used_at from codes")
    assert [tuple(row) for row in rows] == [("code", world.now + 10 * MINUTE, 0, None)] * 2
    if kind is Kind.RECOVERY:
        for flow in flows:
            assert [told(redeemed(world, flow, "x")) for _ in range(5)] == [["code_wrong"]] * 5
            for over in (FlowSpent, FlowExpired):
                with pytest.raises(over):
                    redeemed(world, flow, "x")
    assert len(world.db.sql("select id from codes where tries = 5")) == (2 if kind is Kind.RECOVERY else 0)


@BOTH
@pytest.mark.parametrize("address", [ANNA, NOBODY, "no address"])
def test_P6_asking_takes_the_floor_whoever_has_the_address(world: World, kind: Kind, address: str) -> None:
    world.anna()
    throttling = msgspec.structs.replace(THROTTLING, floor=SECOND // 4)
    began = time.monotonic()
    asked(world, address, kind=kind, throttling=throttling)
    assert time.monotonic() - began >= 0.25


@BOTH
def test_an_address_that_nobody_has_is_told_so_where_that_is_wanted(world: World, kind: Kind) -> None:
    asked(world, NOBODY, kind=kind, tell=True)
    assert world.letters() == [(f"{kind}_unknown", NOBODY, {})]


@pytest.mark.parametrize("address", [ANNA, NOBODY])
def test_P7_an_address_is_not_sent_more_than_so_many_messages_an_hour(world: World, address: str) -> None:
    world.anna()
    outcomes = [asked(world, each) for each in (address, address.upper(), f" {address}") * 3]
    assert [told(flow) for flow in outcomes] == [[]] * 6 + [["messages_exhausted"]] * 3
    assert len(world.letters()) == (6 if address == ANNA else 0)
    assert outcomes[-1].state == "choose_method"
    world.clock.advance(HOUR)
    assert told(asked(world, address)) == []


@BOTH
@pytest.mark.parametrize("address", [ANNA, NOBODY])
def test_P7_one_network_never_has_an_address_sent_all_that_it_may_be_sent(
    world: World, kind: Kind, address: str
) -> None:
    world.anna()
    outcomes = [asked(world, address, kind=kind, ip=f"2001:db8::{n}") for n in range(9)]
    assert [told(flow) for flow in outcomes] == [[]] * 4 + [["messages_exhausted"]] * 5
    assert told(asked(world, address, kind=kind, ip="2001:db8:0:1::1")) == []
    assert told(asked(world, address, kind=kind)) == []
    assert told(asked(world, address, kind=kind)) == ["messages_exhausted"], "of all networks"
    world.clock.advance(HOUR)
    assert told(asked(world, address, kind=kind, ip="2001:db8::1")) == []


def test_P7_a_network_asks_thirty_times_a_minute(world: World) -> None:
    for n in range(30):
        asked(world, f"p{n}@example.org", ip="203.0.113.77")
    with pytest.raises(Throttled):
        asked(world, "p30@example.org", ip="203.0.113.77")


def test_P13_a_code_that_is_sent_again_voids_the_one_before_in_its_flow_only(world: World) -> None:
    world.anna()
    other = asked(world)
    first = asked(world)
    second = asked(world, flow=first)
    newest, older, others = [given["code"] for _, _, given in world.letters()]
    if older != newest:
        assert told(redeemed(world, second, older)) == ["code_wrong"]
    assert isinstance(redeemed(world, second, newest), Recovered)
    assert told(redeemed(world, other, others)) == ["code_wrong"], (
        "S5: the person is in, and what else was sent is void"
    )


def test_P13_whoever_guesses_at_links_of_an_account_does_not_lock_its_owner_out(world: World) -> None:
    world.anna()
    flow = asked(world, method="link")
    token = parse_qs(urlsplit(world.letters()[0][2]["link"]).query)["token"][0]
    for _ in range(3):
        strange = asked(world, method="link")
        assert [told(redeemed(world, strange, "guess", "link")) for _ in range(5)] == [["link_wrong"]] * 5
    assert isinstance(redeemed(world, flow, token, "link"), Recovered)


def test_a_code_ends_with_its_time_and_with_its_flow(world: World) -> None:
    world.anna()
    flow = world.flow(Kind.RECOVERY)
    world.clock.advance(55 * MINUTE)
    asked(world, flow=flow)
    [(_, _, given)] = world.letters()
    assert given["minutes"] == "5"
    world.clock.advance(5 * MINUTE)
    with pytest.raises(FlowExpired):
        redeemed(world, flow, given["code"])
    with pytest.raises(FlowExpired):
        asked(world, flow=flow)
    flow = asked(world)
    code = world.letters()[0][2]["code"]
    world.clock.advance(10 * MINUTE)
    assert told(redeemed(world, flow, code)) == ["code_wrong"]


def test_a_person_who_was_deactivated_or_lost_the_address_does_not_come_in(world: World) -> None:
    anna = world.anna()
    flow = asked(world)
    code = world.letters()[0][2]["code"]
    world.db.sql("update identities set state = 'inactive'")
    assert told(redeemed(world, flow, code)) == ["identity_disabled"]
    world.db.sql("update identities set state = 'active'")
    world.update(anna, {"email": "other@example.org"})
    assert told(redeemed(world, flow, code)) == ["code_wrong"]


SPECIAL = ["anna@example.org,1", "anna@example.org;", "<anna@example.org", "anna@example.org(1)", "b,anna@example.org"]


@pytest.mark.parametrize(
    "address", ["", "anna", "anna@", "@example.org", "a b@example.org", "a@b@c", "x" * 400 + "@b.c", *SPECIAL]
)
def test_P7_what_is_no_one_address_is_said_so_and_sent_nothing(world: World, address: str) -> None:
    flow = asked(world, address, tell=True)
    assert (flow.state, flow.facts.problems) == ("choose_method", ({"code": "address_invalid", "field": "email"},))
    assert world.db.sql("select id from codes") == []


def test_a_phone_number_is_written_to_by_text_message(world: World) -> None:
    world.create({"phone": "+49 30 901820"})
    flow = asked(world, "+49 (30) 90 18 20")
    [message] = world.db.sql("select channel, recipient from messages")
    assert tuple(message) == ("sms", "+4930901820")
    assert isinstance(redeemed(world, flow, world.letters()[0][2]["code"]), Recovered)
