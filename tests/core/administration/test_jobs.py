"""Jobs: what is begun is done once, whoever is stopped on the way, and never to more than was asked."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from tests.database import Database, Run
from tests.stores.programs import Program
from tests.stores.rows import (
    NOW,
    add_organization,
    add_people,
    add_person,
    add_session,
    add_sessions,
    add_traits,
    an_id,
    bits,
    identity,
    names_of,
)

from nightlatch.core.administration import jobs, many, questions, sessions, work
from nightlatch.core.administration.sessions import end_matching
from nightlatch.core.administration.work import attempt
from nightlatch.core.events.model import Act
from nightlatch.core.housekeeping import Retention, sweep
from nightlatch.core.identities.model import Filling, Identity, State
from nightlatch.core.identities.schemas import Schema, Schemas
from nightlatch.core.jobs import rules
from nightlatch.core.jobs.model import Job, Kind, Status, Which
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.questions import Attribute
from nightlatch.core.questions import Kind as Holds
from nightlatch.core.sessions.model import Filter, How
from nightlatch.kernel.clock import DAY, HOUR, MINUTE, SECOND
from nightlatch.kernel.ids import id_text
from nightlatch.problems import FilterInvalid, NotFound, QueryTooBroad

LATER = NOW + HOUR
TRAITS = {"traits.team": Attribute(Holds.CASELESS)}
SCHEMAS = Schemas([Schema("default", b'{"properties":{"traits":{}}}')], "default")
WEB, PHONES = 'device.kind eq "web"', 'device.kind eq "mobile"'
DRAWN = pytest.mark.parametrize("how", list(How))


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten are many; a job reads 20 at a time, looks at 50, and does 8 in a unit."""
    for module in (work, sessions):
        monkeypatch.setattr(module, "KNOWN_MOST", 10)
    monkeypatch.setattr(jobs, "AT_ONCE", 20)
    monkeypatch.setattr(questions, "READ_MOST", 50)
    monkeypatch.setattr(jobs, "_WORK", {kind: each._replace(size=8) for kind, each in jobs._WORK.items()})


def act(now: int = LATER, organization: bytes = DEFAULT) -> Act:
    return Act(organization, "ann", now, bits, ("*",))


def ending(db: Database, filter: str = WEB, *, how: How = How.DISABLE, at: int = LATER, **more: Any) -> Any:
    which = Which(at, filter, how=how, allow_scan=True)
    return db.run(end_matching(db.store, act(at), which, TRAITS, "stolen passwords", **more))


def changing(db: Database, kind: Kind, organization: bytes = DEFAULT, at: int = LATER, **which: Any) -> Job:
    about = Which(at, **which)
    return db.run(many.begin(db.store, act(at, organization), kind, about, TRAITS, "taken over"))


def advance(db: Database, now: int = LATER, holder: bytes = b"one", told: Any = lambda _: None) -> Job | None:
    return db.run(jobs.advance(db.store, lambda: act(now), holder, TRAITS, told))


def finish(db: Database, now: int = LATER) -> None:
    """Does all there is to do."""
    while advance(db, now, b"last"):
        pass
    assert db.read(lambda tx: tx.jobs.oldest()) is None


def stored(db: Database, job: Job, organization: bytes = DEFAULT) -> Job:
    return db.read(lambda tx: rules.get(tx, organization, job.id))


def alive(db: Database, organization: bytes = DEFAULT) -> set[bytes]:
    rows = db.scan(lambda tx: tx.sessions.list(organization, Filter(active=True), NOW, None, 0, 9999))
    return {row.session.id for row in rows}


def told(db: Database, name: str) -> list[Any]:
    rows = db.sql("select amount, reason, actor, data from events where name = $1 order by id", name)
    return [(*row[:3], json.loads(row[3])) for row in rows]


def ended_by_event(db: Database) -> list[str]:
    """The sessions that events tell of: an event of one names it, an event of several lists them."""
    names = "('session.ended', 'session.deleted')"
    rows = db.sql(f"select amount, session_id, data from events where name in {names}")
    said = [[id_text(row[1])] if row[1] else json.loads(row[2])["sessions"] for row in rows]
    assert [row[0] for row in rows] == [len(some) for some in said]
    return sorted(each for some in said for each in some)


