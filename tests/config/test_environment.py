"""The environment, which wins over the file."""

import json
from pathlib import Path

import pytest
from tests.config.written import errors_of, plain, write

from nightlatch.config import load


class TestEnvironment:
    def test_lists_are_written_with_commas_as_JSON_or_entry_by_entry(self):
        first, second = "mB4vX9kQ2sL7wR5t", "tR5wL7sQ2kX9vB4m"
        for environ in (
            {"SECRETS_DEFAULT": f"{first}, {second}"},
            {"SECRETS_DEFAULT": json.dumps([first, second])},
            {"SECRETS_DEFAULT_0": first, "SECRETS_DEFAULT_1": second},
        ):
            assert plain(load(None, environ, dev=True).secrets.default) == (first, second)

    def test_a_schema_is_given_key_by_key_and_replaces_those_of_the_file(self, tmp_path: Path):
        path = write(tmp_path, {"identity": {"schemas": [{"id": "a", "url": "a.json"}, {"id": "b", "url": "b.json"}]}})
        environ = {"IDENTITY_SCHEMAS_0_ID": "default", "IDENTITY_SCHEMAS_0_URL": "base64://e30="}
        [source] = load(path, environ, dev=True).identity.schemas
        assert (source.id, source.url) == ("default", "base64://e30=")

    def test_a_gap_between_entries_is_an_error(self):
        assert "SECRETS_DEFAULT" in errors_of(None, {"SECRETS_DEFAULT_1": "mB4vX9kQ2sL7wR5t"}, dev=True)

    def test_a_list_and_its_entries_are_an_error(self):
        environ = {"SECRETS_DEFAULT": "mB4vX9kQ2sL7wR5t", "SECRETS_DEFAULT_0": "mB4vX9kQ2sL7wR5t"}
        assert "SECRETS_DEFAULT" in errors_of(None, environ, dev=True)

    def test_variables_of_others_are_no_concern_of_ours(self):
        environ = {
            "PATH": "/bin",
            "VERSION": "7",
            "DEV": "1",
            "COURIER_SMTP_LOCAL_NAME": "x",
            "LOG": "y",
            "SERVE_PUBLIC": "z",
        }
        assert load(None, environ, dev=True).warnings == ()

    def test_an_empty_variable_counts_as_not_set(self):
        assert load(None, {"SESSION_LIFESPAN": "", "NIGHTLATCH_ADMIN_KEY": ""}, dev=True).nightlatch.admin_key is None

    @pytest.mark.parametrize(
        ("name", "near"),
        [
            ("NIGHTLATCH_ADMINKEY", "Did you mean NIGHTLATCH_ADMIN_KEY?"),
            ("NIGHTLATCH_TRUSTED_NETWORK_0", "Did you mean NIGHTLATCH_TRUSTED_NETWORKS?"),
            ("NIGHTLATCH_ADMIN_PORT", ""),
            ("NIGHTLATCH_ADMIN_KEY_0", "Did you mean NIGHTLATCH_ADMIN_KEY?"),
        ],
    )
    def test_an_unknown_variable_of_ours_is_an_error(self, name: str, near: str):
        error = errors_of(None, {name: "4434"}, dev=True)[name]
        assert near in error.cure

    def test_what_Kubernetes_sets_for_a_service_of_our_name_is_no_error(self):
        environ = {
            "NIGHTLATCH_SERVICE_HOST": "10.0.0.1",
            "NIGHTLATCH_SERVICE_PORT_HTTP": "4433",
            "NIGHTLATCH_PORT": "tcp://10.0.0.1:4433",
            "NIGHTLATCH_PORT_4433_TCP_ADDR": "10.0.0.1",
            "NIGHTLATCH_ADMIN_PORT": "tcp://10.0.0.2:4434",
        }
        load(None, environ, dev=True)
