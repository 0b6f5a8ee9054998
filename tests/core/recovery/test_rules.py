"""Recovery codes and links: made for one identity, good once, for a time and for a few tries."""

import asyncio
from typing import Any

import msgspec
import pytest
from tests.core.world import DEVICE, OLDER_SECRET, SECRET, Watched, World

from nightlatch.core.credentials.person import Person
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Facts, Flow
from nightlatch.core.identities.model import State
from nightlatch.core.recovery.rules import Made, Recovered, Redeeming, make_code, redeem
from nightlatch.core.sessions.model import Method
from nightlatch.kernel.clock import DAY, HOUR, MINUTE
from nightlatch.kernel.secrets import Keys, digest
from nightlatch.problems import FieldInvalid, FlowExpired, FlowNotFound, FlowSpent, IdentityNotFound

REDEEMING = Redeeming(tries=5, settings_lifespan=HOUR)
URL = "http://127.0.0.1:4434/admin/recovery/code"


def made(world: World, person: Person, lifespan: int = HOUR, keys: Keys | None = None, **more: Any) -> Made:
    by, flow_type = keys or world.code_keys, more.pop("flow_type", "api")
    return world.write(
        lambda tx: make_code(tx, world.act(), by, person.identity.id, lifespan, URL, flow_type=flow_type, **more)
    )


def linked(world: World, person: Person, **more: Any) -> Made:
    return world.write(
        lambda tx: make_code(tx, world.act(), world.code_keys, person.identity.id, HOUR, URL, purpose="link", **more)
    )


def redeemed(
    world: World, flow: Flow, code: str, keys: Keys | None = None, redeeming: Redeeming = REDEEMING
) -> Recovered | Flow:
    return world.run(
        redeem(
            world.means(code_keys=keys or world.code_keys),
            world.act(),
            flow.id,
            code,
            world.elsewhere(),
            redeeming,
        )
    )


