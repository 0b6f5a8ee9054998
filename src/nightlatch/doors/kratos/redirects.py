"""From the port that was asked to the port that answers: 307, as the peer does it."""

from nightlatch.doors.http.refusal import Refusal
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.kratos.parts import Parts

_IDENTITY = tuple((method, "/identities/{id}") for method in ("GET", "PUT", "PATCH", "DELETE"))
_REDIRECTED = (
    ("GET", "/identities"),
    ("POST", "/identities"),
    *_IDENTITY,
    ("GET", "/identities/by/external/{external_id:path}"),
    ("DELETE", "/identities/{id}/credentials/{type}"),
    ("DELETE", "/identities/{id}/sessions"),
    ("POST", "/recovery/link"),
    ("POST", "/recovery/code"),
)
ADMIN_PATHS = (
    *_REDIRECTED,
    *((method, f"/admin{path}") for method, path in _REDIRECTED),
    ("GET", "/admin/courier/messages"),
    ("GET", "/admin/courier/messages/{id}"),
)
PUBLIC_PATHS = (
    ("GET", "/admin/schemas"),
    ("GET", "/admin/schemas/{id}"),
    ("GET", "/admin/sessions/whoami"),
    ("GET", "/sessions/whoami"),
    ("DELETE", "/admin/sessions"),
)


async def to_admin(call: Call[Parts]) -> Answer:
    """Where the admin port is, if the configuration says so: clients drop their Authorization on the way there."""
    if call.door.admin_url is None:
        raise Refusal(404, "This is the public port. Administration is on the admin port.")
    return _to(call.door.admin_url + "admin", call)


async def to_public(call: Call[Parts]) -> Answer:
    return _to(call.door.public_url.rstrip("/"), call)


def _to(base: str, call: Call[Parts]) -> Answer:
    return Answer(307, headers=(("location", base + call.target.removeprefix("/admin")),))
