"""From what is to be shown to an answer: the templates, and the headers that every page has."""

from functools import cache
from pathlib import Path
from typing import Any

from nightlatch.doors.http.routing import Answer
from nightlatch.doors.pages.assets import assets_of
from nightlatch.doors.pages.nodes import failing, label_of, next_field, purpose, said, text, whose
from nightlatch.doors.pages.parts import Site

_OURS = Path(__file__).parent / "templates"
# A form's answer may lead to an app, and from there anywhere: Chromium holds each step to form-action too.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self' {anywhere}; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def page(site: Site, template: str, status: int = 200, **shown: Any) -> Answer:
    """The page that `template` makes of what is `shown`."""
    html = (
        _environment()
        .get_template(template)
        .render(
            shown, url=site.public_url, brand=site.brand, assets=assets_of(site.brand), acts=site.acts, least=site.least
        )
    )
    anywhere = "https:" if site.public_url.startswith("https:") else "https: http:"
    headers = (
        ("content-security-policy", _POLICY.format(anywhere=anywhere)),
        # With no-referrer, what our own forms send would come from no origin.
        ("referrer-policy", "same-origin"),
    )
    return Answer(status, html.encode(), headers, "text/html; charset=utf-8")


def to(url: str) -> Answer:
    return Answer(303, headers=(("location", url),))


@cache
def _environment() -> Any:
    # Here and not above, as for letters: a server that only checks sessions shows no page.
    import jinja2

    loader = jinja2.FileSystemLoader(_OURS)
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    of_nodes = (failing, label_of, next_field, purpose, said, text, whose)
    environment.globals |= {each.__name__: each for each in of_nodes}
    return environment
