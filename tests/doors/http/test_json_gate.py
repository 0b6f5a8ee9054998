"""W11: what a JSON body may hold, by a corpus in the manner of JSONTestSuite, by properties, and by the clock."""

import asyncio
import json
import threading
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlatch.doors.http import json_gate
from nightlatch.doors.http.json_gate import admit, gate
from nightlatch.problems import Invalid

GOOD = [
    b"{}",
    b"[]",
    b" \t\r\n[ ] ",
    b"null",
    b'"a"',
    b"-0",
    b"0",
    b"1e10",
    b"1E+2",
    b"-1.5e-7",
    b"1e-999",
    b"9" * 4300,
    b'"\\u00e9\\n\\/\\b\\f\\"\\\\"',
    b'"\\ud83d\\ude00"',
    b'"\\uD83D\\uDE00"',
    b'"\\\\ud800"',
    b'"\\\\u0000"',
    b'"\\\\\\\\u0000"',
    b'"\xf0\x9f\x98\x80"',
    b'"\xef\xbb\xbf"',
    b'"\x7f\xc2\x80\xe2\x80\xa8"',
    b'"\\uffff\\ufdd0"',
    b'{"":0}',
    b'{"a":{"a":{"a":1}}}',
    b'[{"a":1},{"a":1}]',
    b'{"a":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}',
    b'["\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["]',
]

BAD = [
    (b"", "not valid JSON"),
    (b" ", "not valid JSON"),
    (b"[", "not valid JSON"),
    (b"]", "not valid JSON"),
    (b"[1,]", "not valid JSON"),
    (b"[,1]", "not valid JSON"),
    (b"[1 2]", "not valid JSON"),
    (b"[1]]", "not valid JSON"),
    (b"{}{}", "not valid JSON"),
    (b'{"a":1,}', "not valid JSON"),
    (b'{"a"}', "not valid JSON"),
    (b'{"a" 1}', "not valid JSON"),
    (b"{a:1}", "not valid JSON"),
    (b"{'a':1}", "not valid JSON"),
    (b"{1:1}", "not valid JSON"),
    (b"[1]//", "not valid JSON"),
    (b"/**/[1]", "not valid JSON"),
    (b"tru", "not valid JSON"),
    (b"True", "not valid JSON"),
    (b"undefined", "not valid JSON"),
    (b"01", "not valid JSON"),
    (b"+1", "not valid JSON"),
    (b".5", "not valid JSON"),
    (b"1.", "not valid JSON"),
    (b"1e", "not valid JSON"),
    (b"0x1", "not valid JSON"),
    (b"1_0", "not valid JSON"),
    (b"--1", "not valid JSON"),
    (b"\xef\xbc\x91", "not valid JSON"),
    (b'"a', "not valid JSON"),
    (b'"\\', "not valid JSON"),
    (b'"\\x41"', "not valid JSON"),
    (b'"\\u00"', "not valid JSON"),
    (b'"\\u+123"', "not valid JSON"),
    (b'"\\u 123"', "not valid JSON"),
    (b'"\n"', "control character"),
    (b'"\t"', "control character"),
    (b'"\x00"', "control character"),
    (b"\x00", "not valid JSON"),
    (b"[1]\x00", "not valid JSON"),
    (b"\x0b[1]", "not valid JSON"),
    (b"\xc2\xa0[1]", "not valid JSON"),
    (b"\xef\xbb\xbf{}", "byte order mark"),
    (b"\xff\xfe[\x00]\x00", "UTF-8 at byte 0"),
    (b"[\x00]\x00", "not valid JSON"),
    (b'"\xff"', "UTF-8 at byte 1"),
    (b'"\xc0\xaf"', "UTF-8"),
    (b'"\xed\xa0\x80"', "UTF-8"),
    (b'"\xf4\x90\x80\x80"', "UTF-8"),
    (b'"\xe2\x82"', "UTF-8"),
    (b'"\\u0000"', "NUL character (\\u0000) at byte 1"),
    (b'"\\\\\\u0000"', "NUL character (\\u0000) at byte 3"),
    (b'{"a\\u0000":1}', "NUL"),
    (b'"\\ud800"', "surrogate"),
    (b'"\\uDC00"', "surrogate"),
    (b'"\\ud83d\\ud83d\\ude00"', "surrogate"),
    (b'"\\ude00\\ud83d"', "surrogate"),
    (b'"\\ud83d\\\\ude00"', "surrogate"),
    (b'"\\ud83dx\\ude00"', "surrogate"),
    (b'{"\\ud800":1}', "surrogate"),
    (b"NaN", "NaN"),
    (b"[Infinity]", "Infinity"),
    (b'{"a":-Infinity}', "-Infinity"),
    (b"1e999", "out of range"),
    (b"[-1E400]", "out of range"),
    (b"9" * 4301, "too many digits"),
    (b"-" + b"9" * 4301, "too many digits"),
    (b'{"a":1,"a":1}', 'the name "a" twice'),
    (b'{"b":1,"\\u0062":2}', 'the name "b" twice'),
    (b'{"x":[{"k":{"a":1,"a":2}}]}', 'the name "a" twice'),
    (b'{"":1,"":2}', 'the name "" twice'),
]


