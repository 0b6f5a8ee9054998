"""nightlatch identities import"""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.command import ROOT, Command, Done
from tests.processes import on_terminal
from tests.serving import Server
from tests.stores.disk import Disk

HASH = "$argon2id$v=19$m=256,t=2,p=1$MTZfYnl0ZXNfb2Zfc2FsdA$hMazLql+wTN6qEFO4mQ3zcASk29mrptl9GWQre9EhQY"
PASSWORD = "correct horse battery staple"
SUMMARY = re.compile(
    r"([\d,]+) imported, ([\d,]+) already there, ([\d,]+) refused(?: \((.*)\))?; [\d.]+ s, [\d,]+ a second\n"
)


def person(name: str, **members: Any) -> dict[str, Any]:
    credentials = {"password": {"config": {"hashed_password": HASH}}}
    return {"schema_id": "default", "traits": {"email": f"{name}@example.com"}, "credentials": credentials} | members


def lines(*entries: Any) -> str:
    return "".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in entries)


class Importing:
    """The command over the file `people.jsonl`."""

    def __init__(self, command: Command, folder: Path) -> None:
        self.command = command
        self.file = folder / "people.jsonl"
        self.refused_file = folder / "people.jsonl.refused.jsonl"

    def __call__(self, content: str | bytes | None = None, *options: str) -> tuple[int, int, int]:
        """Imported, already there, refused; the exit code must agree."""
        done = self.run(content, *options)
        summary = SUMMARY.fullmatch(done.err)
        assert summary is not None, done
        counts = tuple(int(text.replace(",", "")) for text in summary.groups()[:3])
        assert (done.code, done.out) == (1 if counts[2] else 0, ""), done
        return counts  # type: ignore[return-value]

    def run(self, content: str | bytes | None, *options: str) -> Done:
        if content is not None:
            self.file.write_bytes(content.encode() if isinstance(content, str) else content)
        return self.command.run("identities", "import", str(self.file), *options)

    def refused(self) -> list[tuple[int, str]]:
        """Line and reason of each."""
        return [(each["line"], each["reason"]) for each in self.refused_lines()]

    def refused_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.refused_file.read_text().splitlines()]

    def people(self) -> list[dict[str, Any]]:
        return self.command.rows("identities", "list", "--limit", "100000")


@pytest.fixture
def bring(nightlatch: Command, tmp_path: Path) -> Importing:
    return Importing(nightlatch, tmp_path)


def test_people_come_with_their_hashes_and_sign_in(server: Server, beside: Command, tmp_path: Path) -> None:
    bring = Importing(beside, tmp_path)
    name = f"anna-{uuid.uuid4().hex}"
    plain = {"password": {"config": {"password": PASSWORD}}}
    assert bring(lines(person(name), person(f"{name}-2", credentials=plain))) == (2, 0, 0)
    for email in (f"{name}@example.com", f"{name}-2@example.com"):
        assert server.sign_in(email, PASSWORD)["session_token"]
    assert not bring.refused_file.exists()


def test_everything_that_a_body_may_say_is_kept(bring: Importing) -> None:
    own = str(uuid.uuid4())
    entry = person(
        "anna",
        id=own,
        external_id="e-1",
        state="inactive",
        created_at="2019-05-04T03:02:01Z",
        metadata_public={"a": 1},
        metadata_admin=[1e2],
        verifiable_addresses=[{"value": "anna@example.com", "via": "email", "verified": True}],
    )
    assert bring(lines(entry)) == (1, 0, 0)
    (shown,) = exported(bring.command, "--with-credentials")
    assert {name: shown[name] for name in ("id", "external_id", "state", "metadata_public", "metadata_admin")} == {
        name: entry[name] for name in ("id", "external_id", "state", "metadata_public", "metadata_admin")
    }
    assert shown["created_at"] == "2019-05-04T03:02:01Z"
    assert shown["verifiable_addresses"][0]["verified"] is True
    assert shown["credentials"]["password"]["config"] == {"hashed_password": HASH}


@pytest.mark.parametrize("pretty", [None, 2])
def test_an_array_is_as_good_as_lines(bring: Importing, pretty: int | None) -> None:
    people = [person(f"p{n}") for n in range(2100)]
    assert bring(json.dumps(people, indent=pretty)) == (2100, 0, 0)
    assert bring(lines(*people)) == (0, 2100, 0)
    assert len(bring.people()) == 2100


