"""The pages on the public port."""

from dataclasses import fields
from functools import partial

from starlette.requests import Request

from nightlatch.core.events.model import Act
from nightlatch.doors.http.door import Door
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.pages import errors
from nightlatch.doors.pages.parts import Ask, Parts, Site
from nightlatch.doors.pages.routes import PUBLIC
from nightlatch.problems import KeyRequired


def public_door(shared: Shared, site: Site, ask: Ask) -> Door[Parts]:
    known = {each.name: getattr(shared, each.name) for each in fields(Shared)}
    of_problem, of_refusal = partial(errors.of_problem, site), partial(errors.of_refusal, site)
    parts = Parts(**known, site=site, ask=ask)
    return Door("/ui/", parts, PUBLIC, _auth, of_problem, of_refusal)


async def _auth(_parts: Parts, _request: Request, _scope: str) -> Act:
    """No page is behind an access key. KeyRequired."""
    raise KeyRequired
