"""This door in this process, on each database where a list or an ending is asked for, with a world to ask about."""

from tests.doors.kratos.conftest import doors, doors_of_each, empty_database

__all__ = ["doors", "doors_of_each", "empty_database"]
