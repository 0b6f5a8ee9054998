"""A request has one spelling (row W18): any other is another path, and no route."""

import socket
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

import pytest
from tests.doors.kratos.in_process import Doors
from tests.doors.kratos.table import ADMIN, PUBLIC, Line, World, name
from tests.serving import Server

BOTH = [*(("admin", route) for route in ADMIN), *(("public", route) for route in PUBLIC)]


def spellings(path: str) -> list[str]:
    """Some forty other ways to write `path`, of those that proxies and frameworks have taken for it."""
    head, _, last = path.rpartition("/")
    first, rest = path[1:].partition("/")[0], path[1 + len(path[1:].partition("/")[0]) :]
    letter = f"%{ord(last[0]):02x}"
    return [
        f"/{path}", f"//{path}", f"{head}//{last}", f"/.{path}", f"{head}/./{last}", f"/x/..{path}", f"{head}/x/../{last}",
        f"{path}/", f"{path}//", f"{path}/.", f"{path}/..", f"{path}/x/..", f"{path};", f"{path};a=b", f"{head};/{last}",
        f"{head}/;/{last}", f"{head}/..;/{last}", f"/{first};x=y{rest}", f"{path}%2f", f"{path}%2F", f"{head}%2f{last}",
        f"{head}%252f{last}", f"%2f{path[1:]}", f"/%2e{path}", f"/%2e%2e{path}", f"{head}/%2e/{last}",
        f"{head}/x/%2e%2e/{last}", f"{path}%20", f"{path}%09", f"{path}%00", f"{path}%0a", f"{path}%0d%0a", f"%0a{path}", f"{path}%23", f"{path}%3f",
        f"{path}.json", f"{path}%5c", f"\\{path[1:]}", f"{head}\\{last}", path.upper(), path.title(),
        f"/{first.upper()}{rest}", f"{head}/%25{letter[1:]}{last[1:]}", f"{path}%c4%b1",
        f"{head}/%c0%ae/{last}", f"{head}%ef%bc%8f{last}",
    ]  # fmt: skip


def expected(routes: Sequence[Line], method: str, spelled: str) -> int | None:
    """The status that must be answered without a key, by the rules that the page on routes gives and nothing else: one
    decoding, then segment by segment. None where the line itself decides."""
    path = unquote(spelled)
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in path):
        return 400
    found = [line for line in routes if _fits(line.path.split("/"), path.split("/"))]
    literal = max((_literal(line) for line in found), default=None)
    lines = {line.method: line for line in found if _literal(line) == literal}
    if method not in lines:
        return 405 if lines else 404
    return 401 if lines[method].scope is not None else None


def _fits(pattern: list[str], segments: list[str]) -> bool:
    if pattern[-1].endswith(":path}"):
        return pattern[:-1] == segments[: len(pattern) - 1] and len(segments) >= len(pattern)
    if len(pattern) != len(segments):
        return False
    return all(p == s or (p.startswith("{") and s != "") for p, s in zip(pattern, segments, strict=True))


def _literal(line: Line) -> list[bool]:
    return [not part.startswith("{") for part in line.path.split("/")]


def test_there_are_forty() -> None:
    assert len(set(spellings("/admin/identities"))) >= 40


# The root has no letter that could be spelled otherwise.
SPELLED = [(port, line) for port, line in BOTH if line.path != "/"]


@pytest.mark.parametrize(("port", "line"), SPELLED, ids=[f"{port} {name(line)}" for port, line in SPELLED])
def test_W18_another_spelling_is_no_route_or_one_that_asks_for_a_key_like_any_other(
    doors: Doors, port: str, line: Line
) -> None:
    world, routes = World(doors), ADMIN if port == "admin" else PUBLIC
    target = world.target(line).partition("?")[0]
    for spelled in [target, *spellings(target)]:
        reply = doors.admin(line.method, spelled, key=None) if port == "admin" else doors.public(line.method, spelled)
        wanted = expected(routes, line.method, spelled)
        if wanted is not None:
            reply.refused(wanted)
        elif spelled != target and port == "public":
            assert reply.status in {200, 302, 303, 307, 400, 401, 403, 404, 410}, spelled
    assert doors.happened() == []


def test_W18_a_letter_may_be_escaped_because_that_is_the_same_path(doors: Doors) -> None:
    """RFC 3986 6.2.2.2. The decision is the same as for the plain one."""
    for path in ("/admin/identities", "/%61dmin/identities", "/admin/%69dentities"):
        assert doors.admin("GET", path).status == 200
        doors.admin("GET", path, key=None).refused(401)


def test_W18_over_a_socket_the_spellings_are_refused_just_so(server: Server) -> None:
    for path in ("/admin/identities", "/identities", "/metrics", "/admin/sessions"):
        for spelled in spellings(path):
            status = _status(server.admin, "GET", spelled)
            assert status == (expected(ADMIN, "GET", spelled) if spelled.startswith("/") else 400), spelled
    assert _status(server.admin, "GET", "/admin/identities") == 401
    assert _status(server.public, "GET", "/admin/sessions") == 404
    assert _status(server.public, "GET", "http://127.0.0.1/sessions/whoami") == 400


def _status(base: str, method: str, target: str) -> int:
    """The status of a request whose target is sent byte for byte."""
    where = urlsplit(base)
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        connection.sendall(f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return int(connection.recv(65536).split(b" ", 2)[1])
