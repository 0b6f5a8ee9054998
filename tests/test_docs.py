"""The pages are true: what they tell you to type works, what they name is there, what is there is named."""

import ast
import json
import re
import runpy
import shutil
from pathlib import Path

import apsw
import pytest
from tests.postgres import Postgres
from tests.serving import Server
from tests.walk import blocks, walk

from nightlatch.doors.http import metrics

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
PASSWORD = "Tr0ut-lamp*ferry 91"
PROVED = re.compile(r"`(test_\w+)`")


def text_of(page: Path) -> str:
    """The page without its blocks of code."""
    return BLOCK.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


needs_a_shell = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl", "make"))), reason="bash, curl or make is missing"
)


@needs_a_shell
def test_the_walk_of_the_readme_works_as_typed(tmp_path: Path) -> None:
    said = walk(ROOT / "README.md", tmp_path)
    objects = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    people = [each["traits"]["email"] for each in objects if "traits" in each]
    assert people == ["anna@example.com", "bo@example.com", "chloe@example.com"]
    whoami = next(each for each in objects if each.get("active"))
    assert whoami["identity"]["traits"]["email"] == "anna@example.com"
    (listed,) = json.loads(next(line for line in said.splitlines() if line.startswith("[")))
    assert listed["id"] == whoami["id"]
    lines = said.splitlines()
    assert [line for line in lines if line in {"204", "401"}] == ["204", "401"]
    assert objects[-1]["error"]["code"] == 401
    assert "refused   401 Unauthorized" in lines
    assert lines.index("401") < lines.index("refused   401 Unauthorized")
    guessing = lines.index("400")
    assert lines[guessing : guessing + 11] == [*["400"] * 9, "unlocked", "200"]
    signed_in = re.findall(r"^signed in \S+@\S+ +(\S+)$", said, re.MULTILINE)
    moved = (ROOT / "examples" / "people.jsonl").read_text(encoding="utf-8").splitlines()
    assert sorted(signed_in) == sorted({json.loads(line)["metadata_admin"]["format"] for line in moved})
    assert not (tmp_path / "var/dev-key").exists(), "the key outlived the server"


@needs_a_shell
def test_the_longer_walk_works_as_typed_up_to_postgresql(tmp_path: Path, postgres: Postgres) -> None:
    database = postgres.create_database()
    said = walk(DOCS / "start.md", tmp_path, **{"postgres://nightlatch:password@127.0.0.1:5432/nightlatch": database})
    statuses = re.findall(r"(?:^|[}\]])(\d{3})$", said, re.MULTILINE)
    assert statuses == ["400", "200", "403", "401", "401", "200"]
    assert "The configuration is good." in said
    assert "ended: 1" in said
    assert "\nsuccess\n" in said
    assert said.count('"active":true') == 3  # the phone's check, the laptop in the list, the recovered session
    assert said.rstrip().endswith("[]200")
    postgres.drop_database(database)


@needs_a_shell
def test_the_walk_through_a_stolen_account_works_as_typed(tmp_path: Path) -> None:
    lines = walk(DOCS / "taken-over.md", tmp_path).splitlines()
    of_anna, of_thief, ended, log = (json.loads(line) for line in lines if line.startswith("{"))
    assert of_anna["sessions"][0]["device"]["user_agent"] == "Collector/3.1"
    assert len(of_anna["sessions"]) == of_thief["total"] == of_thief["facets"]["methods"]["password"] == 2
    assert ended == {"count": 2, "more": False, "missing": []}
    answered = [line.strip() for line in lines if re.fullmatch(r"(?:\d{3} )+", line)]
    assert answered == ["200 200 401 401"]
    assert lines[lines.index("would end: 1") + 1] == "ended: 1"
    told = log["events"]
    assert [(each["reason"], each["amount"]) for each in told] == [
        ("stolen passwords", 2), ("stolen passwords, again", 1), *[("stolen passwords", 1)] * 2,
    ]  # fmt: skip
    assert told[1]["actor"].startswith("cli:")
    assert sum("session.ended" in line and not line.startswith("{") for line in lines) == len(told)
    assert lines[-1].startswith("not sealed yet: ")


