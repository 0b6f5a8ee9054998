"""This dialect's door, on the admin port."""

from nightlatch.doors.http.door import Door
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.slack import auth, errors
from nightlatch.doors.slack.routes import ADMIN


def admin_door(parts: Shared) -> Door[Shared]:
    return Door("/api/", parts, ADMIN, auth.administrator, errors.of_problem, errors.of_refusal)
