"""The configuration: every setting from the file and from the environment, and what is said when it is wrong."""

import json
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tools import kratos_config_keys, settings_page

from nightlatch.config import Config, ConfigError, ConfigErrors, Secret, load, require_key
from nightlatch.config.declare import Follows, Setting
from nightlatch.config.settings import DATA, DEVELOPMENT_SECRET, SETTINGS
from nightlatch.kernel.clock import HOUR, MINUTE

GOOD = {
    "dsn": "memory",
    "serve": {"public": {"base_url": "https://id.example.com"}},
    "secrets": {"default": ["mB4vX9kQ2sL7wR5t"]},
}
NAMES = st.sampled_from(
    sorted({name for key in SETTINGS for name in key.split(".")} | {"id", "url", "hook", "courier"})
)
ANY = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.binary()
CANARY = "kAnArY-9f8e7d6c5b4a"


def write(folder: Path, content: Any) -> Path:
    path = folder / "nightlatch.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def errors_of(path: Path | None, environ: dict[str, str], dev: bool = False) -> dict[str, ConfigError]:
    with pytest.raises(ConfigErrors) as caught:
        load(path, environ, dev)
    return {error.key: error for error in caught.value.errors}


def nested(key: str, value: Any) -> dict[str, Any]:
    for name in reversed(key.split(".")):
        value = {name: value}
    return value


def value_of(config: Config, key: str) -> Any:
    value: Any = config
    for name in key.split("."):
        value = getattr(value, name)
    return value


def plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    return value.reveal() if isinstance(value, Secret) else value


def unlike_the_default(setting: Setting) -> Any:
    """An example of the setting's kind that would be noticed."""
    default = plain(value_of(load(None, {}, dev=True), setting.key))
    return next(raw for raw in setting.kind.examples if plain(setting.kind.read(raw)) != default)


def as_variable(raw: Any) -> str:
    return raw if isinstance(raw, str) else json.dumps(raw)


class TestEverySetting:
    @pytest.fixture(params=SETTINGS.values(), ids=list(SETTINGS))
    def setting(self, request: pytest.FixtureRequest) -> Setting:
        return request.param

    @pytest.fixture
    def around(self, setting: Setting) -> dict[str, str]:
        """What else must be set for an example to be allowed."""
        schemas = {"IDENTITY_SCHEMAS_0_ID": "employee", "IDENTITY_SCHEMAS_0_URL": "base64://e30="}
        trusted = {"NIGHTLATCH_TRUSTED_NETWORKS": "10.0.0.0/8"} if setting.key.endswith("authentication") else {}
        return schemas if setting.key == "identity.default_schema_id" else trusted

    def test_is_read_from_the_file(self, setting: Setting, around: dict[str, str], tmp_path: Path):
        raw = "employee" if "IDENTITY_SCHEMAS_0_ID" in around else unlike_the_default(setting)
        config = load(write(tmp_path, nested(setting.key, raw)), around, dev=True)
        assert plain(value_of(config, setting.key)) == plain(setting.kind.read(raw))

    def test_is_read_from_the_environment_which_wins(self, setting: Setting, around: dict[str, str], tmp_path: Path):
        raw = "employee" if "IDENTITY_SCHEMAS_0_ID" in around else unlike_the_default(setting)
        other = next((each for each in setting.kind.examples if each != raw), raw)
        path = write(tmp_path, nested(setting.key, other))
        config = load(path, around | {setting.variable: as_variable(raw)}, dev=True)
        assert plain(value_of(config, setting.key)) == plain(setting.kind.read(raw))

    @pytest.mark.parametrize("raw", [None, {"a": {}}, [[]], 1.5, "", "\x00", b"\xff", -1])
    def test_refuses_what_is_not_of_its_kind_and_names_the_cure(self, setting: Setting, raw: Any, tmp_path: Path):
        path = tmp_path / "nightlatch.yaml"
        path.write_text(yaml.safe_dump(nested(setting.key, raw), allow_unicode=False))
        error = errors_of(path, {}, dev=True)[setting.key]
        assert error.problem
        assert error.cure.endswith((".", "?"))

    @pytest.mark.parametrize("text", ["\n", " ", "a\x00", "\udcff"])
    def test_refuses_the_same_in_the_environment_and_names_the_variable(self, setting: Setting, text: str):
        assert setting.variable in errors_of(None, {setting.variable: text}, dev=True)

    def test_has_a_default_of_its_kind(self, setting: Setting):
        if setting.default is not None and not isinstance(setting.default, Follows):
            setting.kind.read(setting.default)

    def test_is_documented(self, setting: Setting):
        rows = settings_page.PAGE.read_text().splitlines()
        assert any(row.startswith(f"| `{setting.key}` |") for row in rows), "run tools/settings_page.py"
        assert setting.help.endswith(".")