def test_the_statements_for_a_database_that_was_restored_otherwise_end_every_session(tmp_path: Path) -> None:
    page = (DOCS / "operate.md").read_text(encoding="utf-8")
    ending = re.search(r"^```sql\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert ending is not None
    file = tmp_path / "db.sqlite"
    with Server(tmp_path, f"sqlite://{file}") as server:
        server.create({"email": "anna@example.com"}, password={"config": {"password": PASSWORD}})
        token = server.sign_in("anna@example.com", PASSWORD)["session_token"]
        server.stop()
        with apsw.Connection(str(file)) as connection:
            connection.execute(ending[1])
        connection.close()
        server.start()
        assert server.whoami(token).status_code == 401
        assert server.whoami(server.sign_in("anna@example.com", PASSWORD)["session_token"]).status_code == 200


def test_the_walks_begin_servers_and_lead_to_them() -> None:
    assert blocks(ROOT / "README.md")[0] == "make serve"
    assert sum(block.endswith("-c var/start/nightlatch.yaml") for block in blocks(DOCS / "start.md")) >= 2


@pytest.mark.parametrize("name", ["settings", "commands"])
def test_the_page_says_what_the_program_says(name: str) -> None:
    """Write it anew with python tools/settings_page.py, or commands_page.py."""
    tool = runpy.run_path(str(ROOT / "tools" / f"{name}_page.py"))
    assert (DOCS / f"{name}.md").read_text(encoding="utf-8") == tool["page"]()


def test_every_command_is_in_the_readme() -> None:
    tool = runpy.run_path(str(ROOT / "tools" / "commands_page.py"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme[readme.index("## Commands") : readme.index("## Configuration")]
    for _, *words in tool["commands"]():
        line = next(line for line in table.splitlines() if line.startswith(f"| `nightlatch {words[0]}"))
        assert all(re.search(rf"\b{word}\b", line) for word in words)


def test_every_counter_is_explained_to_operators() -> None:
    page = (DOCS / "operate.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(nightlatch_\w+)`", page))
    assert named == {*metrics.COUNTERS, metrics.SECONDS}
    for name, (_, labels) in metrics.COUNTERS.items():
        line = next(line for line in page.splitlines() if line.startswith(f"| `{name}`"))
        assert re.findall(r"`(\w+)`", line.split("|")[2]) == [*labels]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(text_of(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_tells_what_is_and_no_plans(page: Path) -> None:
    text = text_of(page)
    assert not re.search(r"\bTODO\b|\bFIXME\b|coming soon|in a (?:later|future) version|#\d+\b", text)
    assert text.startswith("# ")


def test_every_page_can_be_found_from_the_readme() -> None:
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        names = [target.partition("#")[0] for target in LINK.findall(text_of(page)) if "://" not in target]
        found = [(page.parent / name).resolve() for name in names if name]
        waiting += [each for one in found for each in (sorted(one.glob("*.md")) if one.is_dir() else [one])]
    assert {*PAGES} <= seen


def test_every_promise_of_the_security_page_names_tests_that_are_there() -> None:
    there = {
        node.name
        for file in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    rows = [line for line in (DOCS / "security.md").read_text(encoding="utf-8").splitlines() if "`test_" in line]
    assert len(rows) > 20
    assert {name for row in rows for name in PROVED.findall(row)} - there == set()
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert re.fullmatch(r"[A-Z]\d+", cells[0]), row


def test_every_row_that_a_test_names_is_on_the_security_page() -> None:
    page = (DOCS / "security.md").read_text(encoding="utf-8")
    rows = {
        found[1]
        for file in (ROOT / "tests").rglob("test_*.py")
        for found in re.finditer(r"def test_([SPWO]\d+)_", file.read_text(encoding="utf-8"))
    }
    assert {row for row in rows if f"| {row} |" not in page} == set()


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.name)
def test_a_decision_is_dated_and_says_what_was_chosen_what_was_not_and_what_must_stay(page: Path) -> None:
    assert re.match(r"\d{4}-\d\d-\d\d-[a-z0-9-]+\.md$", page.name)
    headings = re.findall(r"^## (.+)$", text_of(page), re.MULTILINE)
    assert headings == ["Problem", "Choice", "Rejected", "What must stay true"]


def test_every_part_that_we_stand_on_has_its_reason() -> None:
    page = (DOCS / "decisions" / "2026-11-22-dependencies.md").read_text(encoding="utf-8")
    wanted = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements" / "run.in").read_text(), re.MULTILINE)
    assert [name for name in wanted if f"| {name} |" not in page] == []
