"""Every failure that the core can name.

    Problem
    ├── Invalid                    a value breaks a rule; nothing was stored
    │   ├── TraitsInvalid          the traits do not fit the identity schema; where and why
    │   ├── FieldInvalid           one named field is wrong
    │   │   └── FilterInvalid      a filter cannot be read; where and why
    │   ├── QueryTooBroad          a question about very many rows that no index answers, or an ending of too many
    │   ├── SchemaUnknown          no identity schema of that id
    │   ├── PasswordRefused        a password of the person's own choice that the policy refuses
    │   ├── HashRefused            an imported hash: unknown, unreadable, or dearer than we will ever pay
    │   ├── LastFirstFactor        removing it would lock the person out
    │   ├── SessionsFull           an identity has as many sessions as it may have
    │   ├── IdempotencyKeyReused   the key was used for another request
    │   ├── SessionEnded           an ended or expired session cannot be extended
    │   └── PageTokenInvalid       not a page token of ours
    ├── NotFound                   no such thing, or none that the caller may know of
    │   ├── IdentityNotFound
    │   ├── OrganizationNotFound   or no such alias of it
    │   ├── SessionNotFound
    │   ├── MessageNotFound
    │   ├── SchemaNotFound
    │   ├── CredentialNotFound
    │   └── FlowNotFound
    ├── Conflict                   a unique value is taken
    │   ├── IdempotencyKeyBusy     a request with the key is under way
    │   └── AnswerLost             what was asked under the key is done, and its answer was not kept
    ├── VersionMismatch            If-Match names an older version
    ├── Unauthenticated            nobody, or not proved
    │   ├── KeyRequired            no valid access key
    │   ├── SignatureWrong         not the signature of this request by a valid key pair: never says which
    │   ├── SignatureStale         the request was not signed just now
    │   ├── SessionRequired        no valid session
    │   └── CredentialsWrong       the pair of identifier and secret is not right: never says which half
    ├── Forbidden                  known, and may not
    │   ├── ScopeMissing           the access key lacks a scope
    │   ├── DefaultOrganizationOnly  what concerns all organizations is for a key of the default one
    │   ├── AssuranceTooLow        a second factor exists and was not used
    │   ├── ReauthenticationRequired  the person proved themselves too long ago for this
    │   ├── FlowForeign            the flow is another identity's
    │   └── TokenForeign           a session token that is not one of ours
    ├── Throttled                  too many attempts from one network
    ├── FlowExpired                the flow's time is over, or it was used
    │   └── FlowSpent              its secret was tried too often
    ├── FeatureDisabled            switched off in the configuration
    ├── SessionAvailable           already signed in
    └── Unavailable                not now; nothing is known to have been stored
        ├── Busy                   a bounded queue is full
        └── StoreDown              the database does not answer, or its disk is full

`code` is the name in small letters (traits_invalid): stable, may be logged. `reason` is safe to show to a client.
"""

import re
from typing import Any, ClassVar, NamedTuple


class Problem(Exception):
    """A failure with a stable `code` and a `reason` that a client may see."""

    code: ClassVar[str] = "problem"
    default_reason: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def __init__(self, reason: str = "") -> None:
        self.reason = reason or self.default_reason
        super().__init__(f"{self.code}: {self.reason}" if self.reason else self.code)


class Invalid(Problem):
    """`pointer` is the JSON pointer of what is wrong in the body, as a fragment, where it is known."""

    def __init__(self, reason: str = "", pointer: str = "") -> None:
        super().__init__(reason)
        self.pointer = pointer


class Fault(NamedTuple):
    """A broken rule of a JSON Schema: the JSON pointer of the value and a sentence; the keyword, what it asks for, and
    what was found, a value that its sentence has in it too."""

    pointer: str
    sentence: str
    rule: str = ""
    limit: Any = None
    found: Any = None


class TraitsInvalid(Invalid):
    """`errors` holds each rule that is broken."""

    def __init__(self, reason: str, errors: list[Fault]) -> None:
        super().__init__(reason)
        self.errors = errors


