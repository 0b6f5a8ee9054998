"""The arguments of a request, in all the forms in which the published clients send them.

A body is a form or a JSON object, or empty whatever it says it is. In a form everything is text: True, 1 and true are
one, and a list is W1,W2 or JSON. What is empty was not given.
"""

from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request

from nightlatch.doors.http.json_gate import admit
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import KIB, Call, read_body
from nightlatch.doors.slack.errors import BodyRefused
from nightlatch.doors.slack.shapes import Arguments
from nightlatch.problems import Invalid

A = TypeVar("A", bound=Arguments)
LARGEST = 256 * KIB  # 1,000 ids of people
MOST_FIELDS = 100
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
_LISTS = {"user_ids"}


async def arguments(call: Call[Shared], kind: type[A]) -> A:
    """The arguments as `kind`. Refusal 413; Invalid and BodyRefused for what cannot be read."""
    given = {name: await _list(each) if name in _LISTS else each for name, each in (await read(call.request)).items()}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(str(error)) from None


async def read(request: Request) -> dict[str, Any]:
    """The arguments that are not empty, by name. Refusal 413; Invalid and BodyRefused for what cannot be read."""
    body = await read_body(request, LARGEST)
    if not body.strip():
        return {}
    if request.headers.get("content-encoding", "identity") != "identity":
        raise BodyRefused("invalid_post_type", "Bodies are accepted without Content-Encoding only.")
    sent_as = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent_as == JSON:
        given = await _object(body)
    elif sent_as == FORM:
        given = _form(body)
    else:
        code = "invalid_post_type" if sent_as else "missing_post_type"
        raise BodyRefused(code, f"The Content-Type of a body is {FORM} or {JSON}.")
    return {name: value for name, value in given.items() if value not in ("", None)}


async def _object(body: bytes) -> dict[str, Any]:
    try:
        await admit(body)
    except Invalid as problem:
        raise BodyRefused("invalid_json", problem.reason) from None
    given = msgspec.json.decode(body)
    if not isinstance(given, dict):
        raise BodyRefused("json_not_object", "A JSON body is an object.")
    return given


def _form(body: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(body.decode("ascii"), True, strict_parsing=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise BodyRefused("invalid_form_data", "The body is no form that can be read.") from None
    if any("\0" in value for _, value in pairs):
        # PostgreSQL holds no NUL in a text.
        raise BodyRefused("invalid_form_data", "The body holds a NUL character.")
    if len(dict(pairs)) != len(pairs):
        raise BodyRefused("invalid_form_data", "An argument is there twice.")
    return dict(pairs)


async def _list(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        await admit(value.encode())
        return msgspec.json.decode(value)
    return [item for each in value.split(",") if (item := each.strip())]
