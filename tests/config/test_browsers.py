"""Settings that only browsers care about."""

from pathlib import Path

import pytest

from nightlatch.config import ConfigErrors, load


def refused(environ: dict[str, str]) -> list[str]:
    """The variables that are wrong."""
    with pytest.raises(ConfigErrors) as caught:
        load(None, environ, True)
    return [error.key for error in caught.value.errors]


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("*", True), ("https://a.example,http://localhost:3000,https://*.b.example:8443", True),
        ("https://a.example/path", False), ("a.example", False), ("https://*", False), ("https://a b.example", False),
    ],
)  # fmt: skip
def test_an_origin_is_a_scheme_and_a_host(text: str, good: bool) -> None:
    given = {"SERVE_PUBLIC_CORS_ALLOWED_ORIGINS": text}
    if good:
        assert load(None, given, dev=True).serve.public.cors.allowed_origins == tuple(text.split(","))
    else:
        assert refused(given) == ["SERVE_PUBLIC_CORS_ALLOWED_ORIGINS"]


def test_W5_a_name_that_begins_with_Host_allows_no_domain_and_no_other_path() -> None:
    name = {"SESSION_COOKIE_NAME": "__Host-session"}
    load(None, name, dev=True)
    for more in ({"COOKIES_DOMAIN": "example.com"}, {"SESSION_COOKIE_PATH": "/auth"}):
        assert refused(name | more) == ["SESSION_COOKIE_NAME"]


def test_what_pages_show_lies_in_files_that_are_there(tmp_path: Path) -> None:
    logo = tmp_path / "logo.svg"
    assert refused({"NIGHTLATCH_UI_LOGO": str(logo), "NIGHTLATCH_UI_STYLESHEET": str(tmp_path)}) == [
        "NIGHTLATCH_UI_LOGO",
        "NIGHTLATCH_UI_STYLESHEET",
    ]
    logo.touch()
    assert load(None, {"NIGHTLATCH_UI_LOGO": str(logo)}, dev=True).nightlatch.ui.logo == logo


def test_pages_that_are_not_named_are_our_own_and_so_is_the_place_afterwards() -> None:
    given = {
        "SERVE_PUBLIC_BASE_URL": "https://id.example.com/auth/",
        "SELFSERVICE_FLOWS_LOGIN_UI_URL": "https://a.example/in",
    }
    selfservice = load(None, given, dev=True).selfservice
    assert selfservice.flows.login.ui_url == "https://a.example/in"
    assert selfservice.flows.verification.ui_url == "https://id.example.com/auth/ui/verification"
    assert selfservice.flows.login.after.default_browser_return_url == "https://id.example.com/auth/ui/settings"
