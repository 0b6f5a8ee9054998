"""From the outbox to a mail server: each message once, whoever sends and whatever is in the way."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.core.world import PASSWORD, World
from tests.senders.mail_server import MailServer, mail_server

from nightlatch.core.courier.model import Filter, Letter, Message, Status, Template
from nightlatch.core.courier.rules import send
from nightlatch.core.identities.model import Address, Kind
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.kernel.clock import DAY, MINUTE, SECOND
from nightlatch.senders import delivery
from nightlatch.senders.delivery import deliver
from nightlatch.senders.letters import Letters
from nightlatch.senders.smtp import Smtp

GERMAN, OTHER = "greta@example.org", "oscar@example.org"


class Post:
    """The outbox of a world, with mail to `server`."""

    def __init__(self, world: World, server: MailServer) -> None:
        self.world = world
        self.server = server
        self.letters = Letters(world.vault.keys, "https://id.example.com/", None)
        self.told: list[tuple[Status, str]] = []

    async def write(self, recipient: str = "anna@example.org", channel: str = "email") -> Message:
        world, keys = self.world, self.world.vault.keys
        return await world.db.store.write(
            lambda tx: send(tx, world.act(), keys, Template.LOGIN_CODE, channel, recipient, code="483920", minutes="9")
        )

    async def round(self) -> int:
        senders = {"email": Smtp(self.server.relay(), "no-reply@example.com", None)}
        return await deliver(self.world.db.store, self.world.act, self.letters, senders, self._told)

    async def statuses(self) -> list[str]:
        rows = await self.world.db.store.read(lambda tx: tx.messages.page(DEFAULT, Filter(), None, 100))
        return [row.status for row in rows]

    def _told(self, _message: Message, status: Status, reason: str) -> None:
        self.told.append((status, reason))


def proved(email: str) -> Address:
    return Address(b"", Kind.VERIFIABLE, "email", email, 0, 0, verified=True)


def scene(world: World, play: Callable[[Post], Awaitable[None]]) -> None:
    async def played() -> None:
        async with mail_server() as server:
            await play(Post(world, server))

    world.run(played())


def test_F18_two_workers_send_one_mail_of_each_message(world: World) -> None:
    async def play(post: Post) -> None:
        wanted = [(await post.write(f"p{n}@example.org")).recipient for n in range(15)]
        while await asyncio.gather(post.round(), post.round(), post.round()) != [0, 0, 0]:
            pass
        assert sorted(str(mail["to"]) for mail in post.server.letters) == sorted(wanted)
        assert post.told == [(Status.SENT, "")] * 15
        assert "483920" in post.server.letters[0].as_string()

    scene(world, play)


@pytest.mark.parametrize("mood", [("RCPT", "450 Later"), ("DATA", "451 Later"), "slow"])
def test_F18_when_the_server_is_well_again_the_mail_is_sent_once(
    world: World, mood: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "TRY", SECOND // 2)

    async def play(post: Post) -> None:
        await post.write()
        post.server.mood = mood
        assert await post.round() == 1
        assert await post.statuses() == [Status.QUEUED]
        assert await post.round() == 0
        post.server.mood = "ok"
        world.clock.advance(10 * SECOND)
        assert await post.round() == 1
        assert await post.statuses() == [Status.SENT]
        assert len(post.server.letters) == 1
        world.clock.advance(DAY)
        assert await post.round() == 0

    scene(world, play)


def test_F18_a_connection_cut_after_the_letter_loses_none_and_the_second_says_that_it_is_one(world: World) -> None:
    async def play(post: Post) -> None:
        await post.write()
        post.server.mood = "cut"
        await post.round()
        post.server.mood = "ok"
        world.clock.advance(10 * SECOND)
        await post.round()
        assert await post.statuses() == [Status.SENT]
        assert len({mail["message-id"] for mail in post.server.letters}) == 1
        assert len(post.server.letters) == 2

    scene(world, play)


def test_F18_a_sender_that_dies_leaves_its_messages_to_another(world: World) -> None:
    async def play(post: Post) -> None:
        await post.write()
        post.server.mood = "slow"
        dying = asyncio.create_task(post.round())
        await asyncio.sleep(0.2)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        post.server.mood = "ok"
        assert await post.round() == 0
        world.clock.advance(2 * MINUTE)
        assert await post.round() == 1
        assert len(post.server.letters) == 1

    scene(world, play)


def test_one_letter_that_cannot_be_sent_holds_up_no_other(world: World) -> None:
    async def play(post: Post) -> None:
        await post.write("+15555550100", "sms")
        broken = await post.write("broken@example.org")
        await post.write("anna@example.org")

        def letters(message: Message, _traits: str | None) -> Letter:
            if message.id == broken.id:
                raise ZeroDivisionError
            return Letters(world.vault.keys, "https://id.example.com/", None)(message)

        post.letters = letters  # type: ignore[assignment]
        assert await post.round() == 3
        assert [str(mail["to"]) for mail in post.server.letters] == ["anna@example.org"]
        assert sorted(post.told) == [
            (Status.ABANDONED, "the channel sms is not configured"),
            (Status.QUEUED, "a bug: ZeroDivisionError"),
            (Status.SENT, ""),
        ]

    scene(world, play)


def test_each_is_written_to_in_their_own_language(world: World, tmp_path: Path) -> None:
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "credential_changed.txt").write_text("Ihr Zugang wurde geändert\n\nBei {{ site }}.\n")

    async def play(post: Post) -> None:
        post.letters = Letters(world.vault.keys, "https://id.example.com/", tmp_path, "handle")
        assert await post.round() == 2
        subjects = {str(mail["to"]): str(mail["subject"]) for mail in post.server.letters}
        assert subjects == {GERMAN: "Ihr Zugang wurde geändert", OTHER: "The way you sign in was changed"}
        pages = [mail.get_body(("html",)).get_content() for mail in post.server.letters]  # type: ignore[union-attr]
        assert sorted(page.partition('lang="')[2][:2] for page in pages) == ["de", "en"]

    for email, language in ((GERMAN, "de-AT"), (OTHER, "fr")):
        person = world.create({"email": email, "handle": language}, PASSWORD, addresses=(proved(email),))
        world.update(person, password=PASSWORD + " 2")
    scene(world, play)
