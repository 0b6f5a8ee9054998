"""The configuration file: what is wrong with it, and which keys it may have."""

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.config.written import QUICKSTART, errors_of, nested, write
from tools import kratos_config_keys

from nightlatch.config import ConfigErrors, load
from nightlatch.config.settings import DATA, SETTINGS
from nightlatch.kernel.clock import MINUTE

NAMES = st.sampled_from(
    sorted({name for key in SETTINGS for name in key.split(".")} | {"id", "url", "hook", "courier"})
)
ANY = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.binary()


class TestErrors:
    def test_come_all_at_once_each_with_key_and_cure(self, tmp_path: Path):
        path = write(tmp_path, "serve: {admn: {}, public: {port: http}}\nlog: {level: loud}\n")
        errors = errors_of(path, {"SESSION_LIFESPAN": "1 day", "NIGHTLATCH_HASHING_MEMORY": "19456"})
        assert list(errors) == [
            "serve.admn",
            "serve.public.port",
            "log.level",
            "NIGHTLATCH_HASHING_MEMORY",
            "SESSION_LIFESPAN",
            "dsn",
            "serve.public.base_url",
            "secrets.default",
        ]
        for key, error in errors.items():
            assert str(error) == f"{key} {error.problem}. {error.cure}"

    def test_a_list_names_each_wrong_entry(self, tmp_path: Path):
        content = {"nightlatch": {"trusted_networks": ["10.0.0.0/8", "10.0.0.1/8", "0.0.0.0/0"]}}
        with pytest.raises(ConfigErrors) as caught:
            load(write(tmp_path, content), {}, dev=True)
        assert [str(error).split(" must")[0] for error in caught.value.errors] == [
            "nightlatch.trusted_networks entry 2",
            "nightlatch.trusted_networks entry 3 names every address there is. Name the networks that are yours.",
        ]

    def test_a_file_that_is_not_there_is_one_error(self, tmp_path: Path):
        assert list(errors_of(tmp_path / "none.yaml", {})) == [str(tmp_path / "none.yaml")]

    @pytest.mark.parametrize(
        "content", ["a: b: c", "a: [", "- 1", "text", "\x01", "!!set {}", "a: 2020-99-99", "? [a]\n: b"]
    )
    def test_a_file_that_is_no_YAML_mapping_is_one_error(self, content: str, tmp_path: Path):
        path = write(tmp_path, content)
        assert list(errors_of(path, {})) == [str(path)]

    def test_where_the_YAML_is_broken_is_said(self, tmp_path: Path):
        path = write(tmp_path, "serve:\n  public: ]\nlog:")
        assert "line 2" in errors_of(path, {})[str(path)].problem

    def test_a_key_that_is_set_twice_is_an_error_with_its_line(self, tmp_path: Path):
        text = "serve:\n  public:\n    port: 1\n    host: a\n    port: 2\nidentity:\n  schemas:\n    - {id: a, id: b}\n"
        errors = errors_of(write(tmp_path, text), {}, dev=True)
        assert "line 5" in errors["serve.public.port"].problem
        assert "line 8" in errors["identity.schemas.0.id"].problem

    def test_merging_mappings_is_not_setting_twice(self, tmp_path: Path):
        text = "x-base: &base {port: 1, host: a}\nserve:\n  public:\n    <<: *base\n    port: 2\n"
        public = load(write(tmp_path, text), {}, dev=True).serve.public
        assert (public.host, public.port) == ("a", 2)

    def test_an_alias_of_itself_ends(self, tmp_path: Path):
        assert "tracing" in load(write(tmp_path, "tracing: &a\n  b: *a\n"), {}, dev=True).warnings[0]
        assert "serve.public" in errors_of(write(tmp_path, "serve: &a\n  public: [*a]\n"), {}, dev=True)

    @settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])  # it is the machine that is
    @given(st.dictionaries(NAMES, st.recursive(ANY, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner))))
    def test_any_file_is_a_configuration_or_its_errors(self, tmp_path_factory: pytest.TempPathFactory, content: Any):
        with suppress(ConfigErrors):
            load(write(tmp_path_factory.getbasetemp(), content), {}, dev=True)

    @pytest.mark.parametrize("content", ["", "# nothing\n", "serve:\nlog:\ncourier:\n", "serve: {public: }"])
    def test_a_section_without_content_is_no_error(self, content: str, tmp_path: Path):
        assert load(write(tmp_path, content), {}, dev=True).warnings == ()


