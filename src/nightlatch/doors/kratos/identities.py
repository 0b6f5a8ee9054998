"""The admin operations on identities."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from nightlatch.core.administration import identities as admin
from nightlatch.core.credentials.methods import METHODS
from nightlatch.core.credentials.model import Config, Credential
from nightlatch.core.credentials.person import Named, Person, Profile, compose_named, find
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Filter, Identity, Name
from nightlatch.core.identities.normal import normal_identifier
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.doors.http.json_gate import gate
from nightlatch.doors.http.refusal import Headers
from nightlatch.doors.http.routing import MIB, Answer, Call
from nightlatch.doors.kratos import bodies, paging, patch
from nightlatch.doors.kratos.errors import AllConflict, Malformed, error_of
from nightlatch.doors.kratos.parts import Parts
from nightlatch.doors.kratos.shapes import Batch, BatchItem, encode
from nightlatch.kernel.ids import id_text, parse_id
from nightlatch.problems import Conflict, FieldInvalid, IdentityNotFound, Invalid, Problem

_KNOWN_TYPES = {*METHODS, "saml", "deviceauthn", "link_recovery", "code_recovery"}
_MOST_PLAIN = 200
_MOST = 1000
_TURN = 16  # entries, half a millisecond: all in one go would keep everybody else waiting


async def create_identity(call: Call[Parts]) -> Answer:
    body = bodies.decode(await call.body(MIB), bodies.CreateIdentity)
    person, _ = await _compose(call, body)
    try:
        await call.door.store.write(lambda tx: admin.create(tx, call.act, person))
    except Conflict:
        raise Conflict("This identity conflicts with another identity that already exists.") from None
    base = call.door.admin_url or "/"
    location = f"{base}admin/identities/{id_text(person.identity.id)}"
    return _one(call, person, 201, (("location", location),))


async def batch_patch_identities(call: Call[Parts]) -> Answer:
    entries = bodies.decode(await call.body(5 * MIB), bodies.BatchBody).identities or []
    if len(entries) > _MOST:
        raise Invalid(
            f"The maximum number of identities per request that can be created or deleted at once is {_MOST}."
        )
    if sum(bool(e.create and bodies.plain_password(e.create)) for e in entries) > _MOST_PLAIN:
        raise Invalid(
            "The maximum number of identities per request that can be created with a plaintext password "
            f"is {_MOST_PLAIN}."
        )
    composed = [await _composed(call, e.create, n) if e.create else None for n, e in enumerate(entries)]
    people = [each for each in composed if isinstance(each, tuple)]
    stored = iter(await call.door.store.write(lambda tx: admin.create_many(tx, call.act, people)) if people else ())
    outcomes = [next(stored) if isinstance(outcome, tuple) else outcome for outcome in composed]
    items = [_item(entry.patch_id, outcome) for entry, outcome in zip(entries, outcomes, strict=True)]
    if people and not any(isinstance(outcome, Person) for outcome in outcomes):
        # Old clients know no action but create: where nothing was, the whole is a conflict.
        raise AllConflict(items)
    return Answer(200, encode(Batch(items)))


async def get_identity(call: Call[Parts]) -> Answer:
    identity_id = call.path_id("id", IdentityNotFound)
    return await _get(call, lambda tx: _found(tx, call, identity_id))


async def get_identity_by_external_id(call: Call[Parts]) -> Answer:
    name = Name("external_id", call.path("external_id"))

    async def by_name(tx: Tx) -> Person:
        return await _found(tx, call, await tx.identities.holder(call.act.organization, name))

    return await _get(call, by_name)


async def list_identities(call: Call[Parts]) -> Answer:
    where, types = _filter(call), _include_credential(call)
    foreign = _organization(call)
    page = paging.asked(call, 500)
    if where.ids is not None:
        page = msgspec.structs.replace(page, size=500)
    after = paging.read_token(call, page, "identities", bytes)
    organization = call.act.organization
    shown = bool(types) or where.identifiers is not None or where.prefixes is not None

    async def ask(tx: Tx) -> tuple[list[Identity], dict[bytes, list[Credential]], int | None]:
        if foreign:
            return [], {}, 0
        rows = await tx.identities.list(organization, where, after, page.skip, page.size + 1)
        total = None if page.number is None else await tx.identities.count(organization, where)
        held = await tx.credentials.of([row.id for row in rows]) if shown and rows else {}
        return rows, held, total

    rows, held, total = await call.door.store.scan(ask)
    if total is not None and page.number is not None:
        headers = paging.number_link(call, page, total)
    else:
        headers = paging.token_link(call, page, "identities", rows, lambda row: row.id)
    render = call.door.render.identity
    items = [render(i, admin=True, credentials=held.get(i.id), configs=types) for i in rows[: page.size]]
    return Answer(200, encode(items), headers)


async def update_identity(call: Call[Parts]) -> Answer:
    body = await bodies.posted(call, 5 * MIB, bodies.UpdateIdentity)
    credentials = await admin.hash_passwords(call.door.hasher, bodies.credentials_of(body.credentials))

    def change(before: Person) -> Profile:
        profile = bodies.profile(body, before.identity.schema_id, before.identity.state)
        return msgspec.structs.replace(profile, credentials=credentials)

    return await _change(call, change)


async def patch_identity(call: Call[Parts]) -> Answer:
    raw = await call.body(MIB)
    try:
        operations = patch.read(raw)
    except Malformed:
        await _check_known(call)  # the peer looks for the identity before it reads the operations
        raise

    def change(before: Person) -> Profile:
        return bodies_of_patch(call.door, before, operations)

    return await _change(call, change)


async def delete_identity(call: Call[Parts]) -> Answer:
    identity_id = call.path_id("id", IdentityNotFound)
    # Unknown is as good as deleted: whoever repeats a request after a cut connection gets the same answer.
    await call.door.store.write(lambda tx: admin.delete(tx, call.act, identity_id))
    return Answer(204)


async def delete_identity_credentials(call: Call[Parts]) -> Answer:
    identity_id = call.path_id("id", IdentityNotFound)
    type_ = {"lookup": "lookup_secret"}.get(call.path("type"), call.path("type"))
    identifier = call.query("identifier")
    vault = call.door.vault
    person = await call.door.store.write(
        lambda tx: admin.delete_credential(tx, call.act, vault, identity_id, type_, identifier)
    )
    return _one(call, person)


def bodies_of_patch(parts: Parts, before: Person, operations: list[patch.Operation]) -> Profile:
    """What `before` is asked to become by `operations`. Invalid when they do not fit."""
    shown = parts.render.identity(
        before.identity, admin=True, credentials=before.credentials.values(), configs=tuple(METHODS)
    )
    document = msgspec.json.decode(encode(shown))
    document.setdefault("external_id", None)
    changed = patch.apply(document, operations)
    return profile_of_document(before, document, changed)


def profile_of_document(before: Person, document: dict[str, object], changed: dict[str, object]) -> Profile:
    state = changed.get("state")
    if state not in ("active", "inactive", None):
        reason = f"The supplied state ('{state}') was not valid. Valid states are ('active', 'inactive')."
        raise Malformed("identity state is not valid", reason)
    credentials = patched_credentials(document.get("credentials"), changed.pop("credentials", None))
    for name in ("verifiable_addresses", "recovery_addresses"):
        _verified_first(changed.get(name), document.get(name))
    old = before.identity
    body = encode(changed)
    gate(body)  # each operation passed it, but what they build together may not
    profile = bodies.profile(bodies.decode(body, bodies.UpdateIdentity), old.schema_id, old.state)
    # What the patch left alone stays the text that it was.
    texts = ("traits", "metadata_public", "metadata_admin")
    same = {name: getattr(old, name) for name in texts if changed.get(name) == document.get(name)}
    return msgspec.structs.replace(profile, credentials=credentials, whole=True, **same)


def patched_credentials(old: object, new: object) -> dict[str, Config]:
    """The configs that a patch changed. FieldInvalid for one whose type is not its key, or that is not of its type."""
    before = old if isinstance(old, dict) else {}
    after = new if isinstance(new, dict) else {}
    if before.keys() - after.keys():
        raise Invalid("Credentials are deleted with DELETE /admin/identities/{id}/credentials/{type}.")
    changed: dict[str, object] = {}
    for type_, credential in after.items():
        if credential == before.get(type_):
            continue
        if not isinstance(credential, dict) or credential.get("type") != type_:
            given = credential.get("type", "") if isinstance(credential, dict) else ""
            raise FieldInvalid("credentials", f'credentials.{type_}.type must equal "{type_}", got "{given}"')
        changed[type_] = {"config": credential.get("config")}
    try:
        return bodies.credentials_of(msgspec.convert(changed, bodies.PatchedCredentials))
    except msgspec.ValidationError as error:
        raise FieldInvalid("credentials", f"The patched credentials are none: {error}") from None


def _verified_first(new: object, old: object) -> None:
    """An address whose `verified` was taken back has no verification status left to keep."""
    if not isinstance(new, list) or not isinstance(old, list):
        return
    was = [a["id"] for a in old if a.get("verified")]
    for address in new:
        if isinstance(address, dict) and address.get("id") in was and not address.get("verified"):
            address["status"] = "pending"
            address.pop("verified_at", None)


async def _compose(call: Call[Parts], body: bodies.CreateIdentity) -> Named:
    profile = bodies.new_profile(body, call.door.schemas.default_id, call.act.organization)
    credentials = await admin.hash_passwords(call.door.hasher, profile.credentials)
    profile = msgspec.structs.replace(profile, credentials=credentials)
    return compose_named(call.act, call.door.schemas, call.door.vault, profile)


async def _composed(call: Call[Parts], body: bodies.CreateIdentity, number: int) -> Named | Invalid:
    if number % _TURN == 0:
        await asyncio.sleep(0)
    try:
        return await _compose(call, body)
    except Invalid as problem:
        return problem


def _item(patch_id: str | None, outcome: Person | Problem | None) -> BatchItem | None:
    if outcome is None:
        return None
    if isinstance(outcome, Problem):
        return BatchItem("error", patch_id=patch_id, error=error_of(outcome))
    return BatchItem("create", id_text(outcome.identity.id), patch_id)


async def _found(tx: Tx, call: Call[Parts], identity_id: bytes | None) -> Person:
    person = await find(tx, call.act.organization, identity_id) if identity_id else None
    if person is None:
        raise IdentityNotFound
    return person


async def _get(call: Call[Parts], unit: Callable[[Tx], Awaitable[Person]]) -> Answer:
    person = await call.door.store.read(unit)
    return _one(call, person, configs=_include_credential(call))


async def _change(call: Call[Parts], change: Callable[[Person], Profile]) -> Answer:
    identity_id = call.path_id("id", IdentityNotFound)
    versions = _if_match(call)

    async def unit(tx: Tx) -> Person:
        before = await admin.locked(tx, call.act, identity_id, versions)
        return await admin.update(tx, call.act, call.door.schemas, call.door.vault, before, change(before))

    return _one(call, await call.door.store.write(unit))


async def _check_known(call: Call[Parts]) -> None:
    identity_id = call.path_id("id", IdentityNotFound)
    if not await call.door.store.read(lambda tx: tx.identities.get(call.act.organization, identity_id)):
        raise IdentityNotFound


def _one(
    call: Call[Parts], person: Person, status: int = 200, headers: Headers = (), configs: tuple[str, ...] = ()
) -> Answer:
    credentials = person.credentials.values()
    shown = call.door.render.identity(person.identity, admin=True, credentials=credentials, configs=configs)
    return Answer(status, encode(shown), (*headers, ("etag", f'"{person.identity.version}"')))


def _if_match(call: Call[Parts]) -> frozenset[int] | None:
    """The versions that If-Match allows (RFC 9110 13.1.1); None for any. A weak or foreign tag matches nothing."""
    header = call.request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return None
    tags = (tag.strip() for tag in header.split(","))
    return frozenset(
        int(tag[1:-1]) for tag in tags if tag[:1] == tag[-1:] == '"' and tag[1:-1].isdecimal() and len(tag) < 20
    )


def _include_credential(call: Call[Parts]) -> tuple[str, ...]:
    types = tuple(t for t in call.queries("include_credential") if t)
    if unknown := [type_ for type_ in types if type_ not in _KNOWN_TYPES]:
        raise Invalid(f"Invalid value `{unknown[0]}` for parameter `include_credential`.")
    return types


def _filter(call: Call[Parts]) -> Filter:
    ids = tuple(_uuid(text, "ids") for text in call.queries("ids")) if call.queries("ids") else None
    if ids is not None and len(ids) > 500:
        raise Invalid("The number of ids to filter must not exceed 500.")
    exact, similar = call.query("credentials_identifier"), call.query("preview_credentials_identifier_similar")
    return Filter(
        ids=ids,
        identifiers=_names(exact) if exact else None,
        prefixes=_names(similar) if similar else None,
        schema_id=call.query("schema_id") or None,
    )


def _organization(call: Call[Parts]) -> bool:
    """Whether the list is asked for an organization that is not the caller's own, as it is shown: the default one's id
    never is."""
    given, own = call.query("organization_id"), call.act.organization
    return bool(given and (_uuid(given, "organization_id") != own or own == DEFAULT))


def _names(text: str) -> tuple[Name, ...]:
    normal = (Name(type_, normal_identifier(type_, text)) for type_ in ("password", "webauthn", "code"))
    return (*normal, Name("oidc", text))


def _uuid(text: str, parameter: str) -> bytes:
    value = parse_id(text)
    if value is None:
        raise Invalid(f"Invalid UUID value `{text}` for parameter `{parameter}`.")
    return value
