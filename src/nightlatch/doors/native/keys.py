"""The operations on access keys: those of the caller's organization, or of the one that organization_id names."""

from nightlatch.core.access import rules
from nightlatch.core.access.store import Tx
from nightlatch.core.events.model import Act
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.native import paging, shapes
from nightlatch.kernel.ids import parse_id
from nightlatch.problems import FieldInvalid, NotFound, OrganizationNotFound


async def list_keys(call: Call[Shared]) -> Answer:
    organization_id = organization_of(call)
    page = paging.asked(call, f"keys of {organization_id.hex()}")

    async def unit(tx: Tx) -> list[tuple[bytes, shapes.Key]]:
        act = await rules.acting_in(tx, call.act, organization_id)
        found = await tx.access_keys.list(act.organization, page.after, page.size + 1)
        return [(each.id, shapes.key(each)) for each in found]

    rows, token = paging.cut(call, page, await call.door.store.scan(unit))
    return Answer(200, shapes.encode(shapes.Keys(rows, token)))


async def create_key(call: Call[Shared]) -> Answer:
    organization_id = organization_of(call)
    body = shapes.decode(await call.body(), shapes.NewKey)
    expires_at = _expiry(call, body)

    async def unit(tx: Tx) -> shapes.MadeKey:
        act = await rules.acting_in(tx, call.act, organization_id)
        return await _made(tx, act, call.door, body, expires_at)

    made = await call.door.store.write(unit)
    return Answer(201, shapes.encode(made))


async def revoke_key(call: Call[Shared]) -> Answer:
    organization_id, key_id = organization_of(call), call.path_id("id", NotFound("There is no such key."))

    async def unit(tx: Tx) -> None:
        await rules.revoke(tx, await rules.acting_in(tx, call.act, organization_id), key_id)

    await call.door.store.write(unit)
    return Answer(204)


async def _made(tx: Tx, act: Act, parts: Shared, body: shapes.NewKey, expires_at: int | None) -> shapes.MadeKey:
    scopes = tuple(body.scopes)
    if not body.pair:
        key, token = await rules.create(tx, act, body.name, scopes, expires_at)
        return shapes.MadeKey(shapes.key(key), token)
    key, shown = await rules.create_pair(
        tx, act, parts.pair_keys, body.name, scopes, expires_at, security_token=body.security_token
    )
    return shapes.MadeKey(shapes.key(key), None, shown.secret, shown.security_token)


def _expiry(call: Call[Shared], body: shapes.NewKey) -> int | None:
    if body.security_token and not (body.pair and body.expires_at):
        raise FieldInvalid("security_token", "A security token needs a pair and a time at which it expires.")
    if body.expires_at is None:
        return None
    expires_at = shapes.microseconds(body.expires_at)
    if expires_at <= call.act.now:
        raise FieldInvalid("expires_at", "The key would have expired already.")
    return expires_at


def organization_of(call: Call[Shared], named: str | None = None) -> bytes:
    """The organization that the request is about; its body may have `named` one. OrganizationNotFound, FieldInvalid."""
    if named is not None:
        return shapes.given_id("organization", named)
    text = call.query("organization_id")
    organization_id = call.act.organization if text is None else parse_id(text)
    if organization_id is None:
        raise OrganizationNotFound
    return organization_id
