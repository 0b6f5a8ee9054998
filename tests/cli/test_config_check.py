"""nightlatch config check, and what every command makes of a wrong configuration."""

from pathlib import Path

import pytest
from tests.cli.command import KEY, Command, run_program, written

import nightlatch

WRONG = """
dsn: mysql://127.0.0.1/nightlatch
serve: {public: {port: 443300, base_uri: http://127.0.0.1:4433/}}
secrets: {default: [short-secret]}
session: {lifespan: a day}
"""


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(written(tmp_path, "memory"), monkeypatch, capsys)


def test_a_good_configuration_is_said_to_be_good(command: Command) -> None:
    assert command("config", "check") == "The configuration is good.\n"


def test_every_error_is_told_at_once_with_its_key_and_its_cure(command: Command) -> None:
    command.config.write_text(WRONG)
    done = command.run("config", "check")
    assert (done.code, done.out) == (3, "")
    for told in (
        "dsn names no supported database. Write memory, sqlite:///",
        "serve.public.port ",
        "serve.public.base_uri is not a known key. Did you mean serve.public.base_url?",
        "secrets.default entry 1 must hold 16 bytes or more",
        "session.lifespan ",
    ):
        assert f"nightlatch: {told}" in done.err
    assert "short-secret" not in done.err


def test_a_schema_that_cannot_be_read_is_told_before_any_server_starts(command: Command, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text('{"type": "nonsense"}')
    schemas = [{"id": "default", "url": "file:///nowhere.json"}, {"id": "b", "url": f"file://{tmp_path}/broken.json"}]
    written(tmp_path, "memory", identity={"default_schema_id": "default", "schemas": schemas})
    done = command.run("config", "check")
    assert done.code == 3
    assert "identity.schemas.0.url: the schema default cannot be used" in done.err
    assert "identity.schemas.1.url: the schema b cannot be used" in done.err


def test_what_only_deserves_a_word_is_no_error(command: Command, tmp_path: Path) -> None:
    written(tmp_path, "memory", courier={"worker": {"pull_count": 1}})
    done = command.run("config", "check")
    assert (done.code, done.out) == (0, "The configuration is good.\n")
    assert "without effect here yet: courier.worker" in done.err


def test_W1_nobody_is_let_in_without_a_key_who_is_not_named(command: Command, tmp_path: Path) -> None:
    keyless = {"sessions_api": {"authentication": "none"}, "admin_key": KEY}
    written(tmp_path, "memory", nightlatch=keyless)
    done = command.run("config", "check")
    assert done.code == 3
    assert "nightlatch.sessions_api.authentication is none and nobody is trusted. Name nightlatch.tru" in done.err
    written(tmp_path, "memory", nightlatch=keyless | {"trusted_networks": ["10.0.0.0/8"]})
    assert command("config", "check") == "The configuration is good.\n"


def test_with_dev_no_file_is_needed(tmp_path: Path) -> None:
    done = run_program("config", "check", "--dev", folder=tmp_path)
    assert done == (0, "The configuration is good.\n", "")
    assert list(tmp_path.iterdir()) == []


def test_the_environment_alone_will_do(tmp_path: Path) -> None:
    given = {"DSN": "memory", "SERVE_PUBLIC_BASE_URL": "http://127.0.0.1/", "SECRETS_DEFAULT": KEY}
    assert run_program("config", "check", folder=tmp_path, **given).code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("config", "check"),
        ("serve",),
        ("migrate",),
        ("keys", "list"),
        ("identities", "list"),
        ("sessions", "list"),
    ],
    ids=" ".join,
)
def test_every_command_refuses_a_wrong_configuration_with_exit_code_3(command: Command, words: tuple[str, ...]) -> None:
    command.config.write_text("dns: memory")
    done = command.run(*words)
    assert (done.code, done.out) == (3, "")
    assert "nightlatch: dns is not a known key. Did you mean dsn?" in done.err


@pytest.mark.parametrize("words", [("migrate",), ("keys", "list"), ("keys", "create", "x")], ids=" ".join)
def test_a_database_in_memory_is_out_of_reach_for_commands(command: Command, words: tuple[str, ...]) -> None:
    done = command.run(*words)
    assert done.code == 3
    assert done.err.startswith("nightlatch: dsn is memory, which only the server that opened it can reach.")


def test_version_prints_the_version(tmp_path: Path) -> None:
    assert run_program("version", folder=tmp_path) == (0, nightlatch.__version__ + "\n", "")


def test_an_unknown_command_is_exit_code_2(tmp_path: Path) -> None:
    assert run_program("sesions", folder=tmp_path).code == 2
