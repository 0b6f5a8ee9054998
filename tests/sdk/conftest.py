"""The published clients, each release in a process of its own, and servers on each database."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.sdk.bodies import hashed, new_email
from tests.sdk.client import ClientProcess, Kratos
from tests.sdk.releases import RELEASES, Release
from tests.senders.mail_server import MailServer, mail_server_beside
from tests.serving import Server

Clients = Callable[[Release], ClientProcess]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The fixtures `kratos` and `frontend` of a test: the releases that lack nothing of what it is marked to need."""
    needed = {each for mark in metafunc.definition.iter_markers("needs") for each in mark.args}
    able = [release for release in RELEASES if not release.lacks & needed]
    for fixture in {"kratos", "frontend"}.intersection(metafunc.fixturenames):
        metafunc.parametrize(fixture, able, ids=[release.name for release in able], indirect=True)


@pytest.fixture(scope="module")
def mail() -> Iterator[MailServer]:
    with mail_server_beside() as running:
        yield running


@pytest.fixture(scope="session")
def clients() -> Iterator[Clients]:
    with contextlib.ExitStack() as stack:
        yield functools.cache(lambda release: stack.enter_context(ClientProcess(release)))


@pytest.fixture
def kratos(request: pytest.FixtureRequest, clients: Clients, server: Server) -> Kratos:
    """At the admin port, with the key."""
    return Kratos(clients(request.param), server.admin, server.key)


@pytest.fixture
def frontend(request: pytest.FixtureRequest, clients: Clients, server: Server) -> Kratos:
    """What a person's application uses, at the public port, without a key."""
    return Kratos(clients(request.param), server.public, None, api="FrontendApi")


@pytest.fixture
def anna(server: Server) -> dict[str, Any]:
    """The identity of a new person who can sign in with PASSWORD."""
    return server.create({"email": new_email()}, password={"config": {"hashed_password": hashed()}})
