"""An address verified by who has what was sent there."""

from typing import Any

import pytest
from tests.core.world import World

from nightlatch.core.credentials.person import Person
from nightlatch.core.flows.asking import SENT, Asked, ask
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Flow
from nightlatch.core.identities.model import Address
from nightlatch.core.verification.rules import PASSED, After, Verifying, begin, confirm, unverified
from nightlatch.kernel.clock import HOUR, MINUTE
from nightlatch.problems import FlowExpired

ANNA, NOBODY = "anna@example.org", "nobody@example.org"


def asked(world: World, address: str = ANNA, method: str = "code") -> Flow:
    who = Asked(address, method, world.elsewhere().ip)
    return world.run(ask(world.means(), world.act(), Kind.VERIFICATION, world.flow(Kind.VERIFICATION).id, who))


def confirmed(world: World, flow: Flow, secret: str, purpose: str = "code", tries: int = 5) -> Flow:
    means = world.means()
    return world.run(confirm(means, world.act(), flow.id, secret, world.elsewhere().ip, tries, purpose=purpose))


def address(world: World, person: Person) -> Address:
    [found] = [a for a in world.stored(person).identity.addresses if a.kind == "verifiable"]
    return found


def wrong(flow: Flow, purpose: str = "code") -> bool:
    return flow.state == SENT and flow.facts.problems == ({"code": f"verification_{purpose}_wrong"},)


def test_the_right_code_verifies_the_address_and_nothing_else_does(world: World) -> None:
    anna = world.anna()
    assert address(world, anna).status == "pending"
    flow = asked(world)
    assert (address(world, anna).status, address(world, anna).verified) == ("sent", False)
    [(template, recipient, given)] = world.letters()
    assert (template, recipient, given["minutes"]) == ("verification_code", ANNA, "10")
    assert given["link"].endswith(f"&code={given['code']}")
    assert wrong(confirmed(world, flow, given["code"] + "0"))
    assert wrong(confirmed(world, flow, given["code"], "link"), "link")
    assert not address(world, anna).verified
    world.clock.advance(MINUTE)
    world.told()
    done = confirmed(world, flow, given["code"])
    assert (done.state, done.used_at, done.facts.problems) == (PASSED, world.now, ())
    now = address(world, anna)
    assert (now.verified, now.status, now.verified_at, now.updated_at) == (True, "completed", world.now, world.now)
    assert ("identity.verified", None, 1) in world.told()
    with pytest.raises(FlowExpired):
        confirmed(world, flow, given["code"])
    assert asked(world).state == SENT
    assert address(world, anna) == now, "what is verified stays so"


def test_a_link_verifies_and_its_token_is_no_code(world: World) -> None:
    anna, flow = world.anna(), asked(world, method="link")
    [(template, _, given)] = world.letters()
    token = given["link"].partition("token=")[2]
    assert template == "verification_link"
    assert wrong(confirmed(world, flow, token))
    assert wrong(confirmed(world, flow, token.lower() + "A", "link"), "link")
    assert confirmed(world, flow, token, "link").state == PASSED
    assert address(world, anna).verified


def test_P13_the_sixth_try_of_a_verification_is_dead_whoever_has_the_address(world: World) -> None:
    anna = world.anna()
    for flow in (asked(world), asked(world, NOBODY)):
        assert all(wrong(confirmed(world, flow, "x")) for _ in range(5))
        assert wrong(confirmed(world, flow, (world.letters()[0][2])["code"]))
    assert not address(world, anna).verified


def test_an_address_that_was_taken_from_the_person_since_is_not_verified(world: World) -> None:
    anna, flow = world.anna(), asked(world)
    world.update(anna, {"email": "other@example.org"})
    assert wrong(confirmed(world, flow, world.letters()[0][2]["code"]))
    assert not address(world, anna).verified


def test_P14_a_code_of_recovery_verifies_nothing_and_the_other_way_round(world: World) -> None:
    anna = world.anna()
    recovery = world.flow(Kind.RECOVERY)
    world.run(ask(world.means(), world.act(), Kind.RECOVERY, recovery.id, Asked(ANNA, "code", None)))
    code = world.letters()[0][2]["code"]
    flow = asked(world)
    own = world.letters()[0][2]["code"]
    assert code == own or wrong(confirmed(world, flow, code))
    assert not address(world, anna).verified


@pytest.mark.parametrize("method", ["code", "link"])
def test_a_verification_that_follows_another_act_waits_for_its_secret(world: World, method: str) -> None:
    anna = world.anna()
    [mine] = unverified(anna)
    parent = world.flow(Kind.REGISTRATION, type_="browser")
    after = After(parent, b"a browser", "https://app.example.org/")
    how: Any = Verifying(method, HOUR)
    flow = world.write(lambda tx: begin(tx, world.act(), world.means(), how, anna, mine, after))
    assert (flow.state, flow.method, flow.type, flow.return_to) == (SENT, method, "browser", after.return_to)
    assert (flow.facts.identifier, flow.facts.browser) == (ANNA, b"a browser")
    given = world.letters()[0][2]
    secret = given["code"] if method == "code" else given["link"].partition("token=")[2]
    assert confirmed(world, flow, secret, method).state == PASSED
    assert unverified(world.stored(anna)) == []


def test_of_a_change_the_new_addresses_are_to_be_verified(world: World) -> None:
    anna = world.anna()
    after = world.update(anna, {"email": ANNA, "phone": "+49 30 901820"})
    assert [each.value for each in unverified(after, anna)] == ["+4930901820"]
    assert {each.value for each in unverified(after)} == {ANNA, "+4930901820"}