def another(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def refused(outcome: object, code: str = "code_wrong") -> bool:
    return isinstance(outcome, Flow) and outcome.facts.problems == ({"code": code},)


def test_the_right_code_gives_a_session_and_a_settings_flow(world: World) -> None:
    anna = world.anna()
    code = made(world, anna, return_to="https://app.example.org/")
    world.told()
    outcome = redeemed(world, code.flow, code.secret)
    assert isinstance(outcome, Recovered)
    assert world.standing(outcome.token).session == outcome.session
    assert outcome.identity == anna.identity
    settings = outcome.settings
    assert world.stored_flow(settings.id) == settings
    assert (settings.act, settings.identity_id, settings.state) == (Kind.SETTINGS, anna.identity.id, "show_form")
    assert (settings.expires_at, settings.return_to) == (world.now + HOUR, "https://app.example.org/")
    assert world.stored_flow(code.flow.id) == msgspec.structs.replace(
        code.flow, state="passed_challenge", used_at=world.now, facts=Facts()
    )
    assert {name for name, _, _ in world.told()} >= {"session.issued", "identity.recovered"}


def test_a_code_is_six_digits_on_a_flow_of_its_own_and_kept_under_a_keyed_hash(world: World) -> None:
    anna = world.anna()
    code, link = made(world, anna, flow_type="browser"), linked(world, anna)
    assert len(code.secret) == 6
    assert code.secret.isdecimal()
    assert (code.flow.type, code.flow.act, code.flow.method, code.flow.state) == (
        "browser", Kind.RECOVERY, "code", "sent_email",
    )  # fmt: skip
    assert (link.flow.type, link.flow.method) == ("browser", "link")
    assert code.flow.id != link.flow.id
    kept = {str(row[0]): row[1] for row in world.db.sql("select purpose, secret_hash from codes")}
    assert kept["code"] == world.code_keys.macs(code.flow.id + code.secret.encode())[0]
    assert kept["link"] == digest(link.secret)
    assert len(link.secret) == 32


def test_P14_a_recovered_session_has_the_first_level_only(world: World) -> None:
    anna = world.anna(credentials={"totp": {"totp_url": "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP"}})
    code = made(world, anna)
    outcome = redeemed(world, code.flow, code.secret)
    assert isinstance(outcome, Recovered)
    assert outcome.session.aal == 1
    assert outcome.session.methods == (Method("code_recovery", 1, world.now),)
    assert world.standing(outcome.token).second_factor


def test_P13_the_sixth_try_is_dead_even_with_the_right_code(world: World) -> None:
    code = made(world, world.anna())
    assert all(refused(redeemed(world, code.flow, another(code.secret))) for _ in range(5))
    with pytest.raises(FlowSpent):
        redeemed(world, code.flow, code.secret)
    with pytest.raises(FlowExpired):
        redeemed(world, code.flow, code.secret)
    assert world.db.sql("select id from sessions") == []


def test_P13_ten_codes_of_an_account_are_tried_in_an_hour_over_all_flows(world: World) -> None:
    anna = world.anna()
    for _ in range(2):
        code = made(world, anna)
        assert all(refused(redeemed(world, code.flow, another(code.secret))) for _ in range(5))
    code = made(world, anna)
    assert refused(redeemed(world, code.flow, code.secret))
    world.clock.advance(HOUR)
    fresh = made(world, anna)
    assert isinstance(redeemed(world, fresh.flow, fresh.secret), Recovered)


def test_P13_the_fifth_try_may_be_the_right_one(world: World) -> None:
    code = made(world, world.anna())
    for wrong in ("", "1", another(code.secret), code.secret + "0"):
        assert refused(redeemed(world, code.flow, wrong))
    assert isinstance(redeemed(world, code.flow, code.secret), Recovered)


@pytest.mark.parametrize("spelling", ["{} ", " {}", "{}\n", "0{}", "\uff11{}"])
def test_P13_a_code_is_the_very_digits(world: World, spelling: str) -> None:
    code = made(world, world.anna())
    assert refused(redeemed(world, code.flow, spelling.format(code.secret)))


def test_P13_a_code_of_one_flow_fails_on_another(world: World) -> None:
    anna, bert = world.anna(), world.create({"email": "bert@example.org"})
    annas, berts = made(world, anna), made(world, bert)
    assert annas.secret != berts.secret
    assert refused(redeemed(world, annas.flow, berts.secret))
    assert refused(redeemed(world, berts.flow, annas.secret))
    bare = world.flow(Kind.RECOVERY)
    assert refused(redeemed(world, bare, annas.secret))
    assert isinstance(redeemed(world, annas.flow, annas.secret), Recovered)


def test_P13_a_newer_code_voids_the_older(world: World) -> None:
    anna, bert = world.anna(), world.create({"email": "bert@example.org"})
    older, berts = made(world, anna), made(world, bert)
    newer = made(world, anna)
    assert refused(redeemed(world, older.flow, older.secret))
    assert isinstance(redeemed(world, newer.flow, newer.secret), Recovered)
    assert isinstance(redeemed(world, berts.flow, berts.secret), Recovered)


def test_P13_a_code_is_good_once(world: World) -> None:
    code = made(world, world.anna())
    assert isinstance(redeemed(world, code.flow, code.secret), Recovered)
    with pytest.raises(FlowExpired):
        redeemed(world, code.flow, code.secret)


def test_P13_of_many_redemptions_at_once_one_succeeds(world: World) -> None:
    code = made(world, world.anna())

    async def together() -> list[Any]:
        work = [redeem(world.means(), world.act(), code.flow.id, code.secret, DEVICE, REDEEMING) for _ in range(5)]
        return await asyncio.gather(*work, return_exceptions=True)

    outcomes = world.run(together())
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["FlowExpired"] * 4 + ["Recovered"]
    assert len(world.db.sql("select id from sessions")) == 1


def test_P13_a_code_is_over_at_its_time(world: World) -> None:
    anna = world.anna()
    early, late = made(world, anna, 10 * MINUTE), made(world, world.create({"email": "b@b.de"}), 10 * MINUTE)
    assert early.expires_at == world.now + 10 * MINUTE
    world.clock.advance(10 * MINUTE - 1)
    assert isinstance(redeemed(world, early.flow, early.secret), Recovered)
    world.clock.advance(1)
    with pytest.raises(FlowExpired):
        redeemed(world, late.flow, late.secret)


def test_P13_a_code_lives_thirty_days_at_most(world: World) -> None:
    anna = world.anna()
    made(world, anna, 30 * DAY)
    with pytest.raises(FieldInvalid) as caught:
        made(world, anna, 30 * DAY + 1)
    assert caught.value.field == "expires_in"


def test_a_code_for_nobody_is_not_made(world: World) -> None:
    nobody = world.anna()
    world.db.empty()
    for make in (made, linked):
        with pytest.raises(IdentityNotFound):
            make(world, nobody)
    assert world.db.sql("select id from flows") == []


def test_a_link_is_not_redeemed_as_a_code(world: World) -> None:
    link = linked(world, world.anna())
    assert refused(redeemed(world, link.flow, link.secret))


def test_P14_no_other_flow_is_redeemed(world: World) -> None:
    code = made(world, world.anna())
    for kind in (Kind.LOGIN, Kind.REGISTRATION, Kind.SETTINGS):
        with pytest.raises(FlowNotFound):
            redeemed(world, world.flow(kind), code.secret)
    assert world.db.sql("select id from sessions") == []


def test_S5_recovering_ends_the_other_sessions_unless_it_is_told_not_to(world: World) -> None:
    anna = world.anna()
    old = world.signed_in()
    code = made(world, anna)
    keeping = redeemed(world, code.flow, code.secret, redeeming=Redeeming(5, HOUR, end_others=False))
    assert isinstance(keeping, Recovered)
    assert world.accepts(old)
    code = made(world, anna)
    world.told()
    ending = redeemed(world, code.flow, code.secret)
    assert isinstance(ending, Recovered)
    assert ("session.ended", "recovery", 2) in world.told()
    assert [world.accepts(token) for token in (old, keeping.token, ending.token)] == [False, False, True]


def test_S3_recovering_gives_a_new_token(world: World) -> None:
    anna = world.anna()
    old, code = world.signed_in(), made(world, anna)
    outcome = redeemed(world, code.flow, code.secret)
    assert isinstance(outcome, Recovered)
    assert outcome.token != old


def test_an_inactive_identity_is_not_recovered_and_its_code_is_not_used_up(world: World) -> None:
    anna = world.anna()
    code = made(world, anna)
    world.db.sql("update identities set state = 'inactive'")
    assert refused(redeemed(world, code.flow, code.secret), "identity_disabled")
    assert world.db.sql("select id from sessions") == []
    world.db.sql("update identities set state = 'active'")
    assert isinstance(redeemed(world, code.flow, code.secret), Recovered)


def test_deactivating_voids_codes_and_links(world: World) -> None:
    anna = world.anna()
    code = made(world, anna)
    world.update(anna, state=State.INACTIVE)
    world.update(anna, state=State.ACTIVE)
    with pytest.raises(FlowExpired):
        redeemed(world, code.flow, code.secret)


def test_a_refusal_is_an_event_and_counts_though_nothing_came_of_it(world: World) -> None:
    code = made(world, world.anna())
    world.told()
    redeemed(world, code.flow, another(code.secret))
    assert world.told() == [("recovery.refused", "code_wrong", 1)]
    assert world.db.sql("select tries from codes") == [(1,)]


def test_a_code_outlives_the_rotation_of_the_secret(world: World) -> None:
    anna = world.anna()
    code = made(world, anna, keys=Keys([OLDER_SECRET], "codes"))
    assert refused(redeemed(world, code.flow, code.secret))
    rotated = Keys([SECRET, OLDER_SECRET], "codes")
    assert isinstance(redeemed(world, code.flow, code.secret, rotated), Recovered)


def test_an_identity_without_any_address_is_recovered(world: World) -> None:
    robot = world.create({"model": "R2"}, schema_id="robot")
    code = made(world, robot)
    assert isinstance(redeemed(world, code.flow, code.secret), Recovered)


def test_S4_a_sign_in_is_refused_when_the_person_recovers_meanwhile(world: World) -> None:
    anna = world.anna()
    code = made(world, anna)

    async def meanwhile() -> None:
        await redeem(world.means(), world.act(), code.flow.id, code.secret, DEVICE, REDEEMING)

    assert refused(world.login(hasher=Watched(world.hasher, meanwhile)), "credentials_wrong")
    assert len(world.db.sql("select id from sessions")) == 1
