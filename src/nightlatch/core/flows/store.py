"""What the flows need of a store."""

from typing import Protocol

from nightlatch.core.attempts.store import Tx as AttemptsTx
from nightlatch.core.flows.model import Code, Flow


class Flows(Protocol):
    async def add(self, flow: Flow) -> None: ...

    async def get(self, flow_id: bytes) -> Flow | None: ...

    async def save(self, flow: Flow) -> bool:
        """Writes state, method, facts, identity and used_at; false when the flow was used or is gone."""
        ...

    async def close(self, identity_id: bytes, now: int, but: bytes | None = None) -> None:
        """Uses up every open flow of the identity, except the one that is spared, and every code of it."""
        ...

    async def put_code(self, code: Code) -> None:
        """Writes it in place of the flow's earlier one."""
        ...

    async def void_codes(self, identity_id: bytes, purpose: str, now: int) -> None:
        """Uses up those for the identity that administrators were shown."""
        ...

    async def try_code(self, flow_id: bytes, most: int, now: int) -> Code | None:
        """Counts a try and gives the code; None when there is none, it was used, is over, or had `most` tries."""
        ...

    async def is_spent(self, flow_id: bytes, most: int) -> bool:
        """Whether the flow's code had `most` tries."""
        ...

    async def purge(self, before: int, most: int) -> int:
        """Removes at most `most` of those that expired before then, with their codes; how many."""
        ...

    async def use_code(self, code_id: bytes, now: int) -> bool:
        """True for the one call that uses it."""
        ...


class Tx(AttemptsTx, Protocol):
    @property
    def flows(self) -> Flows: ...
