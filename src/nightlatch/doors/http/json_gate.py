"""What the bytes of a JSON body must be before anything is decoded from them.

msgspec takes the last of two equal names, hides `Raw` from its checks and answers depth with a RecursionError; so the
bytes are judged here, once, by the grammar of RFC 8259 and the bounds below. Nothing that is parsed is kept.
"""

import asyncio
import json
import math
import re
from typing import Any, NoReturn

from nightlatch.problems import Invalid

MOST_NAMES = 1000
THREAD_BYTES = 64 * 1024

# An unclosed string is taken to the end, and nothing is given back (possessive): the search stays linear.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<nul>u0000)|(?P<lone>u[dD][89a-fA-F])|.)",
    re.DOTALL,
)


def gate(body: bytes, deepest: int = 32) -> None:
    """Passes JSON text of at most `deepest` levels; Invalid says what is wrong and where."""
    _bound_depth(body, deepest)
    _refuse_escapes(body)
    try:
        _DECODER.decode(body.decode())
    except UnicodeDecodeError as error:
        raise Invalid(f"The body is not valid UTF-8 at byte {error.start}.") from None
    except json.JSONDecodeError as error:
        at = len(error.doc[: error.pos].encode())
        raise Invalid(f"The body is not valid JSON: {_said(error)} at byte {at}.") from None
    except ValueError:
        raise Invalid("The body holds an integer of too many digits.") from None


async def admit(body: bytes) -> None:
    """`gate`, in a thread when the body is large."""
    if len(body) > THREAD_BYTES:
        await asyncio.to_thread(gate, body)
    else:
        gate(body)


def _bound_depth(body: bytes, deepest: int) -> None:
    if body.count(b"[") + body.count(b"{") <= deepest:
        return
    depth = 0
    for bracket in _STRING.sub(b"", body).translate(None, delete=_NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > deepest:
            raise Invalid(f"The body is nested deeper than {deepest} levels.")


def _refuse_escapes(body: bytes) -> None:
    if not (b"\\u0000" in body or b"\\ud" in body or b"\\uD" in body):
        return
    for escape in _ESCAPE.finditer(body):
        if escape["nul"]:
            raise Invalid(f"The body holds a NUL character (\\u0000) at byte {escape.start()}.")
        if escape["lone"]:
            raise Invalid(f"The body holds half of a surrogate pair at byte {escape.start()}.")


def _said(error: json.JSONDecodeError) -> str:
    if error.doc.startswith("\ufeff"):
        return "a byte order mark"
    return error.msg[:1].lower() + error.msg[1:]


def _names(items: list[tuple[str, Any]]) -> None:
    if len(items) > MOST_NAMES:
        raise Invalid(f"An object in the body has more than {MOST_NAMES} names.")
    # Of two that are the same, one reader takes the first and another the last: a check could be got past.
    if len(dict(items)) != len(items):
        raise Invalid(f"An object in the body has the name {_twice(items)} twice.")


def _twice(items: list[tuple[str, Any]]) -> str:
    names = [name for name, _ in items]
    return json.dumps(max(names, key=names.count)[:64])


def _number(text: str) -> None:
    if math.isinf(float(text)):
        raise Invalid("The body holds a number that is out of range.")


def _constant(name: str) -> NoReturn:
    raise Invalid(f"The body holds {name}, which is not JSON.")


_DECODER = json.JSONDecoder(object_pairs_hook=_names, parse_float=_number, parse_constant=_constant)
