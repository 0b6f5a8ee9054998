"""Signing in with a password: what is right, what is refused alike, and what happens in between."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import bcrypt
import msgspec
import pytest
from tests.core.world import PASSWORD, THROTTLING, Meanwhile, Watched, World
from tests.places import Here

from nightlatch.core.administration import identities as administration
from nightlatch.core.authentication.authenticator import Attempt
from nightlatch.core.authentication.password import Password
from nightlatch.core.credentials.hashing import Hasher
from nightlatch.core.credentials.person import Person
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Flow
from nightlatch.core.identities.model import State
from nightlatch.core.login.rules import SignedIn, sign_in
from nightlatch.core.sessions.model import How, Where
from nightlatch.core.sessions.rules import end
from nightlatch.kernel.clock import HOUR
from nightlatch.problems import FlowExpired, FlowNotFound, SessionRequired
from nightlatch.stores.sql.statement import sql


def code_of(outcome: SignedIn | Flow) -> str:
    assert isinstance(outcome, Flow), "it signed in"
    (problem,) = outcome.facts.problems
    return str(problem["code"])


async def signing_in(world: World, flow: Flow) -> SignedIn | Flow:
    attempt = Attempt(flow.id, PASSWORD, world.elsewhere(), "anna@example.org")
    return await sign_in(world.means(), world.act(), Password(), attempt)


def test_the_right_password_signs_in(world: World) -> None:
    anna = world.anna()
    flow = world.flow(Kind.LOGIN)
    world.told()
    outcome = world.login(flow=flow)
    assert isinstance(outcome, SignedIn)
    assert outcome.token is not None
    assert world.standing(outcome.token).session == outcome.session
    assert outcome.identity == anna.identity
    assert [(m.method, m.aal, m.completed_at) for m in outcome.session.methods] == [("password", 1, world.now)]
    used = world.stored_flow(flow.id)
    assert used is not None
    assert (used.used_at, used.identity_id, used.method) == (world.now, anna.identity.id, "password")
    assert world.told() == [("session.issued", None, 1)]


@pytest.mark.parametrize(
    "identifier", ["ANNA@example.org", " anna@example.org\t", "\uff41nna@example.org", "anna@EXAMPLE.org"]
)
def test_P9_an_identifier_signs_in_under_every_spelling(world: World, identifier: str) -> None:
    world.anna()
    assert isinstance(world.login(identifier), SignedIn)


def test_S3_every_sign_in_has_a_token_of_its_own(world: World) -> None:
    world.anna()
    tokens = {world.signed_in() for _ in range(5)}
    assert len(tokens) == 5
    assert all(world.accepts(token) for token in tokens)


def test_P6_who_is_unknown_and_who_is_wrong_are_refused_alike(world: World) -> None:
    world.anna()
    world.create({"email": "bare@example.org"})
    imported = bcrypt.hashpw(b"another", bcrypt.gensalt(4)).decode()
    world.create({"email": "old@example.org"}, credentials={"password": {"hashed_password": imported}})
    world.told()
    outcomes, watched = [], []
    for identifier in ("anna@example.org", "nobody@example.org", "bare@example.org", "old@example.org", "", "\0"):
        hasher = Watched(world.hasher)
        flow = world.login(identifier, "a wrong password", hasher=hasher)
        assert isinstance(flow, Flow)
        assert flow.facts.identifier == identifier
        outcomes.append((flow.state, flow.method, flow.used_at, flow.identity_id, flow.facts.problems))
        watched.append(hasher.asked)
        assert world.told() == [("login.refused", "credentials_wrong", 1)]
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert outcomes[0][-1] == ({"code": "credentials_wrong"},)
    assert watched == [["verify"]] * 6
    assert world.db.sql("select id from sessions") == []


def test_P6_a_refusal_takes_the_floor_whatever_it_is_for(world: World) -> None:
    world.anna()
    throttling = msgspec.structs.replace(THROTTLING, floor=200_000)
    for identifier, password, floor in (
        ("anna@example.org", "wrong", 0.2), ("nobody@example.org", PASSWORD, 0.2),
        ("anna@example.org", "e\u0301", 0.4), ("nobody@example.org", "e\u0301", 0.4),
    ):  # fmt: skip
        flow = world.flow(Kind.LOGIN)
        means = world.means(throttling=throttling)
        began = time.monotonic()
        attempt = Attempt(flow.id, password, world.elsewhere(), identifier)
        outcome = world.run(sign_in(means, world.act(), Password(), attempt))
        assert isinstance(outcome, Flow)
        assert floor <= time.monotonic() - began < floor + 0.19


def test_a_wrong_password_can_be_corrected_on_the_same_flow(world: World) -> None:
    world.anna()
    flow = world.flow(Kind.LOGIN)
    assert code_of(world.login(password="wrong", flow=flow)) == "credentials_wrong"
    assert isinstance(world.login(flow=flow), SignedIn)


def test_who_is_inactive_is_told_so_only_with_the_right_password(world: World) -> None:
    world.anna(state=State.INACTIVE)
    assert code_of(world.login()) == "identity_disabled"
    assert code_of(world.login(password="wrong")) == "credentials_wrong"
    assert world.db.sql("select id from sessions") == []


def test_a_password_never_stays_in_the_flow(world: World) -> None:
    world.anna()
    world.login(password="the wrong horse")
    world.login("nobody@example.org", "the wrong horse")
    assert "horse" not in repr(world.db.sql("select facts, request_url, state from flows"))


def test_a_flow_signs_in_once_and_in_its_time(world: World) -> None:
    world.anna()
    flow, late = world.flow(Kind.LOGIN), world.flow(Kind.LOGIN)
    world.signed_in(flow=flow)
    for password in (PASSWORD, "wrong"):
        with pytest.raises(FlowExpired):
            world.login(password=password, flow=flow)
    with pytest.raises(FlowNotFound):
        world.login(flow=world.flow(Kind.REGISTRATION))
    world.clock.advance(HOUR)
    with pytest.raises(FlowExpired):
        world.login(flow=late)
    assert len(world.db.sql("select id from sessions")) == 1


def test_one_flow_that_is_submitted_many_times_at_once_signs_in_once(world: World) -> None:
    world.anna()
    flow = world.flow(Kind.LOGIN)

    async def together() -> list[Any]:
        # As many as are free: one more would have to wait, and say so in the flow.
        return await asyncio.gather(*(signing_in(world, flow) for _ in range(5)), return_exceptions=True)

    outcomes = world.run(together())
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["FlowExpired"] * 4 + ["SignedIn"]
    assert len(world.db.sql("select id from sessions")) == 1


def ending(world: World, anna: Person, how: How) -> Meanwhile:
    where = Where(identity_id=anna.identity.id)
    return lambda: world.db.store.write(lambda tx: end(tx, world.act(), where, how, "admin"))


def changing(world: World, anna: Person, **changes: Any) -> Meanwhile:
    profile = msgspec.structs.replace(world.profile({"email": "anna@example.org"}), **changes)

    async def unit(tx: Any) -> None:
        before = await administration.locked(tx, world.act(), anna.identity.id)
        await administration.update(tx, world.act(), world.schemas, world.vault, before, profile)

    return lambda: world.db.store.write(unit)


def raising(world: World, epoch: str) -> Meanwhile:
    """The organization's own epoch."""
    statement = sql(f"update organizations set {epoch} = {epoch} + 1")
    return lambda: world.db.store.write(lambda tx: tx.sessions._connection.run(statement))  # type: ignore[attr-defined]


