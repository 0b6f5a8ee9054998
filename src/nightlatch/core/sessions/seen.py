"""When sessions were last seen: kept here, written in batches, so that a check costs no write."""

from nightlatch.core.store import Store

_MOST = 100_000


class LastSeen:
    """The sessions seen by this process since the last flush; at most 100,000, the rest wait for their next check."""

    def __init__(self) -> None:
        self._times: dict[bytes, int] = {}

    def note(self, session_id: bytes, now: int) -> None:
        if len(self._times) < _MOST or session_id in self._times:
            self._times[session_id] = now

    async def flush(self, store: Store) -> None:
        """Writes what was seen. On StoreDown it is kept for the next time."""
        times, self._times = self._times, {}
        try:
            rows = sorted(times.items())
            for start in range(0, len(rows), 1000):
                chunk = dict(rows[start : start + 1000])
                await store.write(lambda tx, chunk=chunk: tx.sessions.seen(chunk))  # type: ignore[misc]
        except BaseException:
            for session_id, at in times.items():
                self._times.setdefault(session_id, at)
            raise
