"""Answers that are used again for a while, if the application asked for that."""

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
MOST = 10_000


class Remembered(Generic[Key, Value]):
    """Each for `seconds` from before it was asked for: a change is unseen for no longer than that."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._known: dict[Key, tuple[float, Value]] = {}
        self._lock = threading.Lock()

    def get(self, key: Key, now: float) -> Value | None:
        with self._lock:
            asked, value = self._known.get(key, (0.0, None))
        return value if now - asked < self._seconds else None

    def put(self, key: Key, asked: float, value: Value | None) -> None:
        """None forgets: whoever is nobody may be somebody at the next request."""
        with self._lock:
            self._known.pop(key, None)  # so that the first is always the one put longest ago
            if value is not None and self._seconds > 0:
                self._known[key] = asked, value
            if len(self._known) > MOST:
                del self._known[next(iter(self._known))]
