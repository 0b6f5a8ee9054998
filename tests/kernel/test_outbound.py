"""The guarded client against hostile names, addresses and servers. Every server stands on this machine."""

import asyncio
import datetime as dt
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from nightlatch.kernel import outbound
from nightlatch.kernel.outbound import MAX_BYTES, Outbound, OutboundRefused, resolve
from nightlatch.kernel.unit import inside_unit

words = str.split
HOME = [ip_network("127.0.0.1/32")]
CLOSED_ADDRESSES = words("""
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254
172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.170 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255
198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1
100::1 2001::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1::1 2002:808:808::1 3fff::1 5f00::1
fc00::1 fd00::1 fd12:3456:789a::1 fe80::1 fe80::1%1 fec0::1 ff02::1 ff0e::1
""")
PUBLIC_ADDRESSES = words(
    "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.32.0.1 198.20.0.1 2001:4860:4860::8888 2600::1"
)
SPELLINGS = words("""
127.0.0.1 127.1 127.0.1 127.000.000.001 0177.0.0.1 0x7f.0.0.1 0x7f000001 2130706433 017700000001 0x7f.1 127.0.0.1.
127.127.127.127 0 0.0.0.0 00.00.00.00 localhost LOCALHOST [::1] [0:0:0:0:0:0:0:1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1]
[::127.0.0.1] [0000::0001] [64:ff9b::127.0.0.1] [2002:7f00:0001::] [fe80::1] [fd00::1] [fc00::1] 10.0.0.1 192.168.1.1
172.16.0.1 169.254.169.254 2852039166 0xA9FEA9FE 169.254.43518 0251.0376.0251.0376 100.64.0.1 198.18.0.1 224.0.0.1
255.255.255.255 \uff11\uff12\uff17.\uff10.\uff10.\uff11 \u2460\u2461\u2466.0.0.1 127\u30020\u30020\u30021 loc%61lhost 127.0.0.%31 %31%32%37.0.0.1 localhost. 0x7F.0x0.0x0.0x1
user@127.0.0.1 user:pass@127.0.0.1 example.com@127.0.0.1 127.0.0.1%23@example.com [::1%25lo] [fe80::1%25eth0] [127.0.0.1]
""")
ODD_URLS = [
    "",
    "127.0.0.1",
    "//127.0.0.1/",
    "http:/127.0.0.1/",
    "http:///127.0.0.1/",
    "http://",
    "http:\\\\127.0.0.1\\",
    "http://127.0.0.1\r\nHost: example.com/",
    "http://127.0.0.1\x00.example.com/",
    "http://[::1/",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:-1/",
    "http://127.0.0.1:0/",
    "file:///etc/passwd",
    "ftp://127.0.0.1/",
    "gopher://127.0.0.1:70/_",
    "data:,x",
    "javascript:alert(1)",
    "jar:http://127.0.0.1!/",
    "unix:///run/x.sock",
]

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer_of(head: str, body: bytes = b"") -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {head}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)

    return handler


class Canary:
    """A server that counts those who come."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.visits = 0
        self.served = asyncio.Semaphore(0)


@asynccontextmanager
async def canary(handler: Handler, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> AsyncIterator[Canary]:
    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.visits += 1
        with suppress(ConnectionError):
            await handler(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        found.served.release()

    server = await asyncio.start_server(counted, host, 0, ssl=tls)
    found = Canary(server.sockets[0].getsockname()[1])
    try:
        yield found
    finally:
        server.close()
        for _ in range(found.visits):
            await found.served.acquire()


def resolving(*answers: Sequence[str]) -> outbound.Resolver:
    """A resolver that gives another of `answers` at each question, as a name server with a TTL of 0 may."""
    left = list(answers)

    async def resolver(host: str, port: int) -> Sequence[str]:
        return left.pop(0)

    return resolver


async def of_this_machine(host: str, port: int) -> Sequence[str]:
    """Every number that the machine's resolver understands, and localhost; asks no name server."""
    if host.lower().rstrip(".") == "localhost":
        return ["127.0.0.1", "::1"]
    return [str(where[0]) for *_, where in socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)]


