"""Writes docs/commands.md from what the commands say of themselves.

python tools/commands_page.py
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main
from typer.testing import CliRunner

from nightlatch.cli import app

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
_WIDTH = "100"
_HEAD = """\
# Commands

`nightlatch COMMAND --help` prints what stands here. Every command takes the configuration that the server takes:
`--config FILE`, the environment, or both; `--dev` for the defaults of development. Those on keys, identities, jobs,
sessions, policies and organizations speak to the database, not to a server: they work while none runs, and a server
that runs obeys them at its next request.

- **Output** is a table for people. `--json` prints JSON for programs: a list of objects, times as ISO 8601 in UTC. What
  was asked for goes to standard output, complaints and warnings to standard error.
- **An ending** by the command line is the same act as one by the API: durable when the command returns, with an event
  that names you (`cli:USER`) and your `--reason`.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | refused or not found; for `serve`, a port that cannot be had |
| 2 | wrong usage: an unknown option, an argument that makes no sense |
| 3 | the configuration is wrong; every error is told at once |
| 4 | the database is down, is none, or cannot be written |

`serve` ends with 0 after SIGTERM or SIGINT, once what was in flight is answered.
"""


def page() -> str:
    """The page as it has to be."""
    return _HEAD + "".join(f"\n## {' '.join(words)}\n\n```text\n{_help(words)}\n```\n" for words in commands())


def commands() -> Iterator[tuple[str, ...]]:
    """The words of every command, groups left out."""
    yield from _below(typer.main.get_command(app), ("nightlatch",))


def _below(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield words
        return
    for name, each in inner.items():
        yield from _below(each, (*words, name))


def _help(words: tuple[str, ...]) -> str:
    runner = CliRunner(env={"COLUMNS": _WIDTH})
    shown = runner.invoke(app, [*words[1:], "--help"], prog_name=words[0], terminal_width=int(_WIDTH))
    return "\n".join(line.rstrip() for line in shown.stdout.strip().splitlines())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
