"""The page behind a link of a letter: one button. Opening a link does nothing, for programs that look through mail open
them too; the button does."""

from collections.abc import Mapping
from html import escape

from nightlatch.doors.http.routing import Answer

# Without form-action: the button leads on to pages of any origin, and some browsers hold that against the form.
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
_STYLE = "../ui/style.css"  # that of our other pages


def page(title: str, sentence: str, button: str, action: str, hidden: Mapping[str, str]) -> Answer:
    """A form that sends `hidden` to `action`; without a button, only the sentence."""
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in hidden.items()
    )
    pressed = f'<div class="buttons"><button>{escape(button)}</button></div>'
    form = f'<form method="post" action="{escape(action)}">{fields}{pressed}</form>'
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="{_STYLE}"></head>'
        f'<body><main class="narrow"><h1>{escape(title)}</h1><p>{escape(sentence)}</p>{form if button else ""}'
        "</main></body></html>"
    )
    return Answer(200, text.encode(), (("content-security-policy", _POLICY),), "text/html; charset=utf-8")
