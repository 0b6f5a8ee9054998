"""nightlatch serve: how it starts, how it refuses to, and the key of development."""

import re
import signal
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.cli.command import Command, run_program, written
from tests.development import Development
from tests.postgres import _AS_ORDINARY_USER as AS_ORDINARY_USER
from tests.processes import free_port
from tests.serving import Server

SECRET = "a secret of the tests, 32 bytes."


@pytest.fixture
def development(tmp_path: Path) -> Development:
    return Development(tmp_path)


def test_W1_the_key_of_development_is_its_owners_alone_and_gone_at_the_end(development: Development) -> None:
    with development.running() as process:
        assert stat.S_IMODE(development.key_file.stat().st_mode) == 0o600
        key = development.key_file.read_text().strip()
        assert development.ask(key) == 200
        assert development.ask("another") == 401
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert not development.key_file.exists()
    stored = b"".join(file.read_bytes() for file in development.folder.glob("var/*"))
    assert key.encode() not in stored


def test_W1_the_key_of_development_is_fresh_at_each_start(development: Development) -> None:
    with development.running():
        first = development.key_file.read_text().strip()
    with development.running():
        assert development.ask(first) == 401
        assert development.ask(development.key_file.read_text().strip()) == 200


def test_W1_a_key_that_was_left_behind_by_a_crash_is_dead(development: Development) -> None:
    with development.running() as process:
        process.kill()
        process.wait()
    left = development.key_file.read_text().strip()
    with development.running():
        assert development.ask(left) == 401
        assert development.key_file.read_text().strip() != left


def test_W1_in_development_this_machine_needs_no_key_at_the_sessions_api_and_nowhere_else(
    development: Development,
) -> None:
    path = f"{development.admin}/sessions-api/sessions/user/8d3fbd3a-1f0b-4c8e-9d7e-0c1f7a5b6e42"
    with development.running():
        assert httpx.get(path, trust_env=False).json() == []
        assert httpx.get(path, headers={"Authorization": "Bearer wrong"}, trust_env=False).status_code == 401
        assert httpx.get(f"{development.admin}/admin/sessions", trust_env=False).status_code == 401


def test_a_second_start_by_mistake_leaves_the_first_servers_key_alone(development: Development) -> None:
    with development.running():
        key = development.key_file.read_text()
        done = run_program("serve", "--dev", folder=development.folder, **development.ports)
        assert done.code == 1
        assert "Change serve.public.port." in done.err
        assert development.key_file.read_text() == key
        assert development.ask(key.strip()) == 200


def test_a_configured_key_is_used_in_development_too(development: Development) -> None:
    with development.running(NIGHTLATCH_ADMIN_KEY="a-key-of-my-own-choice"):
        assert development.key_file.read_text() == "a-key-of-my-own-choice\n"
        assert development.ask("a-key-of-my-own-choice") == 200


def test_the_start_prints_both_urls_and_one_line_to_copy(development: Development) -> None:
    with development.running():
        log = (development.folder / "log").read_text()
    public = development.ports["SERVE_PUBLIC_PORT"]
    assert re.search(rf"^public  http://127\.0\.0\.1:{public}$", log, re.MULTILINE)
    assert re.search(rf"^admin   {development.admin}$", log, re.MULTILINE)
    for name, path in (("pages", "ui/registration"), ("mail", "dev/mailbox")):
        [url] = re.findall(rf"^{name:7} (http://\S+)$", log, re.MULTILINE)
        assert url == f"http://127.0.0.1:{public}/{path}"
    assert re.search(r'^try     curl .*\$\(cat var/dev-key\)" http', log, re.MULTILINE)


@pytest.mark.parametrize("lacks", ["DSN", "SERVE_PUBLIC_BASE_URL", "SECRETS_DEFAULT", "NIGHTLATCH_ADMIN_KEY"])
def test_W1_outside_development_nothing_starts_without_what_makes_it_safe(tmp_path: Path, lacks: str) -> None:
    given = {
        "DSN": f"sqlite://{tmp_path}/nightlatch.sqlite",
        "SERVE_PUBLIC_BASE_URL": "https://id.example.com/",
        "SECRETS_DEFAULT_0": SECRET,
        "NIGHTLATCH_ADMIN_KEY": "a-key-of-my-own-choice",
        "SERVE_PUBLIC_PORT": str(free_port()),
        "SERVE_ADMIN_PORT": str(free_port()),
    }
    done = run_program(
        "serve", folder=tmp_path, **{name: text for name, text in given.items() if not name.startswith(lacks)}
    )
    assert done.code == 3
    key = {"SECRETS_DEFAULT": "secrets.default", "NIGHTLATCH_ADMIN_KEY": "nightlatch.admin_key"}
    assert key.get(lacks, lacks.lower().replace("_", ".", 2).replace("base.", "base_")) in done.err


