"""The processes that keep answers, as they see each other."""

from nightlatch.core.organizations.rules import only_default
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.native import shapes
from nightlatch.kernel.ids import id_text


async def list_nodes(call: Call[Shared]) -> Answer:
    only_default(call.act)  # they serve all organizations together
    found = await call.door.store.scan(lambda tx: tx.nodes.list())
    nodes = [shapes.Node(id_text(each.id), *each[1:]) for each in found]
    return Answer(200, shapes.encode(shapes.Nodes(nodes)))
