"""nightlatch migrate, and databases that cannot be had."""

from pathlib import Path

import pytest
from tests.cli.command import Command, written
from tests.processes import free_port


@pytest.fixture
def fresh(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Over a database that nobody has touched."""
    return Command(written(tmp_path, dsn), monkeypatch, capsys)


def test_the_first_run_brings_the_database_up_to_date_and_the_second_has_nothing_to_do(fresh: Command) -> None:
    assert fresh("migrate").startswith("migrated: ")
    assert fresh("migrate") == "The database is up to date.\n"
    assert fresh.rows("identities", "list") == []


def test_the_folder_of_a_new_file_is_made_and_the_file_is_its_owners_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "far" / "away" / "nightlatch.sqlite"
    Command(written(tmp_path, f"sqlite://{file}"), monkeypatch, capsys)("migrate")
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a-file/db.sqlite", "dsn: the database cannot be written: "),
        ("a-file", "The database does not answer. Try again in a moment. (file is not a database)"),
    ],
)
def test_a_file_that_cannot_be_a_database_is_exit_code_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, told: str
) -> None:
    (tmp_path / "a-file").write_text("This is no database, but a text of some length.")
    command = Command(written(tmp_path, f"sqlite://{tmp_path}/{name}"), monkeypatch, capsys)
    for words in (("migrate",), ("serve",)):
        done = command.run(*words)
        assert (done.code, done.out) == (4, "")
        assert done.err.startswith(f"nightlatch: {told}")


@pytest.mark.parametrize(
    "words", [("migrate",), ("serve",), ("keys", "list"), ("sessions", "list"), ("identities", "list")], ids=" ".join
)
def test_a_database_that_is_down_is_exit_code_4_and_is_told_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    port = free_port()
    command = Command(
        written(tmp_path, f"postgres://nightlatch:hidden-password@127.0.0.1:{port}/x"), monkeypatch, capsys
    )
    done = command.run(*words)
    assert (done.code, done.out) == (4, "")
    assert done.err.startswith("nightlatch: The database does not answer.")
    assert str(port) in done.err
    assert "hidden-password" not in done.err


def test_a_file_that_is_not_there_is_not_made_by_a_look_at_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "nightlatch.sqlite"
    done = Command(written(tmp_path, f"sqlite://{file}"), monkeypatch, capsys).run("sessions", "list")
    assert done.code == 4
    assert not file.exists()