def test_whoever_is_here_already_is_left_alone(bring: Importing) -> None:
    entries = [
        person("by-name"),
        person("by-both", external_id="e-1"),
        person("by-id", id=str(uuid.uuid4())),
        person("plain", credentials={"password": {"config": {"password": PASSWORD}}}),
        person("phone", traits={"email": "phone@example.com", "phone": "+49 151 12345678"}),
        {
            "traits": {"email": "only-oidc@example.com"},
            "credentials": {"oidc": {"config": {"providers": [{"provider": "x", "subject": "1"}]}}},
        },
    ]
    assert bring(lines(*entries)) == (len(entries), 0, 0)
    before = bring.people()
    assert bring(None) == bring(None) == (0, len(entries), 0)
    assert bring(lines(person("new"), *reversed(entries))) == (1, len(entries), 0)
    assert [each for each in bring.people() if each["addresses"] != ["new@example.com"]] == before


def test_who_has_neither_name_nor_id_comes_once(bring: Importing, tmp_path: Path) -> None:
    schema = tmp_path / "robot.json"
    schema.write_text('{"type":"object","properties":{"traits":{"type":"object"}}}')
    text = bring.command.config.read_text()
    bring.command.config.write_text(
        f"{text}\nidentity: {{default_schema_id: robot, schemas: [{{id: robot, url: {schema}}}]}}\n"
    )
    robots = [{"traits": {"model": n}} for n in range(3)]
    assert bring(lines(*robots)) == (3, 0, 0)
    assert bring(lines(*robots)) == (0, 3, 0)
    assert bring(lines(*robots, {"traits": {"model": 9}}, {"traits": {"model": 9}})) == (1, 3, 1)
    assert bring.refused() == [(5, "It is entry 4 of this file once more.")]


def test_whoever_is_in_the_way_is_named(bring: Importing) -> None:
    one, other = str(uuid.uuid4()), str(uuid.uuid4())
    assert bring(lines(person("anna", id=one, external_id="e-1"), person("bert", id=other))) == (2, 0, 0)
    counts = bring(
        lines(
            person("anna"),
            person("anna", id=other, external_id="e-1"),
            person("carl", id=one),
            person("dora", external_id="e-1"),
            person("emil"),
            person("emil", external_id="e-2"),
            person("emil"),
        )
    )
    assert counts == (1, 0, 6)
    reasons = dict(bring.refused())
    assert re.fullmatch(
        rf"The (verifiable:email|recovery:email|password) anna@example.com is that of the identity {one}.", reasons[1]
    )
    assert one in reasons[2] or other in reasons[2]
    assert reasons[3] == f"The id is that of the identity {one}."
    assert reasons[4] == f"The external_id e-1 is that of the identity {one}."
    assert reasons[6].endswith("emil@example.com is that of entry 5 of this file.")
    assert reasons[7] == "It is entry 5 of this file once more."


def test_a_duplicate_names_its_line_however_far_it_is(bring: Importing) -> None:
    people = [person(f"p{n}") for n in range(2500)]
    people[2400] = person("p17", external_id="other")
    people[2401] = person("p18")
    assert bring(lines(*people)) == (2498, 0, 2)
    (first, why), (second, again) = bring.refused()
    assert (first, second) == (2401, 2402)
    assert why.endswith("p17@example.com is that of entry 18 of this file.")
    assert again == "It is entry 19 of this file once more."


BROKEN = [
    ("{", "not valid JSON"),
    ("[1]", "Expected `object`, got `array`"),
    ('"text"', "Expected `object`"),
    (json.dumps(person("x", nickname="y")), 'unknown field "nickname"'),
    (json.dumps(person("x", state="gone")), "identity state is not valid"),
    (json.dumps(person("x", schema_id="nobody")), "Unable to find JSON Schema ID: nobody"),
    (json.dumps(person("x", traits={})), "email"),
    (json.dumps(person("x", traits={"email": "no"})), "not valid"),
    (json.dumps(person("x", id="17")), "The id 17 is not a UUID."),
    (json.dumps(person("x", id=str(uuid.UUID(int=0)))), "is not a UUID."),
    (json.dumps(person("x", organization_id=str(uuid.uuid4()))), "There is no organization of that id."),
    (json.dumps(person("x", external_id="e" * 1025)), "longer than 1024 bytes"),
    (json.dumps(person("x", credentials={"password": {"config": {"hashed_password": "hunter2"}}})), "known hash format"),
    (json.dumps(person("x", credentials={"password": {"config": {"hashed_password": HASH.replace("m=256", "m=9999999")}}})), "exceed the bounds"),
    (json.dumps(person("x", credentials={"password": {"config": {"password": "x" * 1025}}})), "at most 1024 characters"),
    (json.dumps(person("x", credentials={"password": {"config": {"secret": "x"}}})), "The config of password cannot be read"),
    (json.dumps(person("x", credentials={"magic": {"config": {"a": 1}}})), "Credentials type magic is not supported."),
    ('{"traits":{"email":"x@example.com"},"traits":{"email":"y@example.com"}}', 'the name "traits" twice'),
    ('{"traits":{"email":"x@example.com","name":{"first":"\\u0000"}}}', "NUL"),
    ('{"traits":{"email":"x\0@example.com"}}', "control character"),
    ('{"traits":' + "[" * 40 + "]" * 40 + "}", "nested deeper than 32 levels"),
    ('{"traits":{"email":"x@example.com","name":{"first":"\\ud800"}}}', "surrogate"),
    ('{"created_at":"yesterday","traits":{"email":"x@example.com"}}', "created_at"),
]  # fmt: skip


