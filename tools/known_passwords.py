"""Builds the list of passwords that nobody may choose, from a text with one a line, the most used first.

    PYTHONPATH=src python tools/known_passwords.py passwords.txt

The one that ships is of the million passwords of Mark Burnett's ten million, as SecLists has them; where to get that
file is said in src/nightlatch/data/known_passwords.txt.
"""

import sys
from itertools import islice
from pathlib import Path

from nightlatch.core.credentials.known import FILE, mark_of, spelled

MOST = 150_000
SHORTEST = 6  # the least that the policy can be set to


def build(lines: list[str]) -> bytes:
    """The marks of the first MOST words that are long enough, each once, in order."""
    words = dict.fromkeys(spelled(line) for line in lines if len(line) >= SHORTEST)
    marks = {mark_of(word) for word in islice(words, MOST)}
    return b"".join(mark.to_bytes(4, "big") for mark in sorted(marks))


if __name__ == "__main__":
    FILE.write_bytes(build(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()))
