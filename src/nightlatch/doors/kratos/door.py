"""This dialect's door on each port."""

from dataclasses import replace
from functools import partial

from nightlatch.doors.http.access import administrator
from nightlatch.doors.http.door import Door
from nightlatch.doors.kratos import errors, messages, public
from nightlatch.doors.kratos.parts import Parts
from nightlatch.doors.kratos.routes import ADMIN, PUBLIC

WHOAMI = "/sessions/whoami"
MAILBOX = "/dev/mailbox"


def admin_door(parts: Parts) -> Door[Parts]:
    of_problem = partial(errors.of_problem, parts.public_url)
    return Door("/", parts, ADMIN, administrator, of_problem, errors.of_refusal)


def public_door(parts: Parts) -> Door[Parts]:
    # Before any framework: a forward-auth proxy asks this for every request, with any method.
    early = {WHOAMI: public.whoami} | ({MAILBOX: messages.mailbox} if parts.letters else {})
    return replace(admin_door(parts), routes=PUBLIC, early=early)