def test_what_cannot_be_imported_is_refused_by_line_and_with_its_reason_and_the_others_come(bring: Importing) -> None:
    content = b"".join(
        line.encode() + b"\n" for n, (line, _) in enumerate(BROKEN) for line in (line, json.dumps(person(f"good{n}")))
    )
    latin = '{"traits":{"email":"ärger@example.com"}}\n'.encode("latin-1")
    assert bring(content + latin) == (len(BROKEN), 0, len(BROKEN) + 1)
    refused = bring.refused_lines()
    assert [each["line"] for each in refused] == [2 * n + 1 for n in range(len(BROKEN) + 1)]
    for (line, reason), each in zip(BROKEN, refused, strict=False):
        assert reason in each["reason"], (line, each)
    assert "not valid UTF-8" in refused[-1]["reason"]
    assert refused[-1]["entry"] == '{"traits":{"email":"\\xe4rger@example.com"}}'
    assert refused[0]["entry"] == "{"
    assert refused[4]["entry"] == json.loads(BROKEN[4][0])
    assert sorted(p["addresses"][0] for p in bring.people()) == sorted(
        f"good{n}@example.com" for n in range(len(BROKEN))
    )
    assert stat.S_IMODE(bring.refused_file.stat().st_mode) == 0o600


def test_what_was_refused_can_be_put_elsewhere_and_never_over_the_file_itself(bring: Importing, tmp_path: Path) -> None:
    elsewhere = tmp_path / "others"
    elsewhere.write_text("of an earlier run")
    elsewhere.chmod(0o644)
    assert bring("{\n", "--refused", str(elsewhere)) == (0, 0, 1)
    assert json.loads(elsewhere.read_text())["line"] == 1
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o600
    assert bring.run(None, "--refused", str(bring.file)).code == 2
    assert bring.file.read_text() == "{\n"
    done = bring.run(None, "--refused", "/dev/full")
    assert done.code == 1
    assert "No space left on device" in done.err


@pytest.mark.parametrize("content", ["", "\n\n", "[]", "\ufeff"])
def test_a_file_without_an_entry_says_so(bring: Importing, content: str) -> None:
    done = bring.run(content)
    assert done.code == 1
    assert done.err.endswith("nightlatch: " + str(bring.file) + " holds no entries.\n")


def test_a_file_that_is_none_or_cannot_be_read_is_named(bring: Importing, tmp_path: Path) -> None:
    assert bring.run(None).code == 2
    assert bring.command.run("identities", "import", str(tmp_path)).code == 2
    done = bring.run(lines(person("anna")).encode("utf-16"))
    assert done.code == 1
    assert "UTF-16" in done.err
    assert bring.people() == []


def test_a_database_that_is_not_there_is_exit_code_4(tmp_path: Path, bring: Importing) -> None:
    bring.command.config.write_text(
        re.sub(r"dsn: .*", f"dsn: sqlite://{tmp_path}/none.sqlite", bring.command.config.read_text())
    )
    assert bring.run(lines(person("anna"))).code == 4


def program(bring: Importing, content: bytes) -> list[str]:
    bring.file.write_bytes(content)
    return [
        sys.executable,
        "-m",
        "nightlatch",
        "identities",
        "import",
        str(bring.file),
        "--config",
        str(bring.command.config),
    ]


ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"}


