"""Ids: UUIDs as 16 bytes. New ones are version 7 (RFC 9562), time first: rows made together lie together."""

import re
from collections.abc import Callable
from hashlib import blake2b

Entropy = Callable[[int], bytes]

_FORMS = re.compile(
    r"\{([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}"
    r"|(?:urn:uuid:)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"|([0-9a-f]{32})",
    re.IGNORECASE | re.ASCII,
)


def new_id(now: int, entropy: Entropy) -> bytes:
    """A new UUIDv7 of the millisecond of `now`; its other 74 bits are fresh (no counter to guess from)."""
    tail = bytearray(entropy(10))
    tail[0] = 0x70 | tail[0] & 0x0F
    tail[2] = 0x80 | tail[2] & 0x3F
    return (now // 1000).to_bytes(6, "big") + bytes(tail)


def named_id(name: bytes) -> bytes:
    """The one id of `name`: a UUIDv8 of its hash."""
    tail = bytearray(blake2b(name, digest_size=16).digest())
    tail[6] = 0x80 | tail[6] & 0x0F
    tail[8] = 0x80 | tail[8] & 0x3F
    return bytes(tail)


def new_number(entropy: Entropy) -> int:
    """A random integer from 1 to 2^53-1: the widest that a JavaScript client keeps exact."""
    while not (number := int.from_bytes(entropy(7), "big") >> 3):
        pass
    return number


def parse_id(text: str) -> bytes | None:
    """The id that `text` spells (canonical, 32 hex digits, in braces, or urn:uuid:), or None."""
    match = _FORMS.fullmatch(text)
    if match is None:
        return None
    return bytes.fromhex((match[1] or match[2] or match[3]).replace("-", ""))


def id_text(value: bytes) -> str:
    """The canonical spelling."""
    h = value.hex()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
