"""Every setting, declared once: its kind, its default and what it is for. The parser, the environment's names, the
checks and docs/settings.md are all made from these lines. An attribute's path is its key's path in the file.

`dev` (the flag) and `warnings` are given by `load`; they are no settings.
"""

import os
from pathlib import Path

from nightlatch.config.declare import Follows, Subject, declared, same_as, setting
from nightlatch.config.kinds import (
    BASE_URL,
    BOOLEAN,
    FILE,
    HOST,
    NETWORK,
    ORIGIN,
    REFERENCE,
    TEXT,
    TOKEN,
    Network,
    choice,
    duration,
    integer,
    many,
)
from nightlatch.config.selfservice import AAL, Selfservice
from nightlatch.config.values import CHANNEL, DSN, EMAIL, GATEWAY, RELAY, SCHEMA, SECRET, SchemaSource, Secret
from nightlatch.core.courier.model import Gateway, Relay
from nightlatch.kernel.clock import MINUTE, SECOND

DATA = Path(__file__).parents[1] / "data"
DEVELOPMENT_SECRET = "nightlatch-development-secret-known-to-everybody"  # noqa: S105 - refused outside --dev
_DEVELOPMENT_DSN = "sqlite://var/nightlatch.sqlite"
_PORTS = integer(1, 65535)
_SAME_SITE = choice("Lax", "Strict", "None")


class CorsSettings(Subject):
    enabled: bool = setting(BOOLEAN, False, "Whether pages of other origins may use the public port from a script.")
    allowed_origins: tuple[str, ...] = setting(
        many(ORIGIN),
        [],
        "Whole ones, `https://*.example.com`, or `*` for any, but without cookies. When empty, those of the `ui_url`s.",
    )
    allowed_methods: tuple[str, ...] = setting(
        many(TOKEN), ["GET", "POST", "PUT", "PATCH", "DELETE"], "What they may ask."
    )
    allowed_headers: tuple[str, ...] = setting(
        many(TOKEN),
        ["Authorization", "Content-Type", "X-CSRF-Token", "X-Session-Token", "X-Request-Id"],
        "Headers that they may send.",
    )
    exposed_headers: tuple[str, ...] = setting(
        many(TOKEN), ["Content-Type", "X-Request-Id"], "Headers of answers that they may read."
    )
    allow_credentials: bool = setting(BOOLEAN, True, "Whether they may send cookies.")


class Public(Subject):
    cors: CorsSettings
    host: str = setting(HOST, "127.0.0.1", "Address that the public port listens on.")
    port: int = setting(_PORTS, 4433, "The public port.")
    base_url: str = setting(
        BASE_URL,
        Follows("`http://127.0.0.1:PORT/`", lambda known, _: f"http://127.0.0.1:{known['serve.public.port']}/", True),
        "Where browsers and apps reach the public port. Links in answers and mails begin with it, never with a header.",
    )


class Admin(Subject):
    host: str = setting(HOST, "127.0.0.1", "Address that the admin port listens on.")
    port: int = setting(_PORTS, 4434, "The admin port.")
    base_url: str | None = setting(
        BASE_URL, None, "Where clients reach the admin port. When set, the public port redirects admin paths there."
    )


class Serve(Subject):
    public: Public
    admin: Admin


class Secrets(Subject):
    default: tuple[Secret, ...] = setting(
        many(SECRET, least=1),
        Follows("a built-in one", lambda _known, _key: (Secret(DEVELOPMENT_SECRET),), True),
        "Keys are derived from these, 16 bytes or more each: the first signs and encrypts, all verify and decrypt. "
        "To rotate, put a new one in front.",
    )
    cookie: tuple[Secret, ...] = setting(many(SECRET, least=1), same_as("secrets.default"), "The same for cookies.")
    cipher: tuple[Secret, ...] = setting(
        many(SECRET, least=1), same_as("secrets.default"), "The same for credentials that are stored encrypted."
    )
    pagination: tuple[Secret, ...] = setting(
        many(SECRET, least=1), same_as("secrets.default"), "The same for page tokens."
    )


