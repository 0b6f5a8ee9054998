"""A model of nodes that keep answers over one database, small enough to walk through every state of it.

One node answers requests for session 0 and may have several leases one after the other; another is only what it does to
its lease (nodes meet through the database alone). Two revokers: the first ends session 0, the second either. Every process
may stand still for ever at every step: that is a pause, a cut cable, a dead revoker. The node may die and start anew.
Time passes in ticks, for everybody at once and whenever it likes; a revoker's clock may be a tick ahead in each wait.
`Rules` says what is left out or done in another order; the default is what stores/postgres_nodes.py,
stores/postgres_waits.py and stores/sql/feed.py do.
"""

from collections.abc import Iterator
from typing import NamedTuple

NONE, LIVE, CLOSED, GONE = range(4)


class Rules(NamedTuple):
    trust: int = 1
    wait: int = 2
    lives: int = 2  # leases that the node may have
    other: bool = False  # there is another node's lease
    crashes: int = 0
    lease_from_reply: bool = False
    wait_before_reply: bool = False
    no_generation: bool = False  # a load that began before a change was applied may be kept after it
    clear_before_join: bool = False
    applied_told_first: bool = False
    list_taken_early: bool = False  # the leases that are waited for are those from before the ending
    sequence: bool = False  # positions are drawn in the transaction
    settle_in_two: bool = False  # the head moves, and the row has its number in a later commit
    ended_already_shortcut: bool = False
    closed_by_other_ignored: bool = False


class Revoker(NamedTuple):
    at: str = "start"
    session: int = 0
    position: int = 0
    was: bool = False
    old: frozenset[int] = frozenset()
    need: frozenset[int] = frozenset()
    left: int = -1  # ticks of its wait
    ahead: bool = False


class State(NamedTuple):
    """`rows` are sessions that ended, `feed` the position (0: lying, -1: none) and target of each revoker's row; `node`
    is which lease it has, `left` for how many ticks it trusts it, `told` for how many if the reply came now; `unmoved`:
    no generation moved since the load began. `late`: the ending had been answered when the request began."""

    rows: tuple[bool, bool] = (False, False)
    feed: tuple[tuple[int, int], tuple[int, int]] = ((-1, 0), (-1, 0))
    head: int = 0
    leases: tuple[tuple[int, int], ...] = ()
    revokers: tuple[Revoker, Revoker] = (Revoker(), Revoker())
    answered: bool = False
    at: str = "join"
    node: int = -1
    left: int = 0
    told: int = 0
    applied: int = 0
    read: int = 0  # what the reply to come says, or what was sent
    moves: bool = False
    kept: bool = False
    check: str = "idle"
    late: bool = False
    row: bool = False
    unmoved: bool = False
    crashes: int = 0


class Wrong(Exception):
    """A session was accepted after its ending had been answered."""


def walk(rules: Rules) -> int:
    """How many states there are. Wrong when one of them breaks the promise."""
    first = State(leases=((NONE, 0),) * (rules.lives + rules.other))
    seen, ahead = {first}, [first]
    while ahead:
        found: list[State] = []
        for state in ahead:
            for following in _nexts(state, rules):
                if following not in seen:
                    seen.add(following)
                    found.append(following)
        ahead = found
    return len(seen)


def _nexts(state: State, rules: Rules) -> Iterator[State]:
    yield from _lease(state, rules)
    yield from _check(state, rules)
    for who in (0, 1):
        yield from _revoke(state, who, rules)
    yield from _tick(state)
    if rules.other:
        yield from _other(state, rules)
    if state.crashes < rules.crashes:
        yield state._replace(
            crashes=state.crashes + 1, at="join", check="idle", node=-1, left=0, told=0, applied=0, read=0,
            moves=False, kept=False, late=False, row=False, unmoved=False,
        )  # fmt: skip


def _lease(state: State, rules: Rules) -> Iterator[State]:
    cleared = {"kept": False, "unmoved": False}
    match state.at:
        case "join":
            more = cleared if rules.clear_before_join else {}
            yield state._replace(at="joining", told=rules.trust, **more)
        case "joining":
            free = next((n for n in range(rules.lives) if state.leases[n][0] == NONE), None)
            if free is not None:
                yield _put(state, free, LIVE, state.head)._replace(at="joined", node=free, read=state.head)
        case "joined":
            left = rules.trust if rules.lease_from_reply else state.told
            more = {} if rules.clear_before_join else cleared
            yield state._replace(at="on", applied=state.read, read=0, left=left, told=0, **more)
        case "on":
            fresh = [each for each in state.feed if each[0] > state.applied]
            if fresh:
                read, moves = max(each[0] for each in fresh), any(each[1] == 0 for each in fresh)
                if rules.applied_told_first:
                    yield state._replace(at="renewing", applied=read, read=read, moves=moves, told=rules.trust)
                else:
                    yield state._replace(at="applying", read=read, moves=moves)
            yield state._replace(at="renewing", read=state.applied, told=rules.trust)
        case "applying":
            yield _moved(state, rules)._replace(at="on", applied=max(state.applied, state.read), read=0)
        case "renewing":
            good = state.leases[state.node][0] == LIVE
            after = _put(state, state.node, LIVE, state.read) if good else state
            yield after._replace(at="renewed" if good else "refused", read=0)
        case "renewed":
            left = rules.trust if rules.lease_from_reply else state.told
            yield _moved(state, rules)._replace(at="on", left=left, told=0)
            yield state._replace(at="refused")  # the connection is lost
        case "refused":
            yield state._replace(at="join", node=-1, left=0, told=0, moves=False, **cleared)


