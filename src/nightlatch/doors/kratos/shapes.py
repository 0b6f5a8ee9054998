"""What this dialect sends: identities, sessions and their parts, rendered from the core's values.

Optional members are left out, never null, because older clients refuse null; traits and metadata may be null.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, NotRequired, TypedDict

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from nightlatch.core.credentials.methods import METHODS
from nightlatch.core.credentials.model import Credential
from nightlatch.core.credentials.person import Vault
from nightlatch.core.identities import model
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.model import Session as CoreSession
from nightlatch.core.sessions.model import Standing
from nightlatch.kernel.clock import moment
from nightlatch.kernel.ids import id_text

Moment = Annotated[datetime, Meta(tz=True)]
encode = msgspec.json.Encoder().encode
at = moment
_NULL = Raw(b"null")
_CREDENTIAL_VERSION = {"password": 1, "webauthn": 1, "code": 1}


class VerifiableAddress(msgspec.Struct):
    id: str
    value: str
    verified: bool
    via: str
    status: str
    created_at: Moment
    updated_at: Moment
    verified_at: Moment | UnsetType = UNSET


class RecoveryAddress(msgspec.Struct):
    id: str
    value: str
    via: str
    created_at: Moment
    updated_at: Moment


class CredentialShown(msgspec.Struct):
    type: str
    identifiers: tuple[str, ...]
    version: int
    created_at: Moment
    updated_at: Moment
    config: dict[str, Any] | UnsetType = UNSET


class Identity(msgspec.Struct):
    id: str
    schema_id: str
    schema_url: str
    state: str
    state_changed_at: Moment
    traits: Raw
    metadata_public: Raw
    created_at: Moment
    updated_at: Moment
    organization_id: str | None = None
    metadata_admin: Raw | UnsetType = UNSET
    external_id: str | UnsetType = UNSET
    credentials: dict[str, CredentialShown] | UnsetType = UNSET
    verifiable_addresses: list[VerifiableAddress] | UnsetType = UNSET
    recovery_addresses: list[RecoveryAddress] | UnsetType = UNSET


class AuthenticationMethod(msgspec.Struct):
    method: str
    aal: str
    completed_at: Moment


class SessionDevice(msgspec.Struct):
    id: str
    ip_address: str | UnsetType
    user_agent: str | UnsetType
    location: str


class Session(msgspec.Struct):
    id: str
    active: bool
    expires_at: Moment
    authenticated_at: Moment
    authenticator_assurance_level: str
    authentication_methods: list[AuthenticationMethod]
    issued_at: Moment
    identity: Identity | UnsetType = UNSET
    devices: list[SessionDevice] | UnsetType = UNSET


class RecoveryCode(msgspec.Struct):
    recovery_link: str
    recovery_code: str
    expires_at: Moment


class RecoveryLink(msgspec.Struct):
    recovery_link: str
    expires_at: Moment


class IdentitySchema(msgspec.Struct):
    id: str
    schema: Raw


class MessageDispatch(msgspec.Struct):
    id: str
    message_id: str
    status: str
    created_at: Moment
    updated_at: Moment
    error: dict[str, str] | UnsetType = UNSET


class CourierMessage(msgspec.Struct):
    id: str
    status: str
    type: str
    channel: str
    recipient: str
    subject: str
    body: str
    template_type: str
    send_count: int
    created_at: Moment
    updated_at: Moment
    dispatches: list[MessageDispatch] | UnsetType = UNSET


class ErrorShown(TypedDict):
    code: int
    status: str
    message: str
    reason: NotRequired[str]
    id: NotRequired[str]
    request: NotRequired[str]
    details: NotRequired[dict[str, Any]]


class Envelope(TypedDict):
    """Every refusal, but for a form that is shown again. Some have more members beside the error."""

    error: ErrorShown


class BatchItem(msgspec.Struct, omit_defaults=True):
    action: str
    identity: str | None = None
    patch_id: str | None = None
    error: ErrorShown | None = None


class Batch(msgspec.Struct):
    identities: list[BatchItem | None]


class SuccessfulLogin(msgspec.Struct):
    session: Session
    continue_with: list[dict[str, Any]] | None
    session_token: str | UnsetType = UNSET


class SuccessfulRegistration(msgspec.Struct):
    identity: Identity
    continue_with: list[dict[str, Any]] | None
    session: Session | UnsetType = UNSET
    session_token: str | UnsetType = UNSET


class LogoutFlow(msgspec.Struct):
    logout_url: str
    logout_token: str


class FlowError(msgspec.Struct):
    id: str
    error: ErrorShown
    created_at: Moment
    updated_at: Moment


class Count(msgspec.Struct):
    count: int


class Processed(msgspec.Struct):
    processed: int
    more: bool


class Render:
    """Core values → shapes. `public_url` ends in a slash."""

    def __init__(self, public_url: str, vault: Vault) -> None:
        self._schemas = f"{public_url}schemas/"
        self._vault = vault

    def identity(
        self,
        identity: model.Identity,
        *,
        admin: bool,
        credentials: Iterable[Credential] | None = None,
        configs: Sequence[str] = (),
    ) -> Identity:
        """`credentials` are shown where given; their configs for the types in `configs` only."""
        i = identity
        verifiable = [_verifiable(a) for a in i.of_kind(model.Kind.VERIFIABLE)]
        recovery = [
            RecoveryAddress(id_text(a.id), a.value, a.via, at(a.created_at), at(a.updated_at))
            for a in i.of_kind(model.Kind.RECOVERY)
        ]
        shown = {c.type: self._credential(c, c.type in configs) for c in credentials or ()}
        return Identity(
            id=id_text(i.id),
            schema_id=i.schema_id,
            schema_url=self.schema_url(i.schema_id),
            state=i.state,
            state_changed_at=at(i.state_changed_at),
            traits=Raw(i.traits),
            metadata_public=_raw(i.metadata_public),
            created_at=at(i.created_at),
            updated_at=at(i.updated_at),
            organization_id=None if i.organization == DEFAULT else id_text(i.organization),
            metadata_admin=_raw(i.metadata_admin) if admin else UNSET,
            external_id=i.external_id or UNSET,
            credentials=shown or UNSET,
            verifiable_addresses=verifiable or UNSET,
            recovery_addresses=recovery or UNSET,
        )

    def session(
        self, standing: Standing, *, active: bool, admin: bool, identity: bool = True, devices: bool = True
    ) -> Session:
        who = self.identity(standing.identity, admin=admin) if identity else UNSET
        return self.own_session(standing.session, who, active=active, devices=devices)

    def own_session(
        self, session: CoreSession, identity: Identity | UnsetType, *, active: bool = True, devices: bool = True
    ) -> Session:
        s, d = session, session.device
        device = SessionDevice(id_text(s.device_id), d.ip or UNSET, d.user_agent or UNSET, d.location or "")
        return Session(
            id=id_text(s.id),
            active=active,
            expires_at=at(s.expires_at),
            authenticated_at=at(s.authenticated_at),
            authenticator_assurance_level=f"aal{s.aal}",
            authentication_methods=[
                AuthenticationMethod(m.method, f"aal{m.aal}", at(m.completed_at)) for m in s.methods
            ],
            issued_at=at(s.issued_at),
            identity=identity,
            devices=[device] if devices else UNSET,
        )

    def schema_url(self, schema_id: str) -> str:
        return self._schemas + urlsafe_b64encode(schema_id.encode()).rstrip(b"=").decode()

    def _credential(self, c: Credential, with_config: bool) -> CredentialShown:
        config = METHODS[c.type].shown(self._vault.open(c)) if with_config else None
        version = _CREDENTIAL_VERSION.get(c.type, 0)
        return CredentialShown(
            c.type, c.identifiers, version, at(c.created_at), at(c.updated_at), UNSET if config is None else config
        )


def _raw(text: str | None) -> Raw:
    return _NULL if text is None else Raw(text)


def _verifiable(a: model.Address) -> VerifiableAddress:
    verified_at = UNSET if a.verified_at is None else at(a.verified_at)
    return VerifiableAddress(
        id_text(a.id), a.value, a.verified, a.via, a.status, at(a.created_at), at(a.updated_at), verified_at
    )
