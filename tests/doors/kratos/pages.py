"""The Link header (RFC 8288), and walks along it."""

import re
from collections.abc import Iterator
from typing import Any

from tests.doors.kratos.in_process import Reply

_LINK = re.compile(r'<([^>]*)>; rel="(\w+)"')


def links(reply: Reply) -> dict[str, str]:
    """Target by relation. The header holds nothing else."""
    header = reply.headers["link"]
    found = _LINK.findall(header)
    assert ",".join(f'<{target}>; rel="{rel}"' for target, rel in found) == header
    return {rel: target for target, rel in found}


def walk(ask: Any, target: str, rel: str = "next") -> Iterator[Reply]:
    """The answers from `target` on, along the relation."""
    while True:
        reply = ask("GET", target)
        reply.ok()
        yield reply
        following = links(reply).get(rel)
        if following is None:
            return
        target = following


def ids(reply: Reply) -> list[str]:
    return [each["id"] for each in reply.ok()]
