"""Who is asking: whoever holds the secret that signed the request."""

from starlette.requests import Request

from nightlatch.core.access import rules, signatures
from nightlatch.core.events.model import Act
from nightlatch.doors.http import access
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import read_body
from nightlatch.problems import KeyRequired, SignatureWrong


async def signer(parts: Shared, request: Request, scope: str) -> Act:
    """The act of whoever signed the request with a key pair that has `scope`. KeyRequired without a signature;
    SignatureWrong, SignatureStale, ScopeMissing."""
    http, now = request.scope, parts.clock.now()
    claimed = signatures.claim(http["headers"], now)
    try:
        key, secret = await parts.store.read(
            lambda tx: rules.of_pair(tx, parts.pair_keys, claimed.key_id, claimed.security_token, now)
        )
    except KeyRequired:  # whether there is such a pair is for its holder to know
        raise SignatureWrong from None
    # Only now: whoever holds no key pair has nothing read into memory.
    body = await read_body(request)
    received = signatures.Received(request.method, http["raw_path"], http["query_string"], body)
    signatures.verify(received, claimed, secret)
    return access.of_key(parts, key, scope)
