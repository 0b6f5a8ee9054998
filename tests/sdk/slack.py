"""Slack's clients as the tests hold them: one spelling of a call, whatever the client makes of it."""

import re
from dataclasses import dataclass, replace
from typing import Any

from tests.sdk.client import Answer, ClientProcess
from tests.sdk.generated import Generated

FAMILY = "admin.users.session"


@dataclass(frozen=True)
class Slack:
    """A client that speaks to one server with one key."""

    process: ClientProcess
    host: str
    key: str | None

    @property
    def generated(self) -> bool:
        """Whether it was generated, so that it cannot leave out a token, and takes no text for a number."""
        return isinstance(self.process, Generated)

    def __call__(self, method: str, **arguments: Any) -> Answer:
        name = f"{FAMILY}.{method}"
        if isinstance(self.process, Generated):
            call = re.sub("([A-Z])", r"_\1", name).lower().replace(".", "_")
            given = {"token": self.key or "none"} | arguments
            return self.process.ask(self.host + "/api", "AdminUsersSessionApi", call, key=self.key, **given)
        call = name if self.process.release.npm else name.replace(".", "_")
        return self.process.call(host=self.host, key=self.key, call=call, arguments=arguments)

    def api_call(self, api_method: str, **arguments: Any) -> Answer:
        """What slack_sdk sends when a method is named, and its arguments are not looked at."""
        given = {"api_method": api_method, **arguments}
        return self.process.call(host=self.host, key=self.key, call="api_call", arguments=given)

    def with_key(self, key: str | None) -> "Slack":
        return replace(self, key=key)


def ok(answer: Answer) -> dict[str, Any]:
    """The body of a success that pleased the client."""
    assert (answer.status, answer.error) == (200, None), answer
    assert answer.body["ok"] is True, answer
    return dict(answer.body)


def error(answer: Answer) -> str:
    """The code of a refusal, which clients may raise an exception for."""
    assert answer.status == 200, answer
    assert answer.body["ok"] is False, answer
    return str(answer.body["error"])
