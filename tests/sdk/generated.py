"""Clients that were generated from our own documents, each unmodified."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

from tests.sdk.client import Answer, ClientProcess

ROOT = Path(__file__).parents[2]
_found = importlib.util.spec_from_file_location("generate_client", ROOT / "tools" / "generate_client.py")
assert _found is not None
tool = importlib.util.module_from_spec(_found)
assert _found.loader is not None
_found.loader.exec_module(tool)


def generated(door: str) -> Path:
    """The folder of a door's client, which make test made. One of another document than today's is a failure."""
    folder = ROOT / ".build" / "sdk" / f"generated-{door}"
    stamp = folder / ".done"
    assert stamp.exists(), f"The client of {door} was not generated: run make test."
    assert stamp.read_bytes() == tool.document(door), f"The document of {door} has changed since: run make test."
    return folder


def path(door: str) -> str:
    """Where Python finds the client of a door and what it imports."""
    return f"{generated(door)}:{ROOT / '.build' / 'sdk' / 'generated'}"


class Generated(ClientProcess):
    """The client of a door, in a process of its own."""

    def __init__(self, door: str) -> None:
        self.name = tool.PACKAGES[door]
        script = str(Path(__file__).parent / "generated_process.py")
        self._start([sys._base_executable, "-S", "-B", script, self.name], {"PYTHONPATH": path(door)})  # type: ignore[attr-defined]

    def ask(
        self,
        host: str,
        api: str,
        call: str,
        headers: dict[str, str] | None = None,
        key: str | None = None,
        **arguments: Any,
    ) -> Answer:
        return self.call(host=host, key=key, api=api, call=call, headers=headers or {}, arguments=arguments)
