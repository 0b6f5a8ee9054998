"""Job rows."""

import msgspec

from nightlatch.core.jobs.model import Failure, Job, Kind, Status, Which
from nightlatch.stores.sql.statement import Row, Rows, purge, sql

_COLUMNS = """id, organization_id, kind, actor, reason, which, total, created_at, updated_at, status, done, failed,
    failures, after_at, after_id, ended_at"""
_SELECT = f"select {_COLUMNS} from jobs where"

ADD = sql(f"insert into jobs ({_COLUMNS}) values ({', '.join(f'${n}' for n in range(1, 17))})")
GET = sql(f"{_SELECT} organization_id = $1 and id = $2")
HOLD = sql(f"{_SELECT} id = $1", f"{_SELECT} id = $1 for update")
LIST = sql(f"{_SELECT} organization_id = $1 and id < $2 order by id desc limit $3")
OLDEST = sql(f"{_SELECT} ended_at is null order by id limit 1")
SAVE = sql("""update jobs set updated_at = $2, status = $3, done = $4, failed = $5, failures = $6, after_at = $7,
    after_id = $8, ended_at = $9 where id = $1""")
PURGE = purge("jobs", since="ended_at")

_LAST = b"\xff" * 16
_encode = msgspec.json.Encoder().encode
_which = msgspec.json.Decoder(Which).decode
_failures = msgspec.json.Decoder(tuple[Failure, ...]).decode


class SqlJobs(Rows):
    async def add(self, job: Job) -> None:
        j = job
        made = (j.id, j.organization, j.kind, j.actor, j.reason, _encode(j.which).decode(), j.total, j.created_at)
        await self._connection.run(ADD, *made, *_moving(j))

    async def get(self, organization: bytes, job_id: bytes) -> Job | None:
        return await self._one(_job, GET, organization, job_id)

    async def hold(self, job_id: bytes) -> Job | None:
        return await self._one(_job, HOLD, job_id)

    async def list(self, organization: bytes, before: bytes | None, limit: int) -> list[Job]:
        return await self._all(_job, LIST, organization, before or _LAST, limit)

    async def oldest(self) -> Job | None:
        return await self._one(_job, OLDEST)

    async def save(self, job: Job) -> None:
        await self._connection.run(SAVE, job.id, *_moving(job))

    async def purge(self, before: int, most: int) -> int:
        return await self._connection.run(PURGE, before, most)


def _moving(j: Job) -> tuple[object, ...]:
    """What changes while it runs, in the order of the columns."""
    failures, after = _encode(j.failures).decode(), j.after or (None, None)
    return (j.updated_at, j.status, j.done, j.failed, failures, *after, j.ended_at)


def _job(row: Row) -> Job:
    return Job(
        id=row[0],
        organization=row[1],
        kind=Kind(row[2]),
        actor=row[3],
        reason=row[4],
        which=_which(row[5]),
        total=row[6],
        created_at=row[7],
        updated_at=row[8],
        status=Status(row[9]),
        done=row[10],
        failed=row[11],
        failures=_failures(row[12]),
        after=None if row[14] is None else (row[13], row[14]),
        ended_at=row[15],
    )
