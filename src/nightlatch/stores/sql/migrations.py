"""The schema as an ordered list. Each migration runs once, in a transaction with the record that it ran; forward only.

`{id}` `{bytes}` `{int}` `{text}` are the database's words for a UUID, bytes, 64 bits and text in byte order.
"""

from typing import NamedTuple

from nightlatch.core.organizations.model import DEFAULT
from nightlatch.stores.sql import feed

SQLITE = {
    "id": "blob",
    "bytes": "blob",
    "int": "integer",
    "text": "text",
    "strict": "strict",
    "keyed": "strict, without rowid",
    "default_organization": f"x'{DEFAULT.hex()}'",
}
POSTGRES = {
    "id": "uuid",
    "bytes": "bytea",
    "int": "bigint",
    "text": 'text collate "C"',
    "strict": "",
    "keyed": "",
    "default_organization": f"'{DEFAULT.hex()}'",
}


# JSON is kept as text. PostgreSQL's own type would give back other bytes: keys in another order, numbers spelt anew.
class Migration(NamedTuple):
    """`postgres` are statements for PostgreSQL alone, in its own words."""

    number: int
    name: str
    statements: tuple[str, ...]
    postgres: tuple[str, ...] = ()


_POLICY = (
    "session_idle {int}",
    "session_max_per_identity {int}",
    "session_at_limit {text}",
    "session_end_others {int}",
    "session_proved_after {int} not null default 0",
    "session_seen_after {int} not null default 0",
)