INTERFERENCES: dict[str, Callable[[World, Person], Meanwhile]] = {
    "all sessions end": lambda w, p: ending(w, p, How.DISABLE),
    "all sessions are deleted": lambda w, p: ending(w, p, How.DELETE),
    "the password changes": lambda w, p: changing(w, p, credentials=w.profile(password="a new one").credentials),
    "the identity is deactivated": lambda w, p: changing(w, p, state=State.INACTIVE),
    "the identity is deleted": lambda w, p: (
        lambda: w.db.store.write(lambda tx: administration.delete(tx, w.act(), p.identity.id))
    ),
    "the organization ends all": lambda w, _: raising(w, "ended_before"),
    "the organization deletes all": lambda w, _: raising(w, "deleted_before"),
}


@pytest.mark.parametrize("interference", INTERFERENCES)
def test_S4_what_happens_while_the_password_is_checked_refuses_the_sign_in(world: World, interference: str) -> None:
    anna = world.anna()
    meanwhile = INTERFERENCES[interference](world, anna)
    outcome = world.login(hasher=Watched(world.hasher, meanwhile))
    assert code_of(outcome) in {"credentials_wrong", "identity_disabled"}
    assert world.db.sql("select id from sessions") == []


def test_S4_deactivated_and_active_again_meanwhile_is_refused_too(world: World) -> None:
    anna = world.anna()
    off, on = changing(world, anna, state=State.INACTIVE), changing(world, anna, state=State.ACTIVE)

    async def meanwhile() -> None:
        await off()
        await on()

    assert code_of(world.login(hasher=Watched(world.hasher, meanwhile))) == "credentials_wrong"


