"""Passwords that everybody tries first, from a list that ships: nothing is asked of anybody else.

The list is 4 bytes of the SHA-256 of each, sorted. Of passwords that are not on it, 1 in 28,000 looks as if it were.
"""

import sys
from array import array
from bisect import bisect_left
from functools import cache
from hashlib import sha256
from pathlib import Path
from string import punctuation

FILE = Path(__file__).parents[2] / "data" / "known_passwords.bin"
_AROUND = punctuation + " "


def is_known(password: str) -> bool:
    """Whether `password` is on the list, in whatever case, or is such a one with signs before or behind it."""
    marks = _marks()
    for each in {spelled(password), spelled(password.strip(_AROUND))}:
        mark = mark_of(each)
        at = bisect_left(marks, mark)
        if at < len(marks) and marks[at] == mark:
            return True
    return False


def spelled(password: str) -> str:
    """How the list spells it."""
    return password.lower()


def mark_of(word: str) -> int:
    """What the list keeps of a word."""
    return int.from_bytes(sha256(word.encode()).digest()[:4], "big")


@cache
def _marks() -> "array[int]":
    marks = array("I", FILE.read_bytes())
    if sys.byteorder == "little":
        marks.byteswap()
    return marks
