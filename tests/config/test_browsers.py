"""Settings that only browsers care about."""

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
