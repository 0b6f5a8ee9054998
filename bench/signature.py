"""What the check of a signed request costs: reading what it claims, opening the pair's secret, and the signature.

python bench/signature.py
"""

import os
import platform
import statistics
import time
from collections.abc import Callable
from hashlib import sha256

from nightlatch.core.access.rules import PURPOSE
from nightlatch.core.access.signatures import Received, claim, verify
from nightlatch.kernel.clock import SECOND
from nightlatch.kernel.secrets import Keys

AT = 1_704_164_645 * SECOND
SECRET, KEY_ID = "SECRET", bytes(16)
STORE = b"/v1/identity-stores/d-1/users/u-1/sessions/batch-delete"
SIGNATURE = b"cf98562a7a4c3fea7d41fb69a0b544aaabaeb00ad5d9a2bc66b2acfeddff246c"
# Recorded from the published client: tests/core/access/signed_requests.jsonl has them all.
HEADERS = [
    (b"host", b"127.0.0.1:8000"),
    (b"content-type", b"application/json"),
    (b"x-sdk-date", b"20240102T030405Z"),
    (b"user-agent", b"huaweicloud-usdk-python/3.0"),
    (b"accept-encoding", b"gzip, deflate"),
    (b"accept", b"*/*"),
    (b"connection", b"keep-alive"),
    (b"content-length", b"57"),
    (
        b"authorization",
        b"SDK-HMAC-SHA256 Access=AKID, SignedHeaders=content-type;host;user-agent;x-sdk-date, Signature=" + SIGNATURE,
    ),
]
REQUEST = Received("POST", STORE, b"", b'{"session_ids": ["ea70c04b-d510-41c7-b0d1-51d56d1ab7d9"]}')
LARGE = b'{"session_ids": [' + b", ".join([b'"ea70c04b-d510-41c7-b0d1-51d56d1ab7d9"'] * 1000) + b"]}"


def microseconds(work: Callable[[], object], times: int = 2000, rounds: int = 15) -> float:
    """The median round's time of one."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(times):
            work()
        taken.append((time.perf_counter() - began) / times * 1e6)
    return statistics.median(taken)


def main() -> None:
    keys = Keys([b"a secret of the measurements, 32"], PURPOSE)
    sealed = keys.encrypt(SECRET.encode(), KEY_ID, os.urandom)
    claimed = claim(HEADERS, AT)

    def check() -> None:
        verify(REQUEST, claim(HEADERS, AT), (keys.decrypt(sealed, KEY_ID) or b"").decode())

    rows: list[tuple[str, Callable[[], object]]] = [
        ("what it claims", lambda: claim(HEADERS, AT)),
        ("the secret opened", lambda: keys.decrypt(sealed, KEY_ID)),
        ("the signature", lambda: verify(REQUEST, claimed, SECRET)),
        ("all of the check", check),
        ("the hash of a body of 1,000 ids, besides", lambda: sha256(LARGE).hexdigest()),
    ]
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}\n")
    print("| what | µs |\n|---|---|")
    for name, work in rows:
        print(f"| {name} | {microseconds(work):.1f} |")


if __name__ == "__main__":
    main()
