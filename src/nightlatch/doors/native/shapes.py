"""What is sent and answered: ids as UUID text, times as RFC 3339 in UTC."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec

from nightlatch.core.access.model import AccessKey
from nightlatch.core.credentials.given import LookupCode, OidcProvider, WebAuthnKey
from nightlatch.core.credentials.model import Credential as Stored
from nightlatch.core.events.model import Logged
from nightlatch.core.identities.model import Identity as Person
from nightlatch.core.organizations import model
from nightlatch.core.sessions.model import AtLimit, How, Standing
from nightlatch.core.sessions.model import Policy as PolicyKept
from nightlatch.core.sessions.question import State
from nightlatch.kernel import clock
from nightlatch.kernel.clock import moment as at
from nightlatch.kernel.durations import duration_text, parse_duration
from nightlatch.kernel.ids import id_text, parse_id
from nightlatch.problems import FieldInvalid, Invalid

T = TypeVar("T")
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Ids = Annotated[list[str], msgspec.Meta(min_length=1, max_length=1000)]
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
    next_cursor: str | None = None


class NewOrganization(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    aliases: list[Alias] = []


class OrganizationChange(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class Policy(msgspec.Struct, forbid_unknown_fields=True):
    """What is null is as in the policy above this one: the organization's, and above that the configuration. `lifespan`
    and `idle` are durations as in the configuration (8h, 1h30m)."""

    lifespan: str | None = None
    idle: str | None = None
    max_per_identity: int | None = None
    at_limit: AtLimit | None = None
    end_others: bool | None = None
    ends_with_browser: bool | None = None


class Node(msgspec.Struct):
    """`applied` is how far in the feed of changes it has come, `behind` how much of it is left; `renewed` counts. While
    it is `closed`, an ending waits for it."""

    id: str
    node: str
    applied: int
    behind: int
    renewed: int
    closed: bool


class Nodes(msgspec.Struct):
    nodes: list[Node]


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
    next_cursor: str | None = None


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


class Credential(msgspec.Struct):
    """What is known of it, and nothing that it holds. `first_factors` and `second_factors` count what in it signs
    somebody in; `revision` grows with each change."""

    type: str
    identifiers: list[str]
    first_factors: int
    second_factors: int
    revision: int
    created_at: datetime
    updated_at: datetime


class Credentials(msgspec.Struct):
    """By type. None: nothing is left to sign in with."""

    credentials: list[Credential]


class NewCredential(msgspec.Struct, forbid_unknown_fields=True):
    """The members of its type: `password` or `hashed_password`, the `providers` of an oidc, `totp_url`, the `codes` of
    a lookup_secret, `credentials` and `user_handle` of a webauthn or passkey."""

    password: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    hashed_password: str | None = None
    providers: list[OidcProvider] | None = None
    totp_url: str | None = None
    codes: list[LookupCode] | None = None
    credentials: list[WebAuthnKey] | None = None
    user_handle: str | None = None


class SessionIdentity(msgspec.Struct):
    id: str
    state: str
    schema: str
    external_id: str | None


class SessionDevice(msgspec.Struct):
    kind: str
    ip: str | None
    user_agent: str | None
    location: str | None


class Session(msgspec.Struct, kw_only=True):
    """Every member is an attribute that a filter may name."""

    id: str
    number: int
    state: State
    organization: str
    identity: SessionIdentity
    device: SessionDevice
    methods: list[str]
    aal: int
    created_at: datetime
    issued_at: datetime
    authenticated_at: datetime
    expires_at: datetime
    last_seen: datetime


class Counted(msgspec.Struct, kw_only=True):
    """`total`, and `facets` by attribute and value, of all pages, where they were asked for."""

    next_cursor: str | None = None
    total: int | msgspec.UnsetType = msgspec.UNSET
    facets: dict[str, dict[str, int]] | msgspec.UnsetType = msgspec.UNSET


class Sessions(Counted, kw_only=True):
    sessions: list[Session]


class Identity(msgspec.Struct, kw_only=True):
    """Every member is an attribute that a filter may name, and of the traits those that are marked as searchable."""

    id: str
    organization: str
    state: str
    schema: str
    external_id: str | None
    traits: Any
    created_at: datetime
    updated_at: datetime
    state_changed_at: datetime


class Identities(Counted, kw_only=True):
    identities: list[Identity]


class EndSessions(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One of `filter`, `ids`, `identities`, `organization`, `everybody` (true) and `token` says which. `dry_run` goes
    with a filter: it ends none, and gives the token that ends no more than it showed."""

    reason: Reason
    filter: str | None = None
    ids: Ids | None = None
    identities: Ids | None = None
    organization: str | None = None
    everybody: bool = False
    token: str | None = None
    how: How | None = None
    dry_run: bool = False
    allow_scan: bool = False


