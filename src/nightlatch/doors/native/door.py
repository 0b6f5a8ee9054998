"""This dialect's door on the admin port."""

from nightlatch.doors.http.door import Door
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.native import errors
from nightlatch.doors.native.auth import asking
from nightlatch.doors.native.reference import REFERENCE
from nightlatch.doors.native.routes import ADMIN


def admin_door(parts: Shared) -> Door[Shared]:
    return Door("/v1/", parts, (*ADMIN, *REFERENCE), asking, errors.of_problem, errors.of_refusal)
