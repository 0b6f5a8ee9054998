"""When sessions were last seen: kept here, written in batches, so that a check costs no write."""

from collections.abc import Awaitable, Callable, Mapping

_MOST = 100_000
_CHUNK = 1000


class LastSeen:
    """The sessions seen by this process since the last flush; at most 100,000, the rest wait for their next check."""

    def __init__(self) -> None:
        self._times: dict[bytes, int] = {}

    def note(self, session_id: bytes, now: int) -> None:
        if len(self._times) < _MOST or session_id in self._times:
            self._times[session_id] = now

    async def flush(self, write: Callable[[Mapping[bytes, int]], Awaitable[None]]) -> None:
        """Hands what was seen to `write`, in chunks. What it raises on is kept for the next time."""
        times, self._times = self._times, {}
        rows = sorted(times.items())
        for start in range(0, len(rows), _CHUNK):
            try:
                await write(dict(rows[start : start + _CHUNK]))
            except BaseException:
                for session_id, at in rows[start:]:
                    self._times.setdefault(session_id, at)
                raise
