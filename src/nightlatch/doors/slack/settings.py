"""How long a person's sessions live, and whether they end with the browser: shown, set and cleared."""

from collections.abc import Mapping

from nightlatch.core.flows.store import Tx
from nightlatch.core.sessions.model import Settings
from nightlatch.core.sessions.settings import clear_settings, put_settings, settings_of
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.slack import names, shapes
from nightlatch.doors.slack.arguments import arguments
from nightlatch.doors.slack.errors import Said
from nightlatch.kernel.clock import SECOND
from nightlatch.problems import IdentityNotFound


async def get_settings(call: Call[Shared]) -> Answer:
    asked = await arguments(call, shapes.UsersArguments)

    async def ask(tx: Tx) -> tuple[dict[str, bytes], Mapping[bytes, Settings]]:
        who = await _all(tx, call, asked.user_ids)
        return who, await settings_of(tx, call.act.organization, tuple(set(who.values())))

    who, known = await call.door.store.scan(ask)
    usual = call.door.lifetime.lifespan
    shown = [
        shapes.SettingsShown(user_id, known[each].ends_with_browser, (known[each].lifespan or usual) // SECOND)
        for user_id, each in who.items()
        if each in known
    ]
    others = [user_id for user_id, each in who.items() if each not in known]
    return shapes.answered(shapes.SettingsAnswer(session_settings=shown, no_settings_applied=others))


async def set_settings(call: Call[Shared]) -> Answer:
    asked = await arguments(call, shapes.SetSettingsArguments)
    if asked.duration is None and asked.desktop_app_browser_quit is None:
        raise Said("at_least_one_session_setting_required")

    async def unit(tx: Tx) -> None:
        who = set((await _all(tx, call, asked.user_ids)).values())
        # Before they are read: of two calls at once, each of which names a setting, none must be lost.
        await tx.endings.hold(call.act.organization, tuple(who))
        known = await settings_of(tx, call.act.organization, tuple(who))
        wanted: dict[Settings, list[bytes]] = {}
        for each in who:
            wanted.setdefault(_changed(known.get(each, Settings()), asked), []).append(each)
        for settings, those in wanted.items():
            await put_settings(tx, call.act, those, settings)

    await call.door.store.write(unit)
    return shapes.done()


async def clear(call: Call[Shared]) -> Answer:
    asked = await arguments(call, shapes.UsersArguments)

    async def unit(tx: Tx) -> None:
        who = await _all(tx, call, asked.user_ids)
        await clear_settings(tx, call.act, tuple(set(who.values())))

    await call.door.store.write(unit)
    return shapes.done()


async def _all(tx: Tx, call: Call[Shared], user_ids: list[str]) -> dict[str, bytes]:
    """All of these people; IdentityNotFound when one is nobody: then nothing is set for any."""
    found = await names.users(tx, call.act, user_ids)
    if len(found) < len(set(user_ids)):
        raise IdentityNotFound
    return found


def _changed(before: Settings, asked: shapes.SetSettingsArguments) -> Settings:
    """What is not said stays as it was."""
    quits, duration = asked.desktop_app_browser_quit, asked.duration
    return Settings(
        before.lifespan if duration is None else duration * SECOND,
        before.ends_with_browser if quits is None else quits,
    )
