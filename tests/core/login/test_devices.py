"""A sign-in on a device that was not used before is told, with a link that ends it."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from tests.core.world import World

from nightlatch.core.courier.model import Template
from nightlatch.core.credentials.person import Person
from nightlatch.core.identities.model import Address, Kind
from nightlatch.core.login.devices import end_by_link
from nightlatch.core.sessions.model import Device
from nightlatch.kernel.clock import DAY
from nightlatch.problems import Invalid

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"


def device(version: int = 140, kind: str = "web", agent: str = AGENT) -> Device:
    return Device("198.51.100.7", agent.format(version), None, kind)


def anna(world: World, *, verified: bool = True) -> Person:
    claim = Address(b"", Kind.VERIFIABLE, "email", "anna@example.org", 0, 0, verified=verified)
    return world.anna(addresses=(claim,))


def told(world: World) -> list[dict[str, str]]:
    return [given for template, _, given in world.letters() if template == Template.NEW_DEVICE]


def test_P15_a_sign_in_on_another_device_is_told_and_on_the_same_one_is_not(world: World) -> None:
    anna(world)
    for same in (device(), device(), device(141), device(142)):
        world.signed_in(device=msgspec.structs.replace(same, ip=world.elsewhere().ip))
    assert told(world) == []
    for n, other in enumerate((device(agent="curl/8.5"), device(kind="mobile"), Device(None, None, None, "other")), 1):
        world.signed_in(device=other)
        world.signed_in(device=other)
        assert len(told(world)) == n


def test_who_never_signed_in_or_has_no_verified_address_is_not_told(world: World) -> None:
    anna(world, verified=False)
    for each in (device(), device(kind="mobile")):
        world.signed_in(device=each)
    assert world.letters() == []


def test_the_letter_says_where_it_was_and_its_link_ends_that_session_alone(world: World) -> None:
    anna(world)
    first = world.signed_in(device=device())
    second = world.signed_in(device=device(kind="mobile"))
    [given] = told(world)
    assert given["ip"] == "198.51.100.7"
    link = urlsplit(given["link"])
    assert link.path == "/self-service/device"
    token = parse_qs(link.query)["token"][0]
    world.told()

    def end(text: str) -> Any:
        return world.write(lambda tx: end_by_link(tx, world.act(), world.post.endings, text))

    for wrong in (token[:-1], token + "A", "", world.code_keys.seal((b"", b"", 1 << 62))):
        with pytest.raises(Invalid):
            end(wrong)
    assert world.accepts(second)
    end(token)
    assert (world.accepts(first), world.accepts(second)) == (True, False)
    assert ("session.ended", "own_link", 1) in world.told()
    end(token)
    world.clock.advance(7 * DAY)
    with pytest.raises(Invalid):
        end(token)
