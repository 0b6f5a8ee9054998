"""nightlatch identities export, and the way back."""

import json
import stat
import uuid
from pathlib import Path
from typing import Any

import pytest
from tests.cli.command import Command, written
from tests.cli.test_import import HASH, exported, lines, person
from tests.database import Database, Run

from nightlatch.cli import exporting

KEY = {"id": "a2V5", "public_key": "cHVibGlj", "display_name": "a key", "is_passwordless": True}
CREDENTIALS = {
    "password": {"config": {"hashed_password": HASH}},
    "oidc": {"config": {"providers": [{"provider": "github", "subject": "1", "initial_id_token": "t"}]}},
    "totp": {"config": {"totp_url": "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP"}},
    "lookup_secret": {"config": {"codes": [{"code": "one"}, {"code": "two", "used_at": "2024-01-02T03:04:05Z"}]}},
    "webauthn": {"config": {"credentials": [KEY], "user_handle": "aGFuZGxl"}},
    "passkey": {"config": {"credentials": [KEY], "user_handle": "cGFzc2tleQ=="}},
}


def everybody() -> list[dict[str, Any]]:
    verified = {"via": "email", "verified": True, "verified_at": "2020-01-01T00:00:00Z", "status": "completed"}
    address = {"value": "anna@example.com", "id": str(uuid.uuid4()), "created_at": "2019-01-01T00:00:00Z", **verified}
    return [
        person("anna", credentials=CREDENTIALS, external_id="e-1", verifiable_addresses=[address]),
        person("bert", state="inactive", metadata_public={"über": ["\n", 1e-7]}, metadata_admin=False),
        person("carl", created_at="2018-02-03T04:05:06.789012Z", traits={"email": "carl@example.com", "phone": "+4915112345678"}),
        {"traits": {"email": "dora@example.com"}},
    ]  # fmt: skip


def bring(command: Command, folder: Path, content: str) -> str:
    file = folder / "people.jsonl"
    file.write_text(content, encoding="utf-8")
    done = command.run("identities", "import", str(file))
    assert done.code == 0, done
    return done.err.partition(";")[0]