class Ended(msgspec.Struct, kw_only=True):
    """`count` ended that were not over before, or would; with `more`, others did too and are counted with the event.
    `missing` are ids that are nobody's and nothing's. A trial has a sample, newest first, and a token."""

    count: int
    more: bool = False
    missing: list[str] = []
    sample: list[Session] | msgspec.UnsetType = msgspec.UNSET
    token: str | msgspec.UnsetType = msgspec.UNSET
    expires_at: datetime | msgspec.UnsetType = msgspec.UNSET


class Named(msgspec.Struct):
    id: str


class Happened(msgspec.Struct, kw_only=True):
    """Every member but `data` is an attribute that a filter may name. `position` is null until it is sealed."""

    id: str
    at: datetime
    name: str
    actor: str
    reason: str | None
    identity: Named | None
    session: Named | None
    amount: int
    position: int | None
    data: dict[str, Any] | None


class Log(msgspec.Struct):
    events: list[Happened]
    next_cursor: str | None = None


def decode(body: bytes, kind: type[T]) -> T:
    """The body as `kind`; Invalid says where it is not."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        raise Invalid(f"{reason}.", _pointer(path.removesuffix("`"))) from None
    except msgspec.DecodeError as error:
        raise Invalid(f"{error}.") from None


def _pointer(path: str) -> str:
    """`.aliases[0].kind` as a JSON pointer."""
    return "#" + path.replace("[", "/").replace("]", "").replace(".", "/")


def one_of(body: msgspec.Struct, names: tuple[str, ...]) -> str:
    """Which of its members `names` says what the request is about. FieldInvalid when none does, or several."""
    given = [name for name in names if getattr(body, name) not in (None, False)]
    if len(given) != 1:
        raise FieldInvalid(names[0], f"Say which by one of {', '.join(names)}.")
    return given[0]


def given_ids(name: str, texts: Sequence[str]) -> tuple[bytes, ...]:
    """The ids in the member `name`, each once. FieldInvalid."""
    return tuple(dict.fromkeys(given_id(name, text) for text in texts))


def given_id(name: str, text: str) -> bytes:
    found = parse_id(text)
    if found is None:
        raise FieldInvalid(name, f"{name} holds {text[:64]!r}, which is no UUID.")
    return found


def organization(shown: model.Organization) -> Organization:
    aliases = [Alias(*alias) for alias in shown.aliases]
    return Organization(id_text(shown.id), shown.name, aliases, at(shown.created_at))


def policy(shown: PolicyKept) -> Policy:
    lifespan, idle = (None if time is None else duration_text(time) for time in (shown.lifespan, shown.idle))
    return Policy(lifespan, idle, *msgspec.structs.astuple(shown)[2:])


def kept(asked: Policy) -> PolicyKept:
    """FieldInvalid for what is no duration."""
    lifespan, idle = _duration("lifespan", asked.lifespan), _duration("idle", asked.idle)
    return PolicyKept(lifespan, idle, *msgspec.structs.astuple(asked)[2:])


def _duration(field: str, text: str | None) -> int | None:
    time = None if text is None else parse_duration(text)
    if text is not None and time is None:
        raise FieldInvalid(field, f"{field} is a duration like 90m or 8h.")
    return time


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


def credential(shown: Stored) -> Credential:
    c = shown
    return Credential(
        c.type, list(c.identifiers), c.first_factors, c.second_factors, c.revision, at(c.created_at), at(c.updated_at)
    )


def session(shown: Standing, state: State) -> Session:
    s, who, device = shown.session, shown.identity, shown.session.device
    return Session(
        id=id_text(s.id),
        number=s.number,
        state=state,
        organization=id_text(s.organization),
        identity=SessionIdentity(id_text(who.id), who.state, who.schema_id, who.external_id),
        device=SessionDevice(device.kind, device.ip, device.user_agent, device.location),
        methods=[method.method for method in s.methods],
        aal=s.aal,
        created_at=at(s.created_at),
        issued_at=at(s.issued_at),
        authenticated_at=at(s.authenticated_at),
        expires_at=at(s.expires_at),
        last_seen=at(s.last_seen),
    )


def identity(shown: Person) -> Identity:
    return Identity(
        id=id_text(shown.id),
        organization=id_text(shown.organization),
        state=shown.state,
        schema=shown.schema_id,
        external_id=shown.external_id,
        traits=msgspec.Raw(shown.traits),
        created_at=at(shown.created_at),
        updated_at=at(shown.updated_at),
        state_changed_at=at(shown.state_changed_at),
    )


def happened(shown: Logged) -> Happened:
    e = shown.event
    identity, session = (each and Named(id_text(each)) for each in (e.identity_id, e.session_id))
    return Happened(
        id=id_text(e.id),
        at=at(e.at),
        name=e.name,
        actor=e.actor,
        reason=e.reason,
        identity=identity or None,
        session=session or None,
        amount=e.amount,
        position=shown.position,
        data=e.data,
    )


def microseconds(time: datetime) -> int:
    """The time as the core counts it; Invalid for one that is beyond the years that UTC can be written in."""
    try:
        return clock.microseconds(time)
    except OverflowError:
        raise Invalid("The year of a time must be 1 to 9999, in UTC.") from None