MIGRATIONS = (
    Migration(
        1,
        "sessions of identities of organizations",
        (
            """create table organizations (
                id {id} primary key, name {text} not null, created_at {int} not null,
                ended_before {int} not null default 0, deleted_before {int} not null default 0
            ) {strict}""",
            """create table identities (
                id {id} primary key, organization_id {id} not null references organizations (id),
                schema_id {text} not null, state {text} not null, state_changed_at {int} not null,
                traits {text} not null, metadata_public {text}, metadata_admin {text}, external_id {text},
                addresses {text} not null, version {int} not null,
                ended_before {int} not null default 0, deleted_before {int} not null default 0,
                created_at {int} not null, updated_at {int} not null
            ) {strict}""",
            "insert into organizations (id, name, created_at) values ({default_organization}, 'default', 0)",
            "create unique index identities_page on identities (organization_id, id)",
            "create index identities_schema on identities (organization_id, schema_id, id)",
            """create table names (
                organization_id {id} not null, kind {text} not null, value {text} not null,
                identity_id {id} not null references identities (id) on delete cascade,
                primary key (organization_id, kind, value)
            ) {keyed}""",
            "create index names_identity on names (identity_id)",
            """create table credentials (
                identity_id {id} not null references identities (id) on delete cascade, type {text} not null,
                identifiers {text} not null, config {text} not null,
                first_factors {int} not null, second_factors {int} not null, revision {int} not null,
                created_at {int} not null, updated_at {int} not null,
                primary key (identity_id, type)
            ) {keyed}""",
            """create table sessions (
                id {id} primary key, number {int} not null unique,
                organization_id {id} not null references organizations (id),
                identity_id {id} not null references identities (id) on delete cascade,
                token_hash {bytes} not null unique, aal {int} not null, methods {text} not null,
                created_at {int} not null, issued_at {int} not null, authenticated_at {int} not null,
                expires_at {int} not null, ended_at {int}, last_seen {int} not null,
                device_id {id} not null, ip {text}, user_agent {text}, location {text}, device_kind {text} not null,
                identity_ended {int} not null, identity_deleted {int} not null,
                organization_ended {int} not null, organization_deleted {int} not null
            ) {strict}""",
            "create index sessions_identity on sessions (identity_id, created_at desc, id)",
            "create index sessions_page on sessions (organization_id, created_at desc, id)",
            """create table access_keys (
                id {id} primary key, organization_id {id} not null references organizations (id),
                name {text} not null, token_hash {bytes} not null unique, scopes {text} not null,
                created_at {int} not null, expires_at {int}, revoked_at {int}
            ) {strict}""",
            """create table flows (
                id {id} primary key, organization_id {id} not null references organizations (id),
                act {text} not null, type {text} not null, state {text} not null, method {text},
                identity_id {id} references identities (id) on delete cascade,
                request_url {text} not null, return_to {text}, facts {text} not null,
                issued_at {int} not null, expires_at {int} not null, used_at {int}
            ) {strict}""",
            "create index flows_identity on flows (identity_id)",
            """create table codes (
                id {id} primary key, organization_id {id} not null references organizations (id),
                identity_id {id} not null references identities (id) on delete cascade,
                flow_id {id} not null unique references flows (id) on delete cascade,
                purpose {text} not null, secret_hash {bytes} not null, expires_at {int} not null,
                tries {int} not null, used_at {int}
            ) {strict}""",
            "create index codes_identity on codes (identity_id)",
            """create table events (
                id {id} primary key, organization_id {id} not null, at {int} not null, name {text} not null,
                actor {text} not null, identity_id {id}, session_id {id}, reason {text},
                amount {int} not null, data {text}
            ) {strict}""",
            "create index events_page on events (organization_id, at, id)",
        ),
    ),
    Migration(
        2,
        "attempts and leases",
        (
            """create table attempts (
                key {bytes} not null primary key, since {int} not null, recent {int} not null,
                in_row {int} not null, not_before {int} not null, expires_at {int} not null
            ) {keyed}""",
            "create index attempts_expiry on attempts (expires_at)",
            """create table leases (
                name {text} not null primary key, holder {bytes} not null, until {int} not null
            ) {keyed}""",
            "create index flows_expiry on flows (expires_at)",
            "create index sessions_expiry on sessions (expires_at)",
        ),
    ),
    Migration(
        3,
        "organizations by name and alias; key pairs",
        (
            "create unique index organizations_name on organizations (name)",
            """create table organization_aliases (
                kind {text} not null, value {text} not null,
                organization_id {id} not null references organizations (id) on delete cascade,
                primary key (kind, value)
            ) {keyed}""",
            "create index organization_aliases_organization on organization_aliases (organization_id, kind, value)",
            "create index access_keys_page on access_keys (organization_id, id)",
            "alter table access_keys add column pair_id {text}",
            "alter table access_keys add column pair_secret {bytes}",
            "alter table access_keys add column security_token_hash {bytes}",
            "create unique index access_keys_pair on access_keys (pair_id)",
            """update access_keys set scopes = replace(scopes, '"recovery:write"', '"recovery:create"')""",
        ),
    ),
    Migration(
        4,
        "endings of very many sessions; session settings of an identity",
        (
            """create table endings (
                id {id} primary key, organization_id {id} not null references organizations (id), identity_id {id},
                how {text} not null, at {int} not null, event_id {id} not null,
                identity_ended {int}, identity_deleted {int},
                organization_ended {int} not null, organization_deleted {int} not null,
                after_created_at {int} not null, after_id {id} not null
            ) {strict}""",
            "alter table identities add column session_lifespan {int}",
            "alter table identities add column session_ends_with_browser {int}",
        ),
    ),
    Migration(
        5,
        "messages",
        (
            """create table messages (
                id {id} primary key, organization_id {id} not null references organizations (id),
                identity_id {id} references identities (id) on delete cascade,
                channel {text} not null, recipient {text} not null, template {text} not null, data {bytes} not null,
                created_at {int} not null, updated_at {int} not null, next_at {int}, done_at {int},
                status {text} not null, send_count {int} not null, dispatches {text} not null
            ) {strict}""",
            "create index messages_due on messages (next_at) where next_at is not null",
            "create index messages_done on messages (done_at) where done_at is not null",
            "create index messages_page on messages (organization_id, id)",
            "create index messages_identity on messages (identity_id)",
        ),
    ),
    Migration(
        6,
        "codes that are sent to an address, for who is not known yet too",
        (
            "alter table codes rename to old_codes",
            """create table codes (
                id {id} primary key, organization_id {id} not null references organizations (id),
                identity_id {id} references identities (id) on delete cascade,
                flow_id {id} not null unique references flows (id) on delete cascade,
                purpose {text} not null, secret_hash {bytes} not null, expires_at {int} not null,
                tries {int} not null, used_at {int}, address {text}
            ) {strict}""",
            """insert into codes select id, organization_id, identity_id, flow_id, purpose, secret_hash, expires_at,
                tries, used_at, null from old_codes""",
            "drop table old_codes",
            "create index codes_identity on codes (identity_id)",
        ),
    ),
    Migration(
        7,
        "seals of events",
        (
            "alter table events add column position {int}",
            "create unique index events_position on events (position) where position is not null",
            "create index events_unsealed on events (id) where position is null",
            "create index endings_event on endings (event_id)",
            """create table seals (
                position {int} primary key, hashes {bytes} not null, digest {bytes} not null, sealed_at {int} not null
            ) {strict}""",
        ),
    ),
    Migration(
        8,
        "traits that filters may name",
        (
            "create index identities_created on identities (organization_id, created_at, id)",
            """create table searchable_traits (
                identity_id {id} not null references identities (id) on delete cascade,
                name {text} not null, value {text} not null, organization_id {id} not null,
                primary key (identity_id, name, value)
            ) {keyed}""",
            "create index searchable_traits_value on searchable_traits (organization_id, name, value, identity_id)",
            """create table trait_marks (
                id {int} primary key, wanted {text} not null, filled {text} not null, after_id {id}
            ) {strict}""",
        ),
    ),
    Migration(
        9,
        "jobs",
        (
            """create table jobs (
                id {id} primary key, organization_id {id} not null references organizations (id),
                kind {text} not null, actor {text} not null, reason {text} not null, which {text} not null,
                total {int} not null, created_at {int} not null, updated_at {int} not null, status {text} not null,
                done {int} not null, failed {int} not null, failures {text} not null,
                after_at {int}, after_id {id}, ended_at {int}
            ) {strict}""",
            "create index jobs_page on jobs (organization_id, id)",
            "create index jobs_running on jobs (id) where ended_at is null",
            "create index jobs_ended on jobs (ended_at) where ended_at is not null",
        ),
    ),
    Migration(
        10,
        "policies of organizations and identities",
        (
            *(f"alter table identities add column {column}" for column in _POLICY),
            *(
                f"alter table organizations add column {column}"
                for column in ("session_lifespan {int}", "session_ends_with_browser {int}", *_POLICY)
            ),
        ),
    ),
    Migration(
        11,
        "idempotency keys",
        (
            """create table idempotency_keys (
                id {bytes} not null primary key, actor {text} not null, fingerprint {bytes} not null,
                holder {bytes} not null, held_until {int} not null, expires_at {int} not null, acted {int} not null,
                answer {bytes}
            ) {keyed}""",
            "create index idempotency_keys_actor on idempotency_keys (actor, expires_at)",
            "create index idempotency_keys_expiry on idempotency_keys (expires_at)",
        ),
    ),
    Migration(13, "nodes: the feed of changes, and leases", (), feed.TABLES),
)