def lasting(shown: dict[str, Any]) -> dict[str, Any]:
    """What must be the same wherever an identity goes: all but when it was written there."""
    credentials = {
        type_: {name: each[name] for name in each.keys() - {"created_at", "updated_at"}}
        for type_, each in shown["credentials"].items()
    }
    moved = {name: shown[name] for name in shown.keys() - {"updated_at", "state_changed_at"}}
    return {**moved, "credentials": credentials}


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Over another empty database, with another secret."""
    folder = tmp_path / "other"
    folder.mkdir()
    secrets = {"default": ["another secret of the tests, 32."]}
    command = Command(written(folder, f"sqlite://{folder}/db.sqlite", secrets=secrets), monkeypatch, capsys)
    command("migrate")
    return command


def test_what_export_writes_import_takes_and_nothing_is_lost(
    nightlatch: Command, other: Command, tmp_path: Path
) -> None:
    bring(nightlatch, tmp_path, json.dumps(everybody(), indent=1))
    before = exported(nightlatch, "--with-credentials")
    assert [each["traits"]["email"].partition("@")[0] for each in before] != []
    assert set(
        before[0]["credentials"] | before[1]["credentials"] | before[2]["credentials"] | before[3]["credentials"]
    ) == set(CREDENTIALS)
    assert bring(other, tmp_path, lines(*before)) == "4 imported, 0 already there, 0 refused"
    after = exported(other, "--with-credentials")
    assert [lasting(each) for each in after] == [lasting(each) for each in before]
    assert bring(nightlatch, tmp_path, lines(*after)) == "0 imported, 4 already there, 0 refused"


def test_without_credentials_there_are_none_and_nothing_of_theirs(nightlatch: Command, tmp_path: Path) -> None:
    bring(nightlatch, tmp_path, lines(*everybody()))
    done = nightlatch.run("identities", "export")
    assert (done.code, done.err) == (0, "")
    assert not any(secret in done.out for secret in ("argon2", "credentials", "JBSWY3DPEHPK3PXP", "lookup", "github"))
    assert len(done.out.splitlines()) == 4


def test_a_file_is_for_its_owner_only_and_the_command_says_what_is_in_it(nightlatch: Command, tmp_path: Path) -> None:
    bring(nightlatch, tmp_path, lines(*everybody()))
    file = tmp_path / "export"
    file.write_text("longer than what comes" * 1000)
    file.chmod(0o666)
    done = nightlatch.run("identities", "export", str(file), "--with-credentials")
    assert (done.code, done.out) == (0, "")
    assert done.err == "nightlatch: what is written holds password hashes and other secrets.\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [json.loads(line)["state"] for line in file.read_text().splitlines()].count("inactive") == 1


def test_an_export_with_credentials_leaves_an_event_that_names_who_and_how_many(
    nightlatch: Command, dsn: str, run: Run, tmp_path: Path
) -> None:
    bring(nightlatch, tmp_path, lines(*everybody()))
    exported(nightlatch)
    exported(nightlatch, "--with-credentials")
    db = Database(dsn, run)
    events = db.sql("select actor, amount from events where name = 'identity.exported'")
    db.close()
    ((actor, amount),) = events
    assert actor.startswith("cli:")
    assert amount == 4


def test_the_oldest_come_first_over_all_pages(
    nightlatch: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(nightlatch, tmp_path, lines(*[person(f"p{n}") for n in range(25)]))
    monkeypatch.setattr(exporting, "_PAGE", 7)
    ids = [each["id"] for each in exported(nightlatch, "--with-credentials")]
    assert ids == sorted(set(ids))
    assert len(ids) == 25
    assert nightlatch.run("identities", "export", str(tmp_path / "no" / "folder")).code == 1
    full = nightlatch.run("identities", "export", "/dev/full")
    assert full.code == 1
    assert "No space left on device" in full.err


def test_a_credential_that_no_secret_opens_is_named_and_left_out(nightlatch: Command, tmp_path: Path) -> None:
    bring(nightlatch, tmp_path, lines(*everybody()))
    text = nightlatch.config.read_text()
    nightlatch.config.write_text(text.replace("a secret of the tests, 32 bytes.", "a secret that is another, 32 by."))
    done = nightlatch.run("identities", "export", "--with-credentials")
    assert done.code == 1
    named = [line.split(" opens its ")[1] for line in done.err.splitlines()[1:]]
    assert sorted(named) == [f"{type_}; it is left out." for type_ in ("lookup_secret", "oidc", "totp")]
    assert len(done.out.splitlines()) == 4


def test_W3_an_organization_exports_and_imports_its_own_people_and_no_others(
    nightlatch: Command, tmp_path: Path
) -> None:
    file = tmp_path / "people.jsonl"
    file.write_text('{"schema_id": "default", "traits": {"email": "ada@example.org"}}\n')
    nightlatch("organizations", "create", "acme")
    nightlatch.run("identities", "import", str(file), "--organization", "acme")
    assert nightlatch("identities", "export") == ""
    written = nightlatch("identities", "export", "--organization", "acme")
    assert json.loads(written)["traits"] == {"email": "ada@example.org"}
    file.write_text(written)
    assert ", 1 already there" in nightlatch.run("identities", "import", str(file), "--organization", "acme").err
    assert "1 refused" in nightlatch.run("identities", "import", str(file)).err


def test_W3_an_id_that_another_organization_has_is_refused_and_everybody_else_comes(
    nightlatch: Command, tmp_path: Path
) -> None:
    file = tmp_path / "people.jsonl"
    one = {"id": str(uuid.uuid4()), "traits": {"email": "ada@example.org"}}
    file.write_text(json.dumps(one) + "\n")
    nightlatch("organizations", "create", "acme")
    nightlatch.run("identities", "import", str(file))
    people = [{"traits": {"email": f"p{n}@example.org"}} for n in range(20)]
    file.write_text("".join(json.dumps(each) + "\n" for each in (*people[:10], one, *people[10:])))
    done = nightlatch.run("identities", "import", str(file), "--organization", "acme")
    assert "20 imported, 0 already there, 1 refused" in done.err
    refused = json.loads(Path(f"{file}.refused.jsonl").read_text())
    assert (refused["line"], refused["reason"]) == (11, "Its id is taken.")
