"""The operations on organizations."""

from nightlatch.core.organizations import model, rules
from nightlatch.core.organizations.store import Tx
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.refusal import Headers
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.native import paging, shapes
from nightlatch.doors.native.conditions import check, tagged
from nightlatch.kernel.ids import id_text
from nightlatch.problems import OrganizationNotFound


async def list_organizations(call: Call[Shared]) -> Answer:
    rules.only_default(call.act)
    page = paging.asked(call, "organizations")
    found = await call.door.store.scan(lambda tx: tx.organizations.list(page.after, page.size + 1))
    rows, token = paging.cut(call, page, [(each.id, shapes.organization(each)) for each in found])
    return Answer(200, shapes.encode(shapes.Organizations(rows, token)))


async def create_organization(call: Call[Shared]) -> Answer:
    body = shapes.decode(await call.body(), shapes.NewOrganization)
    aliases = [rules.alias_of(alias.kind, alias.value) for alias in body.aliases]
    made = await call.door.store.write(lambda tx: rules.create(tx, call.act, body.name, aliases))
    return _one(made, 201, (("location", f"/v1/organizations/{id_text(made.id)}"),))


async def get_organization(call: Call[Shared]) -> Answer:
    organization_id = _id(call)
    return _one(await call.door.store.read(lambda tx: rules.get(tx, call.act, organization_id)))


async def rename_organization(call: Call[Shared]) -> Answer:
    organization_id = _id(call)
    body = shapes.decode(await call.body(), shapes.OrganizationChange)

    async def unit(tx: Tx) -> model.Organization:
        before = await rules.get(tx, call.act, organization_id, lock=True)
        check(call, shapes.encode(shapes.organization(before)))
        return await rules.rename(tx, call.act, organization_id, body.name)

    return _one(await call.door.store.write(unit))


async def put_alias(call: Call[Shared]) -> Answer:
    organization_id, alias = _id(call), rules.alias_of(call.path("kind"), call.path("value"))
    await call.door.store.write(lambda tx: rules.add_alias(tx, call.act, organization_id, alias))
    return Answer(204)


async def delete_alias(call: Call[Shared]) -> Answer:
    organization_id, alias = _id(call), rules.alias_of(call.path("kind"), call.path("value"))
    await call.door.store.write(lambda tx: rules.remove_alias(tx, call.act, organization_id, alias))
    return Answer(204)


def _id(call: Call[Shared]) -> bytes:
    rules.only_default(call.act)
    return call.path_id("id", OrganizationNotFound)


def _one(organization: model.Organization, status: int = 200, headers: Headers = ()) -> Answer:
    return tagged(shapes.encode(shapes.organization(organization)), status, headers)
