"""A model of the gate and the generations, small enough to walk through every state of it.

Two writers each end one of two sessions, which share a bucket or not; one reader checks them and keeps answers (readers write
nothing that is shared: one stands for any number); whoever meets a bucket in doubt has it mended. Every step may be the
last of its process. `Rules` says what is left out or done in another order; the default is what stores/gate.py,
stores/sqlite.py and core/sessions/cache.py do.
"""

from collections.abc import Iterator
from typing import NamedTuple

END = 99


class Rules(NamedTuple):
    """`deaths` is how many processes may die. With `promise` False only the first half is held against it: nothing is
    accepted once its ending was answered, but it may be once somebody could see it."""

    deaths: int = 1
    promise: bool = True
    apart: bool = False  # the sessions are in two buckets
    gate: bool = True  # writers queue at the gate
    marks: bool = True  # buckets are in doubt while their change is committed
    marks_late: bool = False  # only after the commit
    answers_early: bool = False  # before the bucket has moved
    mends: str = "gate"  # "gate": whoever passes next; "start": whoever starts next; "never"
    settles: bool = True  # who mends commits something of their own first
    shortcut: bool = False  # what has ended already is answered without touching the table
    generation_first: bool = True  # the reader loads it before the row
    own_snapshot: bool = True  # and reads the row as it is then


class Writer(NamedTuple):
    at: int = 0
    session: int = 0
    value: int = 0


class Reader(NamedTuple):
    """`answered`: the ending had been answered when the request began; `visible`: somebody could have seen it."""

    at: int = 0
    session: int = 0
    generation: int = 0
    row: bool = False
    answered: bool = False
    visible: bool = False


class State(NamedTuple):
    """`gate` and `sql` are who has the lock; `torn` is an ending that lies in the log, but not in its index."""

    writers: tuple[Writer, Writer] = (Writer(), Writer())
    reader: Reader = Reader()
    generations: tuple[int, int] = (0, 0)
    open: bool = False
    gate: int | None = None
    sql: int | None = None
    torn: int | None = None
    ended: frozenset[int] = frozenset()
    answered: frozenset[int] = frozenset()
    kept: tuple[int | None, int | None] = (None, None)
    deaths: int = 0


class Wrong(Exception):
    """A state that must not be."""


def walk(rules: Rules) -> int:
    """How many states there are. Wrong when one of them breaks a promise."""
    seen, ahead = {State()}, [State()]
    while ahead:
        found: list[State] = []
        for state in ahead:
            nexts = [*_writers(state, rules), *_mended(state, rules)]
            if not nexts and any(each & 1 for each in state.generations):
                raise Wrong("in doubt for ever")
            for following in (*nexts, *_read(state, rules)):
                if following not in seen:
                    seen.add(following)
                    found.append(following)
        ahead = found
    return len(seen)


def _writers(state: State, rules: Rules) -> Iterator[State]:
    for who in (0, 1):
        me = state.writers[who]
        if me.at == END:
            continue
        yield from _step(state, who, me, rules)
        if me.at and state.deaths < rules.deaths:
            yield from _deaths(state, who, me, rules)


def _moved(state: State, who: int, me: Writer, **changes: object) -> State:
    writers = (me, state.writers[1]) if who == 0 else (state.writers[0], me)
    return state._replace(writers=writers, **changes)  # type: ignore[arg-type]


def _deaths(state: State, who: int, me: Writer, rules: Rules) -> Iterator[State]:
    """It dies before its next step; the kernel frees its locks, and the process starts anew with nothing to do."""
    changes: dict[str, object] = {"deaths": state.deaths + 1}
    changes |= {"gate": None} if state.gate == who else {}
    changes |= {"sql": None} if state.sql == who else {}
    if rules.mends == "start":
        changes["generations"] = _even(state)
    dead = _moved(state, who, Writer(END), **changes)
    yield dead
    if me.at == 8:
        yield dead._replace(torn=me.session)  # between the sync of the log and its index
    if me.at in {3, 8} and state.torn is not None:
        # While the index is written: the next to look recovers the log, whole frames of the dead included.
        yield dead._replace(ended=state.ended | {state.torn}, torn=None)


