"""Secrets: which are good enough, and that none is ever told."""

from pathlib import Path

import pytest
from tests.config.written import CANARY, GOOD, as_variable, errors_of, nested, plain, write

from nightlatch.config import ConfigErrors, load
from nightlatch.config.settings import DEVELOPMENT_SECRET, SETTINGS


class TestSecrets:
    def test_W15_a_secret_of_less_than_16_bytes_is_refused(self):
        assert "SECRETS_DEFAULT" in errors_of(None, {"SECRETS_DEFAULT": "x" * 15}, dev=True)
        load(None, {"SECRETS_DEFAULT": "x" * 16}, dev=True)
        load(None, {"SECRETS_DEFAULT": "é" * 8}, dev=True)

    def test_W15_a_list_of_secrets_is_kept_in_order_and_is_not_empty(self, tmp_path: Path):
        path = write(tmp_path, GOOD | {"secrets": {"default": ["b" * 16, "a" * 16], "cipher": ["c" * 32]}})
        secrets = load(path, {}, dev=False).secrets
        assert plain(secrets.default) == plain(secrets.cookie) == plain(secrets.pagination) == ("b" * 16, "a" * 16)
        assert plain(secrets.cipher) == ("c" * 32,)
        assert "secrets.cookie" in errors_of(write(tmp_path, nested("secrets.cookie", [])), {}, dev=True)

    @pytest.mark.parametrize(
        "example",
        [
            *("PLEASE-CHANGE-ME-I-AM-VERY-INSECURE", "32-LONG-SECRET-NOT-SECURE-AT-ALL", "this-is-the-primary-secret"),
            *(DEVELOPMENT_SECRET, "changeme-changeme-changeme"),
        ],
    )
    @pytest.mark.parametrize(
        "variable", ["SECRETS_DEFAULT", "SECRETS_COOKIE", "SECRETS_CIPHER", "NIGHTLATCH_ADMIN_KEY"]
    )
    def test_W15_a_well_known_example_is_good_for_dev_only(self, example: str, variable: str, tmp_path: Path):
        path = write(tmp_path, GOOD)
        assert list(errors_of(path, {variable: example})) == [variable]
        load(path, {variable: example}, dev=True)

    def test_W9_a_secret_is_never_in_what_is_printed_of_a_configuration(self):
        environ = {"SECRETS_DEFAULT": CANARY, "SECRETS_CIPHER_0": CANARY, "NIGHTLATCH_ADMIN_KEY": CANARY}
        config = load(None, environ | {"DSN": f"postgres://u:{CANARY}@h/d"}, dev=True)
        admin_key = config.nightlatch.admin_key
        assert admin_key is not None
        assert admin_key.reveal() == CANARY
        assert f"{admin_key}" == "%s" % admin_key == repr(admin_key) == "********"  # noqa: UP031
        assert CANARY not in f"{config} {config!r} {config.dsn} {config.secrets.default}"

    @pytest.mark.parametrize("key", [*SETTINGS])
    def test_W9_no_error_holds_a_value_whichever_key_it_was_given_to(self, key: str, tmp_path: Path):
        for value in (
            CANARY,
            [CANARY],
            {"id": CANARY},
            [{"id": CANARY, "hook": CANARY}],
            f"{CANARY}\x07",
            f"x://u:{CANARY}@h",
        ):
            path = write(tmp_path, nested(key, value))
            text = as_variable(value)
            for source, environ in ((path, {}), (None, {SETTINGS[key].variable: text})):
                try:
                    said = repr(load(source, environ, dev=True).warnings)
                except ConfigErrors as errors:
                    said = f"{errors!s} {errors!r} {errors.errors} {errors.__cause__}"
                assert CANARY not in said

    @pytest.mark.parametrize(
        "text",
        [
            "nightlatch: {admin_key:%s}",
            "nightlatch: {admin_key:%s, admin_key:%s}",
            "nightlatch:\n  admin_key: *%s",
            "nightlatch:\n  admin_key: !%s x",
            "nightlatch:\n  admin_key: %s\n bad",
            "nightlatch:\n  admin_key: '%s",
            "nightlatch:\n  admin_key:%s",
        ],
    )
    def test_W9_no_error_of_broken_YAML_holds_what_stands_there(self, text: str, tmp_path: Path):
        with pytest.raises(ConfigErrors) as caught:
            load(write(tmp_path, text.replace("%s", CANARY)), {}, dev=True)
        assert CANARY not in f"{caught.value} {caught.value!r} {caught.value.__cause__}"
