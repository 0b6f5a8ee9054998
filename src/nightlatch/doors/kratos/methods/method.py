"""What the forms of signing in and up ask of every method."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from nightlatch.core.authentication.authenticator import Attempt
from nightlatch.core.events.model import Act
from nightlatch.core.flows.model import Flow
from nightlatch.core.login.rules import SignedIn
from nightlatch.core.registration.rules import Registered
from nightlatch.doors.kratos.inputs import Node
from nightlatch.doors.kratos.parts import Flows, Parts

Given = Mapping[str, Any]


class SignIn(Protocol):
    """What the forms of signing in ask. `type` is what a form names it by in `method`, and the group of its fields."""

    @property
    def type(self) -> str: ...

    def is_on(self, flows: Flows) -> bool:
        """Whether the configuration offers it."""
        ...

    def to_sign_in(self, flow: Flow) -> Iterator[Node]:
        """Its fields, but for the identifier, which is there for all."""
        ...

    def missing(self, flow: Flow, given: Given) -> list[str]:
        """The fields without which the next step cannot be taken."""
        ...

    async def sign_in(self, parts: Parts, act: Act, flow: Flow, given: Given, attempt: Attempt) -> SignedIn | Flow:
        """The next step of the flow, of which nothing is missing; problems as the core's."""
        ...


class Method(SignIn, Protocol):
    """What the forms of signing up ask as well."""

    def to_sign_up(self, flow: Flow) -> Iterator[Node]:
        """Its fields, but for the traits."""
        ...

    async def sign_up(self, parts: Parts, act: Act, flow: Flow, given: Given, attempt: Attempt) -> Registered | Flow:
        """The next step of the flow, as of `sign_in`."""
        ...


def is_text(value: Any) -> bool:
    """Whether a field was filled in."""
    return isinstance(value, str) and value != ""
