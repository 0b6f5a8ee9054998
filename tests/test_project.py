"""What holds the project together outside the source: locks, version, changelog, licence, the continuous check."""

import json
import os
import re
from pathlib import Path

import pytest

import nightlatch

ROOT = Path(__file__).parents[1]
WANTED = sorted((ROOT / "requirements").glob("*.in"))
ADDRESS = re.compile(r"^\s*--(?!hash=)|://", re.MULTILINE)
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def pins(file: Path) -> dict[str, str]:
    return {re.sub(r"[._]", "-", name.lower()): version for name, version in PIN.findall(file.read_text())}


def test_W20_there_is_a_lock_for_everything_that_is_wanted() -> None:
    assert [file.with_suffix(".txt").name for file in WANTED] == sorted(
        file.name for file in (ROOT / "requirements").glob("*.txt")
    )


@pytest.mark.parametrize("wanted", WANTED, ids=lambda file: file.name)
def test_W20_every_wanted_package_is_pinned_and_its_lock_agrees(wanted: Path) -> None:
    lines = [line for line in wanted.read_text().splitlines() if line and not line.startswith(("#", "-r "))]
    assert len(lines) == len(pins(wanted)), "a version is missing: name==version"
    assert pins(wanted).items() <= pins(wanted.with_suffix(".txt")).items(), "run make lock"


@pytest.mark.parametrize("wanted", WANTED, ids=lambda file: file.name)
def test_W20_every_locked_package_has_a_hash_and_no_lock_names_a_source(wanted: Path) -> None:
    text = wanted.with_suffix(".txt").read_text()
    assert not ADDRESS.search(text)
    packages = re.split(r"\n(?=\S)", text.strip())
    assert all("--hash=sha256:" in package for package in packages)


def test_W20_the_npm_lock_has_a_hash_for_every_package_and_names_no_source() -> None:
    folder = ROOT / "requirements" / "npm"
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    root, *packages = json.loads((folder / "package-lock.json").read_text())["packages"].items()
    assert root == ("", {"dependencies": wanted})
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert {name.removeprefix("node_modules/") for name, _ in packages} >= wanted.keys()
    for name, package in packages:
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


def test_the_changelog_begins_with_the_version_of_the_package() -> None:
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == nightlatch.__version__


def test_the_licence_is_the_one_that_the_package_names() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text()
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text


def test_the_continuous_check_can_be_run() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
