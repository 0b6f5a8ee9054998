"""One question over the sessions of an organization, and the same question ends them."""

from collections.abc import Sequence
from functools import partial

from nightlatch.core.access.rules import acting_in, allow
from nightlatch.core.access.store import Tx
from nightlatch.core.administration import sessions as rules
from nightlatch.core.events.model import Act
from nightlatch.core.questions import Summary
from nightlatch.core.sessions.model import How, Revocation, Standing, Where
from nightlatch.core.sessions.question import Question, filter_of, state_of
from nightlatch.core.sessions.rules import end, idle_since
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import KIB, Answer, Call
from nightlatch.doors.native import paging, questions, shapes
from nightlatch.doors.native.keys import organization_of
from nightlatch.kernel.clock import moment
from nightlatch.kernel.ids import id_text, parse_id
from nightlatch.problems import FieldInvalid

QUESTION = (*questions.parameters('device.kind eq "mobile" and created_at gt …', "created_at"), questions.INCLUDE)
_TRIAL = "ending of sessions"
_WHICH = ("filter", "ids", "identities", "organization", "everybody", "token")


async def list_sessions(call: Call[Shared]) -> Answer:
    organization_id, include = organization_of(call), questions.include(call)
    asking = questions.asking(call, organization_id, partial(filter_of, traits=call.door.schemas.traits), "created_at")
    since = idle_since(call.door.lifetime, call.act.now)
    question = Question(organization_id, call.act.now, since, asking.where, asking.oldest_first)

    async def unit(tx: Tx) -> tuple[Sequence[Standing], Summary | None]:
        await acting_in(tx, call.act, organization_id)
        found = await rules.page(tx, question, asking.after, asking.page.size + 1, allow_scan=asking.allow_scan)
        if not include:
            return found, None
        return found, await rules.summary(tx, question, facets="facets" in include, allow_scan=asking.allow_scan)

    found, summary = await call.door.store.scan(unit)
    rows, token = paging.cut(call, asking.page, [(_place(each), _shown(each, question)) for each in found])
    answer = shapes.Sessions(sessions=rows, next_page_token=token)
    questions.counted(answer, summary, include)
    return Answer(200, shapes.encode(answer))


async def end_sessions(call: Call[Shared]) -> Answer:
    body = shapes.decode(await call.body(80 * KIB), shapes.EndSessions)  # a token may have 65 of them
    which = _which(body)
    if body.dry_run and which != "filter":
        raise FieldInvalid("dry_run", "A trial is of a filter.")
    organization_id = organization_of(call) if body.organization is None else _id("organization", body.organization)
    act = await call.door.store.read(lambda tx: acting_in(tx, call.act, organization_id))
    if body.dry_run:
        allow(act.scopes, "sessions:read")  # its sample shows sessions
        return await _try(call, act, body)
    if which in {"filter", "token"}:
        return await _end_matching(call, act, body)
    where = Where(
        session_ids=_ids("ids", body.ids) if body.ids else None,
        identity_ids=_ids("identities", body.identities or ()),
        everybody=which in {"organization", "everybody"},
    )
    how = body.how or How.DISABLE
    return _ended(await call.door.store.write(lambda tx: end(tx, act, where, how, body.reason)))


async def _try(call: Call[Shared], act: Act, body: shapes.EndSessions) -> Answer:
    text, how = body.filter or "", body.how or How.DISABLE
    question = _to_end(call, act, text, how)
    found, sample = await call.door.store.scan(lambda tx: rules.preview(tx, question, allow_scan=body.allow_scan))
    tried = rules.trial(act, found, how, text, allow_scan=body.allow_scan)
    answer = shapes.Ended(
        count=len(found),
        sample=[_shown(each, question) for each in sample],
        token=call.door.page_keys.seal((_TRIAL, tried)),
        expires_at=moment(tried.at + rules.GOOD_FOR),
    )
    return Answer(200, shapes.encode(answer))


async def _end_matching(call: Call[Shared], act: Act, body: shapes.EndSessions) -> Answer:
    tried = _tried(call, act, body) if body.token is not None else None
    text, how = (tried.filter, tried.how) if tried else (body.filter or "", body.how or How.DISABLE)
    question = _to_end(call, act, text, how, tried.at if tried else None)
    scan = tried.allow_scan if tried else body.allow_scan
    found = await call.door.store.scan(lambda tx: rules.matching(tx, question, allow_scan=scan))
    if tried:
        found = tried.shown(found)
    count = await rules.end_matching(call.door.store, act, found, how, body.reason, text)
    return Answer(200, shapes.encode(shapes.Ended(count=count)))


def _tried(call: Call[Shared], act: Act, body: shapes.EndSessions) -> rules.Trial:
    opened = call.door.page_keys.unseal(body.token or "", tuple[str, rules.Trial])
    tried = rules.check_trial(act, opened[1] if opened and opened[0] == _TRIAL else None)
    if body.how not in {None, tried.how}:
        raise FieldInvalid("how", "A trial is ended as it was tried.")
    return tried


def _which(body: shapes.EndSessions) -> str:
    given = [name for name in _WHICH if getattr(body, name) not in (None, False)]
    if len(given) != 1:
        raise FieldInvalid("filter", f"Say which sessions by one of {', '.join(_WHICH)}.")
    return given[0]


def _to_end(call: Call[Shared], act: Act, text: str, how: How, issued_by: int | None = None) -> Question:
    since, where = idle_since(call.door.lifetime, act.now), filter_of(text, call.door.schemas.traits)
    return Question(act.organization, act.now, since, where, how=how, issued_by=issued_by)


def _place(standing: Standing) -> bytes:
    return questions.placed(standing.session.created_at, standing.session.id)


def _shown(standing: Standing, question: Question) -> shapes.Session:
    return shapes.session(standing, state_of(standing, question.idle_since, question.now))


def _ended(revocation: Revocation) -> Answer:
    missing = [id_text(each) for each in revocation.missing]
    return Answer(200, shapes.encode(shapes.Ended(count=revocation.count, more=revocation.more, missing=missing)))


def _ids(name: str, texts: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(_id(name, text) for text in texts))


def _id(name: str, text: str) -> bytes:
    found = parse_id(text)
    if found is None:
        raise FieldInvalid(name, f"{name} holds {text[:64]!r}, which is no UUID.")
    return found
