"""The settings of self-service: flows, the pages that show them, what follows them, and the methods of proof."""

from nightlatch.config.declare import Follows, Subject, same_as, setting
from nightlatch.config.kinds import BOOLEAN, REFERENCE, choice, duration, integer, many
from nightlatch.config.values import HOOK

_SERVED = "serve.public.base_url"


def _own(page: str) -> Follows:
    """A page of our own."""
    return Follows(f"`{_SERVED}` and `ui/{page}`", lambda known, _: f"{known[_SERVED]}ui/{page}")


_PAGE = Follows(f"`{_SERVED}` and `ui/FLOW`", lambda known, key: f"{known[_SERVED]}ui/{key.split('.')[2]}")
_HOOK_LIST = many(HOOK, "hook", "config")
_DEFAULT_RETURN = "selfservice.default_browser_return_url"
_HOOKS = "selfservice.flows.registration.after.hooks"
_ONE_STEP = "selfservice.flows.registration.enable_legacy_one_step"
AAL = choice("highest_available", "aal1")


_AFTER = "Where browsers go afterwards, when the flow names no other place."


class After(Subject):
    default_browser_return_url: str = setting(REFERENCE, same_as(_DEFAULT_RETURN), _AFTER)


class Flow(Subject):
    ui_url: str = setting(REFERENCE, _PAGE, "The page that shows this flow.")
    lifespan: int = setting(duration(), "1h", "How long a flow can be finished after it was begun.")


class MethodReturn(Subject):
    default_browser_return_url: str | None = setting(
        REFERENCE,
        Follows("that of `after`", lambda known, key: known[f"{key.rsplit('.', 2)[0]}.default_browser_return_url"]),
        "Where browsers go after this method, when the flow names no other place.",
    )


class AfterMethod(MethodReturn):
    hooks: tuple[str, ...] = setting(
        _HOOK_LIST,
        Follows("those of `after.hooks`", lambda known, key: known[f"{key.rsplit('.', 2)[0]}.hooks"]),
        "What follows when it was done by this method.",
    )


class AfterLogin(After):
    hooks: tuple[str, ...] = setting(
        _HOOK_LIST,
        [],
        "What follows a sign-in. `revoke_active_sessions` ends all other sessions of the person; with "
        "`require_verified_address`, who has no verified address is sent a code in place of being signed in; "
        "`show_verification_ui` sends one for an address that is not verified, and leads on to its verification.",
    )
    password: AfterMethod
    code: AfterMethod


class AfterRecovery(After):
    hooks: tuple[str, ...] = setting(
        _HOOK_LIST, [], "What follows a recovery. `revoke_active_sessions` is done in any case."
    )


class AfterSettings(Subject):
    default_browser_return_url: str | None = setting(
        REFERENCE, None, f"{_AFTER} Unless set, the page of settings is shown again."
    )
    hooks: tuple[str, ...] = setting(
        _HOOK_LIST,
        [],
        "What follows a change of settings. `revoke_active_sessions` ends all other sessions of the person, which a "
        "change of a password, an identifier or an address does in any case; `show_verification_ui` leads on to the "
        "verification of a new address.",
    )
    password: AfterMethod
    profile: AfterMethod


class SignedUpBy(MethodReturn):
    hooks: tuple[str, ...] = setting(
        _HOOK_LIST,
        Follows(f"`{_HOOKS}` if set, else `session`", lambda known, _: known[_HOOKS] or ("session",)),
        "What follows a registration by this method. `session` signs the person in; `show_verification_ui` leads on to "
        "the verification of their address.",
    )


class AfterRegistration(After):
    hooks: tuple[str, ...] = setting(
        _HOOK_LIST, [], "What follows a registration by a method that has no hooks of its own."
    )
    password: SignedUpBy
    code: SignedUpBy


class Logout(Subject):
    after: After


class ErrorPage(Subject):
    ui_url: str = setting(REFERENCE, _PAGE, "The page that shows an error that no form can.")


class Registration(Flow):
    enabled: bool = setting(BOOLEAN, True, "Whether people can register themselves.")
    enable_legacy_one_step: bool = setting(BOOLEAN, False, "An older way to say `style: unified`.")
    style: str = setting(
        choice("profile_first", "unified"),
        Follows(
            "`profile_first`, or by `enable_legacy_one_step` `unified`",
            lambda known, _: "unified" if known[_ONE_STEP] else "profile_first",
        ),
        "Whether the form asks for the traits first and then how to sign in, or for all on one page.",
    )
    after: AfterRegistration


class AddressedFlow(Flow):
    enabled: bool = setting(BOOLEAN, True, "Whether this flow is offered.")
    use: str = setting(choice("code", "link"), "code", "What people are sent; its method must be enabled.")
    notify_unknown_recipients: bool = setting(
        BOOLEAN, False, "Whether an address that nobody has is sent a message that says so."
    )


class SettingsFlow(Flow):
    after: AfterSettings
    required_aal: str = setting(AAL, "highest_available", "Assurance level that changing settings asks for.")
    privileged_session_max_age: int = setting(
        duration(), "15m", "How long after signing in a person may change credentials without proving them again."
    )


class LoginFlow(Flow):
    style: str = setting(
        choice("unified", "identifier_first"),
        "unified",
        "Whether the form has everything on one page, or asks who somebody is first and then how to sign in.",
    )
    after: AfterLogin


class RecoveryFlow(AddressedFlow):
    after: AfterRecovery


class VerificationFlow(AddressedFlow):
    after: After


class Flows(Subject):
    login: LoginFlow
    logout: Logout
    error: ErrorPage
    registration: Registration
    recovery: RecoveryFlow
    verification: VerificationFlow
    settings: SettingsFlow


class PasswordPolicy(Subject):
    min_password_length: int = setting(integer(6, 1024), 8, "Fewest characters of a password of a person's choice.")
    identifier_similarity_check_enabled: bool = setting(
        BOOLEAN, True, "Refuse a password that resembles the name it signs in with."
    )
    haveibeenpwned_enabled: bool = setting(
        BOOLEAN,
        True,
        "Refuse passwords known from breaches, by a list of 150,000 that ships. Nobody else is asked.",
    )


class PasswordMethod(Subject):
    enabled: bool = setting(BOOLEAN, True, "Whether people can use passwords.")
    config: PasswordPolicy


class CodePolicy(Subject):
    lifespan: int = setting(duration(), "10m", "How long a code is good for.")
    max_submissions: int = setting(integer(1, 255), 5, "How often one code may be tried.")


class CodeMethod(Subject):
    enabled: bool = setting(BOOLEAN, True, "Whether people can use one-time codes.")
    passwordless_enabled: bool = setting(
        BOOLEAN,
        False,
        "Whether they can sign in and up with one, at a trait that the identity schema marks with `credentials.code`.",
    )
    config: CodePolicy


class LinkPolicy(Subject):
    lifespan: int = setting(duration(), "1h", "How long a link is good for.")


class LinkMethod(Subject):
    enabled: bool = setting(
        BOOLEAN, False, "Whether people can ask for links. Those that an administrator makes need recovery only."
    )
    config: LinkPolicy


class Methods(Subject):
    password: PasswordMethod
    code: CodeMethod
    link: LinkMethod


class Selfservice(Subject):
    default_browser_return_url: str = setting(
        REFERENCE, _own("settings"), "Where browsers go when a flow names no other place."
    )
    allowed_return_urls: tuple[str, ...] = setting(many(REFERENCE), [], "Where `return_to` may lead.")
    flows: Flows
    methods: Methods
