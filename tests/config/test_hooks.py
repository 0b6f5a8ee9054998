"""What the hooks of the configuration do, and the limit that one of them is."""

from pathlib import Path
from typing import Any

import pytest
from tests.config.written import errors_of, nested, write

from nightlatch.config import load
from nightlatch.wiring import flows_of, post_of

REVOKE = "revoke_active_sessions"


@pytest.mark.parametrize(
    ("after", "password", "profile"),
    [
        ({}, (), ()),
        ({"hooks": [{"hook": "revoke_active_sessions"}]}, (REVOKE,), (REVOKE,)),
        (
            {"hooks": [{"hook": "web_hook"}], "profile": {"hooks": [{"hook": "revoke_active_sessions"}]}},
            ("web_hook",),
            (REVOKE,),
        ),
    ],
)
def test_the_hooks_of_a_method_take_the_place_of_those_of_all(
    after: Any, password: Any, profile: Any, tmp_path: Path
) -> None:
    config = load(write(tmp_path, nested("selfservice.flows.settings.after", after)), {}, dev=True)
    found = config.selfservice.flows.settings.after
    assert (found.password.hooks, found.profile.hooks) == (password, profile)
    assert all(REVOKE not in warning for warning in config.warnings)


def test_hooks_and_places_after_a_sign_in_are_of_a_method_or_else_of_all(tmp_path: Path) -> None:
    after = {
        "default_browser_return_url": "https://a.example/",
        "hooks": [{"hook": REVOKE}],
        "code": {"default_browser_return_url": "https://b.example/", "hooks": [{"hook": "require_verified_address"}]},
    }
    config = load(write(tmp_path, nested("selfservice.flows.login.after", after)), {}, dev=True)
    flows, verifying = flows_of(config), post_of(config).verifying
    assert verifying is not None
    assert (flows.alone, verifying.required, verifying.offered) == ({"password"}, {"code"}, set())
    after["hooks"] = [{"hook": "show_verification_ui"}]
    offering = post_of(load(write(tmp_path, nested("selfservice.flows.login.after", after)), {}, dev=True)).verifying
    assert offering is not None
    assert (offering.required, offering.offered) == ({"code"}, {"password"})
    places = flows.after_urls
    assert (places["login.password"], places["login.code"]) == ("https://a.example/", "https://b.example/")


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (
            nested("selfservice.flows", {
                "login": {"after": {"hooks": [{"hook": "require_verified_address"}]}}, "verification": {"enabled": False},
            }),
            "selfservice.flows.login.after.password.hooks",
        ),
        (nested("selfservice.flows.recovery.use", "link"), "selfservice.flows.recovery.use"),
        (nested("selfservice.flows.verification.use", "link"), "selfservice.flows.verification.use"),
    ],
)  # fmt: skip
def test_what_nobody_could_do_is_refused_at_the_start(settings: Any, key: str, tmp_path: Path) -> None:
    assert key in errors_of(write(tmp_path, settings), {}, dev=True)


def test_hooks_that_are_done_deserve_no_word_and_the_others_do(tmp_path: Path) -> None:
    hooks = {"hooks": [{"hook": "show_verification_ui"}]}
    for flow, done in (("registration", True), ("settings", True), ("login", True), ("recovery", False)):
        config = load(write(tmp_path, nested(f"selfservice.flows.{flow}.after", hooks)), {}, dev=True)
        assert any("show_verification_ui" in warning for warning in config.warnings) is not done
