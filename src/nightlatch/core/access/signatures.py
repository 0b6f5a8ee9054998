"""SDK-HMAC-SHA256: what a signed request claims, and whether it is the request that the holder of a secret signed.

Pure functions of what was received. A signature may come again within its time: it has whole seconds, so an honest
client repeats one, and everything that is signed may be done twice.
"""

import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from urllib.parse import quote_from_bytes, unquote_to_bytes

import msgspec

from nightlatch.kernel.clock import MINUTE, SECOND
from nightlatch.kernel.secrets import same
from nightlatch.problems import KeyRequired, SignatureStale, SignatureWrong

WINDOW = 15 * MINUTE
_ALGORITHM = b"SDK-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    _ALGORITHM + rb" Access=([!-+\--~]{1,128}), ?SignedHeaders=([!-+\--@\[-~]+), ?Signature=([0-9a-f]{64})"
)
_MOMENT = re.compile(rb"[0-9]{8}T[0-9]{6}Z")
_ALWAYS_SIGNED = {b"host", b"x-sdk-date"}


class Received(msgspec.Struct, frozen=True):
    """A request as it came: path and query as they were spelled."""

    method: str
    path: bytes
    query: bytes
    body: bytes


class Claim(msgspec.Struct, frozen=True):
    """Who says to have signed a request, when and how. `headers` are those that were signed, in order."""

    key_id: str
    security_token: str | None
    moment: bytes
    headers: Mapping[bytes, bytes]
    signature: bytes


def claim(received: Iterable[tuple[bytes, bytes]], now: int) -> Claim:
    """What the headers, their names in lower case, say of a signature. KeyRequired when there is none of this
    algorithm; SignatureWrong for one that cannot be read, or leaves out what it must cover; SignatureStale for one made
    more than WINDOW from `now`."""
    values: dict[bytes, list[bytes]] = {}
    for name, value in received:
        values.setdefault(name, []).append(value.strip(b" \t"))
    authorization = values.get(b"authorization", [])
    if not any(value.startswith(_ALGORITHM + b" ") for value in authorization):
        raise KeyRequired("A valid signature is needed: sign the request with SDK-HMAC-SHA256.")
    match = _AUTHORIZATION.fullmatch(authorization[0])
    if match is None or len(authorization) > 1:
        raise SignatureWrong
    headers = _signed(values, match[2].split(b";"))
    moment = headers[b"x-sdk-date"]
    if abs(_time(moment) - now) > WINDOW:
        raise SignatureStale
    token = headers.get(b"x-security-token")
    return Claim(match[1].decode(), None if token is None else token.decode("latin-1"), moment, headers, match[3])


def verify(request: Received, claimed: Claim, secret: str) -> None:
    """SignatureWrong unless `secret` signed the request as `claimed` says."""
    canonical = b"\n".join(
        [
            request.method.encode(),
            _path(request.path),
            _query(request.query),
            *(name + b":" + value for name, value in claimed.headers.items()),
            b"",
            b";".join(claimed.headers),
            # Of the bytes, whatever a header says of them: a client that leaves its body unsigned is refused.
            sha256(request.body).hexdigest().encode(),
        ]
    )
    message = b"\n".join([_ALGORITHM, claimed.moment, sha256(canonical).hexdigest().encode()])
    if not same(hmac.digest(secret.encode(), message, "sha256").hex().encode(), claimed.signature):
        raise SignatureWrong


def _signed(values: dict[bytes, list[bytes]], names: list[bytes]) -> dict[bytes, bytes]:
    needed = _ALWAYS_SIGNED | ({b"x-security-token"} & values.keys())
    # Of a header that is there twice, another reader might take the other.
    if names != sorted(set(names)) or not needed <= set(names) or any(len(values.get(name, [])) != 1 for name in names):
        raise SignatureWrong
    return {name: values[name][0] for name in names}


def _time(moment: bytes) -> int:
    try:
        if _MOMENT.fullmatch(moment):
            return int(datetime.fromisoformat(moment.decode()).timestamp()) * SECOND
    except ValueError:
        pass
    raise SignatureWrong


def _path(path: bytes) -> bytes:
    spelled = quote_from_bytes(unquote_to_bytes(path), safe="/").encode()
    return spelled if spelled.endswith(b"/") else spelled + b"/"


def _query(query: bytes) -> bytes:
    # A plus is a space, as whoever reads the parameters takes it: else one could be put in place of a signed %2B.
    pairs = [pair.replace(b"+", b" ").partition(b"=") for pair in query.split(b"&") if pair]
    decoded = sorted((unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in pairs)
    return "&".join(f"{quote_from_bytes(name, '')}={quote_from_bytes(value, '')}" for name, value in decoded).encode()
