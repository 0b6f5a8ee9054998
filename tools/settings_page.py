"""Writes docs/settings.md from the declarations.

python tools/settings_page.py
"""

import json
from itertools import groupby
from pathlib import Path

from nightlatch.config.declare import Follows, Setting
from nightlatch.config.settings import SETTINGS

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"
_HEAD = """\
# Settings

You configure nightlatch with one YAML file in the shape of Ory Kratos' own, with environment variables, or both.
`nightlatch config check` reads them as the server does and reports every error at once.

- **In the environment** a key is written in capitals with `_` for `.`: `serve.public.port` is `SERVE_PUBLIC_PORT`,
  `nightlatch.admin_key` is `NIGHTLATCH_ADMIN_KEY`. The environment wins over the file. A list is written with commas
  (`a,b`), as JSON, or entry by entry (`SECRETS_DEFAULT_0`, `IDENTITY_SCHEMAS_0_URL`); it replaces the file's list.
  An empty variable counts as not set. A `NIGHTLATCH_` variable that is no setting is an error.
- **Keys.** A key that nobody knows is an error that names the nearest known one, and so is a key that is set twice.
  A key that Kratos knows and that has no effect here is named in one warning at start. `$schema`, `version` and every
  key that begins with `x-` are left alone.
- **Durations** are written as in Go: `90s`, `15m`, `24h`, `1h30m`; the units are `ns us ms s m h`.
- **Secrets** hold 16 bytes or more, and print as stars wherever they appear. The well-known ones of examples and
  quickstarts are accepted with `--dev` only.
- **Password hashes** are argon2id, whatever `hashers` says; nightlatch says so once at start.
- **Outside `--dev`** nothing starts without `dsn`, `serve.public.base_url`, `secrets.default` and an access key: one
  that `nightlatch keys create` made, `nightlatch.admin_key`, or a network in `nightlatch.trusted_networks`.
- **SQLite paths** are read as Kratos reads them: `sqlite:///var/lib/db.sqlite` is absolute, `sqlite://var/db.sqlite` is
  relative to the working directory. What follows a `?` is ignored.
"""


def page() -> str:
    """The page as it has to be."""
    parts = [_HEAD]
    for subject, settings in groupby(SETTINGS.values(), key=_subject):
        parts.append(f"## {subject}\n\n| key | value | default | what it is for |\n|---|---|---|---|")
        parts += [f"| `{each.key}` | {each.kind.name} | {_default(each)} | {each.help} |" for each in settings]
        parts.append("")
    return "\n".join(parts)


def _subject(setting: Setting) -> str:
    return setting.key.split(".", maxsplit=1)[0]


def _default(setting: Setting) -> str:
    default = setting.default
    if isinstance(default, Follows):
        return f"required; with `--dev` {default.text}" if default.required else default.text
    if default is None or default == []:
        return "none"
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