def _step(state: State, who: int, me: Writer, rules: Rules) -> Iterator[State]:  # noqa: PLR0915 - one case a step
    step = me._replace(at=me.at + 1)
    match me.at:
        case 0:
            for session in (0, 1):
                yield _moved(state, who, step._replace(session=session))
        case 1:
            if not rules.gate:
                yield _moved(state, who, step)
            elif state.gate is None:
                yield _moved(state, who, step, gate=who)
        case 2:
            clear = rules.mends != "gate" or not state.open
            yield _moved(state, who, me._replace(at=5 if clear else 3))
        case 3:
            yield _moved(state, who, step, **({"torn": None} if rules.settles else {}))
        case 4:
            yield _moved(state, who, step, generations=_even(state), open=False)
        case 5:
            if state.sql is None:
                yield _moved(state, who, step, sql=who)
        case 6:
            if rules.shortcut and me.session in state.ended:
                done = me._replace(at=END, value=0)
                gate = None if state.gate == who else state.gate
                yield _moved(state, who, done, sql=None, gate=gate, answered=state.answered | {me.session})
            elif rules.marks and not rules.marks_late:
                now = state.generations[_bucket(me.session, rules)]
                value = now + 1 if rules.gate else now | 1
                yield _moved(state, who, step._replace(value=value), open=True)
            else:
                yield _moved(state, who, step)
        case 7:
            marks = rules.marks and not rules.marks_late
            yield _moved(state, who, step, **(_set(state, me.session, me.value, rules) if marks else {}))
        case 8:
            yield _moved(state, who, step, ended=state.ended | {me.session}, sql=None, torn=None)
        case 9:
            if rules.marks_late:
                value = state.generations[_bucket(me.session, rules)] + 1
                yield _moved(state, who, step._replace(value=value), open=True, **_set(state, me.session, value, rules))
            else:
                yield _moved(state, who, step)
        case 10:
            early = {"answered": state.answered | {me.session}} if rules.answers_early else {}
            yield _moved(state, who, step, **early)
        case 11:
            value = me.value + 1 if rules.marks else state.generations[_bucket(me.session, rules)] + 2
            yield _moved(state, who, step, **_set(state, me.session, value, rules))
        case 12:
            yield _moved(state, who, step._replace(value=0), open=False)
        case 13:
            yield _moved(state, who, step, gate=None if state.gate == who else state.gate)
        case 14:
            yield _moved(state, who, me._replace(at=END), answered=state.answered | {me.session})


def _mended(state: State, rules: Rules) -> Iterator[State]:
    """Whoever met the bucket in doubt has a writer pass the gate."""
    if rules.mends == "gate" and rules.gate and state.gate is None and state.open:
        torn = None if rules.settles else state.torn
        yield state._replace(torn=torn, generations=_even(state), open=False)


def _read(state: State, rules: Rules) -> Iterator[State]:
    me = state.reader
    match me.at:
        case 0:
            for session in (0, 1):
                began = Reader(1, session, answered=session in state.answered, visible=session in state.ended)
                yield state._replace(reader=began._replace(row=session in state.ended))
        case 1:
            now = state.generations[_bucket(me.session, rules)]
            if state.kept[me.session] == now and not now & 1:
                if me.answered:
                    raise Wrong("accepted after the ending was answered")
                if me.visible and rules.promise:
                    raise Wrong("accepted after the ending was seen")
                yield state._replace(reader=Reader())
            else:
                yield state._replace(reader=me._replace(at=2, generation=now))
        case 2:
            row = me.session in state.ended if rules.own_snapshot else me.row
            yield state._replace(reader=me._replace(at=3, row=row))
        case 3:
            now = state.generations[_bucket(me.session, rules)]
            generation = me.generation if rules.generation_first else now
            kept = None if me.row or generation & 1 else generation
            both = (kept, state.kept[1]) if me.session == 0 else (state.kept[0], kept)
            yield state._replace(reader=Reader(), kept=both)


def _bucket(session: int, rules: Rules) -> int:
    return session if rules.apart else 0


def _set(state: State, session: int, value: int, rules: Rules) -> dict[str, object]:
    first, second = state.generations
    return {"generations": (first, value) if _bucket(session, rules) else (value, second)}


def _even(state: State) -> tuple[int, int]:
    first, second = state.generations
    return first + (first & 1), second + (second & 1)
