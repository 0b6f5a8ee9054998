"""The schema extension `ory.sh/kratos`: what a marked trait is used for, and under which spelling; and our own, which
has filters name it."""

from typing import Any, Literal

import msgspec
from jsonschema_rs import Draft7Validator, EmailOptions

from nightlatch.core.identities.complaints import Complaint, Path, pointer, refusal, shown
from nightlatch.core.identities.normal import LONGEST, normal_form, phone_number
from nightlatch.core.questions import Kind

NAME = "ory.sh/kratos"
SEARCHABLE = "nightlatch/searchable"
_KINDS = {"string": Kind.CASELESS, "integer": Kind.NUMBER, "boolean": Kind.FLAG}
EMAIL = EmailOptions(allow_display_text=False, allow_domain_literal=False)

# Each marked value makes rows.
_MOST = 256
_is_email = Draft7Validator({"format": "email"}, validate_formats=True, email_options=EMAIL).is_valid

_Channel = Literal["email", "sms"]


class _Flag(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    identifier: bool = False


class _Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    identifier: bool = False
    via: _Channel | None = None

    def __post_init__(self) -> None:
        if self.identifier and self.via is None:
            raise ValueError("credentials.code needs via: email or sms")


class _Totp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    account_name: bool = False


class _Passkey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    display_name: bool = False


class _Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    password: _Flag = _Flag()
    webauthn: _Flag = _Flag()
    code: _Code = _Code()
    totp: _Totp = _Totp()
    passkey: _Passkey = _Passkey()


class _Via(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    via: _Channel | None = None


class _Organizations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    matcher: Literal["email_domain"] | None = None


class _Uses(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    credentials: _Credentials = _Credentials()
    verification: _Via = _Via()
    recovery: _Via = _Via()
    organizations: _Organizations = _Organizations()


class Mark:
    """What one marked schema node makes of a value."""

    __slots__ = (
        "at",
        "code",
        "format",
        "identifiers",
        "labels",
        "phone",
        "recovery",
        "searchable",
        "used",
        "verification",
    )

    def __init__(self, uses: _Uses, form: str | None, at: Path, *, used: bool, searchable: Kind | None) -> None:
        of = uses.credentials
        self.at, self.format = at, form
        self.used, self.searchable = used, searchable
        self.identifiers = [name for name in ("password", "webauthn") if getattr(of, name).identifier]
        self.labels = ["totp"] * of.totp.account_name + ["passkey"] * of.passkey.display_name
        self.code = of.code.via if of.code.identifier else None
        self.verification, self.recovery = uses.verification.via, uses.recovery.via
        self.phone = "sms" in {self.code, self.verification, self.recovery}


def read_mark(schema: dict[str, Any], at: Path) -> Mark | None:
    """The mark of a schema node; ValueError when it is malformed."""
    searchable = _searchable(schema, at)
    if NAME not in schema and searchable is None:
        return None
    try:
        uses = msgspec.convert(schema.get(NAME, {}), _Uses)
    except msgspec.ValidationError as error:
        raise ValueError(f"{NAME} in #{pointer(at)}: {error}") from None
    return Mark(uses, schema.get("format"), at, used=NAME in schema, searchable=searchable)


def _searchable(schema: dict[str, Any], at: Path) -> Kind | None:
    """Of what kind the values are, where filters may name them."""
    marked, type_ = schema.get(SEARCHABLE, False), schema.get("type")
    if marked is False:
        return None
    types = {*(type_ if isinstance(type_, list) else [type_])} - {"null"}
    if marked is not True or len(types) != 1 or not types <= _KINDS.keys():
        raise ValueError(f"{SEARCHABLE} in #{pointer(at)}: it is true or false, beside the type {', '.join(_KINDS)}")
    return _KINDS[types.pop()]


class Found(msgspec.Struct):
    """What the marked values of one set of traits are. Sets are dicts: their order is that of the traits."""

    identifiers: dict[str, dict[str, None]] = {}
    codes: dict[tuple[str, str], None] = {}
    verifiable: dict[tuple[str, str], None] = {}
    recovery: dict[tuple[str, str], None] = {}
    labels: dict[str, str] = {}
    rewrites: list[tuple[Path, str]] = []
    complaints: list[Complaint] = []
    count: int = 0

    def take(self, mark: Mark, value: Any, path: Path) -> None:
        """Uses `value` as `mark` says. Empty text is used for nothing, nor is what is neither text nor an integer.
        TraitsInvalid when there are too many."""
        text = str(value) if type(value) is int else value
        if not (mark.used and isinstance(text, str)):
            return
        self.count += 1
        if self.count > _MOST:
            raise refusal([Complaint(path, mark.at, f"more than {_MOST} identifiers and addresses")])
        form = normal_form(text)
        if len(form.encode()) > LONGEST:
            self.complaints.append(Complaint(path, mark.at, f"length must be <= {LONGEST} bytes"))
        elif form:
            self._use(mark, text, form, path)

    def _use(self, mark: Mark, text: str, form: str, path: Path) -> None:
        for name in mark.identifiers:
            self.identifiers.setdefault(name, {})[form] = None
        for name in mark.labels:
            self.labels.setdefault(name, text.strip())
        self._take_addresses(mark, text, form, path)

    def _take_addresses(self, mark: Mark, text: str, form: str, path: Path) -> None:
        number = phone_number(form) if mark.phone else None
        if number is not None and number != text:
            self.rewrites.append((path, number))
        for via, kept, strict in (
            (mark.code, self.codes, True),
            (mark.verification, self.verifiable, False),
            (mark.recovery, self.recovery, True),
        ):
            if via is None:
                continue
            wrong = _wrong_email(mark, text) if via == "email" else _wrong_phone(mark, text, number, strict=strict)
            if wrong is None:
                kept[via, form] = None
            else:
                form_of = "email" if via == "email" else "tel"
                self.complaints.append(Complaint(path, (*mark.at, "format"), wrong, rule="format", limit=form_of))


def _wrong_email(mark: Mark, text: str) -> str | None:
    # With a format the validator has judged it already: email as such, no-validate and the rest by the pattern.
    return None if mark.format is not None or _is_email(text) else f'{shown(text)} is not valid "email"'


def _wrong_phone(mark: Mark, text: str, number: str | None, *, strict: bool) -> str | None:
    if mark.format is None and not strict:
        return (
            "no format specified. A format is required if verification is enabled. "
            'If this was intentional, please set "format" to "no-validate"'
        )
    if number is None and (strict or mark.format == "tel"):
        return f'{shown(text)} is not valid "tel" for "sms"'
    return None
