"""An address verified by who has what was sent there."""

from dataclasses import replace
from typing import Any

import pytest
from tests.core.world import PASSWORD, World

from nightlatch.core.authentication.authenticator import Attempt
from nightlatch.core.authentication.password import Password
from nightlatch.core.credentials.person import Person
from nightlatch.core.flows.asking import Asked, ask
from nightlatch.core.flows.model import SENT, Flow
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.identities.model import Address
from nightlatch.core.identities.model import Kind as Use
from nightlatch.core.login.rules import SignedIn, sign_in
from nightlatch.core.means import Means, Verifying
from nightlatch.core.registration.rules import register
from nightlatch.core.verification.rules import PASSED, After, confirm, follow, unverified
from nightlatch.kernel.clock import HOUR, MINUTE
from nightlatch.problems import FlowExpired, FlowSpent

ANNA, NOBODY = "anna@example.org", "nobody@example.org"


def asked(world: World, address: str = ANNA, method: str = "code") -> Flow:
    who = Asked(address, method, world.elsewhere().ip)
    return world.run(ask(world.means(), world.act(), Kind.VERIFICATION, world.flow(Kind.VERIFICATION).id, who))


def confirmed(world: World, flow: Flow, secret: str, purpose: str = "code", tries: int = 5) -> Flow:
    means = world.means()
    return world.run(confirm(means, world.act(), flow.id, secret, world.elsewhere().ip, tries, purpose=purpose))


def verifying(world: World, method: str, *, required: bool = False) -> Means:
    methods = frozenset({"password"} if required else ())
    return world.means(post=replace(world.post, verifying=Verifying(method, HOUR, methods)))


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
        code = world.letters()[0][2]["code"]
        with pytest.raises(FlowSpent):
            confirmed(world, flow, code)
        with pytest.raises(FlowExpired):
            confirmed(world, flow, code)
    assert not address(world, anna).verified


def test_an_address_that_was_taken_from_the_person_since_is_not_verified(world: World) -> None:
    anna, flow = world.anna(), asked(world)
    world.update(anna, {"email": "other@example.org"})
    assert wrong(confirmed(world, flow, world.letters()[0][2]["code"]))
    assert not address(world, anna).verified


def test_S5_a_code_that_a_recovery_made_void_while_it_was_tried_verifies_nothing(world: World) -> None:
    anna, flow = world.anna(), asked(world)
    code = world.letters()[0][2]["code"]
    write, calls = world.db.store.write, []

    async def meanwhile(unit: Any) -> Any:
        if len(calls) == 1:
            await write(lambda tx: tx.flows.close(anna.identity.id, world.now))
        calls.append(unit)
        return await write(unit)

    class Store:
        read = world.db.store.read
        write = staticmethod(meanwhile)

    means = world.means(store=Store())
    assert wrong(world.run(confirm(means, world.act(), flow.id, code, None, 5)))
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
    anna = world.create({"email": ANNA, "phone": "+49 30 901820"})
    parent = world.flow(Kind.REGISTRATION, type_="browser")
    after = After(b"a browser", "https://app.example.org/")
    means = verifying(world, method)
    marked, [flow] = world.write(lambda tx: follow(tx, world.act(), means, anna, parent, after))
    assert {a.value: a.status for a in marked.identity.of_kind(Use.VERIFIABLE)} == {
        ANNA: "sent",
        "+4930901820": "pending",
    }
    assert (flow.state, flow.method, flow.type, flow.return_to) == (SENT, method, "browser", after.return_to)
    assert (flow.facts.identifier, flow.facts.browser) == (ANNA, b"a browser")
    given = world.letters()[0][2]
    secret = given["code"] if method == "code" else given["link"].partition("token=")[2]
    assert confirmed(world, flow, secret, method).state == PASSED
    assert [each.value for each in unverified(world.stored(anna))] == ["+4930901820"]
    world.db.empty()
    assert world.write(lambda tx: follow(tx, world.act(), world.means(), anna, parent, after)) == (anna, ())


def test_who_registers_is_sent_a_secret_with_the_registration(world: World) -> None:
    flow = world.flow(Kind.REGISTRATION)
    for means, sent in ((verifying(world, "code"), 1), (world.means(), 0)):
        traits = {"email": f"p{sent}@example.org"}
        done: Any = world.run(
            register(
                means,
                world.schemas,
                world.act(),
                Password(),
                Attempt(flow.id, PASSWORD, world.elsewhere(), traits=traits),
            )
        )
        assert len(done.verifications) == sent
        assert len(world.letters()) == 1
        assert [a.status for a in done.identity.of_kind(Use.VERIFIABLE)] == ["sent" if sent else "pending"]
        flow = world.flow(Kind.REGISTRATION)


def test_who_has_no_verified_address_signs_in_only_where_none_is_required(world: World) -> None:
    anna, robot = world.anna(), world.create({"handle": "robot"}, PASSWORD)
    means = verifying(world, "code", required=True)

    def signed(name: str, password: str = PASSWORD) -> Any:
        attempt = Attempt(world.flow(Kind.LOGIN).id, password, world.elsewhere(), name)
        return world.run(sign_in(means, world.act(), Password(), attempt))

    assert signed("robot").facts.problems == ({"code": "address_unverified"},)
    flow = signed(ANNA)
    assert (flow.act, flow.state) == (Kind.VERIFICATION, SENT)
    assert world.db.sql("select id from sessions") == []
    assert isinstance(world.login(), SignedIn)
    confirmed(world, flow, world.letters()[0][2]["code"])
    assert isinstance(signed(ANNA), SignedIn)
    wrong_password = signed("robot", "wrong")
    assert isinstance(wrong_password, Flow)
    assert wrong_password.facts.problems == ({"code": "credentials_wrong"},)
    assert anna.identity.id != robot.identity.id


def test_P7_signing_up_and_in_sends_no_more_messages_than_asking_does(world: World) -> None:
    world.anna()
    means = verifying(world, "code", required=True)
    for _ in range(8):
        flow = world.flow(Kind.LOGIN)
        attempt = Attempt(flow.id, PASSWORD, world.elsewhere(), ANNA)
        outcome = world.run(sign_in(means, world.act(), Password(), attempt))
        assert isinstance(outcome, Flow)
    assert len(world.letters()) == 6
    assert outcome.facts.problems == ({"code": "messages_exhausted"},)


def test_of_a_change_the_new_addresses_are_to_be_verified(world: World) -> None:
    anna = world.anna()
    after = world.update(anna, {"email": ANNA, "phone": "+49 30 901820"})
    assert [each.value for each in unverified(after, anna)] == ["+4930901820"]
    assert {each.value for each in unverified(after)} == {ANNA, "+4930901820"}


def test_P18_who_confirms_an_address_keeps_the_password(world: World) -> None:
    """People register on one device and confirm on another: nothing tells them from who was registered by a stranger."""
    world.anna(themselves=True)
    assert confirmed(world, asked(world), world.letters()[0][2]["code"]).state == PASSED
    world.signed_in()