class Identity(Subject):
    default_schema_id: str = setting(TEXT, "default", "Schema of identities that name none.")
    schemas: tuple[SchemaSource, ...] = setting(
        many(SCHEMA, "id", "url", least=1),
        Follows(
            "`default`, which ships: email, phone, name",
            lambda _known, _key: (SchemaSource("default", f"file://{DATA / 'default.schema.json'}"),),
        ),
        "Identity schemas: each an `id` and a `url` (a path, `file://`, `base64://`, `http://` or `https://`). "
        "Paths are relative to the working directory.",
    )


class Whoami(Subject):
    required_aal: str = setting(AAL, "highest_available", "Assurance level that a session check asks for.")


class Cookies(Subject):
    domain: str | None = setting(HOST, None, "The domain whose hosts get the cookies; without it, this host alone.")
    path: str = setting(REFERENCE, "/", "Where below it they are sent.")
    same_site: str = setting(_SAME_SITE, "Lax", "Whether other sites send them along. With `--dev`, always `Lax`.")


class Cookie(Subject):
    name: str = setting(TOKEN, "ory_kratos_session", "Name of the session cookie.")
    domain: str | None = setting(HOST, same_as("cookies.domain"), "Its domain.")
    path: str = setting(REFERENCE, same_as("cookies.path"), "Its path.")
    same_site: str = setting(_SAME_SITE, same_as("cookies.same_site"), "Its SameSite.")
    persistent: bool = setting(BOOLEAN, True, "Whether it outlives the browser's being closed.")


class Session(Subject):
    lifespan: int = setting(
        duration(), "24h", "How long a session lives, however much it is used; see `nightlatch.session.sliding`."
    )
    earliest_possible_extend: int = setting(
        duration(), same_as("session.lifespan"), "A session can be extended once it ends within this time."
    )
    whoami: Whoami
    cookie: Cookie


class SmtpSettings(Subject):
    connection_uri: Relay | None = setting(
        RELAY,
        None,
        "The mail server: `smtp://user:password@host:587` (STARTTLS, or nothing is sent) or `smtps://` (TLS from the "
        "start). `?disable_starttls=true` sends in clear, `?skip_ssl_verify=true` believes any certificate.",
    )
    from_address: str = setting(EMAIL, "no-reply@localhost", "Whom mail comes from.")
    from_name: str | None = setting(TEXT, None, "The name that goes with it.")


class HttpSettings(Subject):
    request_config: Gateway | None = setting(
        GATEWAY,
        None,
        "With `delivery_strategy: http`, where mail is posted: a mapping with `url` and `headers`. What is posted is a "
        "JSON object of our own (docs/mail.md), whatever `body` says.",
    )


class Courier(Subject):
    delivery_strategy: str = setting(choice("smtp", "http"), "smtp", "How mail is sent.")
    smtp: SmtpSettings
    http: HttpSettings
    channels: tuple[Gateway, ...] = setting(
        many(CHANNEL, "id", "type", "request_config"),
        [],
        "How text messages are sent: an entry with the id `sms` and a `request_config` as above.",
    )
    template_override_path: str | None = setting(
        TEXT, None, "A folder whose templates go before those that ship, file by file."
    )


class FeatureFlags(Subject):
    faster_session_extend: bool = setting(
        BOOLEAN, False, "Extending a session answers 204 and no body, without reading it back."
    )
    cacheable_sessions: bool = setting(
        BOOLEAN, False, "Tell in `Ory-Session-Cache-For` how long the answer of a session check may be kept."
    )
    cacheable_sessions_max_age: int | None = setting(
        duration(), None, "The most that it tells; without it, the time until the session ends."
    )


class AccountEnumeration(Subject):
    mitigate: bool = setting(
        BOOLEAN,
        True,
        "Whether asking for a code to sign in, and the first step of `identifier_first`, answer alike for an address "
        "that no account has.",
    )


class Security(Subject):
    account_enumeration: AccountEnumeration


class Log(Subject):
    level: str = setting(
        choice("info", "debug", "trace", "warning", "error", "fatal", "panic"), "info", "The least that is logged."
    )
    format: str = setting(choice("text", "json"), "text", "One line of text or of JSON for each event.")


