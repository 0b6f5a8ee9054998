"""A message in the outbox, the letter that is made of it, and where letters are handed in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec


class Status(StrEnum):
    QUEUED = "queued"
    PROCESSING = "processing"
    SENT = "sent"
    ABANDONED = "abandoned"


class Template(StrEnum):
    """What a message is about. Those that end in CODE are given `code` and `minutes`, and may be given a `link`; those
    that end in LINK, `link` and `minutes`; that of registration, the `traits` too, in JSON. UNKNOWN is for who asked at
    an address that nobody has."""

    RECOVERY_CODE = "recovery_code"
    RECOVERY_LINK = "recovery_link"
    RECOVERY_UNKNOWN = "recovery_unknown"
    VERIFICATION_CODE = "verification_code"
    VERIFICATION_LINK = "verification_link"
    VERIFICATION_UNKNOWN = "verification_unknown"
    LOGIN_CODE = "login_code"
    REGISTRATION_CODE = "registration_code"
    CREDENTIAL_CHANGED = "credential_changed"
    RECOVERED = "recovered"
    NEW_DEVICE = "new_device"


class Dispatch(msgspec.Struct, frozen=True, omit_defaults=True):
    """One try to send a message; `error` is None when it was taken."""

    id: bytes
    at: int
    error: str | None = None


class Message(msgspec.Struct, frozen=True):
    """`channel` is email or sms. `data` is what the template is given, sealed: it may hold a code. `next_at` is when it
    is to be sent, or sent again if whoever has it says nothing; None when there is no more to do, since `done_at`."""

    id: bytes
    organization: bytes
    identity_id: bytes | None
    channel: str
    recipient: str
    template: str
    data: bytes
    created_at: int
    updated_at: int
    next_at: int | None
    done_at: int | None = None
    status: Status = Status.QUEUED
    send_count: int = 0
    dispatches: tuple[Dispatch, ...] = ()


class Filter(msgspec.Struct, frozen=True):
    """Which messages a list holds; None for any."""

    status: Status | None = None
    recipient: str | None = None


class Letter(msgspec.Struct, frozen=True):
    """A message as the person reads it; `html` says the same as `text`."""

    subject: str
    text: str
    html: str


class Undelivered(Exception):
    """A letter that was not taken; `final` when another try is of no use. `reason` holds nothing of the letter."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final


@dataclass(frozen=True, slots=True)
class Relay:
    """A mail server. `tls` is from the start, `starttls` before anything else is said, or none."""

    host: str
    port: int
    tls: str
    verify: bool = True
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where letters are handed in by HTTP."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
