"""What clients were told, and what of it must not be: one pass over the history, because what has ended stays so.

An operation lies between two moments of one clock: before its first byte left, and after its answer was whole. An
ending that was answered is over for every check that began after it. One of which nobody knows what came of it may have
been made or not, but once a check was refused, the session stays so.
"""

import bisect
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

EVERYBODY = "everybody"


class Op(NamedTuple):
    """`outcome` is None when nobody knows. `session` is what it made or asked about, `ends` the session, the identity or
    EVERYBODY that it ends, but for the one that it made."""

    kind: str  # check, look, end, redeem, guess
    call: int = 0
    back: int = 0
    outcome: bool | None = None
    session: str = ""
    identity: str = ""
    code: str = ""
    ends: str = ""


class Wrong(NamedTuple):
    what: str
    op: Op
    since: int = 0

    def __str__(self) -> str:
        late = f", {(self.op.call - self.since) / 1e6:.1f} ms after it" if 0 < self.since < self.op.call else ""
        return f"{self.what}{late}: {self.op}"


class Check:
    """`tries` of a code are allowed. With `settles`, in nanoseconds, a refusal binds other nodes only so much later."""

    def __init__(self, history: Sequence[Op], tries: int = 5, settles: int = 0) -> None:
        self._history, self._tries, self._settles = history, tries, settles
        self._made: dict[str, Op] = {}
        self._living: dict[str, set[str]] = defaultdict(set)
        self._ended: dict[str, int] = {}
        self._refused: dict[str, int] = {}
        self._threats: dict[str, list[tuple[float, Op]]] = defaultdict(list)
        self._spent: dict[str, Op] = {}
        self._guesses: dict[str, list[int]] = defaultdict(list)
        self.counts: Counter[str] = Counter()

    def wrong(self) -> Iterator[Wrong]:
        """Whatever must not be, in the order in which it was answered."""
        begun = [(op.call, 0, at) for at, op in enumerate(self._history) if op.ends]
        events = sorted(begun + [(op.back, 1, at) for at, op in enumerate(self._history)])
        for _, answered, at in events:
            op = self._history[at]
            if not answered:
                self._threatens(op)
                continue
            self.counts[f"{op.kind}, unknown" if op.outcome is None else op.kind] += 1
            if op.kind == "guess" and op.outcome is False:
                self._guesses[op.code].append(op.back)
            if op.kind in {"check", "look"}:
                yield from self._asked(op)
            if op.kind == "redeem" and op.outcome:
                yield from self._redeemed(op)
            if op.ends and op.outcome:
                self._ends(op)

    def _asked(self, op: Op) -> Iterator[Wrong]:
        ended, refused = self._ended.get(op.session, math.inf), self._refused.get(op.session, math.inf)
        if op.call > ended:
            self.counts[f"{op.kind} of what had ended"] += 1
        if op.outcome:
            if op.call > ended:
                yield Wrong("stale accept" if op.kind == "check" else "lost ending", op, int(ended))
            elif op.call > refused + self._settles:
                yield Wrong("alive again", op, int(refused))
        elif op.outcome is False:
            self._refused[op.session] = min(refused, op.back)
            if not self._may_have_ended(op.session):
                yield Wrong("lost session", op)

    def _redeemed(self, op: Op) -> Iterator[Wrong]:
        if before := self._spent.get(op.code):
            yield Wrong("double spend", op, before.back)
        self._spent[op.code] = op
        if bisect.bisect_left(sorted(self._guesses[op.code]), op.call) >= self._tries:
            yield Wrong("over the limit", op)
        if op.session:
            self._made[op.session] = op
            self._living[op.identity].add(op.session)

    def _ends(self, op: Op) -> None:
        if op.ends in self._made:
            self._end(op.ends, op)
        for identity in self._living if op.ends == EVERYBODY else (op.ends,):
            for session in [*self._living.get(identity, ())]:
                if self._made[session].back < op.call:
                    self._end(session, op)

    def _end(self, session: str, op: Op) -> None:
        self._ended.setdefault(session, op.back)
        self._living[self._made[session].identity].discard(session)

    def _threatens(self, op: Op) -> None:
        """Of all endings that began, the two that may take effect last are enough: one may be who made the session."""
        until = math.inf if op.outcome is None else op.back
        both = [*self._threats[op.ends], (until, op)]
        self._threats[op.ends] = sorted(both, key=lambda each: each[0])[-2:]

    def _may_have_ended(self, session: str) -> bool:
        made = self._made.get(session)
        if made is None:
            return True
        threats = [each for whom in (session, made.identity, EVERYBODY) for each in self._threats[whom]]
        return any(until > made.call and op is not made for until, op in threats)
