"""Databases and URLs."""

import re
from pathlib import Path

import pytest
from tests.config.written import errors_of

from nightlatch.config import load


class TestDatabase:
    @pytest.mark.parametrize(
        ("given", "read"),
        [
            ("memory", "memory"),
            ("sqlite://:memory:?_fk=true", "memory"),
            ("sqlite://file::memory:?_fk=true&cache=shared", "memory"),
            ("sqlite://a.db?mode=memory", "memory"),
            ("sqlite:///var/lib/sqlite/db.sqlite?_fk=true&mode=rwc", "sqlite:////var/lib/sqlite/db.sqlite"),
            ("sqlite:////var/lib/db.sqlite", "sqlite:////var/lib/db.sqlite"),
            ("sqlite:///var/a%23b c.sqlite", "sqlite:////var/a%23b%20c.sqlite"),
            ("sqlite://db.sqlite", f"sqlite:///{Path.cwd()}/db.sqlite"),
            ("sqlite://file:db.sqlite", f"sqlite:///{Path.cwd()}/db.sqlite"),
            ("postgres://u:p@h:5432/d?sslmode=disable", "postgres://u:p@h:5432/d?sslmode=disable"),
            ("postgresql:///d?host=/run", "postgresql:///d?host=/run"),
        ],
    )
    def test_is_read_in_its_own_and_in_Kratos_forms(self, given: str, read: str):
        assert load(None, {"DSN": given}, dev=True).dsn.reveal() == read

    @pytest.mark.parametrize(
        "given", ["mysql://a", "cockroach://a", "sqlite", "sqlite://?mode=rwc", "postgres://", "Memory", "/a"]
    )
    def test_others_are_refused_with_those_that_work(self, given: str):
        error = errors_of(None, {"DSN": given}, dev=True)["DSN"]
        assert re.search("memory, sqlite:///.* postgres://", error.cure)


class TestUrls:
    @pytest.mark.parametrize(
        "given",
        [
            *("id.example.com", "/auth", "ftp://a/", "http://", "http://a:b/", "http://a:99999/", "https://u:p@a/"),
            *("https://a/?b", "https://a/#b", "https://a b/", "https:\\\\a", "http://[::1", "https://a/\n"),
        ],
    )
    def test_a_base_URL_is_absolute_and_plain(self, given: str):
        assert "SERVE_PUBLIC_BASE_URL" in errors_of(None, {"SERVE_PUBLIC_BASE_URL": given}, dev=True)

    @pytest.mark.parametrize(
        ("given", "read"),
        [
            ("a.json", f"file://{Path.cwd()}/a.json"),
            ("/a.json", "file:///a.json"),
            ("file://a/b.json", f"file://{Path.cwd()}/a/b.json"),
            ("file:///a.json", "file:///a.json"),
            ("https://a/b.json", "https://a/b.json"),
            ("base64://e30=", "base64://e30="),
        ],
    )
    def test_a_schema_lies_in_a_file_inline_or_on_the_web(self, given: str, read: str):
        environ = {"IDENTITY_SCHEMAS_0_ID": "default", "IDENTITY_SCHEMAS_0_URL": given}
        assert load(None, environ, dev=True).identity.schemas[0].url == read

    def test_other_places_are_refused(self):
        environ = {"IDENTITY_SCHEMAS_0_ID": "default", "IDENTITY_SCHEMAS_0_URL": "ftp://a/b.json"}
        assert "IDENTITY_SCHEMAS" in errors_of(None, environ, dev=True)
