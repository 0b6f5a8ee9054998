"""Whether a browser keeps its person signed in after it was closed: asked where `nightlatch.session.remember_me` is set."""

from typing import Any

import pytest
from tests.doors.kratos.in_process import PASSWORD, Doors, flows
from tests.doors.kratos.visitor import UI, Visitor, numbers

from nightlatch.core.sessions.rules import Lifetime
from nightlatch.kernel.clock import DAY, HOUR, MINUTE

SESSION, SAVED = "ory_kratos_session", 1050001
RIGHT = {"method": "password", "identifier": "ada@example.org", "password": PASSWORD}
MONTH = "; Max-Age=2592000;"


@pytest.fixture
def visitor(doors: Doors) -> Visitor:
    doors.person("ada")
    doors.listen(flows=flows(remember_me=30 * DAY))
    return Visitor(doors)


def box(flow: dict[str, Any]) -> dict[str, Any] | None:
    found = [n for n in flow["ui"]["nodes"] if n["attributes"]["name"] == "remember_me"]
    assert all(n["attributes"]["type"] == "checkbox" and n["meta"]["label"]["id"] == 1070002 for n in found)
    return found[0]["attributes"] if found else None


def cookie(visitor: Visitor) -> str:
    return [line for line in visitor.set if line.startswith(SESSION)][-1]


@pytest.mark.parametrize("ticked", [True, False])
@pytest.mark.parametrize("script", [True, False])
def test_who_ticks_it_is_kept_for_long_and_who_does_not_until_the_browser_closes(
    visitor: Visitor, ticked: bool, script: bool
) -> None:
    flow = visitor.begin()
    assert (box(flow) or {})["value"] is False
    if script:
        visitor.post(flow, RIGHT | {"remember_me": ticked}).ok()
    else:
        visitor.submit(flow, RIGHT | ({"remember_me": "on"} if ticked else {}))
    assert (MONTH in cookie(visitor), "Max-Age" in cookie(visitor)) == (ticked, ticked)
    end = "2023-12-14T22:13:20Z" if ticked else "2023-11-15T22:13:20Z"
    assert visitor.whoami().ok()["expires_at"] == end


def test_a_wrong_password_does_not_untick_it(visitor: Visitor) -> None:
    flow = visitor.begin()
    shown = visitor.flow(visitor.submit(flow, RIGHT | {"password": "x", "remember_me": "true"}))
    assert (numbers(shown), (box(shown) or {})["value"]) == ([4000006], True)
    assert (box(visitor.flow(visitor.submit(visitor.begin(), RIGHT | {"password": "x"}))) or {})["value"] is False


def test_a_cookie_that_ends_with_the_browser_does_so_however_often_it_is_issued_again(
    doors: Doors, visitor: Visitor
) -> None:
    doors.listen(lifetime=Lifetime(DAY, HOUR, sliding=30 * DAY))
    visitor.submit(visitor.begin(), RIGHT)
    doors.clock.advance(12 * HOUR)
    visitor.whoami().ok()
    assert visitor.flow(
        visitor.submit(visitor.begin("settings"), {"method": "profile", "traits.email": "ada@example.org"})
    )
    refresh = visitor.begin(query="?refresh=true")
    assert box(refresh) is None
    visitor.submit(refresh, RIGHT)
    lines = [line for line in visitor.set if line.startswith(SESSION)]
    assert len(lines) == 4
    assert not any("Max-Age" in line for line in lines)


def test_a_refresh_does_not_shorten_a_session_that_was_to_last(doors: Doors, visitor: Visitor) -> None:
    visitor.submit(visitor.begin(), RIGHT | {"remember_me": "true"})
    doors.clock.advance(MINUTE)
    visitor.submit(visitor.begin(query="?refresh=true"), RIGHT)
    assert visitor.whoami().ok()["expires_at"] == "2023-12-14T22:13:20Z"
    assert "Max-Age=2591940;" in cookie(visitor)


def test_where_it_is_not_configured_and_of_apps_nobody_is_asked(doors: Doors, visitor: Visitor) -> None:
    assert box(doors.public("GET", "/self-service/login/api").ok()) is None
    assert doors.sign_in()["session"]["expires_at"] == "2023-11-15T22:13:20Z"
    doors.listen(flows=flows())
    flow = visitor.begin()
    assert box(flow) is None
    assert visitor.submit(flow, RIGHT | {"remember_me": "true"}).headers["location"] == f"{UI}/after-login"
    assert "Max-Age=86400;" in cookie(visitor)
