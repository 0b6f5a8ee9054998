"""Every setting, from the file and from the environment: its kind, its default, its help."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.config.written import as_variable, errors_of, nested, plain, value_of, write
from tools import settings_page

from nightlatch.config import load
from nightlatch.config.declare import Follows, Setting
from nightlatch.config.settings import SETTINGS


def unlike_the_default(setting: Setting) -> Any:
    """An example of the setting's kind that would be noticed."""
    default = plain(value_of(load(None, {}, dev=True), setting.key))
    return next(raw for raw in setting.kind.examples if plain(setting.kind.read(raw)) != default)


class TestEverySetting:
    @pytest.fixture(params=SETTINGS.values(), ids=list(SETTINGS))
    def setting(self, request: pytest.FixtureRequest) -> Setting:
        return request.param

    @pytest.fixture
    def around(self, setting: Setting) -> dict[str, str]:
        """What else must be set for an example to be allowed."""
        schemas = {"IDENTITY_SCHEMAS_0_ID": "employee", "IDENTITY_SCHEMAS_0_URL": "base64://e30="}
        more = {"authentication": {"NIGHTLATCH_TRUSTED_NETWORKS": "10.0.0.0/8"}, "default_schema_id": schemas}
        more["trust"] = {"NIGHTLATCH_NODES_WAIT": "200h"}
        more["renew"] = {"NIGHTLATCH_NODES_GRACE": "200h", "NIGHTLATCH_NODES_TRUST": "200h", **more["trust"]}
        more["renew"]["NIGHTLATCH_NODES_WAIT"] = "250h"
        return (more | {"use": {"SELFSERVICE_METHODS_LINK_ENABLED": "true"}}).get(setting.key.split(".")[-1], {})

    def test_is_read_from_the_file(self, setting: Setting, around: dict[str, str], tmp_path: Path):
        raw = "employee" if "IDENTITY_SCHEMAS_0_ID" in around else unlike_the_default(setting)
        config = load(write(tmp_path, nested(setting.key, raw)), around, dev=True)
        assert plain(value_of(config, setting.key)) == plain(setting.kind.read(raw))

    def test_is_read_from_the_environment_which_wins(self, setting: Setting, around: dict[str, str], tmp_path: Path):
        raw = "employee" if "IDENTITY_SCHEMAS_0_ID" in around else unlike_the_default(setting)
        other = next((each for each in setting.kind.examples if each != raw), raw)
        path = write(tmp_path, nested(setting.key, other))
        config = load(path, around | {setting.variable: as_variable(raw)}, dev=True)
        assert plain(value_of(config, setting.key)) == plain(setting.kind.read(raw))

    @pytest.mark.parametrize("raw", [None, {"a": {}}, [[]], 1.5, "", "\x00", b"\xff", -1])
    def test_refuses_what_is_not_of_its_kind_and_names_the_cure(self, setting: Setting, raw: Any, tmp_path: Path):
        path = tmp_path / "nightlatch.yaml"
        path.write_text(yaml.safe_dump(nested(setting.key, raw), allow_unicode=False))
        error = errors_of(path, {}, dev=True)[setting.key]
        assert error.problem
        assert error.cure.endswith((".", "?"))

    @pytest.mark.parametrize("text", ["\n", " ", "a\x00", "\udcff"])
    def test_refuses_the_same_in_the_environment_and_names_the_variable(self, setting: Setting, text: str):
        assert setting.variable in errors_of(None, {setting.variable: text}, dev=True)

    def test_has_a_default_of_its_kind(self, setting: Setting):
        if setting.default is not None and not isinstance(setting.default, Follows):
            setting.kind.read(setting.default)

    def test_is_documented(self, setting: Setting):
        rows = settings_page.PAGE.read_text().splitlines()
        assert any(row.startswith(f"| `{setting.key}` |") for row in rows), "run tools/settings_page.py"
        assert setting.help.endswith(".")


def test_the_page_of_settings_is_the_one_that_the_declarations_make():
    assert settings_page.PAGE.read_text() == settings_page.page(), "run tools/settings_page.py"
