"""One question over the sessions of an organization, and the same question ends them."""

from collections.abc import Sequence
from functools import partial

import msgspec

from nightlatch.core.access.rules import acting_in, allow
from nightlatch.core.administration import sessions as rules
from nightlatch.core.administration.work import GOOD_FOR, Trial, attempt
from nightlatch.core.events.model import Act
from nightlatch.core.flows.store import Tx
from nightlatch.core.jobs.model import Job, Kind, Which
from nightlatch.core.questions import Summary
from nightlatch.core.sessions.model import How, Revocation, Standing, Where
from nightlatch.core.sessions.question import Question, filter_of, state_of
from nightlatch.core.sessions.rules import end
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import KIB, Answer, Call
from nightlatch.doors.native import jobs, paging, questions, shapes
from nightlatch.doors.native.keys import organization_of
from nightlatch.kernel.clock import moment
from nightlatch.kernel.ids import id_text
from nightlatch.problems import FieldInvalid

QUESTION = (*questions.parameters('device.kind eq "mobile" and created_at gt …', "created_at"), questions.INCLUDE)
_WHICH = ("filter", "ids", "identities", "organization", "everybody", "token")


async def list_sessions(call: Call[Shared]) -> Answer:
    organization_id, include = organization_of(call), questions.include(call)
    asking = questions.asking(call, organization_id, partial(filter_of, traits=call.door.schemas.traits), "created_at")
    question = Question(organization_id, call.act.now, call.door.lifetime.idle, asking.where, asking.oldest_first)

    async def unit(tx: Tx) -> tuple[Sequence[Standing], Summary | None]:
        await acting_in(tx, call.act, organization_id)
        found = await rules.page(tx, question, asking.after, asking.page.size + 1, allow_scan=asking.allow_scan)
        if not include:
            return found, None
        return found, await rules.summary(tx, question, facets="facets" in include, allow_scan=asking.allow_scan)

    found, summary = await call.door.store.scan(unit)
    rows, token = paging.cut(call, asking.page, [(_place(each), _shown(each, question)) for each in found])
    answer = shapes.Sessions(sessions=rows, next_cursor=token)
    questions.counted(answer, summary, include)
    return Answer(200, shapes.encode(answer))


async def end_sessions(call: Call[Shared]) -> Answer:
    body = shapes.decode(await call.body(80 * KIB), shapes.EndSessions)  # a token may have 65 of them
    which = shapes.one_of(body, _WHICH)
    if body.dry_run and which != "filter":
        raise FieldInvalid("dry_run", "A trial is of a filter.")
    organization_id = organization_of(call, body.organization)
    act = await call.door.store.read(lambda tx: acting_in(tx, call.act, organization_id))
    if body.dry_run:
        allow(act.scopes, "sessions:read")  # its sample shows sessions
        return await _try(call, act, _to_end(call, act, body))
    if which in {"filter", "token"}:
        return await _end_matching(call, act, body)
    where = Where(
        session_ids=shapes.given_ids("ids", body.ids) if body.ids else None,
        identity_ids=shapes.given_ids("identities", body.identities or ()),
        everybody=which in {"organization", "everybody"},
    )
    how = body.how or How.DISABLE
    return _ended(await call.door.store.write(lambda tx: end(tx, act, where, how, body.reason)))


async def _try(call: Call[Shared], act: Act, which: Which) -> Answer:
    async def unit(tx: Tx) -> tuple[Trial, Question, Sequence[Standing]]:
        tried, _ = await attempt(tx, act, Kind.END_SESSIONS, rules.WORK, which, call.door.schemas.traits)
        question = rules.question_of(act.organization, tried.which, call.door.schemas.traits)
        return tried, question, await tx.questions.list(question, None, None, min(tried.total, 10))

    tried, question, sample = await call.door.store.scan(unit)
    answer = shapes.Ended(
        count=tried.total,
        sample=[_shown(each, question) for each in sample],
        token=jobs.sealed(call, tried),
        expires_at=moment(which.at + GOOD_FOR),
    )
    return Answer(200, shapes.encode(answer))


async def _end_matching(call: Call[Shared], act: Act, body: shapes.EndSessions) -> Answer:
    which, most = _to_end(call, act, body), None
    if body.token is not None:
        tried = jobs.tried(call, act, Kind.END_SESSIONS, body.token)
        if body.how not in {None, tried.which.how}:
            raise FieldInvalid("how", "A trial is ended as it was tried.")
        which = msgspec.structs.replace(tried.which, at=which.at, idle=which.idle)
        most = tried.total
    traits = call.door.schemas.traits
    ended = await rules.end_matching(call.door.store, act, which, traits, body.reason, most)
    return jobs.begun(ended) if isinstance(ended, Job) else Answer(200, shapes.encode(shapes.Ended(count=ended)))


def _to_end(call: Call[Shared], act: Act, body: shapes.EndSessions) -> Which:
    how = body.how or How.DISABLE
    return Which(act.now, body.filter, how=how, idle=call.door.lifetime.idle, allow_scan=body.allow_scan)


def _place(standing: Standing) -> bytes:
    return questions.placed(standing.session.created_at, standing.session.id)


def _shown(standing: Standing, question: Question) -> shapes.Session:
    return shapes.session(standing, state_of(standing, question.idle, question.now))


def _ended(revocation: Revocation) -> Answer:
    missing = [id_text(each) for each in revocation.missing]
    return Answer(200, shapes.encode(shapes.Ended(count=revocation.count, more=revocation.more, missing=missing)))
