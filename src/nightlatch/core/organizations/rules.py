"""Organizations: made, renamed and given aliases, from the default one only."""

import re
from collections.abc import Iterable

from nightlatch.core.events.model import Act, Event, event
from nightlatch.core.organizations.model import DEFAULT, Alias, AliasKind, Organization
from nightlatch.core.organizations.store import Tx
from nightlatch.kernel.ids import parse_id
from nightlatch.problems import Conflict, DefaultOrganizationOnly, FieldInvalid, OrganizationNotFound

LONGEST_NAME = 100
_INTEGER = re.compile(r"-?[1-9][0-9]{0,17}|0", re.ASCII)
_TEXT = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


def only_default(act: Act) -> None:
    """DefaultOrganizationOnly unless the act is one of the default organization, which alone sees the others."""
    if act.organization != DEFAULT:
        raise DefaultOrganizationOnly


def alias_of(kind: str, value: str) -> Alias:
    """The alias in its one spelling. FieldInvalid."""
    if kind not in set(AliasKind):
        raise FieldInvalid("kind", f"{kind} is none of {', '.join(AliasKind)}.")
    pattern, what = (_INTEGER, "an integer") if kind == AliasKind.WORKSPACE else (_TEXT, "1 to 64 of A-Z a-z 0-9 . _ -")
    if not pattern.fullmatch(value):
        raise FieldInvalid("value", f"The value of a {kind} alias must be {what}.")
    return Alias(AliasKind(kind), value)


async def create(tx: Tx, act: Act, name: str, aliases: Iterable[Alias] = ()) -> Organization:
    """A new organization with these aliases. FieldInvalid, Conflict, DefaultOrganizationOnly."""
    only_default(act)
    organization = Organization(act.new_id(), _checked(name), act.now)
    await _unless_taken(tx, name, organization.id)
    await tx.organizations.add(organization)
    await tx.events.add([_event(act, "organization.created", organization.id, name=name)])
    for alias in aliases:
        await add_alias(tx, act, organization.id, alias)
    return await get(tx, act, organization.id)


async def get(tx: Tx, act: Act, organization_id: bytes, *, lock: bool = False) -> Organization:
    """With `lock`, nobody else renames it before the commit. OrganizationNotFound, DefaultOrganizationOnly."""
    only_default(act)
    find = tx.organizations.lock if lock else tx.organizations.get
    organization = await find(organization_id)
    if organization is None:
        raise OrganizationNotFound
    return organization


async def named(tx: Tx, text: str) -> Organization:
    """The organization whose id or name `text` is. OrganizationNotFound."""
    organization_id = parse_id(text)
    by_id = await tx.organizations.get(organization_id) if organization_id else None
    found = by_id or await tx.organizations.by_name(text)
    if found is None:
        raise OrganizationNotFound(f"There is no organization {text}.")
    return found


async def rename(tx: Tx, act: Act, organization_id: bytes, name: str) -> Organization:
    """FieldInvalid, OrganizationNotFound, Conflict, DefaultOrganizationOnly."""
    before = await get(tx, act, organization_id)
    await _unless_taken(tx, _checked(name), organization_id)
    if before.name != name:
        await tx.organizations.rename(organization_id, name)
        await tx.events.add([_event(act, "organization.renamed", organization_id, name=name)])
    return await get(tx, act, organization_id)


async def add_alias(tx: Tx, act: Act, organization_id: bytes, alias: Alias) -> None:
    """Nothing happens when the organization has it. OrganizationNotFound, Conflict, DefaultOrganizationOnly."""
    await get(tx, act, organization_id)
    holder = await tx.organizations.holder(alias)
    if holder == organization_id:
        return
    if holder is not None:
        raise Conflict(f"The {alias.kind} alias {alias.value} is another organization's.")
    await tx.organizations.add_alias(organization_id, alias)
    await tx.events.add([_event(act, "organization.alias_added", organization_id, **alias._asdict())])


async def remove_alias(tx: Tx, act: Act, organization_id: bytes, alias: Alias) -> None:
    """OrganizationNotFound when it is not an alias of this organization; DefaultOrganizationOnly."""
    only_default(act)
    if not await tx.organizations.remove_alias(organization_id, alias):
        raise OrganizationNotFound("There is no such alias of this organization.")
    await tx.events.add([_event(act, "organization.alias_removed", organization_id, **alias._asdict())])


async def check_addressed(tx: Tx, act: Act, alias: Alias) -> None:
    """OrganizationNotFound unless `alias` names the organization that asks: another's is as unknown as nobody's."""
    if await tx.organizations.holder(alias) != act.organization:
        raise OrganizationNotFound


def _checked(name: str) -> str:
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise FieldInvalid("name", f"A name is 1 to {LONGEST_NAME} printable characters, without spaces around them.")
    return name


async def _unless_taken(tx: Tx, name: str, organization_id: bytes) -> None:
    holder = await tx.organizations.by_name(name)
    if holder is not None and holder.id != organization_id:
        raise Conflict(f"There is an organization {name} already.")


def _event(act: Act, what: str, organization_id: bytes, **data: str) -> Event:
    return event(act, what, data={"id": organization_id.hex(), **data})
