"""A flow and a code. A flow stores neutral facts; what a person is shown is computed from them in the door."""

from enum import StrEnum
from typing import Any

import msgspec

SENT = "sent_email"  # the state of a flow that waits for a code
RECOVERED = "recovered"  # the step of a settings flow that a recovery opened


class Act(StrEnum):
    LOGIN = "login"
    REGISTRATION = "registration"
    RECOVERY = "recovery"
    VERIFICATION = "verification"
    SETTINGS = "settings"


class Facts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the flow remembers of its last step: the problems to show, values to fill in again (never a secret).
    `browser` is the hash of what the browser keeps that alone may go on with it; None for apps. `methods` are those of
    the person who signs in again."""

    step: str = "start"
    problems: tuple[dict[str, Any], ...] = ()
    identifier: str | None = None
    traits: Any = None
    refresh: bool = False
    remember: bool = False
    browser: bytes | None = None
    methods: tuple[str, ...] = ()


class Flow(msgspec.Struct, frozen=True):
    """`type` is api or browser. `used_at` is set by the step that ends it: a flow succeeds once."""

    id: bytes
    organization: bytes
    act: Act
    type: str
    state: str
    method: str | None
    identity_id: bytes | None
    request_url: str
    return_to: str | None
    facts: Facts
    issued_at: int
    expires_at: int
    used_at: int | None = None


class Code(msgspec.Struct, frozen=True):
    """A one-time secret of a flow, which has one at most. `purpose` is code or link; `secret_hash` is keyed for codes.
    `address` (email:… or sms:…) is where it was sent, None when an administrator was shown it. Without an identity it
    is for who is not known yet, or for nobody."""

    id: bytes
    organization: bytes
    identity_id: bytes | None
    flow_id: bytes
    purpose: str
    secret_hash: bytes
    expires_at: int
    tries: int = 0
    used_at: int | None = None
    address: str | None = None
