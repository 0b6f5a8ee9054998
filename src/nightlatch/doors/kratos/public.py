"""My sessions, the session check, schemas, health: what the public port answers besides the flows."""

import asyncio
from contextlib import suppress

import msgspec

from nightlatch import __version__
from nightlatch.core.logout.rules import end_mine, end_others
from nightlatch.core.organizations.rules import only_default
from nightlatch.core.sessions.model import Standing
from nightlatch.core.sessions.rules import check, holds_until, slides_to
from nightlatch.doors.http.refusal import Headers
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.kratos import auth, paging
from nightlatch.doors.kratos.bodies import path_id
from nightlatch.doors.kratos.errors import Malformed, NothingPresented
from nightlatch.doors.kratos.parts import Parts, Told
from nightlatch.doors.kratos.sessions import in_list, list_of_identity
from nightlatch.doors.kratos.shapes import Count, IdentitySchema, encode
from nightlatch.kernel.clock import SECOND
from nightlatch.kernel.secrets import digest
from nightlatch.problems import FieldInvalid, SessionRequired, Unavailable


async def whoami(parts: Parts, headers: list[tuple[bytes, bytes]]) -> Answer:
    """The session check. It is asked more often than all else together, so it takes nothing that it does not need."""
    shown_by, checks = _presented(parts, headers), parts.checks
    if checks is None:
        return (await _checked(parts, shown_by, parts.clock.now()))[0]
    token_hash = digest(shown_by.token)
    known = checks.find(token_hash)
    if known and (told := known.answer) and not _outlived(shown_by, told.expires_at) and known.use():
        return Answer(200, told.body, told.headers, kept=known)
    if parts.store.remote:
        await asyncio.sleep(0)  # whoever waits for it must be a task, which the quick way is not
    # Before the rows are read: a change that is committed in between moves what is stamped here.
    stamp, now = known.stamp() if known else None, parts.clock.now()
    answer, standing = await _checked(parts, shown_by, now)
    if known is None:
        checks.meet(token_hash, standing)
    elif stamp and not _outlived(shown_by, standing.session.expires_at):
        told = Told(answer.body, answer.headers, standing.session.expires_at)
        answer.kept = checks.keep(token_hash, standing, stamp, told, len(told.body), now, _until(parts, standing, now))
    return answer


async def _checked(parts: Parts, shown_by: auth.Presented, now: int) -> tuple[Answer, Standing]:
    """The answer, from the rows as they are."""
    standing = await parts.store.read(
        lambda tx: check(tx, shown_by.token, parts.lifetime, now, highest=parts.highest_aal)
    )
    end = slides_to(standing, parts.lifetime, now)
    if end is not None:
        standing = await _prolonged(parts, standing, end)
    session = standing.session
    parts.seen.note(session.id, now)
    shown = parts.render.session(standing, active=True, admin=False)
    more: Headers = (("x-kratos-authenticated-identity-id", shown.identity.id if shown.identity else ""),)
    if _outlived(shown_by, session.expires_at):
        more = (*more, parts.cookies.keep(shown_by.token, session, now, lasts=shown_by.lasts))
    if parts.cache_for is not None:
        more = (*more, ("ory-session-cache-for", str(_seconds(parts.cache_for, session.expires_at - now))))
    return Answer(200, encode(shown), more), standing


def _outlived(shown_by: auth.Presented, end: int) -> bool:
    """Whether the session ends later than its cookie knows: the answer has a new one."""
    return shown_by.known_end is not None and shown_by.known_end < end


def _seconds(most: int, left: int) -> int:
    return (min(left, most) if most else left) // SECOND


def _until(parts: Parts, standing: Standing, now: int) -> int:
    """When the answer of now is another one, or none, if nothing changes but the time."""
    until = holds_until(standing, parts.lifetime)
    if parts.cache_for is None:
        return until
    end = standing.session.expires_at
    return min(until, end - _seconds(parts.cache_for, end - now) * SECOND + 1)


async def _prolonged(parts: Parts, standing: Standing, end: int) -> Standing:
    with suppress(Unavailable):  # the session is good, though nothing can be written
        if await parts.store.write(lambda tx: tx.sessions.prolong(standing.session, end)):
            longer = msgspec.structs.replace(standing.session, expires_at=end)
            return msgspec.structs.replace(standing, session=longer)
    return standing


def _presented(parts: Parts, headers: list[tuple[bytes, bytes]]) -> auth.Presented:
    try:
        return auth.presented(parts.cookies, headers)
    except SessionRequired:
        if parts.cache_for is None:
            raise
        raise NothingPresented from None


async def to_session(call: Call[Parts]) -> Answer:
    return await whoami(call.door, call.request.scope["headers"])


async def list_my_sessions(call: Call[Parts]) -> Answer:
    mine, call.act = await auth.me(call, highest=call.door.highest_aal)
    where = in_list(call, active=True, identity_id=mine.identity.id, but=mine.session.id)
    return await list_of_identity(call, where, admin=False)


async def disable_my_other_sessions(call: Call[Parts]) -> Answer:
    mine, act = await auth.me(call)
    revocation = await call.door.store.write(lambda tx: end_others(tx, act, mine))
    return Answer(200, encode(Count(revocation.count)))


async def disable_my_session(call: Call[Parts]) -> Answer:
    session_id = path_id(call.path("id"))
    mine, act = await auth.me(call)
    try:
        await call.door.store.write(lambda tx: end_mine(tx, act, mine, session_id))
    except FieldInvalid as problem:
        raise Malformed(problem.reason, "To end the session that asks, sign out.") from None
    return Answer(204)


async def get_identity_schema(call: Call[Parts]) -> Answer:
    return Answer(200, call.door.schemas.get(call.path("id")).document)


async def list_identity_schemas(call: Call[Parts]) -> Answer:
    page = paging.asked(call, 1000, numbered=True)
    schemas = list(call.door.schemas)
    if page.number is None:
        start = paging.read_token(call, page, "schemas", int) or 0
        headers = paging.token_link(call, page, "schemas", schemas[start:], lambda _: start + page.size)
    else:
        start = page.skip
        headers = paging.number_link(call, page, len(schemas))
    shown = [IdentitySchema(s.id, msgspec.Raw(s.document)) for s in schemas[start : start + page.size]]
    return Answer(200, encode(shown), headers)


async def is_alive(call: Call[Parts]) -> Answer:  # noqa: ARG001
    return Answer(200, b'{"status":"ok"}')


async def is_ready(call: Call[Parts]) -> Answer:
    """StoreDown when the database does not answer."""
    organization = call.act.organization
    await call.door.store.read(lambda tx: tx.sessions.epochs(organization, bytes(16)))
    return Answer(200, b'{"status":"ok"}')


async def get_version(call: Call[Parts]) -> Answer:  # noqa: ARG001
    return Answer(200, encode({"version": __version__}))


async def get_metrics(call: Call[Parts]) -> Answer:
    # In a thread: adding up all workers takes milliseconds.
    only_default(call.act)  # they are of all organizations together
    figures = await asyncio.to_thread(call.door.metrics)
    return Answer(200, figures, media_type="text/plain; version=0.0.4; charset=utf-8")