def both(db: Database, count: int = 100) -> tuple[list[bytes], list[bytes]]:
    """Sessions in browsers, and as many on phones, made at the same times."""
    anna, bert = add_people(db, 2)
    web = add_sessions(db, anna, count)
    phone = msgspec.structs.replace(web[0].device, kind="mobile")
    return [each.id for each in web], [each.id for each in add_sessions(db, bert, count, device=phone)]


@DRAWN
def test_more_than_can_be_waited_for_are_ended_by_a_job_and_no_others(db: Database, how: How) -> None:
    web, phones = both(db)
    job = ending(db, how=how)
    assert (job.total, job.status, alive(db)) == (100, Status.RUNNING, {*web, *phones})
    seen: list[int] = []
    while advance(db, told=lambda moved: seen.append(moved.done)):
        pass
    assert alive(db) == set(phones)
    over = stored(db, job)
    assert (over.status, over.done, over.failed, over.ended_at) == (Status.DONE, 100, 0, LATER)
    assert seen == sorted(seen)
    assert seen[-1] == 100
    assert len(set(seen)) > 10
    assert ended_by_event(db) == sorted(map(id_text, web))
    said = {"job": id_text(job.id), "kind": "sessions.end"}
    assert told(db, "job.begun") == [(100, "stolen passwords", "ann", {**said, "filter": WEB})]
    assert told(db, "job.ended") == [(100, "stolen passwords", "ann", {**said, "status": "done", "failed": 0})]
    assert len(db.sql("select 1 from sessions")) == (200 if how is How.DISABLE else 100)
    assert ending(db, how=how) == 0


def test_ten_thousand_or_fewer_are_ended_at_once(db: Database) -> None:
    both(db, 10)
    assert ending(db) == 10
    assert db.sql("select 1 from jobs") == []


def test_sessions_of_one_moment_are_all_found(db: Database) -> None:
    anna = add_person(db)
    made = {add_session(db, anna, created_at=NOW).id for _ in range(130)}
    phone = add_session(db, anna, created_at=NOW)
    db.sql("update sessions set device_kind = 'mobile' where id = $1", phone.id)
    job = ending(db)
    finish(db)
    assert stored(db, job).done == 130
    assert alive(db) == {phone.id}
    assert ended_by_event(db) == sorted(map(id_text, made))


def test_a_few_among_many_are_found_however_far_apart(db: Database) -> None:
    web, phones = both(db, 300)
    rare = {*phones[::25]}
    db.sql("update sessions set user_agent = 'rare' where device_kind = 'mobile'")
    for each in set(phones) - rare:
        db.sql("update sessions set user_agent = 'known' where id = $1", each)
    job = ending(db, 'device.user_agent eq "rare"')
    assert job.total == len(rare) == 12
    finish(db)
    assert stored(db, job).done == 12
    assert alive(db) == {*web, *phones} - rare


def test_S4_a_job_whose_task_is_cancelled_anywhere_goes_on_where_it_was(db: Database) -> None:
    web, phones = both(db)
    job = ending(db)

    async def until(units: int) -> None:
        enough = asyncio.Event()
        seen: list[Job] = []

        def tell(moved: Job) -> None:
            seen.append(moved)
            if len(seen) >= units:
                enough.set()

        doing = asyncio.create_task(jobs.advance(db.store, act, b"one", TRAITS, tell))
        told_enough = asyncio.create_task(enough.wait())
        await asyncio.wait([doing, told_enough], return_when=asyncio.FIRST_COMPLETED)
        doing.cancel()
        told_enough.cancel()
        await asyncio.gather(doing, told_enough, return_exceptions=True)

    for units in (1, 2, 1, 1):
        db.run(until(units))
        assert 0 < stored(db, job).done < 100
    finish(db, LATER + 16 * SECOND)
    assert stored(db, job).done == 100
    assert alive(db) == set(phones)
    assert ended_by_event(db) == sorted(map(id_text, web))


def test_S4_a_job_whose_process_is_killed_is_taken_over_with_nothing_twice_and_nothing_left_out(
    dsn: str, run: Run
) -> None:
    db = Database(dsn, run)
    web, phones = both(db, 600)
    job = ending(db, at=LATER)
    for _ in range(3):
        with Program("work", dsn) as worker:
            worker.lines(3)
            worker.kill()
        assert stored(db, job).status is Status.RUNNING
        assert stored(db, job).done < 600
        assert advance(db, NOW + 14 * SECOND, b"another") is None  # it is leased for a while yet
    finish(db)
    assert (stored(db, job).status, stored(db, job).done) == (Status.DONE, 600)
    assert alive(db) == set(phones)
    assert ended_by_event(db) == sorted(map(id_text, web))
    db.close()


