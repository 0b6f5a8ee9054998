"""What is sent and answered about jobs, and what begins those on identities."""

from datetime import datetime

import msgspec

from nightlatch.core.jobs import model
from nightlatch.core.jobs.model import Kind, Status
from nightlatch.doors.native.shapes import Identity, Ids, Reason
from nightlatch.kernel.clock import moment as at
from nightlatch.kernel.ids import id_text


class JobFailure(msgspec.Struct):
    """`id` is that of what failed, or of the job where all of it did; `problem` is the code of a problem."""

    id: str
    problem: str
    detail: str


class Job(msgspec.Struct, kw_only=True):
    """`done` and `failed` of `total` are dealt with; the first hundred of those that failed are in `failures`."""

    id: str
    kind: Kind
    status: Status
    actor: str
    reason: str
    filter: str | None
    total: int
    done: int
    failed: int
    failures: list[JobFailure]
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None


class Jobs(msgspec.Struct):
    jobs: list[Job]
    next_cursor: str | None = None


class ChangeIdentities(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One of `ids`, `organization`, `filter` and `token` says which. `dry_run` changes none, and gives the token that
    changes no more than it showed."""

    reason: Reason
    ids: Ids | None = None
    organization: str | None = None
    filter: str | None = None
    token: str | None = None
    dry_run: bool = False
    allow_scan: bool = False


class Tried(msgspec.Struct, kw_only=True):
    """How many it would be, the first ten of them, and the token for them."""

    count: int
    sample: list[Identity]
    token: str
    expires_at: datetime


def job(shown: model.Job) -> Job:
    return Job(
        id=id_text(shown.id),
        kind=shown.kind,
        status=shown.status,
        actor=shown.actor,
        reason=shown.reason,
        filter=shown.which.filter,
        total=shown.total,
        done=shown.done,
        failed=shown.failed,
        failures=[JobFailure(id_text(each.id), each.problem, each.reason) for each in shown.failures],
        created_at=at(shown.created_at),
        updated_at=at(shown.updated_at),
        ended_at=None if shown.ended_at is None else at(shown.ended_at),
    )
