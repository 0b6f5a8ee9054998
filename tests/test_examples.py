"""The people of examples/people.jsonl: made up, the same each time, and able to sign in."""

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from tests.cli.command import Command
from tests.serving import Server

ROOT = Path(__file__).parents[1]
FILE = ROOT / "examples" / "people.jsonl"
PEOPLE: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
TOOL = runpy.run_path(str(ROOT / "tools" / "people.py"))


def format_of(person: dict[str, Any]) -> str:
    return str(person["metadata_admin"]["format"])


def test_there_are_a_thousand_in_every_format_and_they_are_those_that_the_tool_makes() -> None:
    assert len(PEOPLE) == len({person["traits"]["email"] for person in PEOPLE}) == 1000
    assert {format_of(person) for person in PEOPLE} == set(TOOL["FORMATS"])
    assert all(re.search(r"@example\.(com|net|org)$", person["traits"]["email"]) for person in PEOPLE)
    openssl = {"md5-crypt", "sha256-crypt", "sha512-crypt", "hmac-md4"}
    for n in (n for n in range(1, 100) if format_of(PEOPLE[n - 1]) not in openssl):
        assert TOOL["person"](n) == PEOPLE[n - 1]


def test_all_are_imported_and_one_of_each_format_signs_in(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = Command(server.folder / "nightlatch.yaml", monkeypatch, capsys)
    done = command.run("identities", "import", str(FILE), "--refused", str(tmp_path / "refused"))
    assert done.err.startswith("1,000 imported, 0 already there, 0 refused"), done.err
    active = [person for person in PEOPLE if person.get("state") != "inactive"]
    for person in {format_of(person): person for person in active}.values():
        email = person["traits"]["email"]
        assert server.sign_in(email, TOOL["password"](email.partition("@")[0]))["session_token"], person
    again = command.run("identities", "import", str(FILE), "--refused", str(tmp_path / "refused"))
    assert again.err.startswith("0 imported, 1,000 already there, "), again.err
