"""The feed that nodes on PostgreSQL follow: every change of what a session check shows is in it, in its transaction; few
rows say so for many; and what changes nothing shown is not."""

import asyncio
import contextlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.database import Database, Run
from tests.postgres import Postgres
from tests.stores.rows import NOW, add_person, add_session, credential, identity
from tests.stores.statements import SCRIPT, Array, named

from nightlatch.core.leases.model import Joining
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.kernel.clock import DAY
from nightlatch.problems import StoreDown
from nightlatch.stores.opening import open_store
from nightlatch.stores.sql import feed
from nightlatch.stores.sql.sessions import PROLONG, PURGE, SEEN, SHOWN, UNSHOWN
from nightlatch.stores.sql.statement import Statement, sql


@pytest.fixture
def db(postgres: Postgres, run: Run) -> Iterator[Database]:
    made = postgres.create_database()
    with contextlib.closing(Database(made, run)) as opened:
        yield opened
    postgres.drop_database(made)


class Undone(Exception):
    """Takes back what a unit did, and says whom the feed had named: None is everybody."""

    def __init__(self, targets: list[Any]) -> None:
        self.targets = targets


def told(db: Database, *texts: str, arguments: tuple[object, ...] = ()) -> list[Any]:
    """Whom the feed names for these statements, which are taken back."""

    async def unit(tx: Any) -> None:
        connection = tx.sessions._connection
        await connection.run(sql("delete from revocations"))
        for text in texts:
            await connection.rows(sql(text), *arguments)
        raise Undone([row[0] for row in await connection.rows(sql("select target from revocations"))])

    with pytest.raises(Undone) as undone:
        db.write(unit)
    return undone.value.targets


def changes(db: Database, table: str) -> Iterator[tuple[str, str]]:
    """Each column of a table that is shown, with another value for it."""
    text = "select column_name, data_type from information_schema.columns where table_name = $1"
    for column, kind in db.sql(text, table):
        if (table, column) not in UNSHOWN:
            others = {"bigint": f"coalesce({column}, 0) + 1", "text": f"coalesce({column}, '') || '1'"}
            yield column, others.get(kind, "gen_random_uuid()" if kind == "uuid" else "sha256('a')")


def test_S4_every_column_of_what_a_check_reads_is_told_when_it_changes(db: Database) -> None:
    for table, key in db.sql("select conrelid::regclass::text, conname::text from pg_constraint where contype = 'f'"):
        db.sql(f"alter table {table} drop constraint {key}")
    who = add_person(db)
    add_session(db, who)
    db.write(lambda tx: tx.credentials.add([credential(who)]))
    for table, (owner, acts) in SHOWN.items():
        whose = DEFAULT if table == "organizations" else who.id
        for column, value in changes(db, table):
            text = f"update {table} set {column} = {value} where {owner} = $1"
            assert told(db, text, arguments=(whose,)) == [whose], f"{table}.{column}"
        if "delete" in acts:
            assert told(db, f"delete from {table} where {owner} = $1", arguments=(whose,)) == [whose], table
        assert told(db, f"truncate {table} cascade").count(None) >= 1


def test_what_is_new_and_what_is_over_is_not_told(db: Database) -> None:
    who = add_person(db)
    ended = add_session(db, who, ended_at=NOW)
    older = add_session(db, who, epochs=(who.ended_before + 9, 0, 0, 0))
    live = add_session(db, who)
    for session in (ended, older):
        assert told(db, "update sessions set ended_at = 5 where id = $1", arguments=(session.id,)) == []
        assert told(db, "delete from sessions where id = $1", arguments=(session.id,)) == []
    assert told(db, SEEN.postgres, arguments=(live.id, NOW + 99)) == []
    assert told(db, SEEN.bulk or "", arguments=([live.id], [NOW + 99])) == []
    assert told(db, PROLONG.postgres, arguments=(live.id, NOW + 2 * DAY, live.expires_at)) == []
    assert told(db, PURGE.postgres, arguments=(NOW + 9 * DAY, 100)) == []
    assert told(db, "delete from sessions where id = $1", arguments=(live.id,)) == [who.id]


def test_an_import_of_a_thousand_people_adds_nothing_to_the_feed(db: Database) -> None:
    people = [identity() for _ in range(1_000)]
    before = db.sql("select count(*) from revocations")

    async def unit(tx: Any) -> None:
        await tx.identities.add([(each, ()) for each in people])
        await tx.credentials.add([credential(each) for each in people])

    db.write(unit)
    assert db.sql("select count(*) from revocations") == before
    late = credential(people[0], "totp")
    db.write(lambda tx: tx.credentials.add([late]))
    assert db.sql("select target from revocations") == [(people[0].id,)]


