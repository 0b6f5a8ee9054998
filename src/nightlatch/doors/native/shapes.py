"""What is sent and answered: ids as UUID text, times as RFC 3339 in UTC."""

from datetime import datetime
from typing import Annotated, TypeVar

import msgspec

from nightlatch.core.access.model import AccessKey
from nightlatch.core.organizations import model
from nightlatch.kernel import clock
from nightlatch.kernel.clock import moment as at
from nightlatch.kernel.ids import id_text
from nightlatch.problems import Invalid

T = TypeVar("T")
encode = msgspec.json.Encoder().encode


class Alias(msgspec.Struct, forbid_unknown_fields=True):
    kind: model.AliasKind
    value: str


class Organization(msgspec.Struct):
    id: str
    name: str
    aliases: list[Alias]
    created_at: datetime


class Organizations(msgspec.Struct):
    organizations: list[Organization]
    next_page_token: str | None = None


class NewOrganization(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    aliases: list[Alias] = []


class OrganizationChange(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class Key(msgspec.Struct, kw_only=True):
    """`access_key_id` is that of a pair."""

    id: str
    organization_id: str
    name: str
    scopes: list[str]
    access_key_id: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class Keys(msgspec.Struct):
    keys: list[Key]
    next_page_token: str | None = None


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """`security_token` makes a temporary pair: it needs `pair` and `expires_at`."""

    name: str
    scopes: list[str]
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    pair: bool = False
    security_token: bool = False


class MadeKey(msgspec.Struct, omit_defaults=True):
    """A key with what is shown this once: `token`, or of a pair `secret` and perhaps `security_token`."""

    key: Key
    token: str | None = None
    secret: str | None = None
    security_token: str | None = None


def decode(body: bytes, kind: type[T]) -> T:
    """The body as `kind`; Invalid says where it is not."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise Invalid(f"{error}.") from None


def organization(shown: model.Organization) -> Organization:
    aliases = [Alias(*alias) for alias in shown.aliases]
    return Organization(id_text(shown.id), shown.name, aliases, at(shown.created_at))


def key(shown: AccessKey) -> Key:
    return Key(
        id=id_text(shown.id),
        organization_id=id_text(shown.organization),
        name=shown.name,
        scopes=list(shown.scopes),
        access_key_id=shown.pair.id if shown.pair else None,
        created_at=at(shown.created_at),
        expires_at=None if shown.expires_at is None else at(shown.expires_at),
        revoked_at=None if shown.revoked_at is None else at(shown.revoked_at),
    )


def microseconds(time: datetime) -> int:
    """The time as the core counts it; Invalid for one that is beyond the years that UTC can be written in."""
    try:
        return clock.microseconds(time)
    except OverflowError:
        raise Invalid("The year of a time must be 1 to 9999, in UTC.") from None