class SessionLimits(Subject):
    idle: int | None = setting(
        duration(MINUTE), None, "A session that was not used for this long has ended. Off unless set."
    )
    sliding: int | None = setting(
        duration(MINUTE),
        None,
        "Checking a session gives it `session.lifespan` anew, up to this long after its person signed in. Off unless "
        "set.",
    )
    remember_me: int | None = setting(
        duration(MINUTE),
        None,
        "When set, people who sign in by password in a browser are asked whether it is to keep them signed in: their "
        "session then lives so long, and otherwise the cookie ends with the browser. Off unless set.",
    )
    max_per_identity: int = setting(integer(1, 100_000), 100, "The most sessions of one identity.")
    at_limit: str = setting(
        choice("oldest ends", "refuse"),
        "oldest ends",
        "What a sign-in beyond that does: the oldest session ends, or the sign-in is refused.",
    )
    cache: int = setting(
        integer(0, 65_536),
        32,
        "MiB in each worker for answers to session checks, which are never stale (docs/security/never-stale.md). 0: "
        "none are kept, and on PostgreSQL the worker is no node.",
    )


class Nodes(Subject):
    trust: int = setting(
        duration(200_000),
        "1s",
        "On PostgreSQL each worker is a node, which keeps answers under a lease. How long it trusts one, on its own "
        "clock, from before it asked.",
    )
    wait: int = setting(
        duration(250_000),
        "1250ms",
        "How long an ending waits for the end of a lease that it had to close. At least a quarter more than `trust`: "
        "by so much may clocks go at another pace, or stand still.",
    )
    grace: int = setting(
        duration(50_000),
        "300ms",
        "How long an ending leaves a node to catch up before it closes its lease. Longer than `renew`.",
    )
    renew: int = setting(duration(10_000), "250ms", "How often a node renews its lease. At most a quarter of `trust`.")
    accept_without_lease: str = setting(
        choice("never", "ask"),
        "never",
        "Whether a node without a lease may `ask` the database and believe it. A server that was replaced while it "
        "could not be reached goes on answering, so only where whoever replaces it stops it first.",
    )


class SessionsApi(Subject):
    authentication: str = setting(
        choice("key", "none"),
        "key",
        "Whether the sessions API wants an access key of everybody, or `none` of `nightlatch.trusted_networks`, which "
        "then reach every organization. With `--dev`, this machine needs none.",
    )


_PROCESSES = "nightlatch.hashing.processes"


class Hashing(Subject):
    processes: int = setting(
        integer(1, 256),
        Follows("all processors but one", lambda _known, _key: min(max((os.cpu_count() or 1) - 1, 1), 256)),
        "Password hashes that a worker computes at once, each in a process of its own. With one for each processor "
        "more people can sign in a second, and a session check waits a few milliseconds now and then.",
    )
    queue: int = setting(
        integer(0, 100_000),
        Follows("4 for each of `nightlatch.hashing.processes`", lambda known, _: 4 * known[_PROCESSES]),
        "Hashes that may wait for a process; past that the answer is 503.",
    )
    memory: int = setting(integer(47_104, 1_048_576), 47_104, "Memory of an argon2id hash, in KiB.")
    time: int = setting(integer(1, 10), 1, "Passes of an argon2id hash.")
    parallelism: int = setting(integer(1, 16), 1, "Lanes of an argon2id hash.")


class Throttling(Subject):
    free_attempts: int = setting(
        integer(1, 100),
        5,
        "Wrong passwords of one account that are free; each further one has to wait, twice as long as the one before.",
    )
    attempts: int = setting(
        integer(1, 100), 10, "Wrong passwords of one account within `attempts_window` that lock it for `lock`."
    )
    attempts_window: int = setting(duration(SECOND), "15m", "The time in which they are counted.")
    lock: int = setting(duration(SECOND), "15m", "How long an account is locked. Its sessions and its recovery go on.")
    attempts_in_row: int = setting(
        integer(10, 100),
        100,
        "Wrong passwords without a right one that lock an account until it is recovered or unlocked.",
    )
    codes_per_hour: int = setting(integer(1, 1_000), 10, "Codes of one account that may be tried in an hour.")
    proofs_per_minute: int = setting(
        integer(1, 1_000_000),
        30,
        "Sign-ins from one network (an IPv4 address, an IPv6 /64) in a minute; as many registrations, as many codes, "
        "as many changes of settings.",
    )
    flows_per_minute: int = setting(integer(1, 1_000_000), 120, "Flows that one network may begin in a minute.")
    messages_per_hour: int = setting(
        integer(1, 1_000),
        6,
        "Messages with a code or a link that one address is sent in an hour; two thirds of them at most because of one "
        "network.",
    )
    floor: int = setting(
        duration(0),
        "350ms",
        "The least time that a refused sign-in takes, whatever it is refused for, and asking for a code or a link.",
    )