async def refusal(client: Outbound, url: str) -> str:
    with pytest.raises(OutboundRefused) as caught:
        await client.get(url)
    return caught.value.reason


def test_a_body_is_fetched_and_the_host_field_holds_the_name_with_its_port() -> None:
    heads: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")

    async def scenario() -> None:
        async with canary(handler) as found:
            client = Outbound(HOME, resolving(["127.0.0.1"]))
            assert await client.get(f"http://schemas.example:{found.port}/a/b?c=d%20e#f") == b"{}"
        assert heads[0].startswith(b"GET /a/b?c=d%20e HTTP/1.1\r\n")
        assert f"host: schemas.example:{found.port}\r\n".encode() in heads[0].lower()

    asyncio.run(scenario())


@pytest.mark.parametrize("host", SPELLINGS)
def test_W13_no_spelling_of_a_closed_address_connects(host: str) -> None:
    async def scenario() -> None:
        async with canary(answer_of("200 OK")) as found, canary(answer_of("200 OK"), "::1") as found6:
            for port in (found.port, found6.port):
                for scheme in ("http", "https"):
                    assert await refusal(Outbound(resolver=of_this_machine), f"{scheme}://{host}:{port}/") in {
                        "the host has an address that is not public",
                        "the host has no address",
                        "a URL must not hold a user name or password",
                        "the URL is malformed",
                    }
            assert found.visits == found6.visits == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("url", ODD_URLS)
def test_W13_a_url_that_is_not_plain_http_is_refused(url: str) -> None:
    asyncio.run(refusal(Outbound(HOME, resolving(["127.0.0.1"])), url))


@pytest.mark.parametrize("address", CLOSED_ADDRESSES)
def test_W13_a_name_with_one_closed_address_among_public_ones_is_refused(address: str) -> None:
    client = Outbound(resolver=resolving(["1.1.1.1", address]))
    assert asyncio.run(refusal(client, "http://rebind.example/")) == "the host has an address that is not public"


def test_W13_public_addresses_pass() -> None:
    assert [address for address in PUBLIC_ADDRESSES if not outbound._is_public(ip_address(address))] == []


def test_W13_public_addresses_are_called_on_the_ports_80_and_443_only() -> None:
    client = Outbound(resolver=resolving(["1.1.1.1"]))
    assert asyncio.run(refusal(client, "http://example.com:8080/")) == "only the ports 80 and 443 are called"


def test_W13_a_name_is_resolved_once_and_the_checked_address_is_called() -> None:
    async def scenario() -> None:
        async with canary(answer_of("200 OK", b"mine")) as good, canary(answer_of("200 OK"), "127.0.0.2") as found:
            client = Outbound(HOME, resolving(["127.0.0.1"], ["127.0.0.2"]))
            assert await client.get(f"http://rebind.example:{good.port}/") == b"mine"
            assert await refusal(client, f"http://rebind.example:{found.port}/") == (
                "the host has an address that is not public"
            )
            assert found.visits == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
def test_W13_a_redirect_is_not_followed(status: str) -> None:
    async def scenario() -> None:
        async with canary(answer_of("200 OK")) as found:
            head = f"{status}\r\nlocation: http://127.0.0.1:{found.port}/"
            async with canary(answer_of(head)) as first:
                client = Outbound(HOME, resolving(["127.0.0.1"], ["127.0.0.1"]))
                reason = await refusal(client, f"http://a.example:{first.port}/")
            assert reason == f"the answer has the status {status[:3]}"
            assert (first.visits, found.visits) == (1, 0)

    asyncio.run(scenario())


def test_W13_an_answer_of_1_mib_is_read_and_one_byte_more_is_not() -> None:
    async def get(size: int) -> bytes:
        async with canary(answer_of("200 OK", b"x" * size)) as found:
            return await Outbound(HOME).get(f"http://127.0.0.1:{found.port}/")

    assert len(asyncio.run(get(MAX_BYTES))) == MAX_BYTES
    with pytest.raises(OutboundRefused, match="larger than"):
        asyncio.run(get(MAX_BYTES + 1))


