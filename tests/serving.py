"""The real server in a process of its own, as an operator starts it."""

import os
import signal
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml
from tests.processes import free_port, leash, until

ROOT = Path(__file__).parents[1]
SCHEMAS = {
    "default": ROOT / "src/nightlatch/data/default.schema.json",
    "employee": ROOT / "tests/schemas/employee.json",
    "robot": ROOT / "tests/schemas/robot.json",
}
KEY = "test-key-0123456789abcdef0123456789abcdef"
STOP_SECONDS = 30


class Server:
    """`settings` are laid over the configuration, a section at a time. `start` also brings it back after its end."""

    def __init__(self, folder: Path, dsn: str, workers: int = 1, settings: dict[str, Any] | None = None) -> None:
        public, admin = free_port(), free_port()
        self.public, self.admin = f"http://127.0.0.1:{public}", f"http://127.0.0.1:{admin}"
        self.key = KEY
        self.folder = folder
        self.workers = workers
        self.configuration: dict[str, Any] = {
            "dsn": dsn,
            "serve": {
                "public": {"host": "127.0.0.1", "port": public, "base_url": self.public + "/"},
                "admin": {"host": "127.0.0.1", "port": admin},
            },
            "secrets": {"default": ["a secret of the tests, 32 bytes."]},
            "identity": {
                "default_schema_id": "default",
                "schemas": [{"id": name, "url": f"file://{file}"} for name, file in SCHEMAS.items()],
            },
            "nightlatch": {"admin_key": KEY, "trusted_proxies": ["127.0.0.1/32"], "throttling": {"floor": "0s"}},
        }
        for name, section in (settings or {}).items():
            known = self.configuration.get(name)
            self.configuration[name] = {**known, **section} if isinstance(known, dict) else section
        self.environment: dict[str, str] = {}  # of its processes, over what every server gets
        self._networks = ip_network("10.0.0.0/8").hosts()
        self._http = httpx.Client(timeout=30, trust_env=False)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
        self._http.close()

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None, "the server was not started"
        return self._process

    def start(self) -> None:
        """Returns when the server says that it is ready; fails with what it wrote."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "nightlatch.yaml"
        file.write_text(yaml.safe_dump(self.configuration))
        command = [sys.executable, "-m", "nightlatch", "serve", "--config", str(file), "--workers", str(self.workers)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*leash("TERM"), *command],
                cwd=self.folder,
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": str(ROOT / "src"),
                    "PYTHONUNBUFFERED": "1",
                    "TMPDIR": str(self.folder),
                    **self.environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            until(self._ready, self.log)
        except AssertionError:
            if self.process.poll() is None:
                self.kill()
            raise

    def stop(self) -> int:
        """Ends it as an operator does. The exit code; no-op when it has ended."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not stop in {STOP_SECONDS} s\n{self.log()}") from None

    def kill(self) -> None:
        """The supervisor and all workers at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)

    def log(self) -> str:
        """What it has written so far, on both outputs."""
        return (self.folder / "log").read_text()

    def sign_in(self, identifier: str, password: str, **headers: str) -> dict[str, Any]:
        """Signs in as an API client does: the answer with `session_token` and `session`."""
        answer = self.try_sign_in(identifier, password, **headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def try_sign_in(self, identifier: str, password: str, **headers: str) -> httpx.Response:
        # As if through a proxy, from a network that nobody used before: what one may do is seldom the question.
        headers = {"X-Forwarded-For": str(next(self._networks)), **headers}
        flow = self._http.get(self.public + "/self-service/login/api", headers=headers).json()
        body = {"method": "password", "identifier": identifier, "password": password}
        url = self.public + "/self-service/login"
        return self._http.post(url, params={"flow": flow["id"]}, json=body, headers=headers)

    def whoami(self, token: str) -> httpx.Response:
        return self._http.get(self.public + "/sessions/whoami", headers={"X-Session-Token": token})

    def create(self, traits: dict[str, Any], **credentials: Any) -> dict[str, Any]:
        """Creates an identity over plain HTTP: what was answered."""
        body = {"schema_id": "default", "traits": traits, "credentials": credentials}
        answer = self.ask_admin("POST", "/admin/identities", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def known(self, identifier: str) -> list[str]:
        """The ids of who has the identifier: one or none."""
        found = self.ask_admin("GET", "/admin/identities", params={"credentials_identifier": identifier})
        return [identity["id"] for identity in found.json()]

    def ask_admin(self, method: str, path: str, **request: Any) -> httpx.Response:
        """A request to the admin port with the key, for what a client under test cannot send."""
        return self._http.request(method, self.admin + path, headers={"Authorization": f"Bearer {KEY}"}, **request)

    def _ready(self) -> bool:
        assert self.process.poll() is None, f"the server ended with {self.process.returncode}\n{self.log()}"
        try:
            return self._http.get(self.admin + "/health/ready").status_code == 200
        except httpx.TransportError:
            return False
