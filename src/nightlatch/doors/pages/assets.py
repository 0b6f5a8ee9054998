"""The stylesheet and the picture. Their URLs hold a hash of what is there, so browsers keep them."""

import mimetypes
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.pages.parts import Brand, Parts

STYLE, LOGO = "/ui/style.css", "/ui/logo"
_OURS = Path(__file__).parent / "templates"
_KEPT = (("cache-control", "public, max-age=31536000, immutable"),)
# A picture that somebody opens by itself is a document: a script inside must not run.
_POLICY = ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")


class Assets(NamedTuple):
    """`style_url` and `logo_url` come after the public URL."""

    style: bytes
    logo: bytes
    logo_type: str
    style_url: str
    logo_url: str


@cache
def assets_of(brand: Brand) -> Assets:
    """Read once: a changed file is there after a restart."""
    file = brand.logo or _OURS / "logo.svg"
    style = (_OURS / "style.css").read_bytes() + (brand.stylesheet.read_bytes() if brand.stylesheet else b"")
    logo = file.read_bytes()
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return Assets(style, logo, kind, _url(STYLE, style), _url(LOGO, logo))


async def get_style(call: Call[Parts]) -> Answer:
    kept = _KEPT if call.query("v") else ()  # without the hash it may be another tomorrow
    return Answer(200, assets_of(call.door.site.brand).style, kept, "text/css; charset=utf-8")


async def get_logo(call: Call[Parts]) -> Answer:
    own = assets_of(call.door.site.brand)
    return Answer(200, own.logo, (*_KEPT, _POLICY), own.logo_type)


def _url(path: str, content: bytes) -> str:
    return f"{path[1:]}?v={sha256(content).hexdigest()[:16]}"
