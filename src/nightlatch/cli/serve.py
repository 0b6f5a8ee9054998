"""nightlatch serve"""

import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from nightlatch.cli import migrate
from nightlatch.cli.opened import CONFIG_WRONG, REFUSED, ConfigFile, Dev, complain, configuration, with_store
from nightlatch.config import Config, ConfigErrors, require_key
from nightlatch.core.events.model import Act
from nightlatch.core.store import Store
from nightlatch.stores.opening import lasting

DEV_KEY = Path("var/dev-key")


def serve(
    config: ConfigFile = None,
    dev: Dev = False,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer.")] = 1,
) -> None:
    """Answer on the public and the admin port until told to stop."""
    settings = configuration(config, dev)
    for warning in settings.warnings:
        complain(warning)
    dsn, folder = lasting(settings.dsn.reveal())
    try:
        for name in migrate.run(dsn):
            complain(f"migrated: {name}")
    except OSError as error:
        complain(f"dsn: the database cannot be written: {error}")
        raise typer.Exit(REFUSED) from None
    _require_key(settings, dsn)
    with _dev_key(settings, dev) as key, tempfile.TemporaryDirectory(prefix="nightlatch-metrics-") as metrics:
        code = _serve(settings, config, dsn, key, metrics, workers)
    if folder is not None:
        folder.cleanup()
    raise typer.Exit(code)


def _serve(settings: Config, config: Path | None, dsn: str, key: str | None, metrics: str, workers: int) -> int:
    # Late: the commands that serve nothing do not wait for it.
    from nightlatch.app import Run, worker
    from nightlatch.doors.http.serving import HostPort, ListenError
    from nightlatch.doors.http.serving import serve as listen

    public, admin = settings.serve.public, settings.serve.admin
    try:
        return listen(
            partial(worker, Run(str(config) if config else None, settings.dev, dsn, key, metrics)),
            HostPort(public.host, public.port),
            HostPort(admin.host, admin.port),
            workers=workers,
            keep_alive=settings.nightlatch.limits.keep_alive_seconds,
            listening=partial(_announce, settings),
        )
    except ListenError as error:
        complain(str(error))
        return REFUSED


def _announce(settings: Config, public_port: int, admin_port: int) -> None:
    admin = f"http://{settings.serve.admin.host}:{admin_port}"
    print(f"public  http://{settings.serve.public.host}:{public_port}")
    print(f"admin   {admin}")
    if settings.dev:
        print(f'try     curl -s -H "Authorization: Bearer $(cat {DEV_KEY})" {admin}/admin/identities')
    sys.stdout.flush()


def _require_key(settings: Config, dsn: str) -> None:
    async def work(store: Store, act: Act) -> bool:
        return bool(await store.read(lambda tx: tx.access_keys.list(act.organization)))

    try:
        require_key(settings, with_store(dsn, work))
    except ConfigErrors as errors:
        for error in errors.errors:
            complain(str(error))
        raise typer.Exit(CONFIG_WRONG) from None


@contextmanager
def _dev_key(settings: Config, dev: bool) -> Iterator[str | None]:
    """The configured key, or in development a fresh one, in a file that only its owner reads until the server stops."""
    configured = settings.nightlatch.admin_key
    key = configured.reveal() if configured else None
    if not dev:
        yield key
        return
    key = key or f"nl_key_{secrets.token_urlsafe(32)}"
    DEV_KEY.parent.mkdir(parents=True, exist_ok=True)
    DEV_KEY.unlink(missing_ok=True)
    DEV_KEY.touch(mode=0o600)
    DEV_KEY.write_text(key + "\n")
    try:
        yield key
    finally:
        DEV_KEY.unlink(missing_ok=True)
