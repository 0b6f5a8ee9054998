"""The published clients, each release in a process of its own, and servers on each database."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.sdk.bodies import new_email, person
from tests.sdk.client import ClientProcess, Kratos
from tests.serving import Server

OLD, NEW = "kratos-0.13.1", "kratos-25.4.0"
HUAWEI = "huawei-3.1.219"
SCRIPTS = {OLD: "kratos_process.py", NEW: "kratos_process.py", HUAWEI: "huawei_process.py"}
Clients = Callable[[str], ClientProcess]


@pytest.fixture(scope="session")
def clients() -> Iterator[Clients]:
    with contextlib.ExitStack() as stack:
        yield functools.cache(lambda release: stack.enter_context(ClientProcess(release, SCRIPTS[release])))


@pytest.fixture(params=[OLD, NEW])
def kratos(request: pytest.FixtureRequest, clients: Clients, server: Server) -> Kratos:
    """Each release, at the admin port, with the key."""
    return Kratos(clients(request.param), server.admin, server.key)


@pytest.fixture
def kratos_new(clients: Clients, server: Server) -> Kratos:
    """For what only the newer release can say."""
    return Kratos(clients(NEW), server.admin, server.key)


@pytest.fixture
def frontend(clients: Clients, server: Server) -> Kratos:
    """What a person's application uses, at the public port, without a key."""
    return Kratos(clients(NEW), server.public, None, api="FrontendApi")


@pytest.fixture
def anna(kratos_new: Kratos) -> dict[str, Any]:
    """The identity of a new person who can sign in with PASSWORD."""
    return dict(kratos_new("create_identity", create_identity_body=person(new_email())).ok(201))
