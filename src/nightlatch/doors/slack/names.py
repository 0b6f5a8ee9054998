"""Whom and what the ids of this dialect name: people by id or external id, the organization by team id."""

from collections.abc import Sequence

from nightlatch.core.events.model import Act
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Filter, Name
from nightlatch.core.organizations.model import Alias, AliasKind
from nightlatch.core.organizations.rules import check_addressed
from nightlatch.kernel.ids import id_text, parse_id
from nightlatch.problems import IdentityNotFound


async def users(tx: Tx, act: Act, user_ids: Sequence[str]) -> dict[str, bytes]:
    """Who is meant by each: the identity of that id, else the one with that external id. Nobody's are left out."""
    ids = {text: parsed for text in user_ids if (parsed := parse_id(text))}
    where = Filter(ids=tuple(set(ids.values())))
    there = {identity.id for identity in await tx.identities.list(act.organization, where, None, 0, len(ids))}
    found = {}
    for text in user_ids:
        who: bytes | None = ids.get(text)
        if who not in there:
            who = await tx.identities.holder(act.organization, Name("external_id", text))
        if who is not None:
            found[text] = who
    return found


async def user(tx: Tx, act: Act, user_id: str) -> bytes:
    """IdentityNotFound."""
    found = await users(tx, act, [user_id])
    if not found:
        raise IdentityNotFound
    return found[user_id]


async def check_team(tx: Tx, act: Act, team_id: str | None) -> None:
    """OrganizationNotFound for a team that is not the organization of whoever asks: another's is as unknown as one of
    nobody."""
    if team_id is not None and parse_id(team_id) != act.organization:
        await check_addressed(tx, act, Alias(AliasKind.TEAM, team_id))


async def team_of(tx: Tx, act: Act) -> str:
    """The team id of the organization: its first alias of that kind, else its id."""
    organization = await tx.organizations.get(act.organization)
    aliases = organization.aliases if organization else ()
    return next((alias.value for alias in aliases if alias.kind is AliasKind.TEAM), id_text(act.organization))
