"""X-Request-Id: the client's own, if it is fit for logs and headers, else one of ours."""

from collections.abc import Iterable

from nightlatch.kernel.ids import Entropy


def request_id(given: bytes | None, entropy: Entropy) -> str:
    """`given` when it is short and printable, else 32 fresh hex digits."""
    if given and len(given) <= 128 and given.isascii() and given.decode("ascii").isprintable():
        return given.decode("ascii")
    return entropy(16).hex()


def given_id(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """The X-Request-Id of a request."""
    return next((value for name, value in headers if name == b"x-request-id"), None)
