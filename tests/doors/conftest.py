"""The doors in this process. Most tests need no particular database; those of lists run on each."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.doors.kratos.in_process import Doors, migrated


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied: that is quicker than to migrate one."""
    file = tmp_path_factory.mktemp("migrated") / "empty.sqlite"
    migrated(f"sqlite://{file}")
    return file


@pytest.fixture
def doors(empty_database: Path, tmp_path: Path) -> Iterator[Doors]:
    file = shutil.copy(empty_database, tmp_path / "doors.sqlite")
    with Doors(f"sqlite://{file}") as opened:
        yield opened
        assert opened.failures == []


@pytest.fixture
def doors_of_each(dsn: str) -> Iterator[Doors]:
    """The doors over each database."""
    with Doors(migrated(dsn)) as opened:
        yield opened
        assert opened.failures == []
