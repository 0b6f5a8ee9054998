"""The page of settings, and where its person is signed in."""

from typing import Any, NamedTuple
from urllib.parse import parse_qs

import msgspec

from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.device import name_of
from nightlatch.core.sessions.model import Filter, Session
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.pages.errors import of_answer
from nightlatch.doors.pages.flows import begin, flow_of
from nightlatch.doors.pages.nodes import Group, Node, failed, failing, grouped, next_field
from nightlatch.doors.pages.parts import Parts
from nightlatch.doors.pages.rendering import page, to
from nightlatch.kernel.clock import DAY, HOUR, MINUTE
from nightlatch.kernel.ids import id_text, parse_id
from nightlatch.problems import Invalid

_MOST = 100
_RECOVERED = 1060001  # the message that bids them choose a new password
_UNITS = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"))


class Ends(msgspec.Struct, frozen=True, array_like=True):
    """What a form of ours may do: the session whose page it is on ends another of its person, or all others. Sealed, no
    page of somebody else can have it."""

    mine: str
    session: str


class Place(NamedTuple):
    """A session as its person knows it: on what, from where, when last."""

    device: str
    place: str
    seen: str
    mine: bool
    ends: str


async def show(call: Call[Parts]) -> Answer:
    flow = await flow_of(call, "settings")
    if isinstance(flow, Answer):
        return flow
    mine, out = await _mine(call), await call.door.ask(call.request, "GET", "/self-service/logout/browser")
    if mine is None:
        return begin(call, "settings")
    groups = grouped(flow["ui"]["nodes"])
    recovered = any(message["id"] == _RECOVERED for message in flow["ui"].get("messages", ()))
    if recovered:
        groups.sort(key=lambda group: group.name != "password")
    return page(
        call.door.site,
        "settings.html",
        flow=flow,
        failed=failed(flow["ui"]),
        hidden=[node for group in groups if group.name == "default" for node in group.hidden],
        groups=[group for group in groups if group.fields or group.buttons],
        next=_next(groups, recovered),
        places=await _places(call, mine),
        ends_others=call.door.site.keys.seal(Ends(mine["id"], "")),
        sign_out=msgspec.json.decode(out.body).get("logout_url"),
    )


def _next(groups: list[Group], recovered: bool) -> Node | None:
    """Where somebody goes on: at what is wrong, or at the new password that they came for."""
    fields = [node for group in groups for node in group.fields]
    wrong = [node for node in fields if failing(node)]
    return next_field(wrong or (groups[0].fields if recovered else []))


async def end(call: Call[Parts]) -> Answer:
    """Ends one of the person's sessions, or all but this one, and shows those that are left. Invalid for a form that is
    not of a page of this session."""
    given, mine = parse_qs((await call.plain_body()).decode("latin-1")).get("ends", [""])[0], await _mine(call)
    if mine is None:
        return begin(call, "settings")
    ends = call.door.site.keys.unseal(given, Ends)
    if ends is None or ends.mine != mine["id"]:
        raise Invalid("This form is not of your session any more. Open the page again.")
    answer = await call.door.ask(call.request, "DELETE", f"/sessions/{ends.session}" if ends.session else "/sessions")
    shown = parse_id(call.query("flow") or "")
    back = f"{call.door.site.public_url}ui/settings" + (f"?flow={id_text(shown)}" if shown else "")
    return to(back) if answer.status < 300 else of_answer(call, answer)


async def _mine(call: Call[Parts]) -> dict[str, Any] | None:
    """The session of the browser, as the check tells it."""
    answer = await call.door.ask(call.request, "GET", "/sessions/whoami")
    return msgspec.json.decode(answer.body) if answer.status == 200 else None


async def _places(call: Call[Parts], mine: dict[str, Any]) -> list[Place]:
    """Where the person is signed in: here, then as lately used."""
    person, now = mine["identity"], call.act.now
    organization = parse_id(person.get("organization_id") or "") or DEFAULT
    where = Filter(parse_id(person["id"]), active=True, idle=call.door.lifetime.idle)
    rows = await call.door.store.scan(lambda tx: tx.sessions.list(organization, where, now, None, 0, _MOST))
    lately = sorted((row.session for row in rows), key=lambda each: (id_text(each.id) != mine["id"], -each.last_seen))
    return [_place(call, each, mine["id"]) for each in lately]


def _place(call: Call[Parts], session: Session, mine: str) -> Place:
    shown, device = id_text(session.id), session.device
    return Place(
        name_of(device.user_agent or ""),
        device.location or device.ip or "",
        _ago(call.act.now - session.last_seen),
        shown == mine,
        call.door.site.keys.seal(Ends(mine, shown)),
    )


def _ago(time: int) -> str:
    for unit, name in _UNITS:
        if (count := time // unit) > 0:
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "just now"
