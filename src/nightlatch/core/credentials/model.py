"""What an identity proves itself with."""

from typing import Any

import msgspec


class Credential(msgspec.Struct, frozen=True):
    """`config` is what the method keeps (sealed where it holds secrets). `first_factors` and `second_factors` count
    what in it can be used as such; `revision` grows with each change and decides whether a proof is still good."""

    identity_id: bytes
    type: str
    identifiers: tuple[str, ...]
    config: str
    first_factors: int
    second_factors: int
    revision: int
    created_at: int
    updated_at: int


Config = dict[str, Any]
