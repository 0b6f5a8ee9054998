"""This dialect's door on each port."""

from dataclasses import replace
from functools import partial

from nightlatch.doors.http.door import Door
from nightlatch.doors.kratos import auth, errors, public
from nightlatch.doors.kratos.parts import Parts
from nightlatch.doors.kratos.routes import ADMIN, PUBLIC

WHOAMI = "/sessions/whoami"


def admin_door(parts: Parts) -> Door[Parts]:
    of_problem = partial(errors.of_problem, parts.public_url)
    return Door("/", parts, ADMIN, auth.administrator, of_problem, errors.of_refusal, errors.of_bug)


def public_door(parts: Parts) -> Door[Parts]:
    # Before any framework: a forward-auth proxy asks this for every request, with any method.
    return replace(admin_door(parts), routes=PUBLIC, early={WHOAMI: public.whoami})