class TestKeys:
    @pytest.mark.parametrize(
        ("wrong", "near"),
        [
            ("serv.public.port", "serve"),
            ("serve.public.prot", "serve.public.port"),
            ("session.life_span", "session.lifespan"),
            ("port", "serve.public.port"),
            ("nightlatch.session.idel", "nightlatch.session.idle"),
            ("courier.smtp.conection_uri", "courier.smtp.connection_uri"),
            ("selfservice.methods.totp.enable", "selfservice.methods.totp.enabled"),
        ],
    )
    def test_a_typo_is_an_error_that_names_the_nearest_key(self, wrong: str, near: str, tmp_path: Path):
        error = next(iter(errors_of(write(tmp_path, nested(wrong, 1)), {}, dev=True).values()))
        assert error.cure == f"Did you mean {near}?"

    def test_a_key_in_an_entry_of_a_list_is_judged_too(self, tmp_path: Path):
        schemas = [{"id": "default", "url": "a.json", "ulr": "b.json", "selfservice_selectable": True}]
        path = write(tmp_path, {"identity": {"schemas": schemas}})
        assert list(errors_of(path, {}, dev=True)) == ["identity.schemas.0.ulr"]

    def test_keys_that_are_not_built_yet_are_named_in_one_warning_by_their_subject(self, tmp_path: Path):
        content = {
            "courier": {"smtp": {"connection_uri": "smtp://a", "headers": {"X-A": "b"}}, "worker": {"pull_count": 1}},
            "selfservice": {
                "methods": {"code": {"mfa_enabled": True}},
                "flows": {"registration": {"after": {"password": {"hooks": [{"hook": "web_hook", "config": {}}]}}}},
            },
            "identity": {"schemas": [{"id": "default", "url": "a.json", "selfservice_selectable": True}]},
            "tracing": {"anything": {"below": 1}},
        }
        [warning] = load(write(tmp_path, content), {}, dev=True).warnings
        assert warning == (
            "Known, but without effect here yet: courier.smtp.headers, courier.worker, identity.schemas.0.selfservice_selectable, "
            "selfservice.methods.code.mfa_enabled, tracing, "
            "selfservice.flows.registration.after.password.hooks (web_hook)."
        )

    def test_hashers_are_accepted_and_what_is_done_instead_is_said_once(self, tmp_path: Path):
        path = write(
            tmp_path, {"hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 12}, "argon2": {"memory": "1GB"}}}
        )
        assert load(path, {}, dev=True).warnings == ("New hashes are argon2id whatever hashers says.",)

    def test_schema_version_and_x_keys_are_left_alone(self, tmp_path: Path):
        content = {"$schema": "a", "version": "v1.3.0", "x-a": {"b": [1]}, "serve": {"x-b": 1, "public": {"x-c": "d"}}}
        assert load(write(tmp_path, content), {}, dev=True).warnings == ()

    @pytest.mark.parametrize("key", ["serve", "serve.public", "nightlatch"])
    @pytest.mark.parametrize("value", ["text", 1, [1], False])
    def test_a_value_where_keys_belong_is_an_error(self, key: str, value: Any, tmp_path: Path):
        assert list(errors_of(write(tmp_path, nested(key, value)), {}, dev=True)) == [key]

    def test_the_list_of_known_keys_has_no_holes(self):
        keys = (DATA / "kratos_config_keys.txt").read_text().splitlines()
        assert keys == sorted(set(keys))
        theirs = {key for key in SETTINGS if not key.startswith("nightlatch.")}
        assert theirs <= {re.sub(r"\.#.*|(?<=\.request_config)\..*", "", key) for key in keys}

    def test_the_list_is_made_from_a_published_schema(self):
        schema = {
            "definitions": {"part": {"properties": {"c": {"type": "string"}}}},
            "properties": {
                "a": {"type": "array", "items": {"type": "string"}},
                "b": {"type": "array", "items": {"oneOf": [{"$ref": "#/definitions/part"}, {"properties": {"d": {}}}]}},
                "e": {"type": "object", "additionalProperties": {"type": "string"}},
                "f": {"type": "object"},
                "g": {"$ref": "ory://elsewhere"},
                "h": {"patternProperties": {".*": {"properties": {"i": {}}}}, "additionalProperties": False},
            },
        }
        assert kratos_config_keys.paths(schema) == ["a", "b.#.c", "b.#.d", "e.*", "f.**", "g.**", "h.*.i"]


class TestKratosOwnFile:
    def test_of_a_quickstart_loads_with_warnings_only(self, tmp_path: Path):
        config = load(write(tmp_path, QUICKSTART), {}, dev=True)
        assert config.selfservice.flows.registration.after.password.hooks == ("session", "show_verification_ui")
        assert config.selfservice.flows.login.lifespan == 10 * MINUTE
        _, unused, hashers = config.warnings
        assert hashers.startswith("New hashes are argon2id")
        for key in ("ciphers", "log.leak_sensitive_values"):
            assert f" {key}," in unused

    def test_of_a_quickstart_is_refused_outside_dev_for_its_secrets(self, tmp_path: Path):
        assert list(errors_of(write(tmp_path, QUICKSTART), {})) == [
            "secrets.cookie",
            "secrets.cipher",
            "secrets.default",
        ]
