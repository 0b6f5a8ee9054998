"""Fixtures that any test may use. Every one that needs a database runs on each that nightlatch supports."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.database import Database, Run
from tests.postgres import Postgres
from tests.serving import Server

from nightlatch.core.store import Store

DATABASES = ["sqlite", "postgres"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for the whole run. A test that kills one makes its own: `with Postgres() as mine`."""
    with Postgres() as server:
        yield server


@pytest.fixture(params=DATABASES)
def dsn(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The DSN of an empty database of the test's own."""
    with database(request, tmp_path) as made:
        yield made


@pytest.fixture(scope="session", params=DATABASES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server that tests share: each makes its own people and counts on nothing else being there or not."""
    folder = tmp_path_factory.mktemp("server")
    # The clients under test all come from one network, and say no other.
    throttling = {"floor": "0s", "proofs_per_minute": 1000, "flows_per_minute": 5000}
    settings = {"nightlatch": {"throttling": throttling}}
    with database(request, folder) as made, Server(folder, made, settings=settings) as running:
        yield running


@pytest.fixture
def serve(dsn: str, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server of the test's own: serve(workers=2, settings={...}). It is stopped after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda **options: stack.enter_context(Server(tmp_path / "server", dsn, **options))


@contextlib.contextmanager
def database(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite://{folder}/nightlatch.sqlite"
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    made = postgres.create_database()
    yield made
    postgres.drop_database(made)


@pytest.fixture
def run() -> Iterator[Run]:
    """Runs a coroutine to its end; all of a test's in one loop."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture(scope="session")
def shared_postgres(postgres: Postgres) -> str:
    return postgres.create_database()


@pytest.fixture(params=DATABASES)
def db(request: pytest.FixtureRequest, tmp_path: Path, run: Run) -> Iterator[Database]:
    """A migrated database without a row, open. On PostgreSQL it is one that is emptied: making one takes too long."""
    on_sqlite = request.param == "sqlite"
    dsn = f"sqlite://{tmp_path}/nightlatch.sqlite" if on_sqlite else request.getfixturevalue("shared_postgres")
    with contextlib.closing(Database(dsn, run)) as opened:
        if not on_sqlite:
            opened.empty()
        yield opened


@pytest.fixture
def store(db: Database) -> Store:
    """The store of `db`; it is closed after the test."""
    return db.store
