"""What must be given before a server starts, and what holds where nothing is."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.config.written import GOOD, errors_of, nested, plain, write

from nightlatch.config import ConfigErrors, load, require_key
from nightlatch.config.settings import DEVELOPMENT_SECRET
from nightlatch.kernel.clock import HOUR, MINUTE


class TestStarting:
    def test_outside_dev_a_database_a_base_URL_and_secrets_must_be_given(self):
        assert list(errors_of(None, {})) == ["dsn", "serve.public.base_url", "secrets.default"]

    def test_with_dev_nothing_must_be_given(self):
        config = load(None, {}, dev=True)
        assert config.serve.public.base_url == "http://127.0.0.1:4433/"
        assert plain(config.secrets.cookie) == (DEVELOPMENT_SECRET,)
        assert config.dsn.reveal() == f"sqlite:///{Path.cwd()}/var/nightlatch.sqlite"
        assert config.dev
        assert config.warnings == ()

    def test_the_default_configuration_is_the_one_that_was_promised(self, tmp_path: Path):
        config = load(write(tmp_path, GOOD), {}, dev=False)
        assert config.serve.public.base_url == "https://id.example.com/"
        assert config.serve.admin.base_url is None
        flows = config.selfservice.flows
        assert (flows.recovery.enabled, flows.verification.enabled, flows.registration.enabled) == (True, True, True)
        assert config.selfservice.methods.code.enabled
        assert config.selfservice.methods.code.config.lifespan == 10 * MINUTE
        assert flows.settings.privileged_session_max_age == 15 * MINUTE
        assert flows.login.lifespan == HOUR
        assert flows.recovery.ui_url == "https://id.example.com/ui/recovery"
        assert config.session.earliest_possible_extend == config.session.lifespan == 24 * HOUR
        assert config.nightlatch.session.idle is None

    def test_what_follows_from_another_setting_follows_it(self, tmp_path: Path):
        given = {"SESSION_LIFESPAN": "48h", "NIGHTLATCH_HASHING_PROCESSES": "3", "SERVE_PUBLIC_PORT": "8000"}
        config = load(None, given, dev=True)
        assert config.session.earliest_possible_extend == 48 * HOUR
        assert config.nightlatch.hashing.queue == 12
        assert config.selfservice.default_browser_return_url == "http://127.0.0.1:8000/ui/settings"

    @pytest.mark.parametrize(
        ("after", "hooks"),
        [
            ({}, ("session",)),
            ({"password": {"hooks": []}}, ()),
            ({"hooks": [{"hook": "web_hook"}]}, ("web_hook",)),
            ({"hooks": [{"hook": "web_hook"}], "password": {"hooks": [{"hook": "session"}]}}, ("session",)),
        ],
    )
    def test_registration_signs_in_unless_its_hooks_say_otherwise(self, after: Any, hooks: Any, tmp_path: Path):
        path = write(tmp_path, nested("selfservice.flows.registration.after", after))
        assert load(path, {}, dev=True).selfservice.flows.registration.after.password.hooks == hooks

    def test_W1_nothing_starts_that_nobody_may_use(self, tmp_path: Path):
        path = write(tmp_path, GOOD)
        with pytest.raises(ConfigErrors, match=r"nightlatch\.admin_key is missing"):
            require_key(load(path, {}, dev=False), has_key=False)
        require_key(load(path, {}, dev=False), has_key=True)
        require_key(load(None, {}, dev=True), has_key=False)
        require_key(load(path, {"NIGHTLATCH_ADMIN_KEY": "mB4vX9kQ2sL7wR5t"}, dev=False), has_key=False)
        require_key(load(path, {"NIGHTLATCH_TRUSTED_NETWORKS": "10.0.0.0/8"}, dev=False), has_key=False)

    def test_the_two_ports_are_two(self):
        assert "SERVE_ADMIN_PORT" in errors_of(None, {"SERVE_ADMIN_PORT": "4433"}, dev=True)

    def test_the_default_schema_is_one_of_the_schemas(self):
        assert "IDENTITY_DEFAULT_SCHEMA_ID" in errors_of(None, {"IDENTITY_DEFAULT_SCHEMA_ID": "person"}, dev=True)
        two = '[{"id":"default","url":"a"},{"id":"default","url":"b"}]'
        assert "IDENTITY_SCHEMAS" in errors_of(None, {"IDENTITY_SCHEMAS": two}, dev=True)

    def test_one_mistake_is_not_told_twice(self):
        environ = {"IDENTITY_SCHEMAS": "x", "IDENTITY_DEFAULT_SCHEMA_ID": "person", "SERVE_PUBLIC_PORT": "x"}
        assert list(errors_of(None, environ, dev=True)) == ["IDENTITY_SCHEMAS", "SERVE_PUBLIC_PORT"]

    def test_the_schema_that_ships_asks_for_an_email_only(self):
        [source] = load(None, {}, dev=True).identity.schemas
        traits = json.loads(Path(source.url.removeprefix("file://")).read_text())["properties"]["traits"]
        assert list(traits["properties"]) == ["email", "phone", "name"]
        assert (traits["required"], traits["additionalProperties"]) == (["email"], False)


def test_starting_without_a_file_reads_no_YAML():
    code = "import sys; from nightlatch.config import load; load(None, {}, True); print('yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