def test_standard_input_is_a_file_too(bring: Importing, tmp_path: Path) -> None:
    command = program(bring, b"")
    command[5] = "-"
    done = subprocess.run(
        command, input=lines(person("anna"), "{").encode(), capture_output=True, cwd=tmp_path, env=ENVIRONMENT
    )
    assert (done.returncode, done.stdout) == (1, b""), done
    assert done.stderr.startswith(b"1 imported, 0 already there, 1 refused (refused.jsonl); ")
    assert json.loads((tmp_path / "refused.jsonl").read_text())["line"] == 2


def test_an_import_that_is_killed_goes_on_where_it_was(bring: Importing) -> None:
    people = [person(f"p{n}", external_id=f"e-{n}") for n in range(12_000)]
    command = program(bring, lines(*people).encode())
    kills = 0
    for after in (1, 3000, 7000):
        process = subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            if len(bring.command.rows("identities", "list", "--limit", str(after))) == after:
                process.send_signal(signal.SIGKILL)
                kills += process.wait() == -signal.SIGKILL
                break
    assert kills
    new, here, refused = bring()
    assert (new + here, refused) == (12_000, 0)
    assert here >= 1000
    assert sorted(p["external_id"] for p in bring.people()) == sorted(p["external_id"] for p in people)
    assert bring() == (0, 12_000, 0)


@pytest.fixture
def disk() -> Iterator[Disk]:
    full = Disk()
    yield full
    full.restore()


@pytest.mark.parametrize("dsn", ["sqlite"], indirect=True)
def test_a_full_disk_stops_the_import_and_the_next_one_goes_on(bring: Importing, disk: Disk) -> None:
    people = [person(f"p{n}") for n in range(3000)]
    disk.room = 1000
    done = bring.run(lines(*people))
    assert done.code == 4
    assert "full" in done.err
    disk.room = None
    new, here, refused = bring()
    assert (new + here, refused) == (3000, 0)
    assert here in {1000, 2000}
    assert len(bring.people()) == 3000


def test_a_terminal_shows_how_far_it_is(bring: Importing) -> None:
    command = program(bring, lines(*[person(f"p{n}") for n in range(3000)]).encode())
    environment = ENVIRONMENT | {"TERM": "xterm", "COLUMNS": "100"}
    shown = on_terminal(command, environment, output=subprocess.DEVNULL)
    assert re.search(rb"[\d,]+ entries, [\d,]+ a second", shown)
    assert b"\xe2\x94\x81" in shown
    assert b"3,000 imported" in shown


def peak(command: list[str], seconds: float) -> float:
    """MiB that the program held at most."""
    most, end = 0, time.monotonic() + seconds
    with subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            assert time.monotonic() < end
            # What a child used at most, as wait4 has it, begins with what its parent held when it was made.
            held = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
            most = max(most, int(held[1])) if held else most
            time.sleep(0.02)
    return most / 1024


@pytest.mark.parametrize("dsn", ["sqlite"], indirect=True)
def test_no_file_takes_more_than_200_mib(bring: Importing) -> None:
    deep = b'{"traits":{"email":"deep@example.com","x":[' + b"[]," * 1_700_000 + b"[]]}}\n"
    numbers = b'{"traits":{"email":"n@example.com","x":[' + b"[]," * 340_000 + b"0]}}\n"
    wide = lines(*[person(f"w{n}", metadata_admin={"note": "x" * 100_000}) for n in range(300)]).encode()
    command = program(
        bring, wide + deep + numbers + b'{"a":"' + b"x" * (200 << 20) + b'"}\n' + lines(person("last")).encode()
    )
    assert peak(command, 120) < 200
    assert len(bring.people()) == 301
    reasons = dict(bring.refused())
    assert sorted(reasons) == [301, 302, 303]
    assert reasons[301] == "The entry holds more than 350,000 values."
    assert reasons[303] == "The entry is larger than 5 MiB."


@pytest.mark.long
@pytest.mark.parametrize("dsn", ["sqlite"], indirect=True)
@pytest.mark.parametrize("begin", [b'{"a":"', b'[{"a":"'])
def test_five_gigabytes_in_one_line_are_one_refusal(bring: Importing, begin: bytes) -> None:
    command = program(bring, begin)
    with bring.file.open("r+b") as file:
        file.truncate(5 << 30)
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + lines(person("last")).encode())
    assert peak(command, 300) < 200
    assert bring.refused()[0][1].startswith("The entry is larger than 5 MiB.")
    assert len(bring.people()) == (begin[:1] == b"{")


def exported(command: Command, *options: str) -> list[dict[str, Any]]:
    done = command.run("identities", "export", *options)
    assert done.code == 0, done
    return [json.loads(line) for line in done.out.splitlines()]
