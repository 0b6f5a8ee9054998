"""This dialect's door."""

from dataclasses import replace

from nightlatch.doors.http.client_address import Network
from nightlatch.doors.http.door import Door
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.sessions_api import auth, errors
from nightlatch.doors.sessions_api.routes import ADMIN, PREFIX


def admin_door(parts: Shared, keyless: tuple[Network, ...]) -> Door[Shared]:
    """`keyless` networks need no key here, and no others: without one, a caller chooses the organization."""
    mine = replace(parts, access=replace(parts.access, trusted_networks=keyless))
    return Door(f"{PREFIX}/", mine, ADMIN, auth.administrator, errors.of_problem, errors.of_refusal)
