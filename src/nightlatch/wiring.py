"""From the configuration to the parts that the doors, the courier and the command line work with."""

import os
import socket
from hashlib import sha256
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from nightlatch.config import Config, keys_of
from nightlatch.config.selfservice import AfterLogin, AfterRegistration
from nightlatch.core.access.model import EVERYTHING, AccessKey
from nightlatch.core.access.rules import PURPOSE
from nightlatch.core.attempts.model import Limit, Throttling
from nightlatch.core.authentication.code import Code
from nightlatch.core.authentication.password import Password
from nightlatch.core.credentials.hashing import Hasher
from nightlatch.core.credentials.person import Vault
from nightlatch.core.credentials.places import Apart
from nightlatch.core.credentials.policy import Policy
from nightlatch.core.identities.schemas import Schemas, load_schemas
from nightlatch.core.leases.model import Joining
from nightlatch.core.means import Post, Verifying
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.recovery.rules import Redeeming
from nightlatch.core.sessions.cache import Checks
from nightlatch.core.sessions.rules import Lifetime
from nightlatch.core.sessions.seen import LastSeen
from nightlatch.core.settings import rules as settings
from nightlatch.core.store import Store
from nightlatch.doors.http.client_address import ClientAddress, Network
from nightlatch.doors.http.cors import Cors
from nightlatch.doors.http.limits import Limits
from nightlatch.doors.http.metrics import Metrics
from nightlatch.doors.http.parts import Access
from nightlatch.doors.kratos.cookies import Cookies, attributes
from nightlatch.doors.kratos.parts import Flows, Parts, Told
from nightlatch.doors.kratos.shapes import Render
from nightlatch.doors.pages.parts import Brand, Site
from nightlatch.kernel.clock import HOUR, MINUTE, SystemClock
from nightlatch.kernel.outbound import Outbound
from nightlatch.kernel.secrets import digest
from nightlatch.senders.delivery import Sender, kept
from nightlatch.senders.http import Http
from nightlatch.senders.letters import Letters
from nightlatch.senders.smtp import Smtp

REVOKE, SHOW_VERIFICATION = "revoke_active_sessions", "show_verification_ui"
REQUIRE_VERIFIED = "require_verified_address"
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


async def schemas_of(config: Config) -> Schemas:
    """SchemasBroken."""
    return await load_schemas(config.identity.schemas, config.identity.default_schema_id, Outbound().get)


def hasher_of(config: Config) -> Hasher:
    hashing = config.nightlatch.hashing
    return Hasher(
        memory=hashing.memory,
        time=hashing.time,
        parallelism=hashing.parallelism,
        places=[Apart() for _ in range(hashing.processes)],
        queue=hashing.queue,
        entropy=os.urandom,  # noqa: TID251
    )


def vault_of(config: Config) -> Vault:
    return Vault(keys_of(config.secrets.cipher, "credentials"))


def letters_of(config: Config) -> Letters:
    folder, language = config.courier.template_override_path, config.nightlatch.letters.language_trait
    return Letters(vault_of(config).keys, config.serve.public.base_url, Path(folder) if folder else None, language)


def senders_of(config: Config) -> dict[str, Sender]:
    """By channel. In development what is not configured is read in the mailbox page."""
    courier, outbound = config.courier, Outbound(LOOPBACK if config.dev else ())
    senders: dict[str, Sender] = {"email": kept, "sms": kept} if config.dev else {}
    if courier.delivery_strategy == "http" and courier.http.request_config:
        senders["email"] = Http(outbound, courier.http.request_config)
    elif courier.delivery_strategy == "smtp" and courier.smtp.connection_uri:
        senders["email"] = Smtp(courier.smtp.connection_uri, courier.smtp.from_address, courier.smtp.from_name)
    if courier.channels:
        senders["sms"] = Http(outbound, courier.channels[0])
    return senders


def parts_of(
    config: Config,
    admin_key: str | None,
    store: Store,
    hasher: Hasher,
    seen: LastSeen,
    schemas: Schemas,
    metrics: Metrics,
    addresses: ClientAddress,
    checks: Checks[Told] | None = None,
) -> Parts:
    vault = vault_of(config)
    flags = config.feature_flags
    return Parts(
        store=store,
        clock=SystemClock(),
        entropy=os.urandom,  # noqa: TID251
        schemas=schemas,
        hasher=hasher,
        vault=vault,
        throttling=_throttling(config),
        code_keys=keys_of(config.secrets.default, "codes"),
        post=post_of(config),
        page_keys=keys_of(config.secrets.pagination, "page tokens"),
        pair_keys=keys_of(config.secrets.cipher, PURPOSE),
        render=Render(config.serve.public.base_url, vault),
        lifetime=lifetime_of(config),
        seen=seen,
        flows=flows_of(config),
        access=Access(_configured_keys(admin_key), config.nightlatch.trusted_networks),
        cookies=_cookies(config),
        error_keys=keys_of(config.secrets.cookie, "errors"),
        origins=_origins(config),
        public_url=config.serve.public.base_url,
        admin_url=config.serve.admin.base_url,
        highest_aal=config.session.whoami.required_aal == "highest_available",
        cache_for=(flags.cacheable_sessions_max_age or 0) if flags.cacheable_sessions else None,
        faster_extend=flags.faster_session_extend,
        client_address=addresses,
        metrics=metrics.render,
        letters=letters_of(config) if config.dev else None,
        checks=checks,
    )


