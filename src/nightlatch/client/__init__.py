"""The other side: a Python application asks nightlatch who a request comes from. docs/protect.md shows its use.

`whoami` asks; `asgi`, `wsgi` and `django` put the answer where the application finds it. Nothing of the server is
imported here, so that an application installs httpx and msgspec and no more.
"""

from nightlatch.client.whoami import AsyncWhoami, Unreachable, Who, Whoami, who

__all__ = ["AsyncWhoami", "Unreachable", "Who", "Whoami", "who"]
