"""The one spelling under which an identifier or address is kept and looked up.

Trimmed, width-folded and composed (NFKC), without invisible characters, lower-case; a valid international phone
number as E.164. Two spellings that a person cannot tell apart must not make two accounts.
"""

import re
import unicodedata
from functools import cache, lru_cache
from types import ModuleType

_NORMALISED = frozenset({"password", "webauthn", "code"})
# Those default-ignorable code points of Unicode that are letters, marks or reserved; the others are control or format.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
LONGEST = 1024
_LONGEST_PHONE, _LONGEST_EMAIL = 64, 320
# A mail server is told the part of an address that it understands: with what is special in a header (RFC 5322) outside
# quotes, one mailbox would have many addresses, each with a limit of its own.
_EMAIL = re.compile(r"""("[^\s@"\\]+"|[^\s@,;:<>()\[\]"\\]+)@[^\s@,;:<>()"\\]+""")
_CONTROL = frozenset({"Cc", "Cf", "Co", "Cs"})


def normal_identifier(kind: str, value: str) -> str:
    """`value` as the credential type `kind` keeps it; types other than password, webauthn and code keep it as it is."""
    return normal_form(value) if kind in _NORMALISED else value


def normal_form(text: str) -> str:
    """What any identifier or address is compared by. Normalising twice changes nothing. A text of more than LONGEST
    characters is given back as it is: composing one takes quadratic time, and nothing of that length is ever kept."""
    return text if len(text) > LONGEST else phone_number(text) or _folded(text)


def recipient(text: str) -> tuple[str, str] | None:
    """`email` or `sms`, and the normal form, of an address that somebody typed; None when it is neither."""
    form = normal_form(text)
    if phone_number(form):
        return "sms", form
    return ("email", form) if len(form) <= _LONGEST_EMAIL and _EMAIL.fullmatch(form) else None


def phone_number(text: str) -> str | None:
    """E.164, or None when `text` is not a valid number with its country code and no extension."""
    if len(text) > LONGEST:
        return None
    folded = _folded(text)
    return _phone_number(folded) if folded.startswith("+") and len(folded) <= _LONGEST_PHONE else None


@lru_cache(256)
def _phone_number(folded: str) -> str | None:
    phones = _phones()
    try:
        number = phones.parse(folded)
    except phones.NumberParseException:
        return None
    if number.extension or not phones.is_valid_number(number):
        return None
    return str(phones.format_number(number, phones.PhoneNumberFormat.E164))


def _folded(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text.strip().lower()
    # Composed again after lower(), which can take letters apart.
    kept = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    kept = "".join(letter for letter in kept if unicodedata.category(letter) not in _CONTROL)
    return unicodedata.normalize("NFKC", kept.lower()).strip()


@cache
def _phones() -> ModuleType:
    # Here and not above: it costs 80 ms and 7 MB at start, and many installations never see a phone number.
    import phonenumbers

    return phonenumbers
