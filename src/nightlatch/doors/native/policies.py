"""Policies of organizations, and of identities of the caller's organization or the one that organization_id names."""

import msgspec

from nightlatch.core.access.rules import acting_in
from nightlatch.core.events.model import Act
from nightlatch.core.flows.store import Tx
from nightlatch.core.organizations.rules import only_default
from nightlatch.core.sessions import policies as rules
from nightlatch.core.sessions.model import NO_POLICY, Policy
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.native import shapes
from nightlatch.doors.native.keys import organization_of
from nightlatch.problems import IdentityNotFound, OrganizationNotFound


async def get_organization_policy(call: Call[Shared]) -> Answer:
    act = _in_organization(call)
    return _answered(await call.door.store.read(lambda tx: rules.of_organization(tx, act.organization)))


async def put_organization_policy(call: Call[Shared]) -> Answer:
    return await _of_organization(call, await _asked(call))


async def delete_organization_policy(call: Call[Shared]) -> Answer:
    await _of_organization(call, NO_POLICY)
    return Answer(204)


async def get_identity_policy(call: Call[Shared]) -> Answer:
    identity_id = call.path_id("id", IdentityNotFound)
    organization_id = organization_of(call)

    async def unit(tx: Tx) -> Policy:
        return await rules.of_identity(tx, await acting_in(tx, call.act, organization_id), identity_id)

    return _answered(await call.door.store.read(unit))


async def put_identity_policy(call: Call[Shared]) -> Answer:
    return await _of_identity(call, await _asked(call))


async def delete_identity_policy(call: Call[Shared]) -> Answer:
    await _of_identity(call, NO_POLICY)
    return Answer(204)


async def _of_organization(call: Call[Shared], policy: Policy) -> Answer:
    act, idle = _in_organization(call), call.door.lifetime.idle
    await call.door.store.write(lambda tx: rules.change_organization(tx, act, lambda _: policy, idle))
    return _answered(policy)


async def _of_identity(call: Call[Shared], policy: Policy) -> Answer:
    identity_id = call.path_id("id", IdentityNotFound)
    organization_id, idle = organization_of(call), call.door.lifetime.idle

    async def unit(tx: Tx) -> None:
        act = await acting_in(tx, call.act, organization_id)
        if not await rules.change(tx, act, [identity_id], lambda _: policy, idle):
            raise IdentityNotFound

    await call.door.store.write(unit)
    return _answered(policy)


def _in_organization(call: Call[Shared]) -> Act:
    """An act in the organization that the path names. DefaultOrganizationOnly, OrganizationNotFound."""
    only_default(call.act)
    return msgspec.structs.replace(call.act, organization=call.path_id("id", OrganizationNotFound))


async def _asked(call: Call[Shared]) -> Policy:
    return shapes.kept(shapes.decode(await call.body(), shapes.Policy))


def _answered(policy: Policy) -> Answer:
    return Answer(200, shapes.encode(shapes.policy(policy)))
