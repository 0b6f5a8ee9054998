"""Signing in by a one-time code: what is sent to whom, what is right, and that nothing tells who is known."""

import time

import msgspec
import pytest
from tests.core.by_code import ANNA, BY_CODE, another, ask, login, problems, sent
from tests.core.world import PASSWORD, THROTTLING, World

from nightlatch.core.administration import identities as administration
from nightlatch.core.authentication.authenticator import Attempt
from nightlatch.core.authentication.code import Code
from nightlatch.core.credentials.person import Person
from nightlatch.core.credentials.policy import Policy
from nightlatch.core.flows.model import SENT, Flow
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.identities.model import Address, State
from nightlatch.core.identities.model import Kind as Use
from nightlatch.core.login.rules import SignedIn
from nightlatch.core.settings.rules import Rules as SettingsRules
from nightlatch.core.settings.rules import change_traits
from nightlatch.kernel.clock import HOUR, MINUTE
from nightlatch.problems import Conflict, FlowExpired, FlowNotFound, Throttled


@pytest.fixture
def anna(world: World) -> Person:
    claim = Address(b"", Use.VERIFIABLE, "email", ANNA, 0, 0, verified=True)
    made = world.anna(addresses=(claim,))
    world.told()
    return made


def asked(world: World, identifier: str = ANNA) -> tuple[Flow, str]:
    """A flow that waits for its code, and the code."""
    flow = ask(world, world.flow(Kind.LOGIN), identifier)
    return flow, sent(world)[-1].code


def test_a_code_is_sent_and_signs_in(world: World, anna: Person) -> None:
    flow, code = asked(world)
    assert (flow.state, flow.method, flow.facts.problems) == (SENT, "code", ())
    assert sent(world) == [("login_code", ANNA, code)]
    outcome = login(world, flow, code)
    assert isinstance(outcome, SignedIn)
    assert outcome.token is not None
    assert world.standing(outcome.token).session == outcome.session
    assert [(m.method, m.aal) for m in outcome.session.methods] == [("code", 1)]
    used = world.stored_flow(flow.id)
    assert used is not None
    assert (used.used_at, used.identity_id, used.state) == (world.now, anna.identity.id, "passed_challenge")
    assert [name for name, _, _ in world.told()] == ["session.issued"]


def test_the_address_that_a_code_came_back_from_is_verified(world: World) -> None:
    anna = world.anna()
    assert not any(a.verified for a in anna.identity.addresses)
    outcome = login(world, *asked(world))
    assert isinstance(outcome, SignedIn)
    stored = world.stored(anna).identity
    assert outcome.identity.addresses == stored.addresses
    [address] = stored.of_kind(Use.VERIFIABLE)
    assert (address.verified, address.verified_at, address.status) == (True, world.now, "completed")
    world.clock.advance(MINUTE)
    login(world, *asked(world))
    assert world.stored(anna).identity == stored


def test_P18_who_proves_an_address_leaves_nothing_of_whoever_signed_up_with_it_before(world: World) -> None:
    squatted = world.create({"email": ANNA, "handle": "anna"}, PASSWORD, themselves=True)
    token, (other, earlier) = world.signed_in(), asked(world)
    outcome = login(world, *asked(world))
    assert isinstance(outcome, SignedIn)
    assert outcome.token is not None
    assert (world.accepts(token), world.accepts(outcome.token)) == (False, True)
    assert problems(world.login()) == ["credentials_wrong"]
    assert problems(login(world, other, earlier)) == ["login_code_spent"]
    assert ("credential_changed", ANNA) in [(template, to) for template, to, _ in world.letters()]
    with pytest.raises(Conflict):
        world.create({"handle": "anna"})
    world.update(squatted, password="an entirely new password")
    mine = world.signed_in("anna", "an entirely new password")
    flow = ask(world, world.flow(Kind.LOGIN))
    code = [each.code for each in sent(world) if each.template == "login_code"][-1]
    assert isinstance(login(world, flow, code), SignedIn)
    assert world.accepts(mine), "what was set up since is one's own"


def test_P18_who_was_given_the_address_by_an_administrator_keeps_the_password_and_the_sessions(world: World) -> None:
    anna = world.anna()
    token = world.signed_in()
    outcome = login(world, *asked(world))
    assert isinstance(outcome, SignedIn)
    assert outcome.token is not None
    assert world.accepts(token)
    assert world.stored(anna).credentials["password"].first_factors == 1
    world.signed_in()


def test_P18_an_administrator_who_changes_something_else_vouches_for_no_address(world: World) -> None:
    squatted = world.create({"email": ANNA}, PASSWORD, themselves=True)
    claim = Address(b"", Use.VERIFIABLE, "email", ANNA, 0, 0)
    world.update(squatted, {"email": ANNA, "age": 7}, addresses=(claim,))
    token = world.signed_in()
    assert isinstance(login(world, *asked(world)), SignedIn)
    assert not world.accepts(token)
    assert problems(world.login()) == ["credentials_wrong"]


