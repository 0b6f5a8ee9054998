"""Letters from messages, by templates, in the language of whom they are for where there is one in it. What is filled in
is never read as a template, and a template reaches nothing but what is filled in."""

import re
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from nightlatch.core.courier.model import Letter, Message, Undelivered
from nightlatch.core.courier.rules import opened
from nightlatch.kernel.secrets import Keys

_OURS = Path(__file__).parent / "templates"
# It names a folder, and comes from whoever filled in a form.
_LANGUAGE = re.compile(r"([a-z]{2,3})([-_][a-z0-9]{2,8})*(?![a-z0-9])", re.ASCII)


class Letters:
    """Writes letters. Templates in `folder` go before ours of the same name; of these, those in the folder of the
    language that the trait `language` names. `site` is the installation's own address, whatever any request said (row
    W7 of docs/security.md)."""

    def __init__(self, keys: Keys, site: str, folder: Path | None, language: str = "locale") -> None:
        self._keys = keys
        self._site = site
        self._folders = [folder, _OURS] if folder else [_OURS]
        self._language = language.split(".")
        self._environment: Any = None

    def __call__(self, message: Message, traits: str | None = None) -> Letter:
        """For somebody with those traits, in JSON. Undelivered when no secret opens the message or a template is
        broken."""
        data = opened(self._keys, message)
        if data is None:
            raise Undelivered("no configured secret opens the message", final=True)
        try:
            return self._written(message, data | {"site": self._site}, self._languages(traits or data.get("traits")))
        except _jinja().TemplateError as error:
            raise Undelivered(f"the template {message.template} fails: {type(error).__name__}") from None

    def _languages(self, traits: str | None) -> list[str]:
        """Folders to look into: of `pt_BR`, `pt-br` and then `pt`."""
        said: Any = msgspec.json.decode(traits) if traits else None
        for name in self._language:
            said = said.get(name) if isinstance(said, dict) else None
        found = _LANGUAGE.match(said.lower()) if isinstance(said, str) else None
        return list(dict.fromkeys([found[0].replace("_", "-"), found[1]])) if found else []

    def _written(self, message: Message, data: dict[str, str], languages: list[str]) -> Letter:
        if self._environment is None:
            self._environment = _environment(self._folders)
        template = self._found(languages, f"{message.template}.{message.channel}.txt", f"{message.template}.txt")
        text = template.render(data).strip()
        subject, _, body = text.partition("\n")
        if message.channel != "email":
            return Letter("", body.strip(), "")
        language = template.name.rpartition("/")[0]
        # A page says in its head which language the text is in.
        page = self._found([language] if language else [], f"{message.template}.html", "message.html")
        shown = {"subject": subject, "paragraphs": body.strip().split("\n\n"), "language": language or "en"}
        return Letter(subject.strip(), body.strip(), page.render(data, **shown))

    def _found(self, languages: list[str], *names: str) -> Any:
        folders = [*(f"{language}/" for language in languages), ""]
        return self._environment.select_template([folder + name for folder in folders for name in names])


def _environment(folders: list[Path]) -> Any:
    jinja = _jinja()
    return jinja.sandbox.ImmutableSandboxedEnvironment(
        loader=jinja.FileSystemLoader(folders),
        autoescape=jinja.select_autoescape(["html"]),
        undefined=jinja.StrictUndefined,
    )


@cache
def _jinja() -> ModuleType:
    # Here and not above: it costs a tenth of a second at start, and a letter is not the first thing that is asked for.
    import jinja2.sandbox

    return jinja2