def post_of(config: Config) -> Post:
    methods, public = config.selfservice.methods, config.serve.public.base_url
    flows = config.selfservice.flows
    required, offered = (
        frozenset(method for method, hooks in _hooks(flows.login.after) if hook in hooks)
        for hook in (REQUIRE_VERIFIED, SHOW_VERIFICATION)
    )
    verification = flows.verification
    verifying = Verifying(verification.use, verification.lifespan, required, offered) if verification.enabled else None
    return Post(
        lifespans={"code": methods.code.config.lifespan, "link": methods.link.config.lifespan},
        url=lambda place, query: f"{public}self-service/{place}?{urlencode(query)}",
        endings=keys_of(config.secrets.default, "device links"),
        verifying=verifying,
    )


def joining_of(config: Config) -> Joining | None:
    """How a worker is a node; None where it keeps nothing."""
    nodes, name = config.nightlatch.nodes, f"{socket.gethostname()}/{os.getpid()}"
    fenced = nodes.accept_without_lease == "never"
    joining = Joining(name, nodes.trust, nodes.wait, nodes.grace, nodes.renew, fenced)
    return joining if config.nightlatch.session.cache else None


def lifetime_of(config: Config) -> Lifetime:
    limits = config.nightlatch.session
    return Lifetime(
        config.session.lifespan,
        config.session.earliest_possible_extend,
        limits.idle,
        limits.max_per_identity,
        refuse=limits.at_limit == "refuse",
        sliding=limits.sliding,
    )


def site_of(config: Config) -> Site:
    flows, ui = config.selfservice.flows, config.nightlatch.ui
    acts = (act for act in ("registration", "recovery", "verification") if getattr(flows, act).enabled)
    keys, brand = keys_of(config.secrets.cookie, "pages"), Brand(ui.name, ui.logo, ui.stylesheet)
    least = config.selfservice.methods.password.config.min_password_length
    return Site(config.serve.public.base_url, keys, frozenset(acts), brand, least)


def cors_of(config: Config) -> Cors | None:
    cors = config.serve.public.cors
    if not cors.enabled:
        return None
    origins = cors.allowed_origins or _origins(config)
    return Cors(origins, cors.allowed_methods, cors.allowed_headers, cors.exposed_headers, cors.allow_credentials)


def _origins(config: Config) -> tuple[str, ...]:
    """Those of our own pages and of the configured ones, and those that CORS names."""
    flows, public = config.selfservice.flows, config.serve.public
    pages = (flows.login, flows.registration, flows.recovery, flows.verification, flows.settings)
    urls = [urlsplit(url) for url in (public.base_url, *(page.ui_url for page in pages))]
    own = [f"{url.scheme}://{url.netloc}" for url in urls if url.netloc]
    named = [origin for origin in public.cors.allowed_origins if public.cors.enabled and origin != "*"]
    return tuple(dict.fromkeys([*own, *named]))


def _cookies(config: Config) -> Cookies:
    own, all_ = config.session.cookie, config.cookies
    secure = not config.dev or own.name.startswith(("__Host-", "__Secure-"))
    return Cookies(
        keys=keys_of(config.secrets.cookie, "cookies"),
        entropy=os.urandom,  # noqa: TID251
        session=own.name,
        session_scope=attributes(own.domain, own.path, own.same_site, secure=secure),
        persistent=own.persistent,
        browser=f"csrf_token_{sha256(config.serve.public.base_url.encode()).hexdigest()}",
        browser_scope=attributes(all_.domain, all_.path, all_.same_site, secure=not config.dev),
    )


def _throttling(config: Config) -> Throttling:
    t = config.nightlatch.throttling
    return Throttling(
        passwords=Limit(t.attempts, t.attempts_window, t.lock, t.free_attempts, t.attempts_in_row, quiet=True),
        codes=Limit(t.codes_per_hour, HOUR, quiet=True),
        proofs=Limit(t.proofs_per_minute, MINUTE),
        flows=Limit(t.flows_per_minute, MINUTE),
        messages=Limit(t.messages_per_hour, HOUR),
        floor=t.floor,
        keys=keys_of(config.secrets.default, "attempts"),
    )


