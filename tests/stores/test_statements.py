"""Every statement says the same on both databases, and none that is asked often reads a whole table."""

import ast
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.database import TABLES, Database, Run
from tests.postgres import Postgres
from tests.stores.rows import NOW
from tests.stores.statements import SCRIPT, Array, named
from tests.test_layering import functions

from nightlatch.core.courier.model import Filter as MessageFilter
from nightlatch.core.events.question import Question as LogQuestion
from nightlatch.core.events.question import filter_of as log_filter
from nightlatch.core.identities.model import Filter as IdentityFilter
from nightlatch.core.identities.model import Name
from nightlatch.core.identities.question import Question as IdentityQuestion
from nightlatch.core.identities.question import filter_of as identity_filter
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.questions import Attribute, Kind
from nightlatch.core.sessions.model import Filter, Position
from nightlatch.core.sessions.question import Question, filter_of
from nightlatch.kernel.filters import Comparison, Op
from nightlatch.kernel.ids import id_text
from nightlatch.stores import sql
from nightlatch.stores.sql.identities import SqlIdentities
from nightlatch.stores.sql.identity_questions import SqlIdentityQuestions
from nightlatch.stores.sql.log import SqlLog
from nightlatch.stores.sql.messages import SqlMessages
from nightlatch.stores.sql.questions import SqlQuestions
from nightlatch.stores.sql.searchable import SqlSearchable
from nightlatch.stores.sql.sessions import SqlSessions
from nightlatch.stores.sql.statement import Conditions, Connection, Statement

STATEMENTS = dict(named())
BIG = 20_000
# A few rows: an index would not be used.
SMALL = {"endings.OLDEST", "feed.LIST"}
TEAM = {"traits.team": Attribute(Kind.NUMBER)}
FEW = [Comparison("traits.team", Op.EQ, "t0007"), Comparison("traits.team", Op.SW, "t000")]


@pytest.fixture
def both(tmp_path: Any, postgres: Postgres, run: Run) -> Iterator[list[Database]]:
    made = postgres.create_database()
    opened = [Database(f"sqlite://{tmp_path}/db.sqlite", run), Database(made, run)]
    yield opened
    for db in opened:
        db.close()
    postgres.drop_database(made)


def arguments_for(connection: Connection, arguments: Sequence[Any]) -> list[Any]:
    return [connection.array(a) if isinstance(a, Array) else a for a in arguments]


async def play(tx: Any) -> list[tuple[str, Any]]:
    """What each step of the script gives back, and what is in the tables in the end."""
    connection: Connection = tx.sessions._connection
    outcomes: list[tuple[str, Any]] = []
    for name, calls in SCRIPT:
        statement = STATEMENTS[name]
        for call in calls:
            arguments = arguments_for(connection, call)
            if re.match("select|.* returning ", statement.sqlite, re.DOTALL):
                rows = [tuple(row) for row in await connection.rows(statement, *arguments)]
                outcomes.append((name, rows if "order by" in statement.sqlite else sorted(rows)))
            else:
                outcomes.append((name, await connection.run(statement, *arguments)))
    for table in TABLES:
        left = await connection.rows(Statement(*[f"select * from {table}"] * 2))
        outcomes.append((table, sorted((tuple(row) for row in left), key=repr)))
    return outcomes


def test_the_script_has_every_statement() -> None:
    assert {name for name, _ in SCRIPT} == set(STATEMENTS)


