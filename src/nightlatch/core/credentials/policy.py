"""What may be chosen as a password."""

from collections.abc import Sequence

import msgspec

from nightlatch.core.credentials.known import is_known
from nightlatch.problems import PasswordRefused

MAX_LENGTH = 1024
_COMPARED_LENGTH = 256
_COMPARED_IDENTIFIERS = 64
_NEAR = 5
_LEAKED = {"breaches": 1}  # in one at least; the list does not count them


class Policy(msgspec.Struct, frozen=True):
    """What a person's own choice must be: so many code points, unlike their identifiers, not `known` to everybody."""

    min_length: int = 8
    similarity: bool = True
    known: bool = True


def check_password(password: str, identifiers: Sequence[str], policy: Policy) -> None:
    """For a password of the person's own choice. PasswordRefused: as `check_length`, too_short, similar to one of
    `identifiers`, or known."""
    check_length(password)
    length, min_length = len(password), policy.min_length
    if length < min_length:
        _refuse_length("too_short", f"at least {min_length}", {"min_length": min_length, "actual_length": length})
    if policy.similarity and any(_similar(password, known) for known in identifiers[:_COMPARED_IDENTIFIERS]):
        raise PasswordRefused("similar", "The password can not be used because it is too similar to the identifier.")
    if policy.known and is_known(password):
        raise PasswordRefused(
            "known", "The password is one that everybody tries first: it is known from leaks.", _LEAKED
        )


def check_length(password: str) -> None:
    """For any new password, an administrator's too. PasswordRefused: too_long (in code points) or not_text."""
    length = len(password)
    if length > MAX_LENGTH:
        _refuse_length("too_long", f"at most {MAX_LENGTH}", {"max_length": MAX_LENGTH, "actual_length": length})
    if any("\ud800" <= letter <= "\udfff" for letter in password):
        raise PasswordRefused("not_text", "The password is not valid Unicode text.")


def _refuse_length(rule: str, bound: str, facts: dict[str, int]) -> None:
    reason = f"The password must be {bound} characters long, but got {facts['actual_length']}."
    raise PasswordRefused(rule, reason, facts)


def _similar(password: str, identifier: str) -> bool:
    password, identifier = password.lower(), identifier.lower()
    if not identifier or not password or max(len(password), len(identifier)) > _COMPARED_LENGTH:
        return False
    half = len(password) // 2 + 1
    shared = any(password[start : start + half] in identifier for start in range(len(password) - half + 1))
    return shared or _near(password, identifier)


def _near(a: str, b: str) -> bool:
    """Whether the Levenshtein distance is below 5. Looks at a band of 9 per row only: at most 2,304 steps."""
    if abs(len(a) - len(b)) >= _NEAR:
        return False
    above = [min(j, _NEAR) for j in range(len(b) + 1)]
    for i, letter in enumerate(a, 1):
        row = [_NEAR] * (len(b) + 1)
        row[0] = min(i, _NEAR)
        for j in range(max(1, i - _NEAR + 1), min(len(b), i + _NEAR - 1) + 1):
            row[j] = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != b[j - 1]), _NEAR)
        above = row
    return above[-1] < _NEAR