def test_P18_who_was_given_one_address_and_takes_that_of_somebody_else_leaves_nothing_to_them(world: World) -> None:
    mallory = world.create({"email": "mallory@example.org", "handle": "mallory"}, PASSWORD)
    token = world.signed_in("mallory")
    standing = world.standing(token)
    flow = world.flow(Kind.SETTINGS, identity_id=mallory.identity.id)
    act = msgspec.structs.replace(world.act(), scopes=())
    traits = {"email": ANNA, "handle": "mallory"}
    rules = SettingsRules(Policy(), HOUR)
    world.run(change_traits(world.means(), world.schemas, act, standing, flow.id, traits, world.elsewhere(), rules))
    assert isinstance(login(world, *asked(world)), SignedIn)
    assert not world.accepts(token)
    assert problems(world.login("mallory")) == ["credentials_wrong"]


def test_P18_who_is_signed_in_and_proves_the_address_keeps_what_is_there(world: World) -> None:
    world.anna(themselves=True)
    token = world.signed_in()
    flow = world.flow(Kind.LOGIN, type_="browser")
    outcome = login(world, ask(world, flow), sent(world)[-1].code, current=world.standing(token))
    assert isinstance(outcome, SignedIn)
    assert outcome.token is not None
    assert world.accepts(outcome.token)
    world.signed_in()


@pytest.mark.parametrize("identifier", ["ANNA@example.org", " anna@example.org", "\uff41nna@example.org"])
def test_P9_a_code_is_sent_under_every_spelling(world: World, anna: Person, identifier: str) -> None:
    flow, code = asked(world, identifier)
    assert sent(world) == [("login_code", ANNA, code)]
    assert isinstance(login(world, flow, code), SignedIn)


def test_a_wrong_code_can_be_corrected_and_a_right_one_is_good_once(world: World, anna: Person) -> None:
    flow, code = asked(world)
    refused = login(world, flow, another(code))
    assert problems(refused) == ["login_code_wrong"]
    assert isinstance(refused, Flow)
    assert (refused.state, refused.facts.identifier) == (SENT, ANNA)
    assert isinstance(login(world, flow, code), SignedIn)
    with pytest.raises(FlowExpired):
        login(world, flow, code)
    assert len(world.db.sql("select id from sessions")) == 1


def test_P13_after_five_tries_the_right_code_is_dead_until_another_is_asked_for(world: World, anna: Person) -> None:
    flow, code = asked(world)
    for _ in range(5):
        assert problems(login(world, flow, another(code))) == ["login_code_wrong"]
    assert problems(login(world, flow, code)) == ["login_code_spent"]
    ask(world, flow)
    assert isinstance(login(world, flow, sent(world)[-1].code), SignedIn)


def test_P13_one_account_is_guessed_at_ten_times_an_hour_over_all_flows(world: World, anna: Person) -> None:
    for _ in range(2):
        flow, code = asked(world)
        for _ in range(5):
            assert problems(login(world, flow, another(code))) == ["login_code_wrong"]
    flow, code = asked(world)
    assert problems(login(world, flow, code)) == ["login_code_spent"]
    world.clock.advance(HOUR)
    assert isinstance(login(world, *asked(world)), SignedIn)


def test_P13_a_code_is_over_at_its_time_and_of_its_own_flow(world: World, anna: Person) -> None:
    (flow, code), (other, _) = asked(world), asked(world)
    assert problems(login(world, other, code)) == ["login_code_wrong"]
    world.clock.advance(10 * MINUTE)
    assert problems(login(world, flow, code)) == ["login_code_spent"]
    with pytest.raises(FlowNotFound):
        login(world, world.flow(Kind.REGISTRATION), code)
    with pytest.raises(FlowNotFound):
        ask(world, world.flow(Kind.REGISTRATION))
    world.clock.advance(HOUR)
    with pytest.raises(FlowExpired):
        login(world, flow, code)


def test_P13_another_code_voids_the_earlier_one_of_the_flow_and_no_other(world: World, anna: Person) -> None:
    (first, elsewhere), (flow, code) = asked(world), asked(world)
    ask(world, flow)
    newer = sent(world)[-1].code
    assert code == newer or problems(login(world, flow, code)) == ["login_code_wrong"]
    assert isinstance(login(world, flow, newer), SignedIn)
    assert isinstance(login(world, first, elsewhere), SignedIn)


