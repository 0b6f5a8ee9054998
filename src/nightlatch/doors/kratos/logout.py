"""Signing out, in an app and in a browser, and the error that a browser was sent to be shown."""

from nightlatch.core.events.model import Act
from nightlatch.core.logout.rules import sign_out
from nightlatch.doors.http.refusal import Headers
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.kratos import auth, return_to
from nightlatch.doors.kratos.browser import Told, forwarded, from_page, to
from nightlatch.doors.kratos.errors import SessionInactive, body_of
from nightlatch.doors.kratos.methods.method import is_text
from nightlatch.doors.kratos.parts import Parts
from nightlatch.doors.kratos.shapes import FlowError, LogoutFlow, at, encode
from nightlatch.doors.kratos.submissions import fields
from nightlatch.kernel.ids import id_text
from nightlatch.kernel.secrets import digest, same
from nightlatch.problems import Forbidden, Invalid, NotFound, SessionRequired

# Not its cookies, which would be those of all neighbouring hosts, nor its storage, which is the application's.
_CLEARED = (("clear-site-data", '"cache"'),)
_STUB = Told(body_of(500, "This is a stub error.", "It shows what the page of errors looks like."), 0)


@forwarded
async def create_browser_logout_flow(call: Call[Parts]) -> Answer:
    back = return_to.checked(call)
    token, _ = await _mine(call)
    logout_token = _logout_token(token)
    url = return_to.carried(f"{call.door.public_url}self-service/logout?token={logout_token}", back)
    return Answer(200, encode(LogoutFlow(url, logout_token)))


@forwarded
async def update_logout_flow(call: Call[Parts]) -> Answer:
    parts, given, back = call.door, call.query("token"), return_to.checked(call)
    if not given:
        raise Invalid("Please include a token in the URL query.")
    token, act = await _mine(call)
    if not same(given.encode(), _logout_token(token).encode()):
        raise Forbidden(
            "Unable to log out because the logout token in the URL query does not match the session cookie."
        )
    await parts.store.write(lambda tx: sign_out(tx, act, token))
    headers: Headers = (parts.cookies.forget(), parts.cookies.mark(parts.cookies.new_secret()))
    if parts.public_url.startswith("https:"):
        headers += _CLEARED
    if from_page(call.request):
        return to(return_to.after(parts, "logout", back), *headers)
    return Answer(204, headers=headers)


async def get_flow_error(call: Call[Parts]) -> Answer:
    """What went wrong is in the id itself, signed: nobody has rows stored, or words shown, by making errors."""
    error_id = call.query("id") or call.query("error") or ""
    told = _STUB if error_id == "stub:500" else call.door.error_keys.unseal(error_id, Told)
    if told is None:
        raise NotFound("There is no error of that id.")
    # Clients hold that one to be a UUID; it is of no use for asking again.
    shown = FlowError(id_text(digest(error_id)[:16]), told.error, at(told.at), at(told.at))
    return Answer(200, encode(shown))


async def _mine(call: Call[Parts]) -> tuple[str, Act]:
    """The token of the browser's session, and acts as its person. SessionInactive."""
    try:
        token = auth.presented(call.door.cookies, call.request.scope["headers"]).token
        return token, (await auth.me(call))[1]
    except SessionRequired:
        raise SessionInactive from None


def _logout_token(token: str) -> str:
    """Follows from the session's token, which cannot be found from it."""
    return "ory_lo_" + digest(f"logout {token}").hex()[:32]


async def perform_native_logout(call: Call[Parts]) -> Answer:
    token = (await fields(call)).get("session_token")
    if not is_text(token):
        raise Forbidden("A session_token must be given.")
    await call.door.store.write(lambda tx: sign_out(tx, call.act, str(token)))
    return Answer(204)
