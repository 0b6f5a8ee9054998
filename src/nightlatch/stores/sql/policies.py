"""Policies, in the rows of identities and organizations that every read of a session joins, as `i` and `o` beside `s`.

`session_proved_after` and `session_seen_after` bound, from below, when a session that is good was proved and last seen:
what a policy had ended when it was changed stays so under the next one. An organization's bounds are for those of its
people who have no such limit of their own.
"""

from collections.abc import Sequence

from nightlatch.core.sessions.model import IDLE_GRACE, NO_POLICY, AtLimit, Governed, Policy
from nightlatch.stores.sql.statement import Row, Rows, sql

_COLUMNS = [f"session_{field}" for field in Policy.__struct_fields__]
WIDTH = len(_COLUMNS)
EFFECTIVE = ", ".join(f"coalesce(i.{column}, o.{column})" for column in _COLUMNS)
_LIFESPAN = "coalesce(i.session_lifespan, o.session_lifespan)"
_IDLE = "coalesce(i.session_idle, o.session_idle, {})"
_OVER = """s.authenticated_at <= i.session_proved_after or s.last_seen <= i.session_seen_after
    or (i.session_lifespan is null and s.authenticated_at <= o.session_proved_after)
    or (i.session_idle is null and s.last_seen <= o.session_seen_after)"""
ENDS = f"""case when {_OVER} then s.last_seen when s.expires_at > s.authenticated_at + {_LIFESPAN}
    then s.authenticated_at + {_LIFESPAN} else s.expires_at end"""
"""When its time is over. One that another policy ended was over some time after it was last seen."""
IDLE = f"(s.last_seen + {_IDLE} <= {{}})"
"""Whether it was idle too long; takes what `idle` gives."""
_NEVER = 2**61

_OWN = ", ".join(f"i.{column}" for column in _COLUMNS)
OF = sql(f"""select i.id, {_OWN}, {EFFECTIVE} from identities i join organizations o on o.id = i.organization_id
    where i.organization_id = $1 and i.id in (select value from carray($2))""")
OF_ORGANIZATION = sql(f"select {', '.join(_COLUMNS)} from organizations where id = $1")

_SET = ", ".join(f"{column} = ${n}" for n, column in enumerate(_COLUMNS, 4))


def _latest(*bounds: str) -> str:
    return f"(select max(bound) from (select {' union all select '.join(f'{each} as bound' for each in bounds)}) as b)"


_PROVED = _latest(
    "i.session_proved_after",
    f"$2 - {_LIFESPAN}",
    "case when i.session_lifespan is null then o.session_proved_after end",
)
_SEEN = _latest(
    "i.session_seen_after",
    f"$2 - {_IDLE.format('$3')} - {IDLE_GRACE}",
    "case when i.session_idle is null then o.session_seen_after end",
)
PUT = sql(f"""update identities as i set {_SET}, session_proved_after = {_PROVED}, session_seen_after = {_SEEN}
    from organizations o where o.id = i.organization_id and i.id in (select value from carray($1))""")
_PROVED_OF_ALL = _latest("o.session_proved_after", "$2 - o.session_lifespan")
_SEEN_OF_ALL = _latest("o.session_seen_after", f"$2 - coalesce(o.session_idle, $3) - {IDLE_GRACE}")
PUT_ORGANIZATION = sql(f"""update organizations as o set {_SET}, session_proved_after = {_PROVED_OF_ALL},
    session_seen_after = {_SEEN_OF_ALL} where id = $1""")


class SqlPolicies(Rows):
    async def of(self, organization: bytes, identity_ids: Sequence[bytes]) -> dict[bytes, Governed]:
        rows = await self._connection.rows(OF, organization, self._connection.array(identity_ids))
        return {row[0]: Governed(policy_of(row[1 : 1 + WIDTH]), policy_of(row[1 + WIDTH :])) for row in rows}

    async def put(self, identity_ids: Sequence[bytes], policy: Policy, idle: int | None, now: int) -> None:
        await self._connection.run(PUT, self._connection.array(identity_ids), now, idle or _NEVER, *_row(policy))

    async def of_organization(self, organization: bytes) -> Policy | None:
        return await self._one(policy_of, OF_ORGANIZATION, organization)

    async def put_organization(self, organization: bytes, policy: Policy, idle: int | None, now: int) -> None:
        await self._connection.run(PUT_ORGANIZATION, organization, now, idle or _NEVER, *_row(policy))


def policy_of(row: Row) -> Policy:
    if tuple(row).count(None) == WIDTH:
        return NO_POLICY
    lifespan, idle, most, at_limit, *flags = row
    end_others, ends_with_browser = (None if flag is None else bool(flag) for flag in flags)
    return Policy(lifespan, idle, most, None if at_limit is None else AtLimit(at_limit), end_others, ends_with_browser)


def idle(usual: int | None, now: int) -> tuple[int, int]:
    """The values that IDLE takes, `usual` being what is configured."""
    return usual or _NEVER, now - IDLE_GRACE


def _row(p: Policy) -> tuple[object, ...]:
    flags = (None if flag is None else int(flag) for flag in (p.end_others, p.ends_with_browser))
    return (p.lifespan, p.idle, p.max_per_identity, p.at_limit, *flags)
