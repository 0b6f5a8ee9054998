"""The Link header of a page."""

from urllib.parse import parse_qs, urlsplit

from tests.sdk.client import Answer


def next_page(answer: Answer) -> dict[str, str]:
    """The query of the page that follows; empty on the last one."""
    parts = [part.partition(">; rel=") for part in answer.headers["link"].lstrip("<").split(",<")]
    following = [url for url, _, name in parts if name == '"next"']
    query = urlsplit(following[0]).query if following else ""
    return {name: values[0] for name, values in parse_qs(query).items()}
