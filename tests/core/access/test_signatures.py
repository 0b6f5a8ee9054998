"""Signed requests, against those recorded from the published client, and what becomes of one that is changed.

tests/sdk/test_huawei_signature.py has the client itself sign thousands more.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlatch.core.access.signatures import WINDOW, Claim, Received, claim, verify
from nightlatch.kernel.clock import SECOND
from nightlatch.problems import KeyRequired, SignatureStale, SignatureWrong, Unauthenticated

LINES = (Path(__file__).parent / "signed_requests.jsonl").read_text().splitlines()
AT = 1_704_164_645 * SECOND  # 20240102T030405Z
KEY_ID, SECRET = "AKID", "SECRET"
Headers = list[tuple[bytes, bytes]]


class Sent(msgspec.Struct):
    method: str
    path: bytes
    query: bytes
    headers: Headers
    body: bytes


def received(line: str) -> Sent:
    told = json.loads(line)
    path, _, query = told["target"].partition("?")
    headers = [(name.lower().encode(), value.encode()) for name, value in told["headers"].items()]
    return Sent(told["method"], path.encode(), query.encode(), headers, (told["body"] or "").encode())


def check(sent: Sent, secret: str = SECRET, now: int = AT) -> Claim:
    claimed = claim(sent.headers, now)
    verify(Received(sent.method, sent.path, sent.query, sent.body), claimed, secret)
    return claimed


DELETE, LIST, TEMPORARY, QUERY = REQUESTS = [received(line) for line in LINES]


@pytest.mark.parametrize("request_", REQUESTS, ids=["delete", "list", "temporary", "query"])
def test_W17_the_requests_that_the_published_client_signed_are_accepted(request_: Sent) -> None:
    claimed = check(request_)
    assert (claimed.key_id, claimed.security_token) == (KEY_ID, "STS" if request_ is TEMPORARY else None)


def changed(request: Sent, **fields: Any) -> Sent:
    return msgspec.structs.replace(request, **fields)


def header(request: Sent, name: bytes, change: Callable[[bytes], bytes]) -> Sent:
    return changed(request, headers=[(n, change(v) if n == name else v) for n, v in request.headers])


def without(request: Sent, name: bytes) -> Sent:
    return changed(request, headers=[(n, v) for n, v in request.headers if n != name])


def again(request: Sent, name: bytes, value: bytes, *, first: bool = False) -> Sent:
    one = [(name, value)]
    return changed(request, headers=[*one, *request.headers] if first else [*request.headers, *one])


def authorization(old: bytes, new: bytes) -> Callable[[Sent], Sent]:
    return lambda request: header(request, b"authorization", lambda value: value.replace(old, new))


SIGNATURE = b"cf98562a7a4c3fea7d41fb69a0b544aaabaeb00ad5d9a2bc66b2acfeddff246c"
MUTATIONS: dict[str, Callable[[Sent], Sent]] = {
    "method": lambda r: changed(r, method="PUT"),
    "method in another case": lambda r: changed(r, method="post"),
    "another store": lambda r: changed(r, path=r.path.replace(b"d-1", b"d-2")),
    "another user": lambda r: changed(r, path=r.path.replace(b"u-1", b"u-2")),
    "a letter of the path in another case": lambda r: changed(r, path=r.path.replace(b"u-1", b"U-1")),
    "a path encoded twice": lambda r: changed(r, path=r.path.replace(b"u-1", b"u%252D1")),
    "a slash doubled": lambda r: changed(r, path=r.path.replace(b"/u-1", b"//u-1")),
    "a parameter added": lambda r: changed(r, query=b"force=1"),
    "the body": lambda r: changed(r, body=r.body.replace(b"ea70", b"ea71")),
    "a space in the body": lambda r: changed(r, body=r.body + b" "),
    "the body dropped": lambda r: changed(r, body=b""),
    "the host": lambda r: header(r, b"host", lambda _: b"127.0.0.1:8001"),
    "the port dropped": lambda r: header(r, b"host", lambda _: b"127.0.0.1"),
    "the agent": lambda r: header(r, b"user-agent", lambda v: v + b"x"),
    "the type": lambda r: header(r, b"content-type", lambda _: b"text/plain"),
    "the time": lambda r: header(r, b"x-sdk-date", lambda _: b"20240102T030406Z"),
    "a header that was signed dropped": lambda r: without(r, b"user-agent"),
    "a header that was signed twice": lambda r: again(r, b"user-agent", b"other"),
    "a header that was signed twice, alike": lambda r: again(r, b"host", b"127.0.0.1:8000", first=True),
    "a security token added": lambda r: again(r, b"x-security-token", b"STS"),
    "a hash of the body that only says so": lambda r: changed(
        again(r, b"x-sdk-content-sha256", b"UNSIGNED-PAYLOAD"), body=b"{}"
    ),
    "the signature": authorization(SIGNATURE, SIGNATURE[:-1] + b"d"),
    "the signature in another case": authorization(SIGNATURE, SIGNATURE.upper()),
    "the signature cut": authorization(SIGNATURE, SIGNATURE[:-2]),
    "the signature longer": authorization(SIGNATURE, SIGNATURE + b"00"),
    "no signature": authorization(SIGNATURE, b""),
    "the names in another order": authorization(b"content-type;host", b"host;content-type"),
    "a name less": authorization(b"content-type;host", b"host"),
    "a name more": authorization(b"content-type;host", b"accept;content-type;host"),
    "a name twice": authorization(b"content-type;host", b"content-type;host;host"),
    "a name in capitals": authorization(b"content-type;host", b"Content-Type;host"),
    "the host unsigned": authorization(b"content-type;host", b"content-type"),
    "the time unsigned": authorization(b";x-sdk-date", b""),
    "two authorizations": lambda r: again(r, b"authorization", dict(r.headers)[b"authorization"]),
}  # fmt: skip


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS)
def test_W17_a_request_that_is_changed_in_any_way_is_not_the_one_that_was_signed(
    mutation: Callable[[Sent], Sent],
) -> None:
    mutated = mutation(DELETE)
    assert mutated != DELETE
    with pytest.raises(SignatureWrong):
        check(mutated)


@pytest.mark.parametrize("secret", ["", "SECRE", "SECRET ", "secret"])
def test_W17_another_secret_signed_nothing(secret: str) -> None:
    with pytest.raises(SignatureWrong):
        check(DELETE, secret)


@pytest.mark.parametrize(
    "query",
    [b"limit=11&marker=a%20b%2B%2F%3D", b"limit=10&marker=a%20b+%2F%3D", b"limit=10&marker=a%20b%252B%2F%3D",
     b"limit=10&marker=a%20b%2B%2F", b"limit=10&marker=a%20b%2B%2F%3D&marker=", b"limit=10", b"limit=10&limit=10"],
)  # fmt: skip
def test_W17_a_query_that_means_something_else_is_not_the_one_that_was_signed(query: bytes) -> None:
    with pytest.raises(SignatureWrong):
        check(changed(QUERY, query=query))


def test_W17_other_spellings_of_the_same_path_and_query_are_what_was_signed() -> None:
    check(changed(QUERY, query=b"marker=a+b%2b/%3D&limit=1%30"))
    check(changed(DELETE, path=b"/v1/identity-stores/d%2D1/users/%75-1/sessions/batch-delete"))
    check(changed(DELETE, path=DELETE.path + b"/"))


def test_W17_a_temporary_token_is_part_of_what_is_signed() -> None:
    for mutated in (
        header(TEMPORARY, b"x-security-token", lambda _: b"ANOTHER"),
        without(TEMPORARY, b"x-security-token"),
        again(TEMPORARY, b"x-security-token", b"ANOTHER"),
        authorization(b";x-security-token", b"")(TEMPORARY),
    ):
        with pytest.raises(SignatureWrong):
            check(mutated)


@pytest.mark.parametrize("off", [-WINDOW, WINDOW])
def test_W17_a_request_is_good_for_15_minutes_either_way(off: int) -> None:
    check(DELETE, now=AT + off)
    with pytest.raises(SignatureStale):
        check(DELETE, now=AT + off + (1 if off > 0 else -1))


@pytest.mark.parametrize(
    "moment",
    [b"", b"20240102T030405", b"2024-01-02T03:04:05Z", b"20240102T030405+0000", b"20240132T030405Z", b"20240102T030460Z",
     b"00000102T030405Z", b"2024 102T030405Z", b"20240102T030405Z;", "\uff120240102T030405Z".encode(), b"1704164645"],
)  # fmt: skip
def test_W17_a_time_in_another_form_is_none(moment: bytes) -> None:
    with pytest.raises(SignatureWrong):
        check(header(DELETE, b"x-sdk-date", lambda _: moment))


@pytest.mark.parametrize(
    "said", [None, b"", b"Bearer nl_key_x", b"AKID", b"SDK-HMAC-SM3 Access=AKID, SignedHeaders=host"]
)
def test_W17_a_request_that_is_not_signed_this_way_is_told_so(said: bytes | None) -> None:
    request = without(DELETE, b"authorization")
    with pytest.raises(KeyRequired, match="SDK-HMAC-SHA256"):
        check(request if said is None else again(request, b"authorization", said))


@given(
    path=st.binary(max_size=60),
    query=st.binary(max_size=60),
    said=st.binary(max_size=100),
    moment=st.binary(max_size=20),
    body=st.binary(max_size=20),
)
def test_W17_no_bytes_are_more_than_refused(path: bytes, query: bytes, said: bytes, moment: bytes, body: bytes) -> None:
    headers = [(b"host", b"h"), (b"x-sdk-date", moment), (b"authorization", b"SDK-HMAC-SHA256 " + said)]
    with pytest.raises(Unauthenticated):
        check(Sent("GET", path, query, headers, body))
    mutated = changed(DELETE, path=path, query=query, body=body)
    with pytest.raises(SignatureWrong):
        check(mutated)
