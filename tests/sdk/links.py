"""Following the Link header from page to page."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.sdk.client import Answer, Kratos


def next_page(answer: Answer) -> dict[str, str]:
    """The query of the page that follows; empty on the last one."""
    parts = [part.partition(">; rel=") for part in answer.headers["link"].lstrip("<").split(",<")]
    following = [url for url, _, name in parts if name == '"next"']
    query = urlsplit(following[0]).query if following else ""
    return {name: values[0] for name, values in parse_qs(query).items()}


def walk(kratos: Kratos, operation: str, size: int) -> list[dict[str, Any]]:
    """Everything that a list holds, by page tokens, `size` at a time."""
    answer = kratos(operation, page_size=size)
    found = list(answer.ok(200))
    while following := next_page(answer):
        assert len(answer.body) == size
        answer = kratos(operation, page_size=size, page_token=following["page_token"])
        found += answer.ok(200)
    return found
