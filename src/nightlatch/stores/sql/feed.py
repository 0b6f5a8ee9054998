"""The feed of changes that nodes on PostgreSQL follow, and the leases under which they keep answers: tables, triggers
that write it, and every statement of the protocol in docs/security/never-stale.md.

A row of the feed says whose kept answers are out of date: an identity, an organization, or with no target everybody.
Triggers write it in the transaction of the change, so that no statement can be written that forgets it.
"""

from nightlatch.core.leases.model import Lease
from nightlatch.stores.sql.statement import Row, Rows, sql

MOST = 256  # targets of one transaction; more are everybody
CHANNEL = "nightlatch"

# All of a row that a check may show, but for when it was last seen.
SESSION = """id, number, organization_id, identity_id, token_hash, aal, methods, created_at, issued_at,
    authenticated_at, expires_at, ended_at, device_id, ip, user_agent, location, device_kind,
    identity_ended, identity_deleted, organization_ended, organization_deleted"""
_WAS, _IS = (", ".join(f"{row}.{column.strip()}" for column in SESSION.split(",")) for row in ("was", "now"))
_LIVE = """join identities i on i.id = was.identity_id
        and i.ended_before = was.identity_ended and i.deleted_before = was.identity_deleted
    join organizations o on o.id = was.organization_id
        and o.ended_before = was.organization_ended and o.deleted_before = was.organization_deleted"""


def _told_by(name: str, body: str) -> str:
    return (
        f"create function nightlatch_{name}() returns trigger language plpgsql as $$ begin {body} return null; end $$"
    )


def _tell(owner: str, rest: str) -> str:
    return f"perform nightlatch_tell(array(select distinct {owner} {rest} limit {MOST + 1}));"


def _trigger(table: str, act: str, function: str) -> str:
    rows = {
        "insert": "referencing new table as now",
        "update": "referencing old table as was new table as now",
        "delete": "referencing old table as was",
    }.get(act, "")
    return f"""create trigger nightlatch_{act} after {act} on {table} {rows}
        for each statement execute function nightlatch_{function}()"""


# What a statement says of itself, once: that it changes nothing shown.
_UNSHOWN = """if current_setting('nightlatch.unshown', true) = 'on' then
    perform set_config('nightlatch.unshown', '', true); return null; end if;"""
QUIETLY = "set_config('nightlatch.unshown', 'on', true) = 'on'"

TABLES = (
    "create table revocations (id uuid primary key default gen_random_uuid(), target uuid, position bigint)",
    "create unique index revocations_position on revocations (position) where position is not null",
    "create index revocations_lying on revocations (id) where position is null",
    """create table revocation_head (
        only_row boolean primary key default true check (only_row), position bigint not null)""",
    "insert into revocation_head (position) values (0)",
    """create table node_leases (
        id uuid primary key, node text not null, applied bigint not null, renewed bigint not null default 0,
        closed boolean not null default false, wait bigint not null)""",
    f"""create function nightlatch_tell(targets uuid[]) returns void language plpgsql as $$
    declare told text := coalesce(current_setting('nightlatch.told', true), ''); more uuid[];
    begin
        if told = '*' then return; end if;
        more := array(select each from unnest(targets) each where strpos(told, each::text) = 0);
        if cardinality(more) = 0 then return; end if;
        if length(told) / 36 + cardinality(more) > {MOST} then
            insert into revocations default values;
            told := '*';
        else
            insert into revocations (target) select unnest(more);
            told := told || array_to_string(more, '');
        end if;
        perform set_config('nightlatch.told', told, true);
    end $$""",
    # Each statement of a volatile function has a snapshot of its own: the second's is taken under the lock.
    f"""create function nightlatch_settle() returns bigint language plpgsql volatile as $$
    declare before bigint; after bigint;
    begin
        select position into before from revocation_head where only_row for update;
        with lying as (select id, row_number() over (order by id) as n from revocations where position is null),
            numbered as (update revocations r set position = before + lying.n from lying where r.id = lying.id
                returning r.position)
        update revocation_head set position = (select max(position) from numbered)
            where only_row and exists (select 1 from numbered) returning position into after;
        if after is null then return before; end if;
        if after / 1000 > before / 1000 and not exists (select 1 from node_leases) then
            delete from revocations where position <= after; -- nobody keeps anything, so nobody else trims it
        end if;
        perform pg_notify('{CHANNEL}', '');
        return after;
    end $$""",
    _told_by("whose_own", _tell("id", "from was")),
    _told_by("whose_credential", _tell("identity_id", "from was")),
    # Nobody has seen anything yet of who was made in the same transaction.
    _told_by(
        "whose_new_credential",
        _tell(
            "now.identity_id",
            "from now join identities i on i.id = now.identity_id where i.xmin <> pg_current_xact_id()::xid",
        ),
    ),
    # What was over before shows nothing: whatever ended it was told.
    _told_by(
        "whose_session",
        f"""{_UNSHOWN} {
            _tell(
                "was.identity_id",
                f'''from was left join now on now.id = was.id {_LIVE}
        where was.ended_at is null and row({_WAS}) is distinct from row({_IS})''',
            )
        }""",
    ),
    _told_by(
        "whose_session_was", f"{_UNSHOWN} {_tell('was.identity_id', f'from was {_LIVE} where was.ended_at is null')}"
    ),
    _told_by("everybody", "insert into revocations default values;"),
    *(
        _trigger(table, act, function)
        for table, acts in {
            "identities": {"update": "whose_own", "delete": "whose_own"},
            "organizations": {"update": "whose_own", "delete": "whose_own"},
            "credentials": {
                "insert": "whose_new_credential",
                "update": "whose_credential",
                "delete": "whose_credential",
            },
            "sessions": {"update": "whose_session", "delete": "whose_session_was"},
        }.items()
        for act, function in (acts | {"truncate": "everybody"}).items()
    ),
)

SETTLE = "select nightlatch_settle()"
LEASES = "select id, closed or applied < $1 from node_leases"
CLOSE = "update node_leases set closed = true where applied < $1 and not closed"
CLOSED = "select id, wait from node_leases where closed"
REMOVE = "delete from node_leases where closed and id = any($1)"
# Under the lock that settling takes: what is settled later is in the feed for as long as this lease has not applied it.
JOIN = """insert into node_leases (id, node, applied, wait)
    select $1, $2, position, $3 from revocation_head where only_row for share returning applied"""
LEAVE = "delete from node_leases where id = $1"
FEED = "select position, target from revocations where position > $1 order by position limit 1000"
RENEW = """update node_leases set renewed = renewed + 1, applied = greatest(applied, $2)
    where id = $1 and not closed returning renewed"""
LYING = "select id from revocations where position is null order by id limit 1000"
SEEN = "select id, renewed, wait from node_leases"
REAP = "delete from node_leases where id = $1 and renewed = $2"
TRIM = "delete from revocations where position <= (select min(applied) from node_leases)"
# Of the server's history; fails on a standby.
TIMELINE = "select left(pg_walfile_name(pg_current_wal_lsn()), 8)"

# SQLite has no nodes.
LIST = sql(
    "select null, null, 0, 0, 0, 0 where false",
    """select l.id, l.node, l.applied, h.position - l.applied, l.renewed, l.closed
    from node_leases l, revocation_head h order by l.node, l.id""",
)


class SqlNodes(Rows):
    async def list(self) -> list[Lease]:
        return await self._all(_lease, LIST)


def _lease(row: Row) -> Lease:
    return Lease(row[0], row[1], row[2], max(0, row[3]), row[4], bool(row[5]))
