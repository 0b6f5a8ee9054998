"""This dialect's door."""

from nightlatch.doors.http.door import Door
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.sessions_api import auth, errors
from nightlatch.doors.sessions_api.routes import ADMIN, PREFIX


def admin_door(parts: Shared) -> Door[Shared]:
    return Door(f"{PREFIX}/", parts, ADMIN, auth.administrator, errors.of_problem, errors.of_refusal, errors.of_bug)
