"""Long work says where it must not stand."""

import pytest

from nightlatch.kernel.unit import inside_unit, outside


def test_outside_a_unit_anything_may_be_done() -> None:
    outside("a hash")


def test_inside_a_unit_long_work_is_an_error_that_names_it() -> None:
    token = inside_unit.set(True)
    try:
        with pytest.raises(RuntimeError, match="a hash inside a transaction"):
            outside("a hash")
    finally:
        inside_unit.reset(token)