def test_of_many_workers_one_at_a_time_does_it(db: Database) -> None:
    web, phones = both(db)
    job = ending(db)

    async def worker(holder: bytes) -> None:
        while (await db.store.read(lambda tx: tx.jobs.oldest())) is not None:
            await jobs.advance(db.store, act, holder, TRAITS)
            await asyncio.sleep(0)

    async def all_of_them() -> None:
        await asyncio.gather(*(worker(bytes([n])) for n in range(4)))

    db.run(all_of_them())
    assert stored(db, job).done == 100
    assert alive(db) == set(phones)
    assert ended_by_event(db) == sorted(map(id_text, web))


def test_a_job_that_is_cancelled_does_no_more(db: Database) -> None:
    web, _ = both(db)
    job = ending(db)
    advance(db)
    done = stored(db, job).done
    assert done == 20
    cancelled = db.write(lambda tx: rules.cancel(tx, act(LATER + 5), job.id))
    assert (cancelled.status, cancelled.done, cancelled.ended_at) == (Status.CANCELLED, 20, LATER + 5)
    assert advance(db) is None
    assert len(alive(db) & {*web}) == 80
    again = db.write(lambda tx: rules.cancel(tx, act(LATER + 9), job.id))
    assert again == cancelled
    [(amount, _, _, data)] = told(db, "job.ended")
    assert (amount, data["status"]) == (20, "cancelled")
    for organization, missing in ((DEFAULT, an_id()), (add_organization(db), job.id)):
        with pytest.raises(NotFound):
            db.write(lambda tx, o=organization, m=missing: rules.cancel(tx, act(organization=o), m))


