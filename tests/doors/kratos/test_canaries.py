"""Nothing that is secret is left lying about by a running server (row W9): its logs, its figures, its events."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import httpx
from tests.doors.kratos.table import ADMIN, BODIES, PUBLIC
from tests.serving import Server

PASSWORD = "Passw0rd-canary-of-ada"
MAIL = "ada.canary.mail@example.org"
TEXT = "canary-in-a-field"


def everywhere(server: Server, secrets: dict[str, str]) -> None:
    """Asks every line of both tables with secrets in every place that has one, rightly and wrongly."""
    credentials = [
        {"authorization": f"Bearer {secrets['key']}"}, {"authorization": secrets["key"]}, {"x-session-token": secrets["token"]},
        {"authorization": f"Bearer {secrets['token']}"}, {"cookie": f"ory_kratos_session={secrets['token']}"},
        {"authorization": f"Basic {secrets['key']}", "x-csrf-token": secrets["token"], "user-agent": f"x {MAIL}"},
    ]  # fmt: skip
    query = {
        "token": secrets["token"],
        "code": secrets["code"],
        "password": PASSWORD,
        "return_to": f"https://x/?t={secrets['token']}",
    }
    query |= {"credentials_identifier": MAIL, "page_token": TEXT, "flow": TEXT, "id": TEXT}
    with httpx.Client(timeout=30, trust_env=False) as client:
        for base, routes in ((server.admin, ADMIN), (server.public, PUBLIC)):
            for route in routes:
                path = route.path.replace("{id}", "x").replace("{external_id:path}", "x").replace("{type}", "x")
                right, wrong = json.dumps(BODIES.get(route.endpoint.__name__)), json.dumps(secrets)
                for headers, body in zip(credentials, itertools.cycle((wrong, right, wrong[:-1])), strict=False):
                    client.request(route.method, base + path, params=query, headers=headers, content=body)


def test_W9_the_secrets_of_a_whole_run_are_in_no_log_no_figure_and_no_event(
    serve: Callable[..., Server], dsn: str, tmp_path: Path
) -> None:
    server = serve(settings={"log": {"level": "trace", "format": "json"}})
    body = {
        "traits": {"email": MAIL},
        "credentials": {"password": {"config": {"password": PASSWORD}}},
        "metadata_admin": TEXT,
    }
    made = server.ask_admin("POST", "/admin/identities", json=body).json()
    signed_in = server.sign_in(MAIL, PASSWORD)
    server.try_sign_in(MAIL, PASSWORD + "-wrong")
    code = server.ask_admin("POST", "/admin/recovery/code", json={"identity_id": made["id"]}).json()
    link = server.ask_admin("POST", "/admin/recovery/link", json={"identity_id": made["id"]}).json()
    secrets = {
        "key": server.key, "token": signed_in["session_token"], "code": code["recovery_code"], "password": PASSWORD,
        "link": link["recovery_link"].partition("token=")[2],
    }  # fmt: skip
    everywhere(server, secrets)
    figures = server.ask_admin("GET", "/metrics").text
    told = {"the log": server.log(), "the figures": figures}
    assert len(told["the log"]) > 10_000
    assert "nightlatch_http_requests_total" in figures
    for where, text in told.items():
        for what, secret in {**secrets, "mail": MAIL, "metadata": TEXT, "hash": "$argon2"}.items():
            held = f'"{secret}"' if what == "code" else secret
            assert held not in text, (what, where, text[max(0, text.find(held) - 300) :][:600])
    assert "a bug" not in told["the log"]
    assert "Traceback" not in told["the log"]
    if dsn.startswith("sqlite"):
        stored = b"".join(file.read_bytes() for file in tmp_path.glob("nightlatch.sqlite*"))
        for what in ("key", "token", "link", "password"):
            assert secrets[what].encode() not in stored, what