class FieldInvalid(Invalid):
    """`field` is the name that the core uses."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


class FilterInvalid(FieldInvalid):
    """`column` of the filter, counted from 1, is where the mistake shows."""

    code = "filter_invalid"

    def __init__(self, reason: str, column: int = 1) -> None:
        super().__init__("filter", reason)
        self.column = column


class QueryTooBroad(Invalid):
    code = "query_too_broad"
    default_reason = "The question takes too long to answer. Narrow it."


class SchemaUnknown(Invalid):
    def __init__(self, schema_id: str) -> None:
        super().__init__(f"Unable to find JSON Schema ID: {schema_id}")


class PasswordRefused(Invalid):
    """`rule` is one of too_short, too_long, not_text, similar, known, unchanged; `facts` holds the numbers to name."""

    def __init__(self, rule: str, reason: str, facts: dict[str, int] | None = None) -> None:
        super().__init__(reason)
        self.rule = rule
        self.facts = facts or {}


class HashRefused(Invalid): ...


class LastFirstFactor(Invalid):
    default_reason = "You cannot remove the last first factor credential."


class SessionsFull(Invalid):
    default_reason = "You are signed in on as many devices as you may be. Sign out on one of them first."


class IdempotencyKeyReused(Invalid):
    default_reason = "This Idempotency-Key was used for another request."


class SessionEnded(Invalid):
    default_reason = "The session has ended or expired and cannot be extended."


class PageTokenInvalid(Invalid):
    default_reason = "The page token is invalid, do not craft your own page tokens"


class NotFound(Problem): ...


class IdentityNotFound(NotFound): ...


class OrganizationNotFound(NotFound): ...


class SessionNotFound(NotFound): ...


class MessageNotFound(NotFound): ...


class SchemaNotFound(NotFound):
    def __init__(self, schema_id: str) -> None:
        super().__init__(f"Identity schema `{schema_id}` could not be found.")


class CredentialNotFound(NotFound): ...


class FlowNotFound(NotFound): ...


class Conflict(Problem): ...


class IdempotencyKeyBusy(Conflict):
    default_reason = "A request with this Idempotency-Key is under way, or was cut off. Try again in a minute."


class AnswerLost(Conflict):
    default_reason = (
        "What was asked under this Idempotency-Key was done, all or in part, and its answer is lost. "
        "Look before you ask under another key."
    )


class VersionMismatch(Problem):
    default_reason = "The identity has been changed since the version named in If-Match."


class Unauthenticated(Problem): ...


class KeyRequired(Unauthenticated):
    default_reason = "A valid access key is needed: send it as Authorization: Bearer KEY."


class SignatureWrong(Unauthenticated):
    default_reason = "The signature is not one of this request by a valid key pair."


class SignatureStale(Unauthenticated):
    default_reason = "The request was not signed within 15 minutes of the server's time."


class SessionRequired(Unauthenticated):
    default_reason = "No valid session credentials found in the request."


class CredentialsWrong(Unauthenticated): ...


class Forbidden(Problem): ...


class ScopeMissing(Forbidden):
    def __init__(self, scope: str) -> None:
        super().__init__(f"The access key lacks the scope {scope}.")


class DefaultOrganizationOnly(Forbidden):
    default_reason = "Only an access key of the default organization may do this."


class AssuranceTooLow(Forbidden):
    default_reason = "A second factor must be used to fulfil the requested authenticator assurance level."


class ReauthenticationRequired(Forbidden):
    default_reason = "This change needs a session in which you signed in just now. Sign in again, then repeat it."


class FlowForeign(Forbidden):
    default_reason = "The flow was begun by another identity."


class TokenForeign(Forbidden):
    default_reason = "The session token is not known."


class Throttled(Problem):
    """`retry_after` is in seconds."""

    default_reason = "Too many attempts came from your network. Try again later."

    def __init__(self, retry_after: int, reason: str = "") -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class FlowExpired(Problem):
    default_reason = "The self-service flow has expired or was used."


class FlowSpent(FlowExpired):
    default_reason = "The self-service flow is over: the code was tried too often."


class FeatureDisabled(Problem):
    default_reason = (
        "This endpoint was disabled by system administrator. "
        "Please check your url or contact the system administrator to enable it."
    )


class SessionAvailable(Problem):
    default_reason = "A valid session was detected and thus this act is not possible."


class Unavailable(Problem):
    """`retry_after` is in seconds."""

    retry_after: ClassVar[int] = 1


class Busy(Unavailable):
    default_reason = "Too much is waiting for the same thing. Try again in a moment."


class StoreDown(Unavailable):
    default_reason = "The database does not answer. Try again in a moment."
