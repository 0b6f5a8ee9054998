"""What the hooks of the configuration do, and the limit that one of them is."""

from pathlib import Path
from typing import Any

import pytest
from tests.config.written import errors_of, nested, write

from nightlatch.config import load
from nightlatch.wiring import lifetime_of

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


def test_a_sign_in_that_ends_the_others_leaves_one_session_whatever_else_is_said_of_the_limit(tmp_path: Path) -> None:
    limit = nested("nightlatch.session", {"at_limit": "refuse", "max_per_identity": 7})
    lifetime = lifetime_of(load(write(tmp_path, limit), {}, dev=True))
    assert (lifetime.most, lifetime.refuse) == (7, True)
    hooks = nested("selfservice.flows.login.after.hooks", [{"hook": REVOKE}])
    lifetime = lifetime_of(load(write(tmp_path, limit | hooks), {}, dev=True))
    assert (lifetime.most, lifetime.refuse) == (1, False)


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
    for flow, done in (("registration", True), ("settings", True), ("login", False), ("recovery", False)):
        config = load(write(tmp_path, nested(f"selfservice.flows.{flow}.after", hooks)), {}, dev=True)
        assert any("show_verification_ui" in warning for warning in config.warnings) is not done
