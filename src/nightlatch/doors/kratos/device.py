"""The link of the letter about a new device: a page with a button, which signs that device out. No session is needed:
who reads the letter may be locked out."""

from urllib.parse import urlencode

from nightlatch.core.login.devices import end_by_link
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.kratos import confirming
from nightlatch.doors.kratos.browser import forwarded
from nightlatch.doors.kratos.parts import Parts


async def show_device(call: Call[Parts]) -> Answer:
    action = f"{call.door.public_url}self-service/device?{urlencode({'token': call.query('token') or ''})}"
    sentence = "The device that we wrote to you about is signed out at once."
    return confirming.page("Sign a device out", sentence, "Sign it out", action, {})


@forwarded
async def end_device(call: Call[Parts]) -> Answer:
    keys, token = call.door.post.endings, call.query("token") or ""
    await call.door.store.write(lambda tx: end_by_link(tx, call.act, keys, token))
    sentence = "That device is signed out. If it was not yours, change your password."
    onward = f"{call.door.public_url}self-service/settings/browser"
    return confirming.done("Signed out", sentence, "Change your password", onward)
