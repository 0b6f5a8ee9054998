"""How long a person's sessions live, and whether they end with the browser: shown, set and cleared."""

from collections.abc import Mapping

import msgspec

from nightlatch.core.flows.store import Tx
from nightlatch.core.sessions.model import Governed, Policy
from nightlatch.core.sessions.policies import Change, change
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.slack import names, shapes
from nightlatch.doors.slack.arguments import arguments
from nightlatch.doors.slack.errors import Said
from nightlatch.kernel.clock import SECOND
from nightlatch.problems import IdentityNotFound


async def get_settings(call: Call[Shared]) -> Answer:
    asked = await arguments(call, shapes.UsersArguments)

    async def ask(tx: Tx) -> tuple[dict[str, bytes], Mapping[bytes, Governed]]:
        who = await _all(tx, call, asked.user_ids)
        return who, await tx.policies.of(call.act.organization, tuple(set(who.values())))

    who, known = await call.door.store.scan(ask)
    has = {user_id for user_id, each in who.items() if _without(known[each].own) != known[each].own}
    shown = [_shown(call, user_id, known[each].effective) for user_id, each in who.items() if user_id in has]
    others = [user_id for user_id in who if user_id not in has]
    return shapes.answered(shapes.SettingsAnswer(session_settings=shown, no_settings_applied=others))


async def set_settings(call: Call[Shared]) -> Answer:
    asked = await arguments(call, shapes.SetSettingsArguments)
    quits, duration = asked.desktop_app_browser_quit, asked.duration
    if quits is None and duration is None:
        raise Said("at_least_one_session_setting_required")

    def changed(policy: Policy) -> Policy:
        lifespan = policy.lifespan if duration is None else duration * SECOND
        return msgspec.structs.replace(
            policy, lifespan=lifespan, ends_with_browser=policy.ends_with_browser if quits is None else quits
        )

    return await _change(call, asked.user_ids, changed)


async def clear(call: Call[Shared]) -> Answer:
    asked = await arguments(call, shapes.UsersArguments)
    return await _change(call, asked.user_ids, _without)


async def _change(call: Call[Shared], user_ids: list[str], changed: Change) -> Answer:
    async def unit(tx: Tx) -> None:
        who = await _all(tx, call, user_ids)
        await change(tx, call.act, tuple(set(who.values())), changed, call.door.lifetime.idle)

    await call.door.store.write(unit)
    return shapes.done()


async def _all(tx: Tx, call: Call[Shared], user_ids: list[str]) -> dict[str, bytes]:
    """All of these people; IdentityNotFound when one is nobody: then nothing is set for any."""
    found = await names.users(tx, call.act, user_ids)
    if len(found) < len(set(user_ids)):
        raise IdentityNotFound
    return found


def _without(policy: Policy) -> Policy:
    """The rest of a policy has no words in this dialect, and is left alone."""
    return msgspec.structs.replace(policy, lifespan=None, ends_with_browser=None)


def _shown(call: Call[Shared], user_id: str, policy: Policy) -> shapes.SettingsShown:
    lifespan = policy.lifespan or call.door.lifetime.lifespan
    return shapes.SettingsShown(user_id, bool(policy.ends_with_browser), lifespan // SECOND)