def test_no_statement_is_made_where_these_tests_do_not_look(
    both: list[Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They know those that a module holds under a name, and those that `lists` has put together."""
    makers, hidden = set(), []
    for file in sorted(Path(sql.__path__[0]).glob("*.py")):
        for function in functions(ast.parse(file.read_text())):
            calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
            if any(isinstance(call, ast.Attribute) and call.attr == "statement" for call in calls):
                makers.add(f"{file.stem}.{function.name}")
            inside = {"sql", "insert", "purge", "Statement"} if file.stem != "statement" else set()
            hidden += [f"{file.stem}.{function.name}" for call in calls if getattr(call, "id", "") in inside]
    assert hidden == []
    made, make = set(), Conditions.statement

    def noted(conditions: Conditions, text: str) -> Statement:
        code = sys._getframe(1).f_code
        made.add(f"{Path(code.co_filename).stem}.{code.co_name}")
        return make(conditions, text)

    monkeypatch.setattr(Conditions, "statement", noted)
    both[0].write(lambda tx: lists(tx.sessions._connection))
    assert made == makers


def test_every_statement_gives_the_same_on_both_databases(both: list[Database]) -> None:
    on_sqlite, on_postgres = (db.write(play) for db in both)
    for one, other in zip(on_sqlite, on_postgres, strict=True):
        assert one == other
    # Each statement must have hit something, or their agreement says nothing.
    silent = set(STATEMENTS) - {name for name, outcome in on_sqlite if outcome}
    assert silent == {"feed.LIST"}  # SQLite has no nodes


class Recording:
    """Remembers what it is asked, and answers with nothing."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.asked: list[tuple[Statement, tuple[Any, ...]]] = []

    async def rows(self, statement: Statement, *arguments: Any) -> list[Any]:
        self.asked.append((statement, arguments))
        return []

    async def row(self, statement: Statement, *arguments: Any) -> None:
        self.asked.append((statement, arguments))

    def array(self, values: Any) -> Any:
        return self._connection.array(values)


async def lists(connection: Connection) -> list[tuple[Statement, tuple[Any, ...]]]:
    """The statements of every kind of list and of every count that has a filter."""
    recording: Any = Recording(connection)
    identities, sessions = SqlIdentities(recording), SqlSessions(recording)
    names = (Name("password", "p17@example.org"), Name("code", "p17@example.org"))
    somebody = bytes(14) + b"\0\7"
    for where in (
        IdentityFilter(),
        IdentityFilter(ids=(somebody, bytes(16))),
        IdentityFilter(identifiers=names),
        IdentityFilter(prefixes=(Name("password", "p17"), Name("code", "p17"))),
        IdentityFilter(schema_id="robot"),
        IdentityFilter(ids=(somebody,), identifiers=names, prefixes=names, schema_id="robot"),
    ):
        for after in (None, somebody):
            await identities.list(DEFAULT, where, after, 0, 251)
        if where != IdentityFilter():
            await identities.count(DEFAULT, where)
    for mine in (None, somebody):
        for active in (None, True, False):
            for since in (None, NOW - 9):
                chosen = Filter(mine, active, somebody if mine else None, since)
                for position in (None, Position(NOW + BIG, somebody)):
                    await sessions.list(DEFAULT, chosen, NOW, position, 0, 251)
                if mine:
                    await sessions.count(DEFAULT, chosen, NOW)
    for before in (None, somebody):
        # By status or recipient no index serves it: an operator's look for one letter among those of the last days.
        await SqlMessages(recording).page(DEFAULT, MessageFilter(), before, 251)
    await questions(SqlQuestions(recording), somebody)
    await identity_questions(SqlIdentityQuestions(recording), somebody)
    for few in FEW:
        await SqlSearchable(recording).few(DEFAULT, few, 1000)
    await log(SqlLog(recording), somebody)
    asked: list[tuple[Statement, tuple[Any, ...]]] = recording.asked
    return asked


async def questions(asked: SqlQuestions, somebody: bytes) -> None:
    """Every kind of question that an index serves, and how far one goes that none does."""
    where = f'identity.id eq "{id_text(somebody)}"'
    span = 'created_at ge "2027-01-01T00:00:00Z" and created_at lt "2027-02-01T00:00:00Z"'
    narrow = [where, f'id eq "{id_text(somebody)}"', "number eq 7", 'identity.external_id eq "p17"']
    for text in (*narrow, f'{where} and device.kind eq "web"', f"{where} and ({span})", span):
        for oldest_first in (False, True):
            question = Question(DEFAULT, NOW, NOW - 9, filter_of(text), oldest_first)
            for position in (None, Position(NOW + BIG, somebody)):
                await asked.list(question, position, NOW, 251)
                await asked.horizon(question, position, 100)
        if text in narrow:
            await asked.places(question, None, None, 1001)
            await asked.summary(question, ("password",))
    for few in FEW:
        question = Question(DEFAULT, NOW, NOW - 9, few, few=few)
        await asked.list(question, Position(NOW + BIG, somebody), None, 251)
        await asked.places(question, None, None, 1001)


async def identity_questions(asked: SqlIdentityQuestions, somebody: bytes) -> None:
    span = 'created_at ge "2027-01-01T00:00:00Z" and created_at lt "2027-02-01T00:00:00Z"'
    narrow = [f'id eq "{id_text(somebody)}"', 'external_id eq "p17"']
    for text in (*narrow, span, f"{span} and traits.team eq 7"):
        for oldest_first in (False, True):
            question = IdentityQuestion(DEFAULT, identity_filter(text, TEAM), oldest_first)
            for place in (None, (NOW, somebody)):
                await asked.list(question, place, NOW, 251)
                await asked.horizon(question, place, 100)
                await asked.places(question, place, None, 251)
        if text in narrow:
            await asked.summary(question, ("robot",))
    for few in FEW:
        question = IdentityQuestion(DEFAULT, few, few=few)
        await asked.list(question, (NOW, somebody), None, 251)
        await asked.summary(question, ("robot",))


async def log(asked: SqlLog, somebody: bytes) -> None:
    """Every question over events that an index serves, and how far one goes that none does."""
    span = 'at ge "2027-01-01T00:00:00Z" and at lt "2027-02-01T00:00:00Z"'
    for text in (f'id eq "{id_text(somebody)}"', "position eq 7", span, f'{span} and actor eq "x"'):
        for oldest_first in (False, True):
            question = LogQuestion(DEFAULT, log_filter(text), oldest_first)
            for place in (None, (NOW, somebody)):
                await asked.list(question, place, NOW, 251)
                await asked.horizon(question, place, 100)


async def on_postgres(connection: Connection) -> list[tuple[Statement, tuple[Any, ...]]]:
    """With those for many rows, which SQLite does without."""
    asked = await everything(connection)
    many = [(Statement("", s.bulk), tuple([each] for each in arguments)) for s, arguments in asked if s.bulk]
    return asked + many


async def everything(connection: Connection) -> list[tuple[Statement, tuple[Any, ...]]]:
    script = [(name, STATEMENTS[name], arguments_for(connection, calls[0])) for name, calls in SCRIPT]
    hot = [(statement, tuple(arguments)) for name, statement, arguments in script if name not in SMALL]
    return [*hot, *await lists(connection)]


def test_on_sqlite_no_statement_reads_a_whole_table(both: list[Database]) -> None:
    async def scans(tx: Any) -> list[str]:
        connection: Connection = tx.sessions._connection
        found = []
        for statement, arguments in await everything(connection):
            explain = Statement("explain query plan " + statement.sqlite, "")
            plan = [str(row[3]) for row in await connection.rows(explain, *arguments)]
            wrong = [
                line
                for line in plan
                if (
                    re.match(
                        r"SCAN (?!carray|CONSTANT|events USING .*INDEX events_unsealed|jobs USING .*INDEX jobs_running)",
                        line,
                    )
                    # The one row, or the few, that a query in its place has found.
                    and not (line == "SCAN s" and {"CO-ROUTINE s", "MATERIALIZE s"} & set(plan))
                )
                # What a trait finds is sorted.
                or (
                    "TEMP B-TREE" in line
                    and "traits where organization_id" not in statement.sqlite
                    # Of the countries that are counted there are few.
                    and not (line == "USE TEMP B-TREE FOR GROUP BY" and "substr(s.location" in statement.sqlite)
                )
            ]
            if "s.identity_id = " in statement.sqlite:
                wrong += [line for line in plan if "sessions_page" in line]
            wrong += [line for line in plan if line.endswith("names USING PRIMARY KEY (organization_id=?)")]
            found += [f"{line}: {statement.sqlite}" for line in wrong]
        return found

    assert both[0].write(scans) == []


FILL = f"""
    insert into identities select ('00000000-0000-0000-0000-' || lpad(to_hex(n), 12, '0'))::uuid, '{DEFAULT.hex()}',
      case n % 7 when 0 then 'robot' else 'default' end, 'active', 0, '{{}}', null, null, null, '[]', 1, 0, 0, 0, 0
      from generate_series(1, {BIG}) n;
    insert into names select '{DEFAULT.hex()}', kind, 'p' || i.version || right(i.id::text, 8), i.id
      from identities i, unnest(array['password', 'code', 'verifiable:email']) kind;
    insert into searchable_traits select id, 'team', 't' || right(id::text, 4), organization_id
      from identities;
    insert into credentials select id, type, '[]', '{{}}', 1, 0, 1, 0, 0
      from identities, unnest(array['password', 'totp']) type;
    insert into sessions select gen_random_uuid(), 2 * row_number() over () + n, '{DEFAULT.hex()}', id,
      sha256((id::text || n)::bytea), 1, '[]', {NOW} + row_number() over (), 0, 0, {NOW} + 1 - n, null, {NOW}, id,
      null, null, null, 'web', 0, 0, 0, 0 from identities, generate_series(0, 1) n;
    insert into flows select id, '{DEFAULT.hex()}', 'login', 'api', 's', null, id, '', null, '{{}}', 0, {NOW}, null
      from identities;
    insert into codes select id, '{DEFAULT.hex()}', id, id, 'code', '', {NOW}, 0, null from identities;
    insert into attempts select sha256(id::text::bytea), 0, 1, 1, 0, {NOW} + version from identities;
    insert into access_keys select id, '{DEFAULT.hex()}', '', sha256(id::text::bytea), '[]', 0, null, null
      from identities;
    insert into idempotency_keys select sha256(id::text::bytea), id::text, '', '', 0, {NOW} + version, 0, null
      from identities;
    insert into organizations select ('00000000-0000-0000-0001-' || lpad(to_hex(n), 12, '0'))::uuid, 'o' || n, 0
      from generate_series(1, {BIG}) n;
    insert into organization_aliases select 'team', name, id from organizations;
    insert into events select id, '{DEFAULT.hex()}', 0, '', '', null, null, null, 0, null,
      case row_number() over () when 1 then null else row_number() over () end from identities;
    insert into seals select n, '', '', 0 from generate_series(1, {BIG}) n;
    insert into endings select id, '{DEFAULT.hex()}', id, 'disable', 0, id, 0, 0, 0, 0, 0, id from identities;
    insert into jobs select id, '{DEFAULT.hex()}', '', '', '', '', 0, 0, 0, '', 0, 0, '[]', null, null,
      case version when 1 then null else {NOW} + version end from identities;
    insert into messages select id, '{DEFAULT.hex()}', id, 'email', id::text, 'recovered', '', 0, 0,
      case version when 1 then {NOW} end, case version when 1 then null else {NOW} end, 'sent', 1, '[]' from identities;
    analyze;
"""


def seq_scans(plan: Any) -> list[str]:
    """The big tables that a plan reads from end to end."""
    if isinstance(plan, list):
        return [name for part in plan for name in seq_scans(part)]
    if not isinstance(plan, dict):
        return []
    whole = [plan["Relation Name"]] if plan.get("Node Type") == "Seq Scan" else []
    return [name for name in whole if name not in {"organizations", "trait_marks"}] + seq_scans(list(plan.values()))


def test_on_postgres_no_statement_reads_a_whole_big_table(both: list[Database], postgres: Postgres) -> None:
    db = both[1]
    postgres.run(FILL, db.dsn.rpartition("/")[2])

    async def scans(tx: Any) -> list[str]:
        connection: Connection = tx.sessions._connection
        found = []
        for statement, arguments in await on_postgres(connection):
            explain = Statement("", f"explain (format json) {statement.postgres}")
            plan = json.loads((await connection.rows(explain, *arguments))[0][0])
            found += [f"{name}: {statement.postgres}" for name in seq_scans(plan)]
        return found

    assert db.write(scans) == []


def test_on_postgres_no_plan_that_is_kept_reads_a_whole_big_table(both: list[Database], postgres: Postgres) -> None:
    db = both[1]
    name = db.dsn.rpartition("/")[2]
    postgres.run(FILL, name)
    asked = db.write(lambda tx: on_postgres(tx.sessions._connection))
    # A count reads what it counts, and how much that is cannot be told before the arguments are.
    texts = list(dict.fromkeys(s.postgres for s, _ in asked if "select count(*)" not in s.postgres))
    explained = [f"explain (generic_plan, format json) {text}" for text in texts]
    # In parts: a command line has a longest.
    shown = "".join(postgres.run(";".join(explained[n : n + 20]), name) for n in range(0, len(explained), 20)).lstrip()
    found, decoder = [], json.JSONDecoder()
    for text in texts:
        plan, end = decoder.raw_decode(shown)
        shown = shown[end:].lstrip()
        found += [f"{name}: {text}" for name in seq_scans(plan)]
    assert found == []
