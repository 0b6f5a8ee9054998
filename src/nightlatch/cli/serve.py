"""nightlatch serve"""

import secrets
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from nightlatch.cli import migrate
from nightlatch.cli.opened import ConfigFile, Dev, check_schemas, complain, configuration, refuse, with_store
from nightlatch.config import Config, ConfigErrors, require_key
from nightlatch.core.access.rules import PREFIX
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
    check_schemas(settings)
    dsn, folder = lasting(settings.dsn.reveal())
    for name in migrate.run(dsn):
        complain(f"migrated: {name}")
    _require_key(settings, dsn)
    code = _serve(settings, config, dsn, workers)
    if folder is not None:
        folder.cleanup()
    raise typer.Exit(code)


def _serve(settings: Config, config: Path | None, dsn: str, workers: int) -> int:
    from nightlatch.cli.listening import listen  # the other commands do not wait for the server's modules

    key = _key(settings)
    try:
        return listen(settings, config, dsn, key, workers, partial(_announce, settings, key))
    finally:
        if settings.dev and DEV_KEY.exists() and DEV_KEY.read_text() == f"{key}\n":
            DEV_KEY.unlink()


def _announce(settings: Config, key: str | None, public_port: int, admin_port: int) -> None:
    admin = _url(settings.serve.admin.host, admin_port)
    print(f"public  {_url(settings.serve.public.host, public_port)}")
    print(f"admin   {admin}")
    if settings.dev:
        _write_down(f"{key}\n")
        print(f"pages   {settings.serve.public.base_url}ui/registration")
        print(f"mail    {settings.serve.public.base_url}dev/mailbox")
        print(f'try     curl -s -H "Authorization: Bearer $(cat {DEV_KEY})" {admin}/admin/identities')
    sys.stdout.flush()


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _require_key(settings: Config, dsn: str) -> None:
    async def work(store: Store, act: Act) -> bool:
        return await store.read(lambda tx: tx.access_keys.any_good(act.organization, act.now))

    try:
        require_key(settings, with_store(dsn, work))
    except ConfigErrors as errors:
        refuse([str(error) for error in errors.errors])


def _key(settings: Config) -> str | None:
    """The configured key; without one, in development, a fresh one that dies with the server."""
    if settings.nightlatch.admin_key:
        return settings.nightlatch.admin_key.reveal()
    return PREFIX + secrets.token_urlsafe(32) if settings.dev else None


def _write_down(line: str) -> None:
    """Only its owner reads it. Done when the ports are open: the key of a server that has them must stay."""
    DEV_KEY.parent.mkdir(parents=True, exist_ok=True)
    new = DEV_KEY.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(line)
    new.replace(DEV_KEY)
