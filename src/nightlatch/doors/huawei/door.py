"""This dialect's door on the admin port. Its client drops the path of an endpoint, so the door is at the root."""

from nightlatch.doors.http.door import Door
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.huawei import auth, errors
from nightlatch.doors.huawei.routes import ROUTES


def admin_door(parts: Shared) -> Door[Shared]:
    return Door("/v1/identity-stores/", parts, ROUTES, auth.signer, errors.of_problem, errors.of_refusal)