def test_W13_an_answer_without_end_is_cut() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async def scenario() -> None:
        async with canary(endless) as found:
            assert "larger than" in await refusal(Outbound(HOME), f"http://127.0.0.1:{found.port}/")

    asyncio.run(scenario())


def test_W13_a_compressed_answer_is_refused() -> None:
    async def scenario() -> None:
        async with canary(answer_of("200 OK\r\ncontent-encoding: gzip", b"bomb")) as found:
            reason = await refusal(Outbound(HOME), f"http://127.0.0.1:{found.port}/")
            assert reason == "the answer is compressed"

    asyncio.run(scenario())


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"])
def test_W13_a_slow_server_is_left(sent: bytes) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await reader.read()

    async def scenario() -> None:
        async with canary(silent) as found:
            reason = await refusal(Outbound(HOME, seconds=0.1), f"http://127.0.0.1:{found.port}/")
            assert reason in {"no answer within 0.1 seconds", "the call failed (ReadTimeout)"}

    asyncio.run(scenario())


def test_W13_a_slow_resolver_is_left() -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    client = Outbound(resolver=never, seconds=0.05)
    assert asyncio.run(refusal(client, "http://a.example/")) == "no answer within 0.05 seconds"


def test_W13_an_error_tells_nothing_of_the_body() -> None:
    async def scenario() -> None:
        async with canary(answer_of("500 Oops\r\nx-secret: hush", b"hush")) as found:
            reason = await refusal(Outbound(HOME), f"http://127.0.0.1:{found.port}/hush?hush")
            assert reason == "the answer has the status 500"

    asyncio.run(scenario())


def test_W13_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with canary(answer_of("200 OK", b"mine")) as found, canary(answer_of("200 OK", b"proxy")) as proxy:
            for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            assert await Outbound(HOME).get(f"http://127.0.0.1:{found.port}/") == b"mine"
            assert proxy.visits == 0

    asyncio.run(scenario())


def test_the_next_address_is_tried_when_one_does_not_listen() -> None:
    async def scenario() -> None:
        async with canary(answer_of("200 OK", b"mine")) as found:
            client = Outbound([ip_network("127.0.0.0/8")], resolving(["127.0.0.3", "127.0.0.1"]))
            assert await client.get(f"http://a.example:{found.port}/") == b"mine"

    asyncio.run(scenario())


def test_the_certificate_is_checked_against_the_name_and_not_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, trusted = certificate(tmp_path, "schemas.example")

    async def scenario() -> None:
        async with canary(answer_of("200 OK", b"mine"), tls=served) as found:
            client = Outbound(HOME, resolving(*[["127.0.0.1"]] * 3))
            assert "CERTIFICATE_VERIFY_FAILED" in await refusal(client, f"https://schemas.example:{found.port}/")
            monkeypatch.setattr(outbound, "_tls", lambda: trusted)
            assert await client.get(f"https://schemas.example:{found.port}/") == b"mine"
            assert "CERTIFICATE_VERIFY_FAILED" in await refusal(client, f"https://other.example:{found.port}/")

    asyncio.run(scenario())


def test_a_call_inside_a_transaction_is_an_error() -> None:
    async def scenario() -> None:
        inside_unit.set(True)
        with pytest.raises(RuntimeError, match="an outbound call inside a transaction"):
            await Outbound(HOME).get("http://127.0.0.1/")

    asyncio.run(scenario())


def test_the_machines_resolver_gives_each_address_once() -> None:
    assert asyncio.run(resolve("127.0.0.1", 80)) == ["127.0.0.1"]


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Two contexts: one that serves a certificate for `name`, one that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    day = dt.timedelta(days=1)
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1, now - day, now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "both.pem").write_bytes(private + pem)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(folder / "both.pem")
    return served, ssl.create_default_context(cadata=pem.decode())
