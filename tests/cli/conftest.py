"""Commands over an empty database, and commands beside a running server."""

from pathlib import Path

import pytest
from tests.cli.command import Command, written
from tests.serving import Server


@pytest.fixture
def nightlatch(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Over a migrated database of each kind without a row."""
    command = Command(written(tmp_path, dsn), monkeypatch, capsys)
    command("migrate")
    return command


@pytest.fixture
def beside(server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Over the database, and with the configuration, of the server that runs."""
    return Command(server.folder / "nightlatch.yaml", monkeypatch, capsys)
