"""The page behind a link of a letter: one button. Opening a link does nothing, for programs that look through mail open
them too; the button does. And the page after it."""

from collections.abc import Mapping
from html import escape

from nightlatch.doors.http.routing import Answer

# Without form-action: the button leads on to pages of any origin, and some browsers hold that against the form.
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
# Those of our other pages.
_STYLE, _LOGO = "../ui/style.css", "../ui/logo"


def page(title: str, sentence: str, button: str, action: str, hidden: Mapping[str, str]) -> Answer:
    """A form that sends `hidden` to `action`."""
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in hidden.items()
    )
    pressed = f'<div class="buttons"><button>{escape(button)}</button></div>'
    return _page(title, sentence, f'<form method="post" action="{escape(action)}">{fields}{pressed}</form>')


def done(title: str, sentence: str, onward: str, url: str) -> Answer:
    """What was done, and the way onward."""
    return _page(title, sentence, f'<p><a class="button" href="{escape(url)}">{escape(onward)}</a></p>')


def _page(title: str, sentence: str, then: str) -> Answer:
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="{_STYLE}"><link rel="icon" href="{_LOGO}"></head>'
        f'<body><header class="brand"><img src="{_LOGO}" alt="" width="40" height="40"></header>'
        f'<main class="narrow"><h1>{escape(title)}</h1><p>{escape(sentence)}</p>{then}</main></body></html>'
    )
    return Answer(200, text.encode(), (("content-security-policy", _POLICY),), "text/html; charset=utf-8")
