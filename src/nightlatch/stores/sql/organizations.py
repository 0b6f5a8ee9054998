"""Organization rows and their aliases."""

from collections.abc import Sequence

from nightlatch.core.organizations.model import Alias, AliasKind, Organization
from nightlatch.stores.sql.statement import FIRST, Row, Rows, Statement, sql

_COLUMNS = "id, name, created_at"
ADD = sql(f"insert into organizations ({_COLUMNS}) values ($1, $2, $3)")
_GET = f"select {_COLUMNS} from organizations where id = $1"
GET = sql(_GET)
LOCK = sql(_GET, _GET + " for update")
BY_NAME = sql(f"select {_COLUMNS} from organizations where name = $1")
LIST = sql(f"select {_COLUMNS} from organizations where id > $1 order by id limit $2")
RENAME = sql("update organizations set name = $2 where id = $1")
HOLDER = sql("select organization_id from organization_aliases where kind = $1 and value = $2")
ADD_ALIAS = sql("insert into organization_aliases (organization_id, kind, value) values ($1, $2, $3)")
REMOVE_ALIAS = sql("delete from organization_aliases where organization_id = $1 and kind = $2 and value = $3")
_ALIASES = "select organization_id, kind, value from organization_aliases where organization_id "
ALIASES = sql(
    f"{_ALIASES} in (select value from carray($1)) order by organization_id, kind, value",
    f"{_ALIASES} = any($1) order by organization_id, kind, value",
)


class SqlOrganizations(Rows):
    async def add(self, organization: Organization) -> None:
        await self._connection.run(ADD, organization.id, organization.name, organization.created_at)

    async def get(self, organization_id: bytes) -> Organization | None:
        return await self._only(GET, organization_id)

    async def lock(self, organization_id: bytes) -> Organization | None:
        return await self._only(LOCK, organization_id)

    async def by_name(self, name: str) -> Organization | None:
        return await self._only(BY_NAME, name)

    async def holder(self, alias: Alias) -> bytes | None:
        return await self._one(FIRST, HOLDER, *alias)

    async def list(self, after: bytes | None, limit: int) -> Sequence[Organization]:
        return await self._with_aliases(await self._connection.rows(LIST, after or bytes(16), limit))

    async def rename(self, organization_id: bytes, name: str) -> bool:
        return await self._connection.run(RENAME, organization_id, name) > 0

    async def add_alias(self, organization_id: bytes, alias: Alias) -> None:
        await self._connection.run(ADD_ALIAS, organization_id, *alias)

    async def remove_alias(self, organization_id: bytes, alias: Alias) -> bool:
        return await self._connection.run(REMOVE_ALIAS, organization_id, *alias) > 0

    async def _only(self, statement: Statement, key: bytes | str) -> Organization | None:
        return next(iter(await self._with_aliases(await self._connection.rows(statement, key))), None)

    async def _with_aliases(self, rows: Sequence[Row]) -> Sequence[Organization]:
        aliases: dict[bytes, tuple[Alias, ...]] = {}
        ids = self._connection.array([row[0] for row in rows])
        for owner, kind, value in await self._connection.rows(ALIASES, ids):
            aliases[owner] = (*aliases.get(owner, ()), Alias(AliasKind(kind), value))
        return [Organization(id_, name, created_at, aliases.get(id_, ())) for id_, name, created_at in rows]