def test_what_does_not_concern_the_password_does_not_refuse_the_sign_in(world: World) -> None:
    anna = world.anna()
    meanwhile = changing(world, anna, metadata_public='{"plan":"gold"}')
    outcome = world.login(hasher=Watched(world.hasher, meanwhile))
    assert isinstance(outcome, SignedIn)
    assert outcome.identity.metadata_public == '{"plan":"gold"}'


def test_S4_sign_ins_and_endings_at_once_leave_no_session_that_began_before_an_ending(world: World) -> None:
    anna = world.anna()
    flows = [world.flow(Kind.LOGIN) for _ in range(20)]

    async def together() -> None:
        work = [signing_in(world, flow) for flow in flows]
        await asyncio.gather(*work[:10], ending(world, anna, How.DISABLE)(), *work[10:])

    world.run(together())
    issued = sum(e.name == "session.issued" for e in world.db.happened)
    ended = sum(e.amount for e in world.db.happened if e.name == "session.ended")
    left = world.db.sql("select count(*) from sessions where ended_at is null")[0][0]
    assert left == issued - ended
    world.run(ending(world, anna, How.DISABLE)())
    assert world.db.sql("select id from sessions where ended_at is null") == []


@pytest.mark.parametrize(
    ("hashed", "better"),
    [
        (bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(), True),
        ("weaker argon2id", True),
        ("ours", False),
    ],
)
def test_P1_a_weaker_hash_is_made_anew_once_and_ends_nothing(world: World, hashed: str, better: bool) -> None:
    weak = Hasher(memory=8, time=1, parallelism=1, places=[Here()], queue=1, entropy=world.entropy)
    if hashed == "weaker argon2id":
        hashed = world.run(weak.hash(PASSWORD))
    weak.close()
    given = {"password": {"hashed_password": hashed}} if hashed != "ours" else {"password": {"password": PASSWORD}}
    anna = world.create({"email": "anna@example.org"}, credentials=given)
    before = world.config(anna, "password")["hashed_password"]
    first, hasher = world.signed_in(), Watched(world.hasher)
    after = world.config(anna, "password")["hashed_password"]
    assert (after != before) is better
    assert after.startswith("$argon2id$v=19$m=16,t=1,p=1$")
    second = world.signed_in(hasher=hasher)
    assert hasher.asked == ["verify"]
    assert world.accepts(first)
    assert world.accepts(second)
    assert world.stored(anna).credentials["password"].identifiers == anna.credentials["password"].identifiers


def test_S3_proving_oneself_again_renews_the_session_and_gives_no_other_token(world: World) -> None:
    world.anna()
    token = world.signed_in()
    before = world.standing(token)
    world.clock.advance(HOUR)
    outcome = world.login(current=before)
    assert isinstance(outcome, SignedIn)
    assert outcome.token is None
    assert outcome.session.id == before.session.id
    assert world.standing(token).session == outcome.session
    assert outcome.session.authenticated_at == world.now
    assert len(world.db.sql("select id from sessions")) == 1


def test_S3_proving_to_be_somebody_else_makes_a_session_of_its_own(world: World) -> None:
    world.anna()
    world.create({"email": "bert@example.org"}, "another long password")
    annas = world.signed_in()
    berts = world.signed_in("bert@example.org", "another long password", current=world.standing(annas))
    assert annas != berts
    assert world.standing(annas).identity.id != world.standing(berts).identity.id


def test_S4_a_session_that_ended_meanwhile_is_not_renewed(world: World) -> None:
    world.anna()
    token = world.signed_in()
    current = world.standing(token)
    where = Where(session_id=current.session.id)

    async def meanwhile() -> None:
        await world.db.store.write(lambda tx: end(tx, world.act(), where, How.DISABLE, "admin"))

    with pytest.raises(FlowExpired):
        world.login(current=current, hasher=Watched(world.hasher, meanwhile))
    with pytest.raises(SessionRequired):
        world.standing(token)
