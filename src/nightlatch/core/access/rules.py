"""Access keys: made, shown once, checked by hash, revoked."""

import msgspec

from nightlatch.core.access.model import EVERYTHING, SCOPES, AccessKey, Pair, Shown
from nightlatch.core.access.store import Tx
from nightlatch.core.events.model import Act, event
from nightlatch.core.organizations import rules as organizations
from nightlatch.kernel.secrets import Keys, digest, new_name, new_token, same
from nightlatch.problems import FieldInvalid, KeyRequired, NotFound, ScopeMissing

PREFIX = "nl_key_"
SECURITY_PREFIX = "nl_sec_"
PURPOSE = "key pairs"
"""What the keys are derived for that seal the secrets of pairs."""
_KNOWN = {*SCOPES, *(f"{scope.partition(':')[0]}:*" for scope in SCOPES), *EVERYTHING}


async def create(
    tx: Tx,
    act: Act,
    name: str,
    scopes: tuple[str, ...] = EVERYTHING,
    expires_at: int | None = None,
    token: str | None = None,
) -> tuple[AccessKey, str]:
    """A new key and its token, which is shown once. `token` is given when somebody else chose it. FieldInvalid for a
    scope that does not exist; ScopeMissing for one that whoever acts lacks: nobody gives more than they have."""
    token = token or new_token(PREFIX, act.entropy, 43)
    key = AccessKey(act.new_id(), act.organization, name, digest(token), scopes, act.now, expires_at)
    await _add(tx, act, key)
    return key, token


async def create_pair(
    tx: Tx,
    act: Act,
    keys: Keys,
    name: str,
    scopes: tuple[str, ...] = EVERYTHING,
    expires_at: int | None = None,
    *,
    security_token: bool = False,
) -> tuple[AccessKey, Shown]:
    """A new key with a pair in place of a token, and what is shown once. Every request must bring the `security_token`,
    if it has one. The secret must be read again to check a signature, so it is sealed. Refused as in `create`."""
    key_id = act.new_id()
    token = new_token(SECURITY_PREFIX, act.entropy, 43) if security_token else None
    shown = Shown(new_name(act.entropy, 20), new_token("", act.entropy, 40), token)
    sealed = keys.encrypt(shown.secret.encode(), key_id, act.entropy)
    pair = Pair(shown.id, sealed, digest(token) if token else None)
    key = AccessKey(key_id, act.organization, name, act.entropy(32), scopes, act.now, expires_at, None, pair)
    await _add(tx, act, key)
    return key, shown


async def acting_in(tx: Tx, act: Act, organization_id: bytes) -> Act:
    """`act` in that organization: the actor's own, or another for whoever manages organizations. ScopeMissing,
    DefaultOrganizationOnly, OrganizationNotFound."""
    if organization_id == act.organization:
        return act
    allow(act.scopes, "organizations:write")
    await organizations.get(tx, act, organization_id)
    return msgspec.structs.replace(act, organization=organization_id)


async def check(tx: Tx, token: str, now: int) -> AccessKey:
    """The key of `token`. KeyRequired when there is none, or it was revoked or has expired."""
    return _good(await tx.access_keys.by_token(digest(token)), now)


async def of_pair(tx: Tx, keys: Keys, pair_id: str, security_token: str | None, now: int) -> tuple[AccessKey, str]:
    """The key whose pair has this id, and the pair's secret, for whoever checks a signature. KeyRequired when there is
    none, it was revoked or has expired, its security token is another, or no configured secret opens it."""
    key = _good(await tx.access_keys.by_pair(pair_id), now)
    if key.pair is None or not _same_token(key.pair, security_token):
        raise KeyRequired
    secret = keys.decrypt(key.pair.sealed_secret, key.id)
    if secret is None:
        raise KeyRequired
    return key, secret.decode()


def check_scopes(scopes: tuple[str, ...]) -> None:
    """FieldInvalid when there is none, or one that does not exist."""
    for unknown in sorted({*scopes} - _KNOWN):
        raise FieldInvalid("scopes", f"{unknown} is none of {', '.join(SCOPES)}.")
    if not scopes:
        raise FieldInvalid("scopes", "A key needs a scope.")


def allow(held: tuple[str, ...], scope: str) -> None:
    """ScopeMissing unless `held` has `scope`, all of its noun (noun:*) or everything (*)."""
    if not {scope, scope.partition(":")[0] + ":*", "*"} & set(held):
        raise ScopeMissing(scope)


async def revoke(tx: Tx, act: Act, key_id: bytes) -> None:
    """NotFound when there is no such key, or it was revoked before."""
    if not await tx.access_keys.revoke(act.organization, key_id, act.now):
        raise NotFound
    await tx.events.add([event(act, "access_key.revoked", data={"id": key_id.hex()})])


async def _add(tx: Tx, act: Act, key: AccessKey) -> None:
    check_scopes(key.scopes)
    for scope in key.scopes:
        allow(act.scopes, scope)
    await tx.access_keys.add(key)
    await tx.events.add([event(act, "access_key.created", data={"id": key.id.hex(), "name": key.name})])


def _same_token(pair: Pair, token: str | None) -> bool:
    if pair.security_token_hash is None:
        return token is None
    return token is not None and same(pair.security_token_hash, digest(token))


def _good(key: AccessKey | None, now: int) -> AccessKey:
    if key is None or key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        raise KeyRequired
    return key
