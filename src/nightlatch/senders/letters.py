"""Letters from messages, by templates. What is filled in is never read as a template, and a template reaches nothing
but what is filled in."""

from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from nightlatch.core.courier.model import Letter, Message, Undelivered
from nightlatch.core.courier.rules import opened
from nightlatch.kernel.secrets import Keys

_OURS = Path(__file__).parent / "templates"


class Letters:
    """Writes letters. Templates in `folder` go before ours of the same name. `site` is the installation's own address,
    whatever any request said (row W7 of docs/security.md)."""

    def __init__(self, keys: Keys, site: str, folder: Path | None) -> None:
        self._keys = keys
        self._site = site
        self._folders = [folder, _OURS] if folder else [_OURS]
        self._environment: Any = None

    def __call__(self, message: Message) -> Letter:
        """Undelivered when no secret opens the message or a template is broken."""
        data = opened(self._keys, message)
        if data is None:
            raise Undelivered("no configured secret opens the message", final=True)
        try:
            return self._written(message, data | {"site": self._site})
        except _jinja().TemplateError as error:
            raise Undelivered(f"the template {message.template} fails: {type(error).__name__}") from None

    def _written(self, message: Message, data: dict[str, str]) -> Letter:
        if self._environment is None:
            self._environment = _environment(self._folders)
        plain = [f"{message.template}.{message.channel}.txt", f"{message.template}.txt"]
        text = self._environment.select_template(plain).render(data).strip()
        subject, _, body = text.partition("\n")
        if message.channel != "email":
            return Letter("", body.strip(), "")
        page = self._environment.select_template([f"{message.template}.html", "message.html"])
        paragraphs = body.strip().split("\n\n")
        return Letter(subject.strip(), body.strip(), page.render(data, subject=subject, paragraphs=paragraphs))


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
