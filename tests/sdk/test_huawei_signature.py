"""The published client signs; what it would send is checked. Thousands of requests of every kind (row W17)."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace
from tests.sdk.client import ClientProcess
from tests.sdk.conftest import Clients
from tests.sdk.releases import HUAWEI

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
        "query": st.lists(
            st.tuples(text, st.one_of(text, st.integers(), st.booleans())), max_size=5, unique_by=lambda p: p[0]
        ),
        "many": st.lists(text, max_size=4),
        "headers": st.dictionaries(name, value, max_size=4).filter(
            lambda headers: len({n.lower() for n in headers}) == len(headers)
        ),
        "body": st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=80)),
    }
)


class Sent(Struct):
    method: str
    path: bytes
    query: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes


@pytest.fixture(scope="module")
def huawei(clients: Clients) -> ClientProcess:
    return clients(HUAWEI)


def signed(huawei: ClientProcess, made: dict[str, Any], secret: str = SECRET) -> Sent:
    """The request as it would come from the client, with the path that it would have made of these parts."""
    path = "/v1/" + "/".join(quote(part, safe="") for part in made["parts"])
    headers = {"Content-Type": "application/json", "X-Sdk-Date": MOMENT, **made["headers"]}
    query = [*made["query"], *([("many\u00e9", made["many"])] if made["many"] else [])]
    wanted = {**made, "path": path, "headers": headers, "query": query}
    answer = huawei.call(sign=wanted, pair=[KEY_ID, secret])
    assert answer.error is None, answer
    sent_path, _, sent_query = answer.body.partition("?")
    # http.client puts each character of a header on the wire as one byte, which is what the client counts on.
    sent = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    return Sent(made["method"], sent_path.encode(), sent_query.encode(), sent, (made["body"] or "").encode())


def check(request: Sent, secret: str = SECRET) -> None:
    claimed = claim(request.headers, AT)
    assert claimed.key_id == KEY_ID
    verify(Received(request.method, request.path, request.query, request.body), claimed, secret)


def header(request: Sent, name: bytes, change: Callable[[bytes], bytes]) -> Sent:
    return replace(request, headers=[(n, change(v) if n == name else v) for n, v in request.headers])


MUTATIONS: dict[str, Callable[[Sent], Sent]] = {
    "method": lambda r: replace(r, method=r.method + "X"),
    "path": lambda r: replace(r, path=r.path + b"/x"),
    "path begun otherwise": lambda r: replace(r, path=b"/v2" + r.path[3:]),
    "query": lambda r: replace(r, query=r.query + b"&zz=1"),
    "body": lambda r: replace(r, body=r.body + b"\0"),
    "host": lambda r: header(r, b"host", lambda v: v + b"0"),
    "type": lambda r: header(r, b"content-type", lambda v: v + b";"),
    "time": lambda r: header(r, b"x-sdk-date", lambda v: v.replace(b"05Z", b"06Z")),
    "a header that was signed": lambda r: replace(r, headers=[h for h in r.headers if h[0] != b"content-type"]),
    "a header twice": lambda r: replace(r, headers=[*r.headers, (b"host", b"another")]),
    "names": lambda r: header(r, b"authorization", lambda v: v.replace(b"content-type;", b"")),
    "signature": lambda r: header(r, b"authorization", lambda v: v[:-1] + (b"0" if v[-1:] != b"0" else b"1")),
}


def checked(huawei: ClientProcess, made: dict[str, Any], secret: str) -> None:
    """The request is accepted as it is, and not after any of the changes."""
    request = signed(huawei, made, secret)
    check(request, secret)
    for change in MUTATIONS.values():
        with pytest.raises(SignatureWrong):
            check(change(request), secret)
    with pytest.raises(SignatureWrong):
        check(request, secret + "x")


secrets = st.from_regex(r"[A-Za-z0-9+/]{1,64}", fullmatch=True)
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(made=requests, secret=secrets)
@settings(unhurried, max_examples=500)
def test_W17_what_the_client_signs_is_accepted_and_after_any_of_12_changes_refused(
    huawei: ClientProcess, made: dict[str, Any], secret: str
) -> None:
    checked(huawei, made, secret)


@pytest.mark.long
@given(made=requests, secret=secrets)
@settings(unhurried, max_examples=10_000)
def test_W17_10000_requests_that_the_client_signed_and_12_changes_of_each(
    huawei: ClientProcess, made: dict[str, Any], secret: str
) -> None:
    checked(huawei, made, secret)


def test_W17_a_body_that_the_client_leaves_unsigned_is_refused(huawei: ClientProcess) -> None:
    """It does so for types other than JSON."""
    made = {"method": "POST", "host": "h", "parts": [], "query": [], "many": [], "body": "{}"}
    check(signed(huawei, made | {"headers": {}}))
    plain = signed(huawei, made | {"headers": {"Content-Type": "text/plain"}})
    assert (b"x-sdk-content-sha256", b"UNSIGNED-PAYLOAD") in plain.headers
    with pytest.raises(SignatureWrong):
        check(plain)
