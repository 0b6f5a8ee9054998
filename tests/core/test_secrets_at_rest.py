"""Nothing that is handed out, and nothing that somebody typed, can be read in what the database keeps."""

import base64
import subprocess
from pathlib import Path

import pytest
from tests.core.world import DEVICE, SECRET, World
from tests.postgres import binaries

from nightlatch.core.access.rules import check as check_key
from nightlatch.core.access.rules import create as create_key
from nightlatch.core.access.rules import create_pair
from nightlatch.core.authentication.authenticator import Attempt
from nightlatch.core.authentication.password import Password
from nightlatch.core.courier.model import Template
from nightlatch.core.courier.rules import send
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.recovery.rules import Recovered, Redeeming, make_code, redeem
from nightlatch.core.registration.rules import Registered, register
from nightlatch.kernel.clock import HOUR
from nightlatch.kernel.secrets import Keys
from nightlatch.problems import KeyRequired
from nightlatch.stores.opening import back_up

SECRETS = {
    "password": "correct horse battery staple",
    "wrong password": "incorrect mule battery staple",
    "chosen password": "quite another staple",
    "totp": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "backup code": "bkcode-7h3q9x2m",
    "access token": "gho_16C7e42F292c6912E7710c838347Ae178B4a",
}


def use_everything(world: World) -> dict[str, str]:
    """Every kind of secret there is, made or given; each is used in each way that could write it down."""
    anna = world.create(
        {"email": "anna@example.org"},
        SECRETS["password"],
        credentials={
            "totp": {"totp_url": f"otpauth://totp/x?secret={SECRETS['totp']}"},
            "lookup_secret": {"codes": [{"code": SECRETS["backup code"]}]},
            "oidc": {"providers": [{"provider": "x", "subject": "1", "initial_access_token": SECRETS["access token"]}]},
        },
    )
    made = {"session token": world.signed_in(password=SECRETS["password"])}
    world.login(password=SECRETS["wrong password"])
    world.login("nobody@example.org", SECRETS["wrong password"])
    flow, traits = world.flow(Kind.REGISTRATION), {"email": "bert@example.org"}
    attempt = Attempt(flow.id, SECRETS["chosen password"], DEVICE, traits=traits)
    registered = world.run(register(world.means(), world.schemas, world.act(), Password(), attempt))
    assert isinstance(registered, Registered)
    made["token of the registered"] = str(registered.token)
    _, made["access key"] = world.write(lambda tx: create_key(tx, world.act(), "deploy"))
    pair_keys = Keys([SECRET], "key pairs")
    _, pair = world.write(
        lambda tx: create_pair(tx, world.act(), pair_keys, "signer", expires_at=world.now + HOUR, security_token=True)
    )
    made |= {"pair's secret": pair.secret, "pair's security token": str(pair.security_token)}
    link = world.write(
        lambda tx: make_code(tx, world.act(), world.code_keys, anna.identity.id, HOUR, "http://x/", purpose="link")
    )
    made["link"] = link.secret
    unused = world.write(
        lambda tx: make_code(
            tx, world.act(), world.code_keys, registered.identity.id, HOUR, "http://x/", flow_type="api"
        )
    )
    made["unused code"] = unused.secret
    code = world.write(
        lambda tx: make_code(tx, world.act(), world.code_keys, anna.identity.id, HOUR, "http://x/", flow_type="api")
    )
    made["code"] = code.secret
    recovered = world.run(redeem(world.means(), world.act(), code.flow.id, code.secret, DEVICE, Redeeming(5, HOUR)))
    assert isinstance(recovered, Recovered)
    made["mailed code"] = "mailed-9c1f7a5b6e42"
    world.write(
        lambda tx: send(
            tx, world.act(), world.vault.keys, Template.LOGIN_CODE, "email", "a@example.org", code=made["mailed code"]
        )
    )
    made["token of the recovered"] = recovered.token
    return made | SECRETS


def kept(world: World) -> bytes:
    """All that the database has on disk, or gives to whoever may dump it."""
    if world.db.dsn.startswith("sqlite"):
        folder = Path(world.db.dsn.removeprefix("sqlite://")).parent
        return b"".join(file.read_bytes() for file in folder.iterdir())
    dump = [str(binaries() / "pg_dump"), "--data-only", "--column-inserts", world.db.dsn]
    return subprocess.run(dump, capture_output=True, check=True, timeout=60).stdout


def spellings(secret: str) -> list[bytes]:
    raw = secret.encode()
    encoded = [raw.hex().encode(), base64.b64encode(raw).rstrip(b"="), base64.urlsafe_b64encode(raw).rstrip(b"=")]
    # Six digits in hexadecimal are found by chance in any hash.
    return [raw] if len(raw) < 8 else [raw, raw[:-1], raw[7:], *encoded]


def test_S2_no_secret_can_be_read_from_what_is_kept(world: World) -> None:
    secrets = use_everything(world)
    disk = kept(world)
    assert b"anna@example.org" in disk, "the wrong place was searched"
    found = {name for name, secret in secrets.items() for spelling in spellings(secret) if spelling in disk}
    assert found == set()


def test_S2_no_secret_can_be_read_from_a_backup(world: World, tmp_path: Path) -> None:
    secrets = use_everything(world)
    file = tmp_path / "backup"
    world.run(back_up(world.db.dsn, file, world.now))
    written = file.read_bytes()
    assert b"anna@example.org" in written, "the wrong place was searched"
    found = {name for name, secret in secrets.items() for spelling in spellings(secret) if spelling in written}
    assert found == set()


def test_S2_what_is_kept_cannot_be_used_as_a_secret(world: World) -> None:
    use_everything(world)
    for table in ("sessions", "access_keys"):
        for (stored,) in world.db.sql(f"select token_hash from {table}"):
            for spelling in (stored.hex(), stored.decode("latin-1"), base64.b64encode(stored).decode()):
                assert not world.accepts(spelling)
                with pytest.raises(KeyRequired):
                    world.read(lambda tx, s=spelling: check_key(tx, s, world.now))  # type: ignore[misc]
