"""The shell blocks of a page, run in order in one shell, as a reader would type them.

A block that ends in a server runs beside the others, in place of the server before it. The folder is a checkout as
`make serve` leaves it: what would be installed is there already.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from tests.processes import free_port
from tests.sdk.client import installed
from tests.sdk.releases import KRATOS_25

ROOT = Path(__file__).parents[1]
CLIENT = "run -q --no-project --with ory-kratos-client==25.4.0 python examples/kratos_client.py"
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SERVER = re.compile(r"^(?:make|nightlatch) serve\b.*\Z", re.MULTILINE)
_BEGIN = """
set -eumo pipefail
stop() {  # as Ctrl-C does; done when the last process is gone
  [ -n "${SERVER-}" ] || return 0
  kill -INT -- -$SERVER
  wait $SERVER || true
  while kill -0 -- -$SERVER 2>/dev/null; do sleep 0.05; done
  SERVER=
}
trap stop EXIT
"""
_SERVE = """
stop
{{ {block}
}} >server.log 2>&1 &
SERVER=$!
for _ in $(seq 600); do
  if grep -q '^admin ' server.log; then break; fi
  kill -0 $SERVER || {{ cat server.log >&2; exit 1; }}
  sleep 0.05
done
"""


def blocks(page: Path) -> list[str]:
    """The shell blocks of a page."""
    return [block.strip() for block in _BLOCK.findall(page.read_text(encoding="utf-8"))]


def walk(page: Path, folder: Path, **replaced: str) -> str:
    """What the blocks of `page` print, run in `folder`; each of `replaced` stands for a text of the page: its ports are
    taken by others here. An exit code but 0 anywhere is a failure."""
    ports = {"4433": str(free_port()), "4434": str(free_port())}
    _prepare(folder, *ports.values())
    script = _BEGIN + "\n".join(_SERVE.format(block=b) if _SERVER.search(b) else b for b in blocks(page))
    for text, other in (ports | replaced).items():
        assert text in script, text
        script = script.replace(text, other)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "SERVE_PUBLIC_PORT": ports["4433"],
            "SERVE_ADMIN_PORT": ports["4434"],
            "PUBLIC_URL": f"http://127.0.0.1:{ports['4433']}",
            # The walk goes on where a reader would wait for the next minute.
            "NIGHTLATCH_THROTTLING_PROOFS_PER_MINUTE": "100",
            # However slow the machine, of eight guesses with two pauses seven are counted: after them no wait of a few
            # seconds must run out before the right password comes.
            "NIGHTLATCH_THROTTLING_ATTEMPTS": "7",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
    )
    log = (folder / "server.log").read_text() if (folder / "server.log").exists() else ""
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{log}"
    return done.stdout


def _prepare(folder: Path, public: str, admin: str) -> None:
    for name in ("src", "examples", "requirements"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "Makefile", folder)
    _write_program(folder / ".build/run/bin/python", f'exec {shlex.quote(sys.executable)} "$@"')
    where = f"PUBLIC_URL=http://127.0.0.1:{public} ADMIN_URL=http://127.0.0.1:{admin}"
    client = f"PYTHONPATH={shlex.quote(str(installed(KRATOS_25)))} {where}"
    python = shlex.quote(sys._base_executable)  # type: ignore[attr-defined]
    _write_program(
        folder / ".build/uv/bin/uv",
        f'[ "$*" = {shlex.quote(CLIENT)} ] || exit 2\nexec env {client} {python} -S -B examples/kratos_client.py',
    )
    for stamp in (".build/uv/.done", ".build/run/.done"):
        (folder / stamp).touch()


def _write_program(file: Path, script: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
