"""Answers that may be given again, by the very bytes of the request: what an application sends for a session is the
same each time, and recognising it costs less than reading it.

Only the hash of those bytes is kept, which have a credential in them.
"""

import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import NamedTuple

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from nightlatch.doors.http.routing import Answer, Kept, fields_of
from nightlatch.kernel.ids import Entropy
from nightlatch.kernel.recent import Recent

Fields = Sequence[tuple[bytes, bytes]]
_END = b"\r\n\r\n"
_ID = b"x-request-id"
_IDS = 256
_ENTRY = 550  # bytes of an answer beside its later part, all told


class Repeated(NamedTuple):
    """An answer in bytes, before and after its request id."""

    kept: Kept
    before: bytes
    after: bytes


class Repeats:
    """Those of one port, within `most` bytes. `given` is told of each that is given again, how many seconds it took."""

    def __init__(self, most: int, entropy: Entropy, given: Callable[[float], None]) -> None:
        self._known: Recent[Repeated] = Recent(most)
        self._entropy = entropy
        self._given = given
        self._ids: list[bytes] = []
        self._general: Fields = ()
        self._lead = b""

    def again(self, asked: bytes, general: Fields) -> bytes | None:
        """The answer to a request that was asked before, where it is still good; `general` are the fields of every
        answer, which are one list for as long as they are the same."""
        began = time.perf_counter()
        known = self._known.get(asked)
        if known is None or not known.kept.use():
            return None
        if general is not self._general:
            self._general, self._lead = general, _lines(STATUS_LINE[200], general)
        answer = b"".join((self._lead, known.before, self._request_id(), known.after))
        self._given(time.perf_counter() - began)
        return answer

    def keep(self, asked: bytes, headers: Fields, answer: Answer) -> None:
        """Keeps an `answer` to what was asked with `headers` if it may be given again, and was asked so twice."""
        kept = answer.kept
        if kept is None or any(name == _ID for name, _ in headers):
            return
        if kept.last_asked != asked:
            kept.last_asked = asked
            return
        fields = fields_of(answer)
        at = next(number for number, (name, _) in enumerate(fields) if name == _ID)
        before = _lines(b"", fields[:at]) + _ID + b": "
        after = b"".join((b"\r\n", _lines(b"", fields[at + 1 :]), b"\r\n", answer.body))
        self._known.put(asked, Repeated(kept, before, after), len(after) + _ENTRY)

    def _request_id(self) -> bytes:
        if not self._ids:
            drawn = self._entropy(16 * _IDS).hex().encode()
            self._ids = [drawn[at : at + 32] for at in range(0, len(drawn), 32)]
        return self._ids.pop()


def whole(data: bytes) -> bytes | None:
    """What a request that is whole and alone in `data`, and has no body, is known by; None for anything else."""
    return sha256(data).digest() if data.find(_END) == len(data) - len(_END) else None


def _lines(first: bytes, fields: Fields) -> bytes:
    return first + b"".join([b"%b: %b\r\n" % field for field in fields])
