"""An access key: what an administrator or a program presents. Only its hash is kept."""

import msgspec


class AccessKey(msgspec.Struct, frozen=True):
    """`scopes` are noun:verb, or * for all. `expires_at` and `revoked_at` are None while neither applies."""

    id: bytes
    organization: bytes
    name: str
    token_hash: bytes
    scopes: tuple[str, ...]
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None