def test_of_one_transaction_each_is_named_once_and_very_many_are_everybody(db: Database) -> None:
    people = [add_person(db) for _ in range(feed.MOST + 1)]
    for who in people:
        add_session(db, who)
    first, ids = people[0].id, [each.id for each in people]
    touch = "update identities set version = version + 1 where id = any($1)"
    assert told(db, touch, touch, "delete from identities where id = any($1)", arguments=([first],)) == [first]
    assert sorted(told(db, touch, arguments=(ids[1:],))) == sorted(ids[1:])
    assert told(db, touch, arguments=(ids,)) == [None]
    assert told(db, "delete from identities where id = any($1)", arguments=(ids,)) == [None]
    assert told(db, "update organizations set ended_before = ended_before + 1") == [DEFAULT]


def test_positions_follow_commits_and_one_settling_numbers_all_that_lies(db: Database) -> None:
    db.sql("delete from revocations")
    before = db.sql(feed.SETTLE)[0][0]
    db.sql("insert into revocations default values")
    db.sql("insert into revocations default values")
    assert db.sql(feed.SETTLE) == [(before + 2,)]
    assert db.sql(feed.SETTLE) == [(before + 2,)]
    assert db.sql("select position from revocations order by 1") == [(before + 1,), (before + 2,)]
    assert db.sql(feed.LYING) == []


def test_S4_a_commit_with_a_warning_is_no_commit(db: Database) -> None:
    db.sql("""create function warns() returns trigger language plpgsql as $$
        begin raise warning 'no standby has it'; return null; end $$""")
    db.sql("""create constraint trigger warns after update on organizations deferrable initially deferred
        for each row execute function warns()""")
    with pytest.raises(StoreDown):
        db.sql("update organizations set name = 'other'")
    db.sql("drop trigger warns on organizations")
    assert db.sql("select 1") == [(1,)]


def test_nothing_in_the_protocol_asks_the_database_for_the_time() -> None:
    texts = [*feed.TABLES, *(each for each in vars(feed).values() if isinstance(each, str))]
    assert not [text for text in texts if re.search(r"now\(\)|current_time|timestamp|clock", text)]


def test_a_node_that_left_is_gone_and_two_of_one_name_have_two_leases(db: Database) -> None:
    async def work() -> list[int]:
        one, two = [await open_store(db.dsn, joining=Joining("same")) for _ in range(2)]
        there = [len(await one.scan(lambda tx: tx.nodes.list()))]
        await two.close()
        there.append(len(await one.scan(lambda tx: tx.nodes.list())))
        await one.close()
        return there

    assert db.run(work()) == [2, 1]
    assert db.scan(lambda tx: tx.nodes.list()) == []


def test_a_node_without_a_lease_reads_nothing_unless_it_may(db: Database) -> None:
    async def work() -> list[bool]:
        can = []
        for fenced in (True, False):
            store = await open_store(db.dsn, joining=Joining("a", fenced=fenced))
            await store.write(lambda tx: tx.sessions._connection.rows(sql("alter table node_leases rename to gone")))
            await asyncio.sleep(1.2)
            try:
                await store.read(lambda tx: tx.sessions.epochs(DEFAULT, bytes(16)))
                can.append(True)
            except StoreDown:
                can.append(False)
            await store.write(lambda tx: tx.sessions._connection.rows(sql("alter table gone rename to node_leases")))
            await store.close()
        return can

    assert db.run(work()) == [False, True]


def test_the_feed_is_trimmed_to_the_slowest_lease(db: Database) -> None:
    async def work() -> list[int]:
        store = await open_store(db.dsn, joining=Joining("a"))
        left = []
        for pause in (0, 2.5):
            for _ in range(3):
                await store.write(lambda tx: tx.sessions._connection.run(sql("update organizations set name = name")))
            await asyncio.sleep(pause)
            left.append(len(await store.scan(lambda tx: tx.sessions._connection.rows(sql("select from revocations")))))
        await store.close()
        return left

    first, last = db.run(work())
    assert first > 0
    assert last == 0


def test_S4_a_write_that_the_feed_tells_of_is_one_that_is_waited_for(db: Database) -> None:
    statements = dict(named())
    found = set()

    async def tells(connection: Any, statement: Statement, call: tuple[Any, ...]) -> bool:
        await connection.rows(sql("delete from revocations"))
        await connection.rows(sql("select set_config('nightlatch.told', '', true)"))
        await connection.rows(statement, *[connection.array(a) if isinstance(a, Array) else a for a in call])
        return bool(await connection.row(sql("select 1 from revocations limit 1")))

    async def unit(tx: Any) -> None:
        for name, calls in SCRIPT:
            for call in calls:
                if await tells(tx.sessions._connection, statements[name], call):
                    found.add(name)

    db.write(unit)
    assert len(found) > 10
    assert [name for name in sorted(found) if not statements[name].ends] == []


def test_a_feed_that_no_node_follows_does_not_grow_for_ever(db: Database) -> None:
    for _ in range(3):
        db.sql("insert into revocations (target) select gen_random_uuid() from generate_series(1, 700)")
        db.sql(feed.SETTLE)
    assert db.sql("select count(*) from revocations")[0][0] < 1_000