def test_P6_a_code_for_an_address_that_nobody_has_is_asked_for_and_tried_alike(world: World, anna: Person) -> None:
    def seen(flow: object) -> object:
        assert isinstance(flow, Flow)
        facts = msgspec.structs.replace(flow.facts, identifier=None)
        return flow.state, flow.method, flow.identity_id, flow.used_at, facts

    def tried(identifier: str) -> list[object]:
        flow = ask(world, world.flow(Kind.LOGIN), identifier)
        answers = [seen(flow)] + [seen(login(world, flow, f"{n:06d}")) for n in range(6)]
        return [*answers, *(seen(ask(world, world.flow(Kind.LOGIN), identifier)) for _ in range(6)), world.told()]

    names = [ANNA, "nobody@example.org", "+4915123456789", "a name", "x" * 5000]
    known, *unknown = [tried(name) for name in names]
    assert unknown == [known] * 4
    assert {recipient for _, recipient, _ in sent(world)} == {ANNA}
    assert len(sent(world)) == 6
    assert world.db.sql("select id from sessions") == []


def test_P6_a_code_is_asked_for_and_refused_no_faster_than_the_floor(world: World, anna: Person) -> None:
    means = world.means(throttling=msgspec.structs.replace(THROTTLING, floor=200_000))
    for identifier in (ANNA, "nobody@example.org"):
        began = time.monotonic()
        attempt = Attempt(world.flow(Kind.LOGIN).id, "", world.elsewhere(), identifier)
        world.run(BY_CODE.send_to_sign_in(means, world.act(), attempt))
        assert 0.2 <= time.monotonic() - began < 0.39


def test_where_it_is_wanted_an_unknown_address_is_told(world: World, anna: Person) -> None:
    by = Code(5, hide_unknown=False)
    flow = ask(world, world.flow(Kind.LOGIN), "nobody@example.org", by)
    assert (problems(flow), flow.state) == (["code_unknown"], "choose_method")
    assert ask(world, flow, ANNA, by).state == SENT


def test_an_address_is_sent_six_codes_an_hour_whoever_asks_and_from_wherever(world: World, anna: Person) -> None:
    flow = world.flow(Kind.LOGIN)
    for _ in range(6):
        assert problems(ask(world, flow)) == []
    last = sent(world)[-1].code
    assert problems(ask(world, flow)) == ["messages_exhausted"]
    late = ask(world, world.flow(Kind.LOGIN))
    assert (problems(late), late.state) == (["messages_exhausted"], "choose_method")
    assert len(sent(world)) == 6
    # The newest is good still, and whoever has it is not kept waiting for more.
    assert isinstance(login(world, flow, last), SignedIn)
    assert isinstance(login(world, *asked(world)), SignedIn)


def test_one_network_asks_for_thirty_codes_a_minute(world: World) -> None:
    device = world.elsewhere()
    for n in range(30):
        ask(world, world.flow(Kind.LOGIN), f"p{n}@example.org", device=device)
    with pytest.raises(Throttled):
        ask(world, world.flow(Kind.LOGIN), device=device)


def test_who_is_inactive_is_told_so_only_with_the_right_code(world: World, anna: Person) -> None:
    world.update(anna, state=State.INACTIVE)
    flow, code = asked(world)
    assert problems(login(world, flow, another(code))) == ["login_code_wrong"]
    assert problems(login(world, flow, code)) == ["identity_disabled"]
    assert world.db.sql("select id from sessions") == []


CHANGES = {
    "the address is another": lambda w, p: w.update(p, {"email": "new@example.org"}),
    "the password is another": lambda w, p: w.update(p, password="an entirely new password"),
    "the identity is deactivated": lambda w, p: w.update(p, state=State.INACTIVE),
    "the identity is deleted": lambda w, p: w.write(lambda tx: administration.delete(tx, w.act(), p.identity.id)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_S4_what_happens_after_a_code_was_sent_voids_it(world: World, anna: Person, change: str) -> None:
    flow, code = asked(world)
    CHANGES[change](world, anna)
    assert isinstance(login(world, flow, code), Flow)
    assert world.db.sql("select id from sessions") == []


def test_S3_a_code_renews_the_session_of_who_is_signed_in(world: World, anna: Person) -> None:
    before = world.standing(world.signed_in())
    world.clock.advance(HOUR)
    outcome = login(world, *asked(world), current=before)
    assert isinstance(outcome, SignedIn)
    assert (outcome.token, outcome.session.id) == (None, before.session.id)
    assert [(m.method, m.aal) for m in outcome.session.methods] == [("password", 1), ("code", 1)]
    assert (outcome.session.aal, outcome.session.authenticated_at) == (1, world.now)


def test_a_password_goes_on_where_a_code_was_asked_for(world: World, anna: Person) -> None:
    flow, _ = asked(world)
    wrong = world.login(password="wrong", flow=flow)
    assert (problems(wrong), getattr(wrong, "state", None)) == (["credentials_wrong"], "choose_method")
    assert isinstance(world.login(flow=flow), SignedIn)


def test_S2_a_code_is_in_nothing_that_is_kept_but_sealed(world: World, anna: Person) -> None:
    flow, code = asked(world)
    login(world, flow, another(code))
    kept = world.db.sql("select facts, request_url, state from flows") + world.db.sql("select address from codes")
    assert code not in repr(kept)
