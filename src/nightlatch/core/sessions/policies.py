"""Policies: how sessions live of an organization's people, or of one identity, where that is not as configured.

Each member of an identity's policy goes before that of its organization, and that before the configuration. What is
shorter than before governs those sessions at their next check that are there; what is longer revives none.
"""

from collections.abc import Callable, Sequence

import msgspec

from nightlatch.core.events.model import Act, event
from nightlatch.core.sessions.model import NO_POLICY, Policy
from nightlatch.core.sessions.store import Tx
from nightlatch.kernel.clock import DAY, MINUTE
from nightlatch.kernel.ids import id_text
from nightlatch.problems import FieldInvalid, IdentityNotFound, OrganizationNotFound

Change = Callable[[Policy], Policy]
_LONGEST = 36_525 * DAY // 10
MOST = 100_000
"""Of one identity, whatever is said of it."""


def check(policy: Policy) -> Policy:
    """The same. FieldInvalid."""
    for field in ("lifespan", "idle"):
        time = getattr(policy, field)
        if time is not None and not MINUTE <= time <= _LONGEST:
            raise FieldInvalid(field, f"{field} is from one minute to ten years.")
    if policy.max_per_identity is not None and not 1 <= policy.max_per_identity <= MOST:
        raise FieldInvalid("max_per_identity", f"max_per_identity is from 1 to {MOST}.")
    return policy


async def of_identity(tx: Tx, act: Act, identity_id: bytes) -> Policy:
    """Its own policy. IdentityNotFound."""
    governed = (await tx.policies.of(act.organization, [identity_id])).get(identity_id)
    if governed is None:
        raise IdentityNotFound
    return governed.own


async def of_organization(tx: Tx, organization_id: bytes) -> Policy:
    """OrganizationNotFound."""
    policy = await tx.policies.of_organization(organization_id)
    if policy is None:
        raise OrganizationNotFound
    return policy


async def change(tx: Tx, act: Act, identity_ids: Sequence[bytes], changed: Change, idle: int | None) -> Sequence[bytes]:
    """What `changed` makes of the policy of each: of those who exist, who are given. `idle` is what is configured."""
    # Held before they are read: of two changes at once, each of another member, none must be lost.
    there = await tx.endings.hold(act.organization, identity_ids)
    known = await tx.policies.of(act.organization, there)
    wanted: dict[Policy, list[bytes]] = {}
    for each in there:
        if (policy := changed(known[each].own)) != known[each].own:
            wanted.setdefault(check(policy), []).append(each)
    for policy, those in wanted.items():
        await tx.policies.put(those, policy, idle, act.now)
        others = {"identities": [id_text(each) for each in those]} if len(those) > 1 else {}
        await _tell(tx, act, policy, those[0] if len(those) == 1 else None, len(those), **others)
    return there


async def change_organization(tx: Tx, act: Act, changed: Change, idle: int | None) -> Policy:
    """What `changed` makes of the policy of the organization in which this happens. OrganizationNotFound."""
    before = await of_organization(tx, act.organization)
    policy = check(changed(before))
    if policy != before:
        await tx.policies.put_organization(act.organization, policy, idle, act.now)
        await _tell(tx, act, policy, None, 1, organization=id_text(act.organization))
    return policy


async def _tell(tx: Tx, act: Act, policy: Policy, identity_id: bytes | None, amount: int, **whose: object) -> None:
    name = "policy.cleared" if policy == NO_POLICY else "policy.changed"
    said = {field: value for field, value in msgspec.structs.asdict(policy).items() if value is not None}
    await tx.events.add([event(act, name, identity_id=identity_id, amount=amount, data=whose | said or None)])
