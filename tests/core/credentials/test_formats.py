"""Hashes made elsewhere, and hashes made to hurt."""

import random
import string
import subprocess
import sys
from base64 import b64encode

import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.credentials.known_hashes import KNOWN, PASSWORD

from nightlatch.core.credentials import crypt, formats
from nightlatch.problems import HashRefused

ARGON2_TAIL = "c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
BCRYPT_TAIL = "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
DIGITS_AND_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
NINE = "9" * 10
MD5_OF_TEST = "CY9rzUYh03PK3k6DJie09g=="
SHA256 = "$sha256$pf={}$c2FsdA==$" + "A" * 43 + "="
FIREBASE = "$firescrypt$ln={},r={},p={}$42xEC+ixf3L2lw==$" + "A" * 86 + "==$Bw==$" + "A" * 86 + "=="


def padded(digest: str) -> str:
    return b64encode(bytes.fromhex(digest)).decode()


def bare(digest: str) -> str:
    return padded(digest).rstrip("=")


FIREBASE_SAMPLE = (
    "$firescrypt$ln=14,r=8,p=1$42xEC+ixf3L2lw==$"
    "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==$Bw==$"
    "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
)
DREPPER_512 = "svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"

# Published: the argon2 reference program's own tests, a Go server's tests, crypt_blowfish's tests, RFC 6070 and 7914,
# Firebase's sample, Ulrich Drepper's specification of sha-crypt, RFC 2202 and 4231 (whose keys are the salts here).
PUBLISHED = [
    ("password", "$argon2id$v=19$m=256,t=2,p=1$" + ARGON2_TAIL),
    ("password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
    ("password", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA"),
    ("test", "$argon2id$v=19$m=32,t=2,p=4$cm94YnRVOW5jZzFzcVE4bQ$MNzk5BtR2vUhrp6qQEjRNw"),
    ("test", "$argon2i$v=19$m=65536,t=3,p=4$kk51rW/vxIVCYn+EG4kTSg$NyT88uraJ6im6dyha/M5jhXvpqlEdlS/9fEm7ScMb8c"),
    ("test", "$2a$12$o6hx.Wog/wvFSkT/Bp/6DOxCtLRTDj7lm9on9suF/WaCGNVHbkfL6"),
    ("U*U", "$2a$05$" + BCRYPT_TAIL),
    ("U*U", "$2b$05$" + BCRYPT_TAIL),
    ("U*U", "$2y$05$" + BCRYPT_TAIL),
    ("U*U", "$2z$05$" + BCRYPT_TAIL),
    ("U*U", "$2$05$" + BCRYPT_TAIL),
    ("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
    ("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
    ("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"),
    (DIGITS_AND_LETTERS + "0123456789", "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"),
    ("password", "$pbkdf2-sha1$i=1,l=20$c2FsdA$" + bare("0c60c80f961f0e71f3a9b524af6012062fe037a6")),
    ("password", "$pbkdf2-sha1$i=4096,l=20$c2FsdA$" + bare("4b007901b765489abead49d926f721d065a429c1")),
    (
        "passwordPASSWORDpassword",
        "$pbkdf2-sha1$i=4096,l=25$c2FsdFNBTFRzYWx0U0FMVHNhbHRTQUxUc2FsdFNBTFRzYWx0$"
        + bare("3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"),
    ),
    ("pass\0word", "$pbkdf2-sha1$i=4096,l=16$c2EAbHQ$" + bare("56fa6aa75548099dcc37d7f03425e0c3")),
    (
        "passwd",
        "$pbkdf2-sha256$i=1,l=64$c2FsdA$"
        + bare(
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
            "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"
        ),
    ),
    # Kratos' own sha224 and sha384 are those of SHA-3; those of SHA-2 are in known_hashes.
    ("test", "$pbkdf2-sha224$i=100000,l=32$A2nzbFd+wwzPSb+TqkF5Pw$9M4GM2yOYw/fZvsvQbF/0Ec8JO2u9O1MYRTfrDimX6o"),
    ("test", "$pbkdf2-sha384$i=100000,l=32$xDInuz7Y/DPzZUnCaQXJmg$7ICaEa6jEqxbbCBbv4YzrBf39KYNAtc3Bj0QWKeB3Ck"),
    (
        "",
        "$scrypt$ln=16,r=1,p=1$$"
        + padded(
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
            "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
        ),
    ),
    (
        "pleaseletmein",
        "$scrypt$ln=16384,r=8,p=1$U29kaXVtQ2hsb3JpZGU=$"
        + padded(
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
            "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
        ),
    ),
    (
        "user1password",
        FIREBASE_SAMPLE,
    ),
    ("Hello world!", "$sha256-crypt$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
    ("Hello world!", "$sha256-crypt$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"),
    (
        "Hello world!",
        "$sha512-crypt$saltstring$" + DREPPER_512,
    ),
    ("test", "$md5-crypt$$whuMjZj.HMFoaTaZRRtkO0"),
    ("test", "$md5$" + MD5_OF_TEST),
    ("what do ya want for nothing?", "$hmac-md5$NzUwYzc4M2U2YWIwYjUwM2VhYTg2ZTMxMGE1ZGI3Mzg=$SmVmZQ=="),
    (
        "what do ya want for nothing?",
        "$hmac-sha1$ZWZmY2RmNmFlNWViMmZhMmQyNzQxNmQ1ZjE4NGRmOWMyNTlhN2M3OQ==$SmVmZQ==",
    ),
    (
        "what do ya want for nothing?",
        "$hmac-sha256$NWJkY2MxNDZiZjYwNzU0ZTZhMDQyNDI2MDg5NTc1Yzc1YTAwM2YwODlkMjczOTgzOWRlYzU4Yjk2NGVjMzg0Mw==$SmVmZQ==",
    ),
]
TOO_DEAR = [
    "$argon2id$v=19$m=1048577,t=1,p=1$" + ARGON2_TAIL,
    "$argon2id$v=19$m=4194304,t=1,p=1$" + ARGON2_TAIL,
    "$argon2i$v=19$m=256,t=11,p=1$" + ARGON2_TAIL,
    "$argon2id$v=19$m=256,t=1,p=17$" + ARGON2_TAIL,
    "$argon2id$v=19$m=0,t=1,p=1$" + ARGON2_TAIL,
    "$argon2id$v=19$m=256,t=0,p=1$" + ARGON2_TAIL,
    "$argon2id$v=19$m=256,t=1,p=0$" + ARGON2_TAIL,
    "$argon2id$v=19$m=4294967296,t=1,p=1$" + ARGON2_TAIL,
    "$2a$16$" + BCRYPT_TAIL,
    "$2b$31$" + BCRYPT_TAIL,
    "$pbkdf2-sha1$i=10000001,l=20$c2FsdA$" + "A" * 27,
    "$pbkdf2-sha1$i=0,l=20$c2FsdA$" + "A" * 27,
    f"$pbkdf2-sha512$i={NINE},l=64$c2FsdA$" + "A" * 43,
    "$pbkdf2-sha1$i=5000001,l=20$c2FsdA$" + "A" * 43,
    "$pbkdf2-sha256$i=1000000,l=20$c2FsdA$" + "A" * 600,
    "$scrypt$ln=262144,r=8,p=1$c2FsdA==$" + "A" * 43 + "=",
    "$scrypt$ln=16384,r=9,p=1$c2FsdA==$" + "A" * 43 + "=",
    "$scrypt$ln=16384,r=8,p=11$c2FsdA==$" + "A" * 43 + "=",
    f"$scrypt$ln={NINE},r={NINE},p={NINE}$c2FsdA==$" + "A" * 43 + "=",
    "$scrypt$ln=0,r=8,p=1$c2FsdA==$" + "A" * 43 + "=",
    "$scrypt$ln=16384,r=0,p=1$c2FsdA==$" + "A" * 43 + "=",
    "$scrypt$ln=16384,r=8,p=0$c2FsdA==$" + "A" * 43 + "=",
    FIREBASE.format(18, 8, 1),
    FIREBASE.format(NINE, 8, 1),
    FIREBASE.format(14, 9, 1),
    FIREBASE.format(14, 8, 11),
    "$sha256-crypt$rounds=1000001$saltstring$" + "A" * 43,
    f"$sha512-crypt$rounds={NINE}$saltstring$" + "A" * 86,
]
UNREADABLE = [
    "$argon2id$v=16$m=256,t=2,p=1$" + ARGON2_TAIL,
    "$argon2id$m=256,t=2,p=1$" + ARGON2_TAIL,
    "$argon2id$v=19$t=2,m=256,p=1$" + ARGON2_TAIL,
    "$argon2id$v=19$m=256,t=2,p=1$" + ARGON2_TAIL + "=",
    "$argon2id$v=19$m=256,t=2,p=1$" + ARGON2_TAIL + "\n",
    "$argon2id$v=19$m=256,t=2,p=1$" + ARGON2_TAIL[:-1] + "5",
    "$argon2id$v=19$m=256,t=2,p=1$c2FsdA$nf65EOgLrQMR",
    "$argon2id$v=19$m=7,t=2,p=1$" + ARGON2_TAIL,
    "$argon2id$v=19$m=\u0662\u0665\u0666,t=2,p=1$" + ARGON2_TAIL,
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$" + "A" * 1000,
    "$argon2id$",
    "$argon2i$x",
    "$2a$03$" + BCRYPT_TAIL,
    "$2a$5$" + BCRYPT_TAIL,
    "$2a$05$" + BCRYPT_TAIL[:-1],
    "$2b$05$" + BCRYPT_TAIL[:-1] + "\u00e9",
    "$2a$",
    "$pbkdf2-sha1$i=1000$c2FsdA$" + "A" * 27,
    "$pbkdf2-sha1$I=1000,l=20$c2FsdA$" + "A" * 27,
    "$pbkdf2-sha1$i=1000,l=20$c2FsdA==$" + "A" * 27,
    "$pbkdf2-sha1$i=1000,l=20$c2FsdA$" + "A" * 27 + "=",
    "$pbkdf2-sha1$i=1000,l=20$c2FsdA$" + "A" * 20,
    "$scrypt$ln=16385,r=8,p=1$c2FsdA==$" + "A" * 43 + "=",
    "$scrypt$ln=1,r=8,p=1$c2FsdA==$" + "A" * 43 + "=",
    "$scrypt$ln=65536,r=1,p=1$c2FsdA==$" + "A" * 43 + "=",
    "$scrypt$ln=16384,r=8,p=1$c2FsdA$" + "A" * 43 + "=",
    "$scrypt$ln=16384,r=8,p=1$c2FsdA==$",
    FIREBASE.format(0, 8, 1),
    FIREBASE.format(14, 8, 1)[:-4],
    "{SSHA}",
    "{SSHA}tooshort",
    "{SSHA}" + "A" * 27 + "=",
    "{SSHA512}" + KNOWN["ssha"][6:],
    "$sha256$" + "A" * 43 + "=",
    "$sha1$pf=e1NBTFR9e1BBU1NXT1JEfQ==$NW9wbWtnejAzcg==$" + "A" * 43 + "=",
    SHA256.format(""),
    SHA256.format("e1NBTFR9"),
    SHA256.format("e1BBU1NXT1JEfQ"),
    "$md5$",
    "$md5$$",
    "$md5$098f6bcd4621d373cade4e832627b4f6",
    "$md5$pf=MTIz$MTIz$" + MD5_OF_TEST,
    "$md5-crypt$" + "A" * 22,
    "$md5-crypt$123456789$" + "A" * 22,
    "$sha256-crypt$rounds=999$saltstring$" + "A" * 43,
    "$sha256-crypt$rounds=05000$saltstring$" + "A" * 43,
    "$sha512-crypt$saltstring$" + "A" * 43,
    "$sha512-crypt$salt:string$" + "A" * 86,
    "$hmac-md5$NzUwYzc4M2U2YWIwYjUwM2VhYTg2ZTMxMGE1ZGI3Mzg=",
    "$hmac-md5$NzUwYzc4M2U2YWIwYjUwM2VhYTg2ZTMxMGE1ZGI3Mzg=$",
    "$hmac-md5$$SmVmZQ==",
    "$hmac-sha1$NzUwYzc4M2U2YWIwYjUwM2VhYTg2ZTMxMGE1ZGI3Mzg=$SmVmZQ==",
    "$hmac-md5$enp6enp6enp6enp6enp6enp6enp6enp6enp6enp6eno=$SmVmZQ==",
    SHA256.format("e1BBU1NXT1JEfQ==" * 200),
]
UNKNOWN = [
    "",
    "plain",
    "$argon2d$v=19$m=256,t=2,p=1$" + ARGON2_TAIL,
    "$2x$05$" + BCRYPT_TAIL,
    "$1$a$b",
    "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc8",
    "argon2id$",
    "$sha384$" + "A" * 64,
    "$pbkdf2-sha3$i=1,l=1$a$a",
    "{SSHA384}" + "A" * 80,
    "{MD5}" + MD5_OF_TEST,
    "$hmac-sha3$a$b",
    " " + KNOWN["ssha"],
    "$SHA1$" + KNOWN["sha1"][6:],
]


def right(password: str, hashed: str) -> bool:
    return formats.read(hashed).matches(password.encode())


@pytest.mark.parametrize("name", KNOWN)
def test_a_hash_of_each_format_made_by_another_program_is_right_for_its_password_only(name: str) -> None:
    assert right(PASSWORD, KNOWN[name])
    for wrong in ("", PASSWORD[:-1], PASSWORD.title(), PASSWORD + " ", "\0" + PASSWORD):
        assert not right(wrong, KNOWN[name])


def test_every_format_has_a_known_hash_and_none_is_known_that_is_not_listed() -> None:
    tried = {hashed[: next(i for i in range(1, 99) if hashed[i] in "$}") + 1] for hashed in KNOWN.values()}
    assert tried | {"$2$", "$2z$"} == set(formats.FORMATS)


@pytest.mark.parametrize(("password", "hashed"), PUBLISHED)
def test_a_published_hash_is_right_for_its_password_only(password: str, hashed: str) -> None:
    assert right(password, hashed)
    assert not right(password + "x", hashed)


@pytest.mark.parametrize(
    ("hashes", "reason"),
    [
        (TOO_DEAR, "The imported password hash declares cost parameters that exceed the bounds enforced by Ory. "),
        (UNREADABLE, "The imported password hash could not be parsed."),
        (UNKNOWN, "The imported password does not match any known hash format."),
    ],
)
def test_P1_a_hash_that_will_not_be_checked_is_refused(hashes: list[str], reason: str) -> None:
    for hashed in hashes:
        with pytest.raises(HashRefused) as caught:
            formats.read(hashed)
        assert caught.value.reason.startswith(reason), hashed


@pytest.mark.parametrize("name", KNOWN)
def test_a_hash_changed_in_any_place_is_refused_or_wrong(name: str) -> None:
    hashed, chance = KNOWN[name], random.Random(name)
    for at in range(hashed.index(hashed[0], 1) if hashed[0] == "$" else 0, len(hashed)):
        for put in (chance.choice(string.printable), chance.choice(string.ascii_letters), ""):
            changed = hashed[:at] + put + hashed[at + 1 :]
            if means_the_same(changed, hashed):
                continue
            try:
                known = formats.read(changed)
            except HashRefused:
                continue
            assert known.memory > 1 << 17 or not known.matches(PASSWORD.encode()), changed


def means_the_same(changed: str, hashed: str) -> bool:
    """pbkdf2 does not read the length that it names, and a shorter digest of it is the beginning of the longer; bcrypt
    does not read the last bits of the salt."""
    if changed.startswith("$pbkdf2"):
        (cost, _, rest), (our_cost, _, our_rest) = changed.partition(","), hashed.partition(",")
        return cost == our_cost and our_rest.partition("$")[2].startswith(rest.partition("$")[2])
    return changed == hashed or (changed.startswith("$2") and changed[:28] + changed[29:] == hashed[:28] + hashed[29:])


@settings(max_examples=400)
@given(st.sampled_from(sorted(formats.FORMATS)), st.text() | st.from_regex(r"[a-zA-Z0-9+/=$,.]{0,80}"), st.binary())
def test_whatever_follows_a_name_is_refused_or_can_be_checked(name: str, rest: str, secret: bytes) -> None:
    try:
        known = formats.read(name + rest)
    except HashRefused:
        return
    assert not known.matches(secret + b"x")


@settings(max_examples=400)
@given(st.sampled_from(sorted(KNOWN)), st.data())
def test_whatever_numbers_it_names_a_hash_is_refused_or_within_bounds(name: str, data: st.DataObject) -> None:
    pieces = [
        part if not part.isdigit() else str(data.draw(st.integers(0, 1 << 40)))
        for part in KNOWN[name].replace("=", "=\n").replace(",", "\n,").replace("$", "\n$\n").split("\n")
    ]
    try:
        known = formats.read("".join(pieces))
    except HashRefused:
        return
    assert known.memory <= 1 << 20


def test_nobody_can_import_a_template_in_which_every_password_is_right() -> None:
    constant = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="  # of "test"
    for template in ("dGVzdA==", "e1NBTFR9", ""):
        with pytest.raises(HashRefused):
            formats.read(f"$sha256$pf={template}$dGVzdA==${constant}")


def test_a_template_is_filled_once_whatever_salt_and_password_hold() -> None:
    # printf '{PASSWORD}{SALT}' | openssl dgst -sha256 -binary | base64
    digest = "FlzSLr3lXsTVkoe84Jq+XXTZ/ukzQNu5cO321DOgBiM="
    assert right("{SALT}", f"$sha256$pf=e1NBTFR9e1BBU1NXT1JEfQ==$e1BBU1NXT1JEfQ==${digest}")


# perl -e 'print crypt "a" x 255, "$6$saltsalt"', and so on
OF_255_BYTES = {
    "md5-crypt": "saltsalt$FStq9d8W2NY21JQ3BViio0",
    "sha256-crypt": "saltsalt$caSWtCEiScQIZQgN4.n0/MXmgkTVzerldXUxCcuuvc2",
    "sha512-crypt": "saltsalt$BKQW8N9CIw87L2UAvLS2OPr2ezGcQSIjcGZpgF22UrA2iauAzGWyKc61WrYO20bpG4osQhGGZgdJGkQirgWXW0",
}


@pytest.mark.parametrize("name", OF_255_BYTES)
def test_P2_crypt_sees_a_secret_whole_or_calls_it_wrong(name: str) -> None:
    assert not right(PASSWORD + "\0more", KNOWN[name])
    for length, verdict in ((255, True), (254, False), (256, False), (5000, False)):
        assert right("a" * length, f"${name}${OF_255_BYTES[name]}") is verdict


def test_where_the_system_has_no_crypt_its_hashes_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    assert crypt.AVAILABLE
    monkeypatch.setattr(crypt, "AVAILABLE", False)
    with pytest.raises(HashRefused, match="any known hash format"):
        formats.read(KNOWN["sha512-crypt"])


@pytest.mark.parametrize("name", KNOWN)
def test_P2_no_format_fails_on_a_long_secret_or_on_zero_bytes(name: str) -> None:
    for secret in (b"\0", b"a" * 73, b"\xff" * 4096, b""):
        assert not formats.read(KNOWN[name]).matches(secret)


def test_P2_bcrypt_of_72_bytes_and_with_nul_inside_is_checked_whole() -> None:
    for password in ("a" * 72, "ab\0cd"):
        hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
        assert right(password, hashed)
    assert not right("ab", hashed)
    assert not right("ab\0ce", hashed)


def test_what_a_check_takes_is_named_in_kib() -> None:
    assert formats.read("$argon2id$v=19$m=65536,t=1,p=1$" + ARGON2_TAIL).memory == 65536
    scrypt = formats.read("$scrypt$ln=131072,r=8,p=1$c2FsdA==$" + "A" * 43 + "=")
    assert scrypt.memory == pytest.approx(131072, rel=0.01)
    assert formats.read(FIREBASE.format(17, 8, 1)).memory == scrypt.memory
    assert formats.read(KNOWN["md5"]).memory == 0


@pytest.mark.parametrize("name", ["sha512-crypt", "pbkdf2-sha512", "scrypt", "firescrypt", "argon2i", "bcrypt-2b"])
def test_a_dear_check_leaves_the_interpreter_to_others(name: str) -> None:
    dear = {
        "sha512-crypt": "$sha512-crypt$rounds=200000$saltstring$" + "A" * 86,
        "pbkdf2-sha512": "$pbkdf2-sha512$i=200000,l=64$c2FsdA$" + "A" * 86,
        "scrypt": "$scrypt$ln=65536,r=8,p=1$c2FsdA==$" + "A" * 43 + "=",
        "firescrypt": FIREBASE.format(16, 8, 1),
        "argon2i": "$argon2i$v=19$m=65536,t=2,p=1$" + ARGON2_TAIL,
        "bcrypt-2b": "$2b$11$" + BCRYPT_TAIL,
    }[name]
    script = f"""
import sys, threading, time
from nightlatch.core.credentials import formats
sys.setswitchinterval(60)  # whoever holds the lock keeps it
known = formats.read({dear!r})
for _ in range(9):
    ran = threading.Event()
    check = threading.Thread(target=lambda: (ran.set(), known.matches(b"x")))
    check.start()
    ran.wait()
    time.sleep(0.001)
    if alive := check.is_alive():  # else this thread may have waited for the processor, not for the lock
        break
check.join()
sys.exit(not alive)
"""
    subprocess.run([sys.executable, "-c", script], check=True)
