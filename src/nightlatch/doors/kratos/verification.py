"""Verification: an address is asked for, and what was sent there is given back by whoever has it, in any browser."""

from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Facts
from nightlatch.core.verification.rules import PASSED, confirm
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.kratos.addressed import anew, asked, expired, link_page, refused
from nightlatch.doors.kratos.browser import again, forwarded, from_page, sent_cookies, to_page
from nightlatch.doors.kratos.parts import Parts
from nightlatch.doors.kratos.selfservice import get_flow, in_app, in_browser
from nightlatch.doors.kratos.submissions import begun, flow_id, link_token, request_device, submitted
from nightlatch.kernel.ids import parse_id
from nightlatch.problems import FlowExpired, Invalid

_LONGEST = 16


async def create_native_verification_flow(call: Call[Parts]) -> Answer:
    return await in_app(call, Kind.VERIFICATION, _facts, method=call.door.flows.use[Kind.VERIFICATION])


@forwarded
async def create_browser_verification_flow(call: Call[Parts]) -> Answer:
    return await in_browser(call, Kind.VERIFICATION, _facts, method=call.door.flows.use[Kind.VERIFICATION])


async def get_verification_flow(call: Call[Parts]) -> Answer:
    _check_enabled(call)
    lent = call.door.cookies.lent(sent_cookies(call), parse_id(call.query("id") or "") or b"")
    return await get_flow(call, Kind.VERIFICATION, lent)


@forwarded
async def follow_verification_link(call: Call[Parts]) -> Answer:
    """A link with a code leads to the form with the code filled in, one with a token to a page with a button. Neither
    verifies anything: programs that look through mail open links too."""
    _check_enabled(call)
    found, token, code = flow_id(call, "flow"), call.query("token"), call.query("code")
    if token:
        return link_page(call, Kind.VERIFICATION, token)
    flow = await begun(call, Kind.VERIFICATION, found)
    return to_page(call, flow, *((call.door.cookies.lend(found, code[:_LONGEST]),) if code else ()))


@forwarded
async def update_verification_flow(call: Call[Parts]) -> Answer:
    """An address has a secret sent there. The right one verifies the address; any other gives the flow again, as the
    peer does with 200."""
    _check_enabled(call)
    parts, sent = call.door, await submitted(call, Kind.VERIFICATION)
    flow, given = sent.flow, sent.given
    token, code = link_token(call, given), given.get("code")
    if not token and (given.get("email") or not isinstance(code, str)):
        return await asked(call, Kind.VERIFICATION, sent)
    ip, tries = request_device(call).ip, parts.flows.redeeming.tries
    purpose = "link" if token else "code"
    try:
        outcome = await confirm(parts.means, call.act, flow.id, token or str(code), ip, tries, purpose=purpose)
    except FlowExpired as over:
        return await expired(call, flow, over)
    if outcome.state != PASSED and token and from_page(call.request):
        return await anew(call, flow, {"code": "verification_link_wrong"})
    if outcome.state != PASSED:
        return await refused(call, outcome)
    if not token or not from_page(call.request):
        return await again(call, outcome, 200)
    return to_page(call, outcome, parts.cookies.lend(flow.id, ""))


async def _facts(call: Call[Parts]) -> Facts:
    _check_enabled(call)
    return Facts()


def _check_enabled(call: Call[Parts]) -> None:
    if not call.door.flows.verification_enabled:
        raise Invalid("Verification is not allowed because it was disabled by the administrator.")
