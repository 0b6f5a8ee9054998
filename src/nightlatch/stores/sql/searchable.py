"""The values by which filters find identities, and how far they are filled in."""

from collections.abc import Sequence
from typing import Any

import msgspec

from nightlatch.core.identities.model import Filling, Identity, Marks, Searchable
from nightlatch.kernel.filters import Comparison
from nightlatch.stores.sql.filters import held
from nightlatch.stores.sql.identities import COLUMNS, identity_of
from nightlatch.stores.sql.statement import Conditions, Row, Rows, insert, sql

ADD = insert("searchable_traits", "identity_id, name, value, organization_id")
OF = sql("""select identity_id, name, value, organization_id from searchable_traits
    where identity_id in (select value from carray($1))""")
REMOVE = sql("delete from searchable_traits where identity_id = $1 and name = $2 and value = $3")
_NEXT = f"select {COLUMNS} from identities i where i.id > $1 order by i.id limit $2"
NEXT = sql(_NEXT, _NEXT + " for update")
ADD_MARKS = sql("""insert into trait_marks (id, wanted, filled, after_id) values (1, '[]', '[]', null)
    on conflict (id) do nothing""")
_MARKS = "select wanted, filled, after_id from trait_marks where id = 1"
MARKS = sql(_MARKS)
HOLD_MARKS = sql(_MARKS, _MARKS + " for update")
SAVE_MARKS = sql("update trait_marks set wanted = $1, filled = $2, after_id = $3 where id = 1")
REFILL = sql("update trait_marks set filled = '[]', after_id = $2 where id = 1 and wanted <> $1")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Marks).decode


class SqlSearchable(Rows):
    async def put(self, of: Sequence[tuple[Identity, Searchable]], *, new: bool = False) -> None:
        wanted = {(i.id, t.name, t.value, i.organization) for i, searchable in of for t in searchable.traits}
        stored: set[tuple[Any, ...]] = set()
        if not new and of:
            ids = self._connection.array([identity.id for identity, _ in of])
            stored = {tuple(row) for row in await self._connection.rows(OF, ids)}
        await self._connection.many(REMOVE, sorted(row[:3] for row in stored - wanted))
        await self._connection.many(ADD, sorted(wanted - stored))
        for marks in {searchable.marks for _, searchable in of}:
            await self._connection.run(REFILL, _encode(marks).decode(), bytes(16))

    async def few(self, organization: bytes, term: Comparison, most: int) -> bool:
        conditions = Conditions(self._connection)
        text = held(conditions, organization, term)
        statement = conditions.statement(f"select 1 {text} limit 1 offset {conditions.parameter(most)}")
        return await self._connection.row(statement, *conditions.arguments) is None

    async def filling(self) -> Filling:
        return await self._one(_filling, MARKS) or Filling()

    async def hold(self) -> Filling:
        await self._connection.run(ADD_MARKS)
        return await self._one(_filling, HOLD_MARKS) or Filling()

    async def save(self, filling: Filling) -> None:
        wanted, filled = (_encode(marks).decode() for marks in (filling.wanted, filling.filled))
        await self._connection.run(SAVE_MARKS, wanted, filled, filling.after)

    async def next(self, after: bytes, most: int) -> list[Identity]:
        return await self._all(identity_of, NEXT, after, most)


def _filling(row: Row) -> Filling:
    return Filling(_decode(row[0]), _decode(row[1]), row[2])
