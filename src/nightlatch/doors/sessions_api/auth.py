"""Who is asking, and in which workspace. The published client sends no key by itself."""

import msgspec
from starlette.requests import Request

from nightlatch.core.events.model import Act
from nightlatch.core.organizations.model import Alias, AliasKind
from nightlatch.doors.http import access
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.sessions_api import parameters
from nightlatch.problems import OrganizationNotFound


async def administrator(parts: Shared, request: Request, scope: str) -> Act:
    """The act of whoever presents an access key with `scope`, in the organization of the key; of who needs none, in the
    one that X-Workspace-Id names, or else the default one. KeyRequired, ScopeMissing; OrganizationNotFound for a
    workspace that there is not, or that is not the key's."""
    token = access.authorization(request)
    act = await access.bearer(parts, request, token, scope)
    workspace = parameters.workspace(request)
    if workspace is None:
        return act
    alias = Alias(AliasKind.WORKSPACE, workspace)
    holder = await parts.store.read(lambda tx: tx.organizations.holder(alias))
    if holder is None or (token and holder != act.organization):
        raise OrganizationNotFound
    return msgspec.structs.replace(act, organization=holder)
