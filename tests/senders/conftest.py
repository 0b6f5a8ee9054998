"""What the tests of the senders share."""

from collections.abc import Iterator

import pytest
from tests.core.world import World
from tests.database import Database


@pytest.fixture
def world(db: Database) -> Iterator[World]:
    made = World(db)
    yield made
    made.close()
