"""The door's world: some people, their sessions and a key pair."""

import pytest
from tests.doors.huawei.signing import World
from tests.doors.kratos.in_process import Doors


@pytest.fixture
def world(doors: Doors) -> World:
    return World(doors)


@pytest.fixture
def world_of_each(doors_of_each: Doors) -> World:
    """Over each database."""
    return World(doors_of_each)