@pytest.mark.parametrize("over", ["revoked", "expired"])
def test_W1_a_key_that_is_over_is_no_key_to_start_with(
    nightlatch: Command, tmp_path: Path, dsn: str, over: str
) -> None:
    lifespan = ("--expires-in", "1us") if over == "expired" else ()
    (key,) = nightlatch.rows("keys", "create", "old", *lifespan)
    if over == "revoked":
        nightlatch("keys", "revoke", key["id"])
    written(tmp_path, dsn, nightlatch={})
    done = nightlatch.run("serve")
    assert (done.code, done.out) == (3, "")
    assert "nightlatch.admin_key is missing and no access key was made. Run nightlatch keys create" in done.err


@pytest.mark.parametrize("port", ["public", "admin"])
def test_a_port_that_is_taken_is_exit_code_1_and_names_the_setting(tmp_path: Path, port: str) -> None:
    other = "admin" if port == "public" else "public"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = {port: taken.getsockname()[1], other: free_port()}
        serve = {name: {"port": number} for name, number in ports.items()}
        serve["public"]["base_url"] = "http://127.0.0.1/"
        written(tmp_path, f"sqlite://{tmp_path}/nightlatch.sqlite", serve=serve)
        done = run_program("serve", "-c", "nightlatch.yaml", folder=tmp_path)
    assert (done.code, done.out) == (1, "")
    assert f"Address already in use. Change serve.{port}.port." in done.err


@pytest.mark.skipif(sys.platform != "linux", reason="a directory that its owner may not write, by a user namespace")
def test_a_folder_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "read-only"
    folder.mkdir()
    folder.chmod(0o555)
    written(tmp_path, f"sqlite://{folder}/nightlatch.sqlite")
    done = run_program("serve", "-c", "nightlatch.yaml", folder=tmp_path, front=tuple(AS_ORDINARY_USER))
    assert (done.code, done.out) == (4, "")
    assert done.err.startswith("nightlatch: dsn: the database cannot be written: ")


@pytest.mark.skipif(sys.platform != "linux", reason="a file that its owner may not write, by a user namespace")
def test_a_file_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    written(tmp_path, f"sqlite://{tmp_path}/db/nightlatch.sqlite")
    assert run_program("migrate", "-c", "nightlatch.yaml", folder=tmp_path).code == 0
    for file in (tmp_path / "db").iterdir():
        file.chmod(0o444)
    (tmp_path / "db").chmod(0o555)
    done = run_program("serve", "-c", "nightlatch.yaml", folder=tmp_path, front=tuple(AS_ORDINARY_USER))
    assert (done.code, done.out) == (4, "")
    assert done.err.startswith("nightlatch: ")


def test_a_schema_that_is_not_there_is_exit_code_3_before_any_port_is_open(tmp_path: Path) -> None:
    schemas = [{"id": "default", "url": "file:///nowhere.json"}]
    written(tmp_path, f"sqlite://{tmp_path}/nightlatch.sqlite", identity={"schemas": schemas})
    done = run_program("serve", "-c", "nightlatch.yaml", folder=tmp_path)
    assert (done.code, done.out) == (3, "")
    assert "identity.schemas.0.url: the schema default cannot be used" in done.err
    assert not (tmp_path / "nightlatch.sqlite").exists()


def test_a_database_in_memory_is_served_and_leaves_nothing(development: Development, tmp_path: Path) -> None:
    with development.running(DSN="memory"):
        assert development.ask(development.key_file.read_text().strip()) == 200
    assert not list(tmp_path.glob("nightlatch-*"))


def test_codes_that_no_schema_has_an_address_for_are_named_at_the_start(serve: Callable[..., Server]) -> None:
    server = serve(settings={"selfservice": {"methods": {"code": {"passwordless_enabled": True}}}})
    assert "nobody can sign in by a code: no identity schema has a trait with credentials.code" in server.log()