def test_S4_what_was_found_before_the_cancelling_is_not_ended(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    both(db)
    job, move = ending(db), jobs._move

    async def cancelled_first(store: Any, *more: Any) -> Any:
        await store.write(lambda tx: rules.cancel(tx, act(), job.id))
        return await move(store, *more)

    monkeypatch.setattr(jobs, "_move", cancelled_first)
    assert advance(db) is None
    assert len(alive(db)) == 200
    assert stored(db, job).done == 0


@pytest.mark.parametrize("text", [None, "", "state", 'no.such eq "x"', 'state eq "actve"'])
def test_S4_a_filter_that_a_job_cannot_read_ends_nobody(db: Database, text: str | None) -> None:
    web, phones = both(db, 30)
    if text is not None:
        with pytest.raises(FilterInvalid):
            ending(db, text)
    which = Which(LATER, text)
    job = db.write(lambda tx: rules.begin(tx, act(), Kind.END_SESSIONS, which, 60, "a reason"))
    finish(db)
    over = stored(db, job)
    assert (over.status, over.done) == (Status.FAILED, 0)
    [failure] = over.failures
    assert (failure.id, failure.problem) == (job.id, "filter_invalid")
    assert failure.reason.startswith("Column")
    assert alive(db) == {*web, *phones}


def test_S4_a_job_that_is_cancelled_while_its_filter_cannot_be_read_is_over_once(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = db.write(lambda tx: rules.begin(tx, act(), Kind.END_SESSIONS, Which(LATER, "state"), 9, "a reason"))
    scan = db.store.scan

    async def cancelled_meanwhile(unit: Any) -> Any:
        try:
            return await scan(unit)
        finally:
            await db.store.write(lambda tx: rules.cancel(tx, act(), job.id))

    monkeypatch.setattr(db.store, "scan", cancelled_meanwhile)
    assert advance(db) is None
    assert stored(db, job).status is Status.CANCELLED
    [(_, _, _, data)] = told(db, "job.ended")
    assert data["status"] == "cancelled"


def test_S4_a_job_that_fails_and_is_cancelled_at_once_is_over_once(db: Database) -> None:
    for _ in range(8):
        job = db.write(lambda tx: rules.begin(tx, act(), Kind.END_SESSIONS, Which(LATER, "state"), 9, "a reason"))

        async def at_once(job: Job = job) -> None:
            cancelling = db.store.write(lambda tx: rules.cancel(tx, act(), job.id))
            await asyncio.gather(jobs.advance(db.store, act, b"one", TRAITS), cancelling)

        db.run(at_once())
        said = [data["status"] for *_, data in told(db, "job.ended") if data["job"] == id_text(job.id)]
        assert said == [stored(db, job).status]


def trial(db: Database, at: int = LATER, filter: str = WEB) -> Any:
    which = Which(at, filter, allow_scan=True)
    return db.scan(lambda tx: attempt(tx, act(at), Kind.END_SESSIONS, sessions.WORK, which, TRAITS))[0]


def test_S4_a_trial_of_very_many_ends_no_more_whoever_signs_in_meanwhile(db: Database) -> None:
    web, phones = both(db)
    anna = add_person(db)
    tried = trial(db)
    assert (tried.total, tried.which.tails, tried.which.by) == (100, None, LATER - MINUTE)
    # One that is written only now and was issued before; one that signed in since; one that fits only since.
    late = add_session(db, anna, created_at=LATER - 1, issued_at=LATER - 1)
    new = add_session(db, anna, created_at=LATER + 1, issued_at=LATER + 1)
    gone = web[7]
    db.sql("delete from sessions where id = $1", gone)
    which = msgspec.structs.replace(tried.which, at=LATER + 2)
    job = db.run(end_matching(db.store, act(LATER + 2), which, TRAITS, "a reason", tried.total))
    assert job.total == 99
    during = add_session(db, anna, created_at=LATER + 3, issued_at=LATER + 3)
    finish(db)
    assert stored(db, job).done == 99
    assert alive(db) == {*phones, late.id, new.id, during.id}


def test_a_job_ends_no_more_than_were_shown_when_others_fit_since(db: Database) -> None:
    web, phones = both(db)
    tried = trial(db)
    db.sql("update sessions set device_kind = 'web'")
    job = db.run(end_matching(db.store, act(), tried.which, TRAITS, "a reason", tried.total))
    assert job.total == 100
    finish(db)
    assert stored(db, job).done == 100
    assert len(alive(db)) == 100
    assert len({*web, *phones}) == 200


def test_a_trial_of_few_is_of_those_even_when_very_many_fit_since(db: Database) -> None:
    web, phones = both(db, 8)
    tried = trial(db)
    assert tried.which.tails is not None
    more, _ = both(db, 100)
    which = msgspec.structs.replace(tried.which, at=LATER + 2, by=LATER + 2)
    assert db.run(end_matching(db.store, act(LATER + 2), which, TRAITS, "a reason", tried.total)) == 8
    assert alive(db).isdisjoint(web)
    assert alive(db) > {*more, *phones}


@pytest.fixture
def people(db: Database) -> list[Identity]:
    """Thirty who are signed in."""
    made = add_people(db, 30)
    for each in made:
        add_session(db, each)
    return made


def test_identities_are_deactivated_by_a_job_and_their_sessions_end(db: Database, people: list[Identity]) -> None:
    some = people[:12]
    job = changing(db, Kind.DEACTIVATE, ids=tuple(each.id for each in some))
    assert (job.total, len(alive(db))) == (12, 30)
    finish(db)
    assert (stored(db, job).done, stored(db, job).failed) == (12, 0)
    for each in people:
        found = db.read(lambda tx, each=each: tx.identities.get(DEFAULT, each.id))
        changed = each in some
        assert found.state is (State.INACTIVE if changed else State.ACTIVE)
        assert (found.version, found.traits) == (each.version + changed, each.traits)
    assert len(alive(db)) == 18
    rows = db.sql(
        "select name, reason, count(*) from events where name like 'identity.%' or name = 'session.ended' group by name, reason"
    )
    assert sorted(map(tuple, rows)) == [("identity.changed", "taken over", 12), ("session.ended", "taken over", 12)]


@pytest.mark.parametrize("kind", [Kind.DEACTIVATE, Kind.DELETE])
def test_W3_all_of_an_organization_are_changed_and_nobody_elsewhere_or_later(db: Database, kind: Kind) -> None:
    acme = add_organization(db)
    theirs = add_people(db, 30, organization=acme)
    mine = add_people(db, 5)
    job = changing(db, kind, acme)
    [later] = add_people(db, 1, organization=acme, created_at=LATER + 1)
    assert job.total == 30
    finish(db)
    assert stored(db, job, acme).done == 30
    left = dict(db.sql("select id, state from identities"))
    assert {key for key, state in left.items() if state == "active"} == {later.id, *(each.id for each in mine)}
    assert len(left) == (36 if kind is Kind.DEACTIVATE else 6)
    assert {each.id for each in theirs} - left.keys() == (set() if kind is Kind.DEACTIVATE else {e.id for e in theirs})


def test_what_cannot_be_changed_is_listed_and_the_others_are(db: Database, people: list[Identity]) -> None:
    nobody = [an_id() for _ in range(120)]
    stranger = add_person(db, organization=add_organization(db))
    job = changing(db, Kind.DELETE, ids=(*nobody, stranger.id, *(each.id for each in people)))
    finish(db)
    over = stored(db, job)
    assert (over.status, over.done, over.failed, over.total) == (Status.DONE, 30, 121, 151)
    assert len(over.failures) == 100
    assert {each.id for each in over.failures} < {*nobody, stranger.id}
    assert {(each.problem, each.reason) for each in over.failures} == {
        ("identity_not_found", "There is no such identity.")
    }
    assert [row[0] for row in db.sql("select id from identities")] == [stranger.id]


@pytest.mark.parametrize("count", [8, 30])
def test_a_trial_changes_nobody_and_its_token_changes_those_it_showed(db: Database, count: int) -> None:
    made = add_people(db, count)
    about = Which(LATER)
    tried, _ = db.scan(lambda tx: attempt(tx, act(), Kind.DELETE, many.WORK[Kind.DELETE], about, TRAITS))
    assert tried.total == count
    add_people(db, 3, created_at=LATER)  # made meanwhile, at the time of the trial
    job = db.run(many.begin(db.store, act(), Kind.DELETE, tried.which, TRAITS, "a reason", tried.total))
    finish(db)
    assert stored(db, job).done == count
    left = {row[0] for row in db.sql("select id from identities")}
    assert left.isdisjoint(each.id for each in made)
    assert len(left) == 3


EVERYBODY = "created_at pr"
BLUE = 'traits.team eq "blue"'


def filled(db: Database, *wanted: str) -> None:
    """All identities are found by the team, and looked at for what else is wanted."""
    team, *more = (("default", name, "caseless") for name in ("team", *wanted))
    unit = lambda tx: tx.searchable.save(Filling((team, *more), (team,), bytes(16) if more else None))  # noqa: E731
    db.write(lambda tx: tx.searchable.hold())
    db.write(unit)


def active(db: Database) -> set[bytes]:
    return {row[0] for row in db.sql("select id from identities where state = 'active'")}


@pytest.mark.parametrize("kind", [Kind.DEACTIVATE, Kind.DELETE])
def test_identities_that_a_filter_picks_are_changed_and_no_others(db: Database, kind: Kind) -> None:
    # Far apart, many of one moment, and some of another organization.
    crowd = [each for n in range(6) for each in add_people(db, 25, created_at=NOW + n // 2)]
    picked = crowd[::3]
    for each in picked:
        add_traits(db, each, {"team": ["Blue", "late"]})
    [stranger] = add_people(db, organization=add_organization(db))
    add_traits(db, stranger, {"team": ["blue"]})
    filled(db)
    job = changing(db, kind, filter=BLUE, allow_scan=True)
    [later] = add_people(db, created_at=LATER + 1)
    add_traits(db, later, {"team": ["blue"]})
    filled(db)
    assert job.total == len(picked) == 50
    finish(db)
    assert (stored(db, job).status, stored(db, job).done, stored(db, job).failed) == (Status.DONE, 50, 0)
    assert active(db) == {each.id for each in (*crowd, stranger, later)} - {each.id for each in picked}
    [(amount, reason, _, data)] = told(db, "job.begun")
    assert (amount, reason, data["filter"]) == (50, "taken over", BLUE)


def test_what_a_filter_over_identities_picks_no_more_after_the_change_is_all_changed(db: Database) -> None:
    made = [each for n in range(4) for each in add_people(db, 30, created_at=NOW + n)]
    job = changing(db, Kind.DEACTIVATE, filter='state eq "active"', allow_scan=True)
    finish(db)
    assert stored(db, job).done == len(made)
    assert active(db) == set()


def test_a_filter_over_identities_that_reads_too_much_begins_no_job(db: Database) -> None:
    add_people(db, 60)
    with pytest.raises(QueryTooBroad):
        changing(db, Kind.DELETE, filter='schema eq "default"')
    assert db.sql("select 1 from jobs") == []


@pytest.mark.parametrize(
    "text", ["", " ", "state", 'no.such eq "x"', 'state eq "actve"', "traits.gone pr", 'not (traits.site eq "ulm")']
)
@pytest.mark.parametrize("kind", [Kind.DEACTIVATE, Kind.DELETE])
def test_S4_a_filter_over_identities_that_cannot_be_read_changes_nobody(db: Database, kind: Kind, text: str) -> None:
    made = add_people(db, 30)
    filled(db, "site")
    with pytest.raises(FilterInvalid):
        changing(db, kind, filter=text, allow_scan=True)
    with pytest.raises(FilterInvalid):
        db.scan(lambda tx: attempt(tx, act(), kind, many.WORK[kind], Which(LATER, text), TRAITS))
    assert db.sql("select 1 from jobs") == []
    job = db.write(lambda tx: rules.begin(tx, act(), kind, Which(LATER, text), 30, "a reason"))
    finish(db)
    over = stored(db, job)
    assert (over.status, over.done, over.failures[0].problem) == (Status.FAILED, 0, "filter_invalid")
    assert active(db) == {each.id for each in made}


def test_S4_a_job_stops_where_a_trait_of_its_filter_is_filled_in_anew(db: Database) -> None:
    for n in range(60):
        add_people(db, created_at=NOW + n)
    filled(db)
    job = changing(db, Kind.DELETE, filter=f"not ({BLUE})", allow_scan=True)
    advance(db)
    db.write(lambda tx: tx.searchable.save(Filling((("default", "team", "number"),), (), bytes(16))))
    advance(db)
    assert (stored(db, job).status, stored(db, job).done) == (Status.FAILED, 20)
    assert len(active(db)) == 40


@pytest.mark.parametrize("count", [8, 60])
@pytest.mark.parametrize("kind", [Kind.DEACTIVATE, Kind.DELETE])
def test_S4_a_trial_by_a_filter_changes_no_more_whoever_is_made_meanwhile(db: Database, kind: Kind, count: int) -> None:
    shown = {each.id for each in add_people(db, count)}
    which = Which(LATER, EVERYBODY, allow_scan=True)
    tried, _ = db.scan(lambda tx: attempt(tx, act(), kind, many.WORK[kind], which, TRAITS))
    assert tried.total == count
    db.write(lambda tx: tx.identities.remove(DEFAULT, min(shown)))
    made: list[Identity] = []

    async def making() -> None:
        # As if at the time of the trial, by somebody whose transaction is written only now; and since.
        for n in range(30):
            new = identity(created_at=LATER - 1 + n % 3)
            made.append(new)
            await db.store.write(lambda tx, new=new: tx.identities.add([(new, names_of(new))]))

    async def doing() -> Job:
        job = await many.begin(db.store, act(LATER + 1), kind, tried.which, TRAITS, "a reason", tried.total)
        while await db.store.read(lambda tx: tx.jobs.oldest()):
            await jobs.advance(db.store, act, b"one", TRAITS)
        return job

    async def both_at_once() -> Job:
        return (await asyncio.gather(doing(), making()))[0]

    job = db.run(both_at_once())
    assert (stored(db, job).status, stored(db, job).done) == (Status.DONE, count - 1)
    assert active(db) == {each.id for each in made}


def test_jobs_are_done_one_after_the_other_in_their_order(db: Database, people: list[Identity]) -> None:
    first = changing(db, Kind.DEACTIVATE, ids=(people[0].id,))
    second = changing(db, Kind.DELETE, at=LATER + SECOND, ids=(people[0].id,))
    assert [each.id for each in db.scan(lambda tx: tx.jobs.list(DEFAULT, None, 9))] == [second.id, first.id]
    assert [each.id for each in db.scan(lambda tx: tx.jobs.list(DEFAULT, second.id, 9))] == [first.id]
    moved = advance(db)
    assert moved is not None
    assert moved.id == first.id
    finish(db)  # by another: the lease was given back
    assert [stored(db, each).status for each in (first, second)] == [Status.DONE] * 2


def test_a_job_leaves_thirty_days_after_its_end(db: Database, people: list[Identity]) -> None:
    over = changing(db, Kind.DEACTIVATE, ids=(people[0].id,))
    finish(db)
    running = changing(db, Kind.DEACTIVATE, ids=(people[1].id,))
    for now, left in ((LATER + 30 * DAY, {over.id, running.id}), (LATER + 30 * DAY + 1, {running.id})):
        db.run(sweep(db.store, act(now), b"house", Retention(10**17, 10**17, 10**17), SCHEMAS, lambda *_: None))
        assert {row[0] for row in db.sql("select id from jobs")} == left