def keyless_of(config: Config) -> tuple[Network, ...]:
    """Who needs no key at the sessions API, whose published client sends none by itself."""
    networks = config.nightlatch.trusted_networks if config.nightlatch.sessions_api.authentication == "none" else ()
    return (*networks, *(LOOPBACK if config.dev else ()))


def _hooks(after: AfterLogin | AfterRegistration) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """By method."""
    return ("password", after.password.hooks), ("code", after.code.hooks)


def _places(config: Config) -> dict[str, str]:
    """Where a flow leads, by the flow and by the method that brought it to its end."""
    flows = config.selfservice.flows
    plain = {
        "login": flows.login.after,
        "registration": flows.registration.after,
        "recovery": flows.recovery.after,
        "verification": flows.verification.after,
        "logout": flows.logout.after,
    }
    by_method = {
        "login.password": flows.login.after.password,
        "login.code": flows.login.after.code,
        "registration.password": flows.registration.after.password,
        "registration.code": flows.registration.after.code,
        "settings.password": flows.settings.after.password,
        "settings.profile": flows.settings.after.profile,
    }
    return {act: after.default_browser_return_url or "" for act, after in (plain | by_method).items()}


def flows_of(config: Config) -> Flows:
    selfservice = config.selfservice
    flows, methods = selfservice.flows, selfservice.methods
    password, code = methods.password.config, methods.code.config
    named = {
        "login": flows.login,
        "registration": flows.registration,
        "recovery": flows.recovery,
        "verification": flows.verification,
        "settings": flows.settings,
    }
    after = flows.registration.after
    policy = Policy(
        password.min_password_length, password.identifier_similarity_check_enabled, password.haveibeenpwned_enabled
    )
    return Flows(
        lifespans={name: flow.lifespan for name, flow in named.items()},
        ui_urls={name: flow.ui_url for name, flow in named.items()} | {"error": flows.error.ui_url},
        after_urls=_places(config),
        password=Password(policy),
        code=Code(code.max_submissions, config.security.account_enumeration.mitigate),
        signing_in=frozenset(method for method, hooks in _hooks(after) if "session" in hooks),
        alone=frozenset(method for method, hooks in _hooks(flows.login.after) if REVOKE in hooks),
        unified=flows.registration.style == "unified",
        identifier_first=flows.login.style == "identifier_first",
        registration_enabled=flows.registration.enabled,
        recovery_enabled=flows.recovery.enabled,
        verification_enabled=flows.verification.enabled,
        password_enabled=methods.password.enabled,
        passwordless=methods.code.enabled and methods.code.passwordless_enabled,
        secrets=frozenset(n for n, m in (("code", methods.code), ("link", methods.link)) if m.enabled),
        use={"recovery": flows.recovery.use, "verification": flows.verification.use},
        tell_unknown=frozenset(n for n in ("recovery", "verification") if getattr(flows, n).notify_unknown_recipients),
        shows_verification=frozenset(
            n
            for n, named in (("registration", after.password.hooks), ("settings", flows.settings.after.profile.hooks))
            if SHOW_VERIFICATION in named
        ),
        link_confirmation=config.nightlatch.recovery.link_confirmation,
        # Who hands a code over by phone or mail needs longer than who waits for it at a screen.
        code_lifespan=max(code.lifespan, HOUR),
        redeeming=Redeeming(code.max_submissions, flows.settings.lifespan),
        settings=settings.Rules(
            policy,
            flows.settings.privileged_session_max_age,
            always_end_others=REVOKE in flows.settings.after.profile.hooks,
        ),
        remember_me=config.nightlatch.session.remember_me,
        settings_highest_aal=flows.settings.required_aal == "highest_available",
        allowed_return_urls=selfservice.allowed_return_urls,
    )


def limits_of(config: Config) -> Limits:
    limits = config.nightlatch.limits
    return Limits(
        header_bytes=limits.header_bytes,
        header_count=limits.header_count,
        url_bytes=limits.url_bytes,
        header_seconds=limits.header_seconds,
        body_seconds=limits.body_seconds,
        connections_per_address=limits.connections_per_address,
    )


def _configured_keys(admin_key: str | None) -> dict[bytes, AccessKey]:
    if admin_key is None:
        return {}
    token_hash = digest(admin_key)
    return {token_hash: AccessKey(bytes(16), DEFAULT, "configured", token_hash, EVERYTHING, 0)}
