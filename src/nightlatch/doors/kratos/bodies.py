"""What this dialect is sent. Create is strict at every depth; PUT ignores what it does not know."""

import re
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec import Raw

from nightlatch.core.credentials.given import LookupCode, OidcProvider, Strict, WebAuthnKey, without_nulls
from nightlatch.core.credentials.model import Config
from nightlatch.core.credentials.person import Profile
from nightlatch.core.identities.model import Address, Kind, State
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.doors.http.routing import Call
from nightlatch.doors.kratos.errors import Malformed
from nightlatch.doors.kratos.parts import Parts
from nightlatch.kernel import clock
from nightlatch.kernel.ids import parse_id
from nightlatch.problems import FieldInvalid, Invalid

T = TypeVar("T")

_EMPTY, _NULL = Raw(b"{}"), Raw(b"null")
REGIONS = {"eu-central", "asia-northeast", "us-east", "us-west", "eu", "asia", "us", "global"}


class PasswordConfig(Strict):
    password: str | None = None
    hashed_password: str | None = None
    use_password_migration_hook: bool | None = None


class Password(Strict):
    config: PasswordConfig | None = None


class OidcConfig(Strict):
    # The oldest client's own example puts a password config in here; it means nothing.
    config: PasswordConfig | None = None
    providers: list[OidcProvider] | None = None


class Oidc(Strict):
    config: OidcConfig | None = None


class TotpConfig(Strict):
    totp_url: str | None = None


class Totp(Strict):
    config: TotpConfig | None = None


class LookupConfig(Strict):
    codes: list[LookupCode] | None = None


class Lookup(Strict):
    config: LookupConfig | None = None


class WebAuthnConfig(Strict):
    credentials: list[WebAuthnKey] | None = None
    user_handle: str | None = None


class WebAuthn(Strict):
    config: WebAuthnConfig | None = None


class Credentials(Strict):
    password: Password | None = None
    oidc: Oidc | None = None
    totp: Totp | None = None
    lookup_secret: Lookup | None = None
    webauthn: WebAuthn | None = None
    passkey: WebAuthn | None = None


class KeptLookupConfig(LookupConfig):
    """As it is kept and shown."""

    recovery_codes: list[LookupCode] | None = None


class KeptLookup(Strict):
    config: KeptLookupConfig | None = None


class PatchedCredentials(Credentials):
    """Credentials as an administrator sees them, and a patch changes them."""

    lookup_secret: KeptLookup | None = None  # type: ignore[assignment]


class GivenAddress(Strict):
    value: str = ""
    via: str | None = None
    id: str | None = None
    verified: bool | None = None
    status: str | None = None
    verified_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    break_glass_for_organization: str | None = None


class UpdateIdentity(msgspec.Struct):
    schema_id: str | None = None
    traits: Raw = msgspec.field(default_factory=lambda: _EMPTY)
    credentials: Credentials | None = None
    verifiable_addresses: list[GivenAddress] | None = None
    recovery_addresses: list[GivenAddress] | None = None
    metadata_public: Raw = msgspec.field(default_factory=lambda: _NULL)
    metadata_admin: Raw = msgspec.field(default_factory=lambda: _NULL)
    state: str | None = None
    external_id: str | None = None
    region: str | None = None


class CreateIdentity(UpdateIdentity, forbid_unknown_fields=True):
    organization_id: str | None = None


class BatchEntry(Strict):
    create: CreateIdentity | None = None
    patch_id: str | None = None


class BatchBody(Strict):
    identities: list[BatchEntry] | None = None


class RecoveryBody(msgspec.Struct):
    identity_id: str | None = None
    expires_in: str | None = None
    flow_type: str | None = None


class ManageSessions(msgspec.Struct):
    action: str | None = None
    identities: list[str] | None = None
    sessions: list[str] | None = None


class Logout(msgspec.Struct):
    session_token: str | None = None