class RecoveryLinks(Subject):
    link_confirmation: bool = setting(
        BOOLEAN,
        True,
        "Whether a recovery link shows a page with a button. Without, opening it redeems it, which programs that look "
        "through mail do as well.",
    )


class Letters(Subject):
    language_trait: str = setting(
        TEXT,
        "locale",
        "The trait (`a.b` for one inside of another) that says in which language a person is written to, as `de` or "
        "`pt-BR`: the folder of that name in `courier.template_override_path` goes first.",
    )


class Pages(Subject):
    name: str = setting(TEXT, "nightlatch", "Whose pages they are: what stands at the top of each.")
    logo: Path | None = setting(FILE, None, "The picture beside it: a square SVG, PNG or WebP.")
    stylesheet: Path | None = setting(FILE, None, "A stylesheet that goes after ours, for colours and type.")


class Housekeeping(Subject):
    sessions: int = setting(duration(), "720h", "How long a session is kept after the time at which it expires.")
    flows: int = setting(duration(), "24h", "How long a flow is kept after it expired.")
    messages: int = setting(duration(), "168h", "How long a message is kept after it was sent or given up.")


class Limits(Subject):
    connections_per_address: int = setting(integer(1, 1_000_000), 200, "Open connections of one client address.")
    header_bytes: int = setting(integer(1_024, 1_048_576), 16_384, "Bytes of all headers of a request.")
    header_count: int = setting(integer(10, 10_000), 100, "Headers of a request.")
    url_bytes: int = setting(integer(256, 1_048_576), 8_192, "Bytes of a request's URL.")
    header_seconds: int = setting(integer(1, 3_600), 10, "Seconds until all headers must be here.")
    body_seconds: int = setting(integer(1, 3_600), 30, "Seconds until the whole body must be here.")
    keep_alive_seconds: int = setting(integer(1, 3_600), 75, "Seconds that an idle connection stays open.")


class Nightlatch(Subject):
    admin_key: Secret | None = setting(SECRET, None, "A first access key, good for everything on the admin port.")
    trusted_networks: tuple[Network, ...] = setting(
        many(NETWORK),
        [],
        "Networks that need no access key on the admin port (at the sessions API: "
        "`nightlatch.sessions_api.authentication`). Everybody else does, on loopback too.",
    )
    trusted_proxies: tuple[Network, ...] = setting(
        many(NETWORK), [], "Networks of proxies whose word on the client's address is believed."
    )
    client_ip_header: str = setting(TOKEN, "X-Forwarded-For", "The header in which they say it.")
    session: SessionLimits
    nodes: Nodes
    sessions_api: SessionsApi
    hashing: Hashing
    throttling: Throttling
    recovery: RecoveryLinks
    letters: Letters
    ui: Pages
    housekeeping: Housekeeping
    limits: Limits


class Config(Subject):
    """The whole configuration; each part of the program is handed what it needs of it."""

    dev: bool
    warnings: tuple[str, ...]
    dsn: Secret = setting(
        DSN,
        Follows(f"`{_DEVELOPMENT_DSN}`", lambda _known, _key: DSN.read(_DEVELOPMENT_DSN), True),
        "The database: `memory`, `sqlite:///absolute/path`, `sqlite://relative/path` or `postgres://…`.",
    )
    serve: Serve
    secrets: Secrets
    identity: Identity
    cookies: Cookies
    session: Session
    selfservice: Selfservice
    security: Security
    courier: Courier
    feature_flags: FeatureFlags
    log: Log
    nightlatch: Nightlatch


SETTINGS = {each.key: each for each in declared(Config)}
