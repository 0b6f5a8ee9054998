"""What was used lately, within so many bytes."""

from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """A map that forgets. What was used since its younger half began is in there, the rest in the elder, which goes
    when the younger is full. So a use costs one look-up, and what is used stays."""

    def __init__(self, most: int) -> None:
        self._half = most // 2
        self._young: dict[bytes, tuple[V, int]] = {}
        self._elder: dict[bytes, tuple[V, int]] = {}
        self._size = 0

    def get(self, key: bytes) -> V | None:
        found = self._young.get(key)
        if found is None:
            found = self._elder.pop(key, None)
            if found is None:
                return None
            self.put(key, *found)
        return found[0]

    def put(self, key: bytes, value: V, size: int) -> None:
        """In place of what was there. `size` in bytes, all told."""
        replaced = self._young.get(key)
        self._young[key] = value, size
        self._size += size - (replaced[1] if replaced else 0)
        if self._size > self._half:
            self._young, self._elder, self._size = {}, self._young, 0

    def __len__(self) -> int:
        return len(self._young) + len(self._elder)
