"""Who comes with the configuration of Kratos' quickstart starts this server with it (contract: public 8 and 9)."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.config import written
from tests.development import ROOT, Development
from tests.serving import Server

from nightlatch.config import load

UI = "http://127.0.0.1:4455"
PASSWORD = "Tr0ut-lamp*ferry 91"
EMAIL = "ada@example.org"
SCHEMA = {"id": "default", "url": f"file://{ROOT}/tests/schemas/quickstart.json"}
QUICKSTART: dict[str, Any] = yaml.safe_load(written.QUICKSTART) | {
    "dsn": "memory",
    "identity": {"default_schema_id": "default", "schemas": [SCHEMA]},
}
OURS = {"cookie": ["a cookie secret, of 32 bytes too."], "cipher": ["a cipher secret, of 32 bytes too"]}


def write(folder: Path, **changes: Any) -> Path:
    return written.write(folder, QUICKSTART | changes)


def test_it_starts_in_development_and_its_first_steps_work(tmp_path: Path) -> None:
    """9, steps 1 to 3, 5 and 6, and the way of a browser to its pages."""
    server = Development(tmp_path, "--config", str(write(tmp_path)))
    with (
        server.running(SERVE_PUBLIC_BASE_URL=f"{server.public}/"),
        httpx.Client(base_url=server.public, trust_env=False) as public,
    ):
        flow = public.get("/self-service/registration/api").json()
        traits = {"email": EMAIL, "name": {"first": "Ada", "last": "L"}}
        body = {"method": "password", "password": PASSWORD, "traits": traits}
        done = public.post(flow["ui"]["action"], json=body).json()
        token = {"X-Session-Token": done["session_token"]}
        assert public.get("/sessions/whoami", headers=token).json()["identity"]["traits"] == traits
        out = {"session_token": done["session_token"]}
        assert public.request("DELETE", "/self-service/logout/api", json=out).status_code == 204
        assert public.get("/sessions/whoami", headers=token).status_code == 401
        for act in ("login", "registration"):
            page = public.get(f"/self-service/{act}/browser", headers={"accept": "text/html"})
            assert page.headers["location"].startswith(f"{UI}/{act}?flow=")
        asked = {"accept": "application/json", "origin": UI}
        script = public.get("/self-service/login/browser", headers=asked)
        assert script.headers["access-control-allow-origin"] == UI
        key = {"Authorization": f"Bearer {server.key_file.read_text().strip()}"}
        [ada] = httpx.get(f"{server.admin}/admin/identities", headers=key, trust_env=False).json()
        assert ada["id"] == done["identity"]["id"]
        assert public.get("/health/ready").json() == {"status": "ok"}


def test_with_secrets_of_its_own_and_a_key_it_starts_outside_development(tmp_path: Path) -> None:
    settings = {name: QUICKSTART[name] for name in QUICKSTART if name not in {"dsn", "serve", "secrets"}}
    secrets = {"default": ["a secret of the tests, 32 bytes."], **OURS}
    with Server(tmp_path, f"sqlite://{tmp_path}/db.sqlite", settings=settings | {"secrets": secrets}) as server:
        assert server.create({"email": EMAIL})["traits"] == {"email": EMAIL}


def test_it_is_refused_outside_development_for_its_secrets_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nightlatch", "config", "check", "--config", str(write(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    for key in ("secrets.cookie", "secrets.cipher", "secrets.default"):
        assert key in done.stderr
    assert load(write(tmp_path, secrets=OURS | {"default": ["a secret of the tests, 32 bytes."]}), {}, dev=False)


@pytest.mark.parametrize("name", ["totp", "lookup_secret"])
def test_a_method_that_is_not_offered_is_named_in_a_warning(tmp_path: Path, name: str) -> None:
    methods, rest, _ = load(write(tmp_path), {}, dev=True).warnings
    assert methods.startswith("Methods that are not offered yet")
    assert name in methods
    assert name not in rest
    assert "PLEASE-CHANGE" not in json.dumps([methods, rest])