@pytest.mark.parametrize("body", GOOD)
def test_json_within_the_bounds_passes(body: bytes) -> None:
    gate(body)


@pytest.mark.parametrize(("body", "said"), BAD)
def test_W11_anything_else_is_refused_with_a_reason(body: bytes, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        gate(body)
    assert said in refused.value.reason


@pytest.mark.parametrize(
    ("opening", "inner", "closing"), [(b"[", b"", b"]"), (b'{"a":', b"1", b"}"), (b'[{"a":', b"1", b"}]")]
)
def test_W11_32_levels_pass_and_33_do_not(opening: bytes, inner: bytes, closing: bytes) -> None:
    times = 32 // (opening.count(b"[") + opening.count(b"{"))
    gate(opening * times + inner + closing * times)
    with pytest.raises(Invalid, match="32 levels"):
        gate(b"[" + opening * times + inner + closing * times + b"]")


def test_W11_depth_is_told_apart_from_number_and_from_brackets_in_strings() -> None:
    gate(b"[" + b"[],{}," * 500 + b'"]]]]\\"{{{{["]')
    gate(b'{"a":[[1]]}', deepest=3)
    with pytest.raises(Invalid, match="2 levels"):
        gate(b'{"a":[[1]]}', deepest=2)


def test_W11_200_000_openers_are_refused_and_not_recursed_into() -> None:
    for body in (b"[" * 200_000, b'{"a":' * 200_000, b"[" * 200_000 + b"]" * 200_000, b"]" * 99 + b"[" * 2_000):
        with pytest.raises(Invalid):
            gate(body)


def test_W11_an_object_has_at_most_1000_names() -> None:
    gate(json.dumps({str(n): n for n in range(1000)}).encode())
    with pytest.raises(Invalid, match="more than 1000 names"):
        gate(json.dumps([{str(n): n for n in range(1001)}]).encode())


def test_a_name_in_a_message_is_escaped_and_cut() -> None:
    name = json.dumps("\n\x1b[31m" + "n" * 5000)
    with pytest.raises(Invalid) as refused:
        gate(f"{{{name}:1,{name}:2}}".encode())
    assert "\n" not in refused.value.reason
    assert "\x1b" not in refused.value.reason
    assert len(refused.value.reason) < 200


def test_the_place_is_counted_in_bytes() -> None:
    with pytest.raises(Invalid, match="at byte 9"):
        gate('["é", 1 2]'.encode())


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text().filter(lambda s: "\0" not in s),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text().filter(lambda s: "\0" not in s), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(plain, st.booleans())
@settings(max_examples=300, deadline=None)
def test_every_value_that_json_writes_passes(value: object, ascii_only: bool) -> None:
    gate(json.dumps(value, ensure_ascii=ascii_only).encode(), deepest=64)


fragments = st.lists(
    st.sampled_from(
        [
            b"{",
            b"}",
            b"[",
            b"]",
            b",",
            b":",
            b'"',
            b'"a"',
            b'"b"',
            b"1",
            b"-",
            b".5",
            b"e9",
            b"e999",
            b"\\",
            b"u0000",
            b"\\ud83d",
            b"\\ude00",
            b"\\u0061",
            b"NaN",
            b"null",
            b"\x00",
            b"\xff",
            b"\xed\xa0\x80",
            b"\xef\xbb\xbf",
            b" ",
            b"\n",
            b"n",
        ]
    ),
    max_size=12,
).map(b"".join)


def strict(items: list[tuple[str, object]]) -> dict[str, object]:
    assert len(dict(items)) == len(items)
    return dict(items)


@given(
    fragments
    | st.binary(max_size=40)
    | plain.map(json.dumps).map(str.encode).flatmap(lambda b: st.integers(0, len(b)).map(lambda n: b[:n] + b[n + 1 :]))
)
@settings(max_examples=1500, deadline=None)
def test_W11_what_passes_is_read_alike_by_both_decoders_and_nothing_but_Invalid_comes_out(body: bytes) -> None:
    try:
        gate(body)
    except Invalid:
        return
    value = json.loads(body, object_pairs_hook=strict)
    assert msgspec.json.decode(body) == value
    assert "\0" not in str(value)
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


@given(
    st.lists(
        st.sampled_from(["\\\\", "\\ud83d", "\\ude00", "\\uD800", "\\u0000", "\\u0061", "a", "u0000"]), max_size=8
    ).map("".join)
)
@settings(max_examples=500, deadline=None)
def test_W11_an_escape_is_refused_exactly_when_it_makes_a_NUL_or_half_a_pair(text: str) -> None:
    value = json.loads(f'"{text}"')
    bad = "\0" in value or any("\ud800" <= c <= "\udfff" for c in value)
    try:
        gate(f'"{text}"'.encode())
    except Invalid:
        assert bad
    else:
        assert not bad


@pytest.mark.parametrize(
    "body",
    [
        b'"' + b'\\"' * 500_000,
        b'"a' * 500_000,
        b"[" * 1_000_000,
        b"\\" * 1_000_000 + b"\\u0000" + b"[" * 40,
        b'["' + b"\\\\" * 500_000 + b'"]' + b"[" * 40,
        b"9" * 1_000_000,
        b" " * 1_000_000,
    ],
    ids=["escaped quotes", "quotes", "openers", "backslashes", "escaped backslashes", "digits", "spaces"],
)
def test_W11_a_hostile_megabyte_is_refused_in_linear_time(body: bytes) -> None:
    began = time.process_time()
    with pytest.raises(Invalid):
        gate(body)
    assert time.process_time() - began < 0.5


def test_a_usual_body_costs_microseconds() -> None:
    body = json.dumps(
        {"traits": {"email": "a@b.c", "name": "n" * 500}, "credentials": {"x": [1, 2, {"y": None}]}}
    ).encode()
    times = []
    for _ in range(50):
        began = time.perf_counter()
        gate(body)
        times.append(time.perf_counter() - began)
    assert min(times) < 0.000_2


def test_a_large_body_is_judged_in_a_thread_and_a_small_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []
    monkeypatch.setattr(
        json_gate, "gate", lambda *_: threads.append(threading.current_thread() is threading.main_thread())
    )
    asyncio.run(admit(b"[]"))
    asyncio.run(admit(b'"' + b"a" * 64 * 1024 + b'"'))
    assert threads == [True, False]


def test_the_refusal_of_a_large_body_comes_out_of_its_thread() -> None:
    with pytest.raises(Invalid, match="not valid JSON"):
        asyncio.run(admit(b"[" + b"1," * 100_000))