def test_the_page_of_settings_is_the_one_that_the_declarations_make():
    assert settings_page.PAGE.read_text() == settings_page.page(), "run tools/settings_page.py"


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
                "methods": {"totp": {"enabled": True}, "code": {"mfa_enabled": True}},
                "flows": {"registration": {"after": {"password": {"hooks": [{"hook": "web_hook", "config": {}}]}}}},
            },
            "identity": {"schemas": [{"id": "default", "url": "a.json", "selfservice_selectable": True}]},
            "tracing": {"anything": {"below": 1}},
        }
        [warning] = load(write(tmp_path, content), {}, dev=True).warnings
        assert warning == (
            "Known, but without effect here yet: courier.smtp.headers, courier.worker, identity.schemas.0.selfservice_selectable, "
            "selfservice.methods.code.mfa_enabled, selfservice.methods.totp, tracing, "
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
        given = {"SESSION_LIFESPAN": "48h", "NIGHTLATCH_HASHING_THREADS": "3", "SERVE_PUBLIC_PORT": "8000"}
        config = load(None, given, dev=True)
        assert config.session.earliest_possible_extend == 48 * HOUR
        assert config.nightlatch.hashing.queue == 12
        assert config.selfservice.default_browser_return_url == "http://127.0.0.1:8000/"

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


class TestDatabase:
    @pytest.mark.parametrize(
        ("given", "read"),
        [
            ("memory", "memory"),
            ("sqlite://:memory:?_fk=true", "memory"),
            ("sqlite://file::memory:?_fk=true&cache=shared", "memory"),
            ("sqlite://a.db?mode=memory", "memory"),
            ("sqlite:///var/lib/sqlite/db.sqlite?_fk=true&mode=rwc", "sqlite:////var/lib/sqlite/db.sqlite"),
            ("sqlite:////var/lib/db.sqlite", "sqlite:////var/lib/db.sqlite"),
            ("sqlite:///var/a%23b c.sqlite", "sqlite:////var/a%23b%20c.sqlite"),
            ("sqlite://db.sqlite", f"sqlite:///{Path.cwd()}/db.sqlite"),
            ("sqlite://file:db.sqlite", f"sqlite:///{Path.cwd()}/db.sqlite"),
            ("postgres://u:p@h:5432/d?sslmode=disable", "postgres://u:p@h:5432/d?sslmode=disable"),
            ("postgresql:///d?host=/run", "postgresql:///d?host=/run"),
        ],
    )
    def test_is_read_in_its_own_and_in_Kratos_forms(self, given: str, read: str):
        assert load(None, {"DSN": given}, dev=True).dsn.reveal() == read

    @pytest.mark.parametrize(
        "given", ["mysql://a", "cockroach://a", "sqlite", "sqlite://?mode=rwc", "postgres://", "Memory", "/a"]
    )
    def test_others_are_refused_with_those_that_work(self, given: str):
        error = errors_of(None, {"DSN": given}, dev=True)["DSN"]
        assert re.search("memory, sqlite:///.* postgres://", error.cure)


class TestUrls:
    @pytest.mark.parametrize(
        "given",
        [
            *("id.example.com", "/auth", "ftp://a/", "http://", "http://a:b/", "http://a:99999/", "https://u:p@a/"),
            *("https://a/?b", "https://a/#b", "https://a b/", "https:\\\\a", "http://[::1", "https://a/\n"),
        ],
    )
    def test_a_base_URL_is_absolute_and_plain(self, given: str):
        assert "SERVE_PUBLIC_BASE_URL" in errors_of(None, {"SERVE_PUBLIC_BASE_URL": given}, dev=True)

    @pytest.mark.parametrize(
        ("given", "read"),
        [
            ("a.json", f"file://{Path.cwd()}/a.json"),
            ("/a.json", "file:///a.json"),
            ("file://a/b.json", f"file://{Path.cwd()}/a/b.json"),
            ("file:///a.json", "file:///a.json"),
            ("https://a/b.json", "https://a/b.json"),
            ("base64://e30=", "base64://e30="),
        ],
    )
    def test_a_schema_lies_in_a_file_inline_or_on_the_web(self, given: str, read: str):
        environ = {"IDENTITY_SCHEMAS_0_ID": "default", "IDENTITY_SCHEMAS_0_URL": given}
        assert load(None, environ, dev=True).identity.schemas[0].url == read

    def test_other_places_are_refused(self):
        environ = {"IDENTITY_SCHEMAS_0_ID": "default", "IDENTITY_SCHEMAS_0_URL": "ftp://a/b.json"}
        assert "IDENTITY_SCHEMAS" in errors_of(None, environ, dev=True)


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


# Of the shape that a quickstart of Kratos has: its usual keys, and nothing that is wrong.
QUICKSTART = """
version: v1.3.0
dsn: sqlite:///var/lib/sqlite/db.sqlite?_fk=true&mode=rwc
serve:
  public: {base_url: "http://127.0.0.1:4433/", cors: {enabled: true, allowed_origins: ["*"]}}
  admin: {base_url: "http://kratos:4434/"}
selfservice:
  default_browser_return_url: http://127.0.0.1:4455/
  allowed_return_urls: ["http://127.0.0.1:4455", "app://return"]
  methods:
    password: {enabled: true, config: {haveibeenpwned_enabled: false}}
    totp: {enabled: true, config: {issuer: Example}}
    lookup_secret: {enabled: true}
    link: {enabled: true}
    code: {enabled: true}
  flows:
    error: {ui_url: "http://127.0.0.1:4455/error"}
    settings: {ui_url: "http://127.0.0.1:4455/settings", privileged_session_max_age: 15m, required_aal: highest_available}
    recovery: {enabled: true, ui_url: "http://127.0.0.1:4455/recovery", use: code}
    verification:
      enabled: true
      ui_url: http://127.0.0.1:4455/verification
      use: code
      after: {default_browser_return_url: "http://127.0.0.1:4455/"}
    logout: {after: {default_browser_return_url: "http://127.0.0.1:4455/login"}}
    login: {ui_url: "http://127.0.0.1:4455/login", lifespan: 10m}
    registration:
      lifespan: 10m
      ui_url: http://127.0.0.1:4455/registration
      after: {password: {hooks: [{hook: session}, {hook: show_verification_ui}]}}
log: {level: debug, format: text, leak_sensitive_values: true}
secrets:
  cookie: [PLEASE-CHANGE-ME-I-AM-VERY-INSECURE]
  cipher: [32-LONG-SECRET-NOT-SECURE-AT-ALL]
ciphers: {algorithm: xchacha20-poly1305}
hashers: {algorithm: bcrypt, bcrypt: {cost: 8}}
identity:
  default_schema_id: default
  schemas: [{id: default, url: "file:///etc/config/kratos/identity.schema.json"}]
courier: {smtp: {connection_uri: "smtps://test:test@mail:1025/?skip_ssl_verify=true"}}
feature_flags: {use_continue_with_transitions: true}
"""


class TestKratosOwnFile:
    def test_of_a_quickstart_loads_with_warnings_only(self, tmp_path: Path):
        config = load(write(tmp_path, QUICKSTART), {}, dev=True)
        assert config.selfservice.flows.registration.after.password.hooks == ("session", "show_verification_ui")
        assert config.selfservice.flows.login.lifespan == 10 * MINUTE
        unused, hashers = config.warnings
        assert hashers.startswith("New hashes are argon2id")
        for key in ("ciphers", "log.leak_sensitive_values"):
            assert f" {key}," in unused

    def test_of_a_quickstart_is_refused_outside_dev_for_its_secrets(self, tmp_path: Path):
        assert list(errors_of(write(tmp_path, QUICKSTART), {})) == [
            "secrets.cookie",
            "secrets.cipher",
            "secrets.default",
        ]


def test_starting_without_a_file_reads_no_YAML():
    code = "import sys; from nightlatch.config import load; load(None, {}, True); print('yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