_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(.*?)`")


async def posted(call: Call[Parts], most: int, kind: type[T]) -> T:
    """The body of an operation that wants its Content-Type said. Invalid, with the peer's reasons."""
    raw = await call.body(most)
    if not raw.strip():
        raise Invalid('Unable to decode HTTP Request Body because its HTTP Header "Content-Length" is zero.')
    if not call.request.headers.get("content-type", "").lower().startswith("application/json"):
        raise Invalid("HTTP Request Body must be sent with Content-Type application/json.")
    try:
        return decode(raw, kind)
    except Malformed as problem:
        raise Invalid(f"Unable to decode JSON payload: {problem.message}") from None


def decode(body: bytes, kind: type[T]) -> T:
    """The body as `kind`. Malformed with the peer's words for an unknown field and for no body at all."""
    if not body.strip():
        raise Malformed("EOF")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:  # the last two are none of msgspec's own
        unknown = _UNKNOWN_FIELD.match(str(error))
        raise Malformed(f'json: unknown field "{unknown[1]}"' if unknown else f"json: {error}") from None


def new_profile(body: CreateIdentity, schema_id: str, organization: bytes) -> Profile:
    """`profile` of somebody new in `organization`. FieldInvalid when the body names another, or the default one, whose
    id this dialect never shows."""
    if body.organization_id and (organization == DEFAULT or parse_id(body.organization_id) != organization):
        raise FieldInvalid("organization_id", "There is no organization of that id.")
    return profile(body, schema_id, State.ACTIVE)


def profile(body: UpdateIdentity, schema_id: str, state: State) -> Profile:
    """The core's words for it; `schema_id` and `state` are what holds where the body says nothing. FieldInvalid."""
    if body.state:
        state = _state(body.state)
    if body.region and body.region not in REGIONS:
        raise FieldInvalid("region", "the provided region is not a valid Ory region")
    return Profile(
        schema_id=body.schema_id or schema_id,
        traits=_text(body.traits) or "{}",
        state=state,
        metadata_public=_text(body.metadata_public),
        metadata_admin=_text(body.metadata_admin),
        external_id=body.external_id,
        addresses=(
            *(_address(a, Kind.VERIFIABLE) for a in body.verifiable_addresses or ()),
            *(_address(a, Kind.RECOVERY) for a in body.recovery_addresses or ()),
        ),
        credentials=credentials_of(body.credentials),
    )


def credentials_of(given: Credentials | None) -> dict[str, Config]:
    """The configs that were given, by type; members that are null are left out."""
    found: dict[str, Config] = {}
    for type_ in Credentials.__struct_fields__:
        credential = getattr(given, type_, None)
        if credential is not None:
            found[type_] = without_nulls(msgspec.to_builtins(credential.config)) if credential.config else {}
    return found


def plain_password(body: CreateIdentity) -> bool:
    """Whether a password would have to be hashed."""
    password = body.credentials.password if body.credentials else None
    return bool(password and password.config and password.config.password)


def microseconds(moment: datetime | None, field: str = "verifiable_addresses") -> int | None:
    """The core's time; naive ones are UTC. FieldInvalid for one that UTC has no date for: it could not be shown."""
    if moment is None:
        return None
    try:
        return clock.microseconds(moment)
    except OverflowError:
        raise FieldInvalid(field, f"The time {moment.isoformat()} is outside the years 1 to 9999.") from None


def _state(text: str) -> State:
    try:
        return State(text)
    except ValueError:
        raise FieldInvalid("state", "identity state is not valid") from None


def _text(raw: Raw) -> str | None:
    text = bytes(raw).decode()
    return None if text == "null" else text


def _address(given: GivenAddress, kind: Kind) -> Address:
    identity = parse_id(given.id) if given.id else b""
    if identity is None:
        raise Malformed(f'uuid: incorrect UUID format in string "{given.id}"')
    return Address(
        id=identity,
        kind=kind,
        via=given.via or "email",
        value=given.value.strip().lower(),
        created_at=microseconds(given.created_at) or 0,
        updated_at=microseconds(given.updated_at) or 0,
        status=given.status or "",
        verified=bool(given.verified),
        verified_at=microseconds(given.verified_at),
    )


def path_id(text: str) -> bytes:
    """The id of a session route. Malformed, in the peer's words."""
    value = parse_id(text)
    if value is None:
        length = f"length {len(text)}" if len(text) not in {32, 36, 38, 41, 45} else "format"
        raise Malformed(f'uuid: incorrect UUID {length} in string "{text}"')
    return value
