"""Messages are written with the act they tell of, given to one sender at a time, and given up after a day."""

import msgspec
import pytest
from tests.core.world import World

from nightlatch.core.courier.model import Filter, Message, Status, Template, Undelivered
from nightlatch.core.courier.rules import claim, opened, send, settle
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.kernel.clock import DAY, HOUR, MINUTE, SECOND
from nightlatch.kernel.secrets import Keys

CODE = "483920-canary"


def written(world: World, recipient: str = "anna@example.org") -> Message:
    keys = world.vault.keys
    return world.write(
        lambda tx: send(tx, world.act(), keys, Template.LOGIN_CODE, "email", recipient, code=CODE, minutes="10")
    )


def claimed(world: World, most: int = 9) -> list[Message]:
    return world.write(lambda tx: claim(tx, world.act(), most))


def settled(world: World, message: Message, reason: str | None = None, *, final: bool = False) -> Status | None:
    failure = None if reason is None else Undelivered(reason, final=final)
    return world.write(lambda tx: settle(tx, world.act(), message, failure))


def stored(world: World) -> list[Message]:
    return world.read(lambda tx: tx.messages.page(DEFAULT, Filter(), None, 100))


def test_F18_a_message_is_written_with_the_act_or_not_at_all(world: World) -> None:
    async def fails(tx) -> None:
        await send(tx, world.act(), world.vault.keys, Template.RECOVERED, "email", "a@example.org", ip="")
        raise Undelivered("the act fails")

    with pytest.raises(Undelivered):
        world.write(fails)
    assert stored(world) == []
    message = written(world)
    assert stored(world) == [message]
    assert (message.status, message.send_count, message.next_at) == (Status.QUEUED, 0, world.now)


def test_S2_what_a_message_holds_is_sealed_for_it_alone(world: World) -> None:
    one, other = written(world), written(world)
    assert opened(world.vault.keys, one) == {"code": CODE, "minutes": "10"}
    assert CODE.encode() not in one.data
    assert one.data != other.data
    assert opened(world.vault.keys, msgspec.structs.replace(one, data=other.data)) is None
    assert opened(Keys([b"another secret, of 32 bytes too.."], "credentials"), one) is None


def test_a_message_is_claimed_once_until_its_claim_is_over(world: World) -> None:
    message = written(world)
    [mine] = claimed(world)
    assert (mine.id, mine.status, mine.send_count) == (message.id, Status.PROCESSING, 1)
    assert claimed(world) == []
    world.clock.advance(2 * MINUTE)
    [theirs] = claimed(world)
    assert theirs.send_count == 2
    assert settled(world, mine, "too late") is None
    assert settled(world, theirs) is Status.SENT
    assert settled(world, theirs) is None
    [sent] = stored(world)
    assert (sent.status, sent.next_at, sent.done_at) == (Status.SENT, None, world.now)
    world.clock.advance(DAY)
    assert claimed(world) == []


def test_of_many_claims_at_once_each_message_is_in_one(world: World) -> None:
    wanted = {written(world, f"p{n}@example.org").id for n in range(12)}
    outcomes = world.db.together(*[lambda tx: claim(tx, world.act(), 5) for _ in range(6)])
    got = [message.id for outcome in outcomes for message in outcome]
    assert sorted(got) == sorted(wanted)
    assert max(len(outcome) for outcome in outcomes) == 5


def test_F18_what_is_not_taken_is_tried_again_ever_later_and_given_up_after_a_day(world: World) -> None:
    written(world)
    began, waits = world.now, []
    while True:
        [message] = claimed(world)
        status = settled(world, message, "the server is down")
        [left] = stored(world)
        assert left.status is status
        if status is Status.ABANDONED:
            break
        waits.append(left.next_at - world.now)
        world.clock.advance(waits[-1] - 1)
        assert claimed(world) == []
        world.clock.advance(1)
    assert waits[:4] == [10 * SECOND, 20 * SECOND, 40 * SECOND, 80 * SECOND]
    assert waits == sorted(waits)
    assert waits[-1] == HOUR
    assert DAY - HOUR <= world.now - began <= DAY
    assert len(left.dispatches) == left.send_count == len(waits) + 1
    assert {dispatch.error for dispatch in left.dispatches} == {"the server is down"}
    assert world.told() == [("message.abandoned", None, 1)]


def test_what_will_never_be_taken_is_given_up_at_once(world: World) -> None:
    written(world)
    [message] = claimed(world)
    assert settled(world, message, "550", final=True) is Status.ABANDONED
    world.clock.advance(DAY)
    assert claimed(world) == []


def test_a_list_is_newest_first_by_status_and_by_recipient(world: World) -> None:
    made = []
    for name in "abcde":
        world.clock.advance(SECOND)
        made.append(written(world, f"{name}@example.org"))
    settled(world, claimed(world, 1)[0])

    def page(*where: object, before: bytes | None = None, limit: int = 9) -> list[str]:
        rows = world.read(lambda tx: tx.messages.page(DEFAULT, Filter(*where), before, limit))
        return [row.recipient[0] for row in rows]

    assert page() == ["e", "d", "c", "b", "a"]
    assert page(limit=2) == ["e", "d"]
    assert page(before=made[3].id, limit=2) == ["c", "b"]
    assert page(Status.SENT) == ["a"]
    assert page(None, "c@example.org") == ["c"]
    assert world.read(lambda tx: tx.messages.page(bytes(16), Filter(), None, 9)) == []
    assert world.read(lambda tx: tx.messages.get(bytes(16), made[0].id)) is None
