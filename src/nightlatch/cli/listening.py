"""The server behind nightlatch serve. Imported by that command alone: the others do not wait for it."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from nightlatch.app import Run, worker
from nightlatch.cli.opened import REFUSED, complain
from nightlatch.config import Config
from nightlatch.doors.http.serving import HostPort, ListenError, serve
from nightlatch.stores.gate import tears


def listen(
    settings: Config,
    config: Path | None,
    dsn: str,
    key: str | None,
    workers: int,
    listening: Callable[[int, int], None],
) -> int:
    """Serves until told to stop; the exit code. `listening` is told the ports once they are open."""
    public, admin = settings.serve.public, settings.serve.admin
    torn = tears()
    if torn:
        complain("answers to session checks are not kept: processes of this machine see half of a store to memory")
    with tempfile.TemporaryDirectory(prefix="nightlatch-metrics-") as metrics:
        run = Run(str(config) if config else None, settings.dev, dsn, key, metrics, not torn)
        try:
            return serve(
                partial(worker, run),
                HostPort(public.host, public.port),
                HostPort(admin.host, admin.port),
                workers=workers,
                keep_alive=settings.nightlatch.limits.keep_alive_seconds,
                listening=listening,
            )
        except ListenError as error:
            complain(str(error))
            return REFUSED
