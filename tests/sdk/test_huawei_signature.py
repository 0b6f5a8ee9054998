"""The published client signs; what it would send is checked. Thousands of requests of every kind (row W17)."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.sdk.client import ClientProcess
from tests.sdk.conftest import Clients, HUAWEI

from nightlatch.core.access.signatures import Received, claim, verify
from nightlatch.kernel.clock import SECOND
from nightlatch.problems import SignatureWrong

AT, MOMENT = 1_704_164_645 * SECOND, "20240102T030405Z"
KEY_ID, SECRET = "AKID", "SECRET"

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
# What an HTTP header can hold; the client strips what is around it before it signs and sends.
value = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20).map(str.strip)
name = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,14}", fullmatch=True).filter(
    lambda n: n.lower() not in {"host", "x-sdk-date", "authorization", "content-type", "x-sdk-content-sha256"}
)
requests = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"]),
        "host": st.sampled_from(["127.0.0.1:4434", "id.example.org", "[::1]:4434"]),
        "parts": st.lists(text, max_size=5),
        "query": st.lists(st.tuples(text, st.one_of(text, st.integers(), st.booleans())), max_size=5, unique_by=lambda p: p[0]),
        "many": st.lists(text, max_size=4),
        "headers": st.dictionaries(name, value, max_size=4).filter(
            lambda headers: len({n.lower() for n in headers}) == len(headers)
        ),
        "body": st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=80)),
    }
)


@pytest.fixture(scope="module")
def huawei(clients: Clients) -> ClientProcess:
    return clients(HUAWEI)


def signed(huawei: ClientProcess, made: dict[str, Any], secret: str = SECRET) -> Received:
    """The request as it would come from the client, with the path that it would have made of these parts."""
    path = "/v1/" + "/".join(_spelled(part) for part in made["parts"])
    headers = {"Content-Type": "application/json", "X-Sdk-Date": MOMENT, **made["headers"]}
    query = [*made["query"], *([("many\u00e9", made["many"])] if made["many"] else [])]
    wanted = {**made, "path": path, "headers": headers, "query": query}
    answer = huawei.call(sign=wanted, pair=[KEY_ID, secret])
    assert answer.error is None, answer
    sent_path, _, sent_query = answer.body.partition("?")
    # http.client puts each character of a header on the wire as one byte, which is what the client counts on.
    sent = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    return Received(made["method"], sent_path.encode(), sent_query.encode(), sent, (made["body"] or "").encode())
