"""A browser in front of the doors: it keeps cookies, follows what it is told, and is a person's or a page's script."""

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.doors.kratos.in_process import PASSWORD, PUBLIC_URL, Doors, Reply

PAGE = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SCRIPT = {"accept": "application/json, text/plain, */*"}
UI = "https://ui.example.org"


class Visitor:
    def __init__(self, doors: Doors) -> None:
        self.doors = doors
        self.jar: dict[str, str] = {}
        self.set: list[str] = []

    def ask(self, method: str, target: str, sent: Any = None, headers: dict[str, str] | None = None) -> Reply:
        """A request with the cookies of the jar, which keeps those of the answer."""
        cookies = {"cookie": "; ".join(f"{n}={v}" for n, v in self.jar.items())} if self.jar else {}
        target = target.removeprefix(PUBLIC_URL[:-1])
        reply = self.doors.public(method, target, sent, headers=cookies | (headers or {}))
        for line in filter(None, reply.headers.get("set-cookie", "").split("\n")):
            self.set.append(line)
            name, _, value = line.partition(";")[0].partition("=")
            self.jar.pop(name, None)
            if "Max-Age=0" not in line:
                self.jar[name] = value
        return reply

    def fetch(self, method: str, target: str, sent: Any = None, **headers: str) -> Reply:
        """What a page's script asks."""
        return self.ask(method, target, sent, SCRIPT | headers)

    def visit(self, target: str, **headers: str) -> Reply:
        return self.ask("GET", target, None, PAGE | headers)

    def submit(self, flow: dict[str, Any], fields: dict[str, Any], **headers: str) -> Reply:
        """Sends the form of the flow, as a page without scripts does."""
        hidden = [n["attributes"] for n in flow["ui"]["nodes"] if n["attributes"].get("type") == "hidden"]
        filled = {each["name"]: each.get("value", "") for each in hidden} | fields
        form = {"content-type": "application/x-www-form-urlencoded", "origin": UI, "sec-fetch-site": "same-site"}
        return self.ask("POST", flow["ui"]["action"], urlencode(filled).encode(), PAGE | form | headers)

    def post(self, flow: dict[str, Any], fields: dict[str, Any], **headers: str) -> Reply:
        """Sends the same from a script."""
        sent = {"csrf_token": token(flow), **fields}
        return self.fetch("POST", flow["ui"]["action"], sent, **({"origin": UI} | headers))

    def flow(self, reply: Reply) -> dict[str, Any]:
        """The flow whose page the answer leads to."""
        assert reply.status in {302, 303}, reply
        page = urlsplit(reply.headers["location"])
        assert f"{page.scheme}://{page.netloc}" == UI, reply
        found = parse_qs(page.query)["flow"][0]
        return dict(self.fetch("GET", f"/self-service{page.path}/flows?id={found}").ok())

    def begin(self, act: str = "login", query: str = "") -> dict[str, Any]:
        return self.flow(self.visit(f"/self-service/{act}/browser{query}"))

    def sign_in(self, name: str = "ada", query: str = "") -> Reply:
        known = {"method": "password", "identifier": f"{name}@example.org", "password": PASSWORD}
        return self.submit(self.begin(query=query), known)

    def whoami(self) -> Reply:
        return self.fetch("GET", "/sessions/whoami")

    def error(self, reply: Reply) -> dict[str, Any]:
        """The error that the answer sends it to be shown."""
        assert reply.status == 303, reply
        where = urlsplit(reply.headers["location"])
        assert where.path == "/error", reply
        return dict(self.fetch("GET", f"/self-service/errors?{where.query}").ok()["error"])


def token(flow: dict[str, Any]) -> str:
    """The csrf_token of the flow; empty when it has none."""
    named = {node["attributes"]["name"]: node["attributes"] for node in flow["ui"]["nodes"]}
    return str(named.get("csrf_token", {}).get("value", ""))


def numbers(flow: dict[str, Any]) -> list[int]:
    """Those of all messages."""
    ui = flow["ui"]
    return [m["id"] for place in (ui, *ui["nodes"]) for m in place.get("messages", [])]
