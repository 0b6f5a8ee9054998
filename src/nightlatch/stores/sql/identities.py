"""Identity rows and the names that only one identity of an organization may hold.

An identity is one row, its addresses in it as JSON; `names` is what makes them unique and finds them.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from nightlatch.core.identities.model import Address, Filter, Identity, Name, State
from nightlatch.stores.sql.statement import FIRST, Conditions, Connection, Row, Rows, insert, sql

COLUMNS = """i.id, i.organization_id, i.schema_id, i.state, i.state_changed_at, i.traits, i.metadata_public,
    i.metadata_admin, i.external_id, i.addresses, i.version, i.ended_before, i.deleted_before, i.created_at,
    i.updated_at"""
WIDTH = 15

_GET = f"select {COLUMNS} from identities i where i.organization_id = $1 and i.id = $2"
GET = sql(_GET)
LOCK = sql(_GET, _GET + " for update")
HOLDER = sql("select identity_id from names where organization_id = $1 and kind = $2 and value = $3")
_HOLDERS = "select value, identity_id from names where organization_id = $1 and kind = $2 and value "
HOLDERS = sql(_HOLDERS + "in (select value from carray($3))", _HOLDERS + "= any($3)")
ADD = insert(
    "identities",
    """id, organization_id, schema_id, state, state_changed_at, traits, metadata_public, metadata_admin, external_id,
    addresses, version, ended_before, deleted_before, created_at, updated_at""",
)
CHANGE = sql("""update identities set schema_id = $3, state = $4, state_changed_at = $5, traits = $6,
    metadata_public = $7, metadata_admin = $8, external_id = $9, addresses = $10, version = $11, updated_at = $12
    where organization_id = $1 and id = $2""")
REMOVE = sql("delete from identities where organization_id = $1 and id = $2")
ADD_NAME = insert("names", "organization_id, kind, value, identity_id")
NAMES = sql("select kind, value from names where identity_id = $1")
REMOVE_NAME = sql("delete from names where organization_id = $1 and kind = $2 and value = $3")

_decode_addresses = msgspec.json.Decoder(tuple[Address, ...]).decode
_encode = msgspec.json.Encoder().encode


class SqlIdentities(Rows):
    async def get(self, organization: bytes, identity_id: bytes) -> Identity | None:
        return await self._one(identity_of, GET, organization, identity_id)

    async def lock(self, organization: bytes, identity_id: bytes) -> Identity | None:
        return await self._one(identity_of, LOCK, organization, identity_id)

    async def holder(self, organization: bytes, name: Name) -> bytes | None:
        return await self._one(FIRST, HOLDER, organization, name.kind, name.value)

    async def list(
        self, organization: bytes, where: Filter, after: bytes | None, skip: int, limit: int
    ) -> list[Identity]:
        conditions = _conditions(self._connection, organization, where)
        if after is not None:
            conditions.add("i.id > {}", after)
        end = f"order by i.id limit {conditions.parameter(limit)} offset {conditions.parameter(skip)}"
        statement = conditions.statement(f"select {COLUMNS} from identities i where %s {end}")
        return await self._all(identity_of, statement, *conditions.arguments)

    async def count(self, organization: bytes, where: Filter) -> int:
        conditions = _conditions(self._connection, organization, where)
        statement = conditions.statement("select count(*) from identities i where %s")
        return await self._one(FIRST, statement, *conditions.arguments) or 0

    async def holders(self, organization: bytes, names: Collection[Name]) -> dict[Name, bytes]:
        kinds: dict[str, list[str]] = defaultdict(list)
        for name in names:
            kinds[name.kind].append(name.value)
        found: dict[Name, bytes] = {}
        for kind, values in kinds.items():
            rows = await self._connection.rows(HOLDERS, organization, kind, self._connection.array(values))
            found.update((Name(kind, value), identity_id) for value, identity_id in rows)
        return found

    async def add(self, new: Sequence[tuple[Identity, Collection[Name]]]) -> None:
        await self._connection.many(ADD, [_row(identity) for identity, _ in new])
        # In the order of the key: neighbours in the tree are written together.
        names = sorted((i.organization, n.kind, n.value, i.id) for i, held in new for n in held)
        await self._connection.many(ADD_NAME, names)

    async def change(self, identity: Identity, names: Collection[Name]) -> None:
        i = identity
        await self._connection.run(
            CHANGE, i.organization, i.id, i.schema_id, i.state, i.state_changed_at, i.traits, i.metadata_public,
            i.metadata_admin, i.external_id, _encode(i.addresses).decode(), i.version, i.updated_at,
        )  # fmt: skip
        held = {Name(*row) for row in await self._connection.rows(NAMES, i.id)}
        wanted = set(names)
        for statement, some in ((REMOVE_NAME, held - wanted), (ADD_NAME, wanted - held)):
            rows = sorted((i.organization, n.kind, n.value) for n in some)
            more = (i.id,) if statement is ADD_NAME else ()
            await self._connection.many(statement, [(*row, *more) for row in rows])

    async def remove(self, organization: bytes, identity_id: bytes) -> bool:
        return await self._connection.run(REMOVE, organization, identity_id) > 0


def identity_of(row: Row) -> Identity:
    """The identity of a row that begins with COLUMNS."""
    fields = list(row[:WIDTH])
    fields[3], fields[9] = State(fields[3]), _decode_addresses(fields[9])
    return Identity(*fields)


def _row(identity: Identity) -> list[Any]:
    fields = list(msgspec.structs.astuple(identity))
    fields[9] = _encode(fields[9]).decode()
    return fields


def _conditions(connection: Connection, organization: bytes, where: Filter) -> Conditions:
    conditions = Conditions(connection)
    conditions.add("i.organization_id = {}", organization)
    if where.ids is not None:
        conditions.among("i.id", where.ids)
    if where.schema_id is not None:
        conditions.add("i.schema_id = {}", where.schema_id)
    if where.identifiers is not None:
        _holding(conditions, organization, "value = {}", [(n.kind, n.value) for n in where.identifiers])
    if where.prefixes is not None:
        # The last code point bounds the range in byte order, so that the index serves it.
        bounds = [(n.kind, n.value, n.value + "\U0010ffff") for n in where.prefixes]
        _holding(conditions, organization, "value >= {} and value < {}", bounds)
    return conditions


def _holding(conditions: Conditions, organization: bytes, test: str, any_of: Sequence[tuple[str, ...]]) -> None:
    # One search each: joined by "or", SQLite would read all names of the organization.
    one = f"select identity_id from names where organization_id = {{}} and kind = {{}} and {test}"
    values = [value for some in any_of for value in (organization, *some)]
    conditions.add(f"i.id in ({' union all '.join([one] * len(any_of))})", *values)
