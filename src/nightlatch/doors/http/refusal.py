"""What HTTP itself refuses, before any rule is asked."""

# Clients repeat these by themselves when they are told to come back: it must be harmless.
REPEATABLE = {"GET", "HEAD", "PUT", "DELETE"}


class Refusal(Exception):
    """A failure of the request as a request. `reason` says what is wrong in it; `allow` names the methods of a 405."""

    def __init__(self, status: int, reason: str, allow: str | None = None) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason
        self.allow = allow