def _moved(state: State, rules: Rules) -> State:
    if not state.moves:
        return state
    return state._replace(moves=False, kept=False, unmoved=state.unmoved and rules.no_generation)


def _check(state: State, rules: Rules) -> Iterator[State]:
    match state.check:
        case "idle":
            yield state._replace(check="asked", late=state.answered)
        case "asked":
            if state.kept and state.left > 0:
                if state.late:
                    raise Wrong
                yield state._replace(check="idle", late=False)
            else:
                yield state._replace(check="loading", unmoved=True, late=False)
        case "loading":
            yield state._replace(check="loaded", row=state.rows[0])
        case "loaded":
            kept = state.kept or (not state.row and state.unmoved)
            yield state._replace(check="idle", row=False, unmoved=False, kept=kept)


def _revoke(state: State, who: int, rules: Rules) -> Iterator[State]:
    me = state.revokers[who]
    match me.at:
        case "start":
            live = frozenset(n for n, each in enumerate(state.leases) if each[0] == LIVE)
            for session in (0, 1)[: who + 1]:
                begun = me._replace(at="commit", session=session, old=live if rules.list_taken_early else frozenset())
                if rules.sequence:
                    yield _is(state._replace(head=state.head + 1), who, begun._replace(position=state.head + 1))
                elif rules.list_taken_early:
                    yield _is(state, who, begun)
                else:
                    yield from _commit(state, who, begun, rules)
        case "commit":
            yield from _commit(state, who, me, rules)
        case "settle":
            lies = state.feed[who][0] == 0
            if rules.settle_in_two and lies:
                yield _is(state._replace(head=state.head + 1), who, me._replace(at="number", position=state.head + 1))
            else:
                settled = _settled(state)
                yield _is(settled, who, me._replace(at="close", position=settled.head))
        case "number":
            row = (me.position, me.session)
            feed = (row, state.feed[1]) if who == 0 else (state.feed[0], row)
            yield _is(state._replace(feed=feed), who, me._replace(at="close"))
        case "close":
            if rules.wait_before_reply and me.left < 0:
                yield _is(state, who, me._replace(left=rules.wait))
            else:
                yield _closed(state, who, me, rules)
        case "closed":
            yield _is(state, who, me._replace(at="wait", left=rules.wait, ahead=True))
        case "wait":
            if me.left == 0:
                leases = tuple((GONE, 0) if n in me.need else each for n, each in enumerate(state.leases))
                yield _answered(state._replace(leases=leases), who, me)


def _commit(state: State, who: int, me: Revoker, rules: Rules) -> Iterator[State]:
    was = state.rows[me.session]
    rows = (True, state.rows[1]) if me.session == 0 else (state.rows[0], True)
    row = state.feed[who] if was else (me.position if rules.sequence else 0, me.session)
    feed = (row, state.feed[1]) if who == 0 else (state.feed[0], row)
    after = state._replace(rows=rows, feed=feed)
    if was and rules.ended_already_shortcut:
        yield _answered(after, who, me)
    else:
        yield _is(after, who, me._replace(at="close" if rules.sequence else "settle", was=was))


def _closed(state: State, who: int, me: Revoker, rules: Rules) -> State:
    """After a grace of any length, one statement closes every lease that is behind."""
    leases, need = list(state.leases), set()
    for number, (status, applied) in enumerate(leases):
        late = status == LIVE and applied < me.position and (not rules.list_taken_early or number in me.old)
        if late:
            leases[number] = (CLOSED, 0)
        if late or (status == CLOSED and not rules.closed_by_other_ignored):
            need.add(number)
    state = state._replace(leases=tuple(leases))
    if not need:
        return _answered(state, who, me)
    at = "wait" if rules.wait_before_reply else "closed"
    return _is(state, who, me._replace(at=at, need=frozenset(need)))


def _answered(state: State, who: int, me: Revoker) -> State:
    state = state._replace(answered=state.answered or me.session == 0)
    return _is(state, who, Revoker("answered"))


def _other(state: State, rules: Rules) -> Iterator[State]:
    """Another node: joins, reports, settles what lies there, or is silent."""
    number = rules.lives
    status, applied = state.leases[number]
    if status == NONE or (status == LIVE and applied < state.head):
        yield _put(state, number, LIVE, state.head)
    if not rules.sequence and any(each[0] == 0 for each in state.feed):
        yield _settled(state)


def _settled(state: State) -> State:
    """What lies there has its numbers, and the head is moved, in one commit."""
    head, feed = state.head, []
    for position, target in state.feed:
        head += position == 0
        feed.append((head if position == 0 else position, target))
    return state._replace(head=head, feed=(feed[0], feed[1]))


def _tick(state: State) -> Iterator[State]:
    waits = [each.left > 0 for each in state.revokers]
    if state.left or state.told or any(waits):
        first, second = (each._replace(left=each.left - 1) if each.left > 0 else each for each in state.revokers)
        left, told = max(0, state.left - 1), max(0, state.told - 1)
        yield state._replace(revokers=(first, second), left=left, told=told)
    for who, me in enumerate(state.revokers):
        if waits[who] and me.ahead:
            yield _is(state, who, me._replace(left=me.left - 1, ahead=False))


def _put(state: State, number: int, status: int, applied: int) -> State:
    leases = list(state.leases)
    leases[number] = (status, applied)
    return state._replace(leases=tuple(leases))


def _is(state: State, who: int, me: Revoker) -> State:
    return state._replace(revokers=(me, state.revokers[1]) if who == 0 else (state.revokers[0], me))
