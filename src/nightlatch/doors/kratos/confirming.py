"""The page behind a link of a letter: one button. Opening a link does nothing, for programs that look through mail open
them too; the button does."""

from collections.abc import Mapping
from html import escape

from nightlatch.doors.http.routing import Answer

# Without form-action: the button leads on to pages of any origin, and some browsers hold that against the form.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
_STYLE = """:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:32em;margin:4em auto;
padding:0 1em}button{font:inherit;padding:.5em 1.5em}"""


def page(title: str, sentence: str, button: str, action: str, hidden: Mapping[str, str]) -> Answer:
    """A form that sends `hidden` to `action`; without a button, only the sentence."""
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in hidden.items()
    )
    form = f'<form method="post" action="{escape(action)}">{fields}<button>{escape(button)}</button></form>'
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1><p>{escape(sentence)}</p>{form if button else ''}</main></body></html>"
    )
    return Answer(200, text.encode(), (("content-security-policy", _POLICY),), "text/html; charset=utf-8")
