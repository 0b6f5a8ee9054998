"""An access key: what an administrator or a program presents. Only its hash is kept, or a ciphertext. And the
idempotency keys of those who do."""

from typing import NamedTuple

import msgspec

SCOPES = (
    "identities:read", "identities:write", "sessions:read", "sessions:write", "sessions:end", "recovery:create",
    "messages:read", "organizations:read", "organizations:write", "keys:read", "keys:write", "audit:read",
    "jobs:read", "jobs:write", "metrics:read",
)  # fmt: skip
"""All there are. A key may have noun:* for all of a noun, and * for everything."""
EVERYTHING = ("*",)


class Pair(msgspec.Struct, frozen=True):
    """What a program that signs its requests has in place of a token: the id of the pair and, sealed, its secret.
    `security_token_hash` is that of the token which must come with every request; None where none needs to."""

    id: str
    sealed_secret: bytes
    security_token_hash: bytes | None = None


class Shown(NamedTuple):
    """A new pair as whoever asked for it sees it, once."""

    id: str
    secret: str
    security_token: str | None


class AccessKey(msgspec.Struct, frozen=True):
    """`scopes` are noun:verb, or * for all. `expires_at` and `revoked_at` are None while neither applies. One with a
    `pair` has no token: its `token_hash` is that of nothing."""

    id: bytes
    organization: bytes
    name: str
    token_hash: bytes
    scopes: tuple[str, ...]
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None
    pair: Pair | None = None


class Entry(msgspec.Struct, frozen=True):
    """A key of `actor`, by its hash, and the hash of the request that it is for. `acted`: the act, or a part of it, is
    committed. The `answer` is sealed: it may hold a secret that is shown once."""

    id: bytes
    actor: str
    fingerprint: bytes
    holder: bytes
    held_until: int
    expires_at: int
    acted: bool = False
    answer: bytes | None = None
