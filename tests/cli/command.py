"""The command line as somebody types it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from nightlatch import cli

ROOT = Path(__file__).parents[2]
KEY = "test-key-0123456789abcdef0123456789abcdef"


class Done(NamedTuple):
    code: int
    out: str
    err: str


class Command:
    """`nightlatch` with the configuration file `config`, run in this process: quicker, and just as whole."""

    def __init__(
        self, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *more: str
    ) -> None:
        self.config = config
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self._more = more

    def run(self, *arguments: str) -> Done:
        self._capsys.readouterr()
        self._monkeypatch.setattr(sys, "argv", ["nightlatch", *arguments, "--config", str(self.config), *self._more])
        try:
            cli.main()
            code: Any = 0
        except SystemExit as end:
            code = end.code or 0
        return Done(code, *self._capsys.readouterr())

    def __call__(self, *arguments: str) -> str:
        """What it prints; it must succeed and complain of nothing."""
        done = self.run(*arguments)
        assert (done.code, done.err) == (0, ""), done
        return done.out

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        """What it prints with --json."""
        return list(json.loads(self(*arguments, "--json")))


def run_program(*arguments: str, folder: Path, front: tuple[str, ...] = (), **environment: str) -> Done:
    """`nightlatch` in a process of its own, with nothing in its environment but what is given."""
    known = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*front, sys.executable, "-m", "nightlatch", *arguments],
        cwd=folder,
        env=known | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def written(folder: Path, dsn: str, **sections: Any) -> Path:
    """A configuration file with which a server may start; `sections` are put in place of those of the same name."""
    content = {
        "dsn": dsn,
        "serve": {"public": {"base_url": "http://127.0.0.1:4433/"}},
        "secrets": {"default": ["a secret of the tests, 32 bytes."]},
        "nightlatch": {"admin_key": KEY},
    }
    file = folder / "nightlatch.yaml"
    file.write_text(yaml.safe_dump({**content, **sections}))
    return file
