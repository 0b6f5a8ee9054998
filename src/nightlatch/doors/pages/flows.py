"""The page of a flow, made from the JSON that any user interface gets. It knows kinds of fields and no method of proof:
what a method adds to the JSON is on the page.
"""

from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.pages.errors import of_answer
from nightlatch.doors.pages.nodes import failed, grouped, together
from nightlatch.doors.pages.parts import Parts
from nightlatch.doors.pages.rendering import page, to

Flow = dict[str, Any]
_BEGIN_WITH = ("return_to", "refresh", "aal")
_BEGINS_AGAIN = {401, 404, 410}


async def show(call: Call[Parts]) -> Answer:
    act = call.request.url.path.rpartition("/")[2]
    flow = await flow_of(call, act)
    if isinstance(flow, Answer):
        return flow
    group = together(grouped(flow["ui"]["nodes"]))
    back = flow.get("return_to")
    carried = f"?return_to={quote(back, safe='')}" if back else ""
    wrong = failed(flow["ui"])
    return page(call.door.site, "flow.html", act=act, flow=flow, group=group, carried=carried, failed=wrong)


async def flow_of(call: Call[Parts], act: str) -> Flow | Answer:
    """The flow that the query names, or the answer instead: the way to a new one, or an error."""
    found = call.query("flow")
    if not found:
        return begin(call, act)
    answer = await call.door.ask(call.request, "GET", f"/self-service/{act}/flows?{urlencode({'id': found})}")
    if answer.status == 200:
        flow: Flow = msgspec.json.decode(answer.body)
        return flow
    if answer.status not in _BEGINS_AGAIN:
        return of_answer(call, answer)
    over = msgspec.json.decode(answer.body)["error"].get("details", {})
    return to(over["redirect_to"]) if "redirect_to" in over else begin(call, act)


def begin(call: Call[Parts], act: str) -> Answer:
    """The way to a new flow, which leads back to the page."""
    wanted = {name: value for name in _BEGIN_WITH if (value := call.query(name))}
    query = f"?{urlencode(wanted)}" if wanted else ""
    return to(f"{call.door.site.public_url}self-service/{act}/browser{query}")
