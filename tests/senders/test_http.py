"""Letters over HTTP, to a real socket."""

import asyncio
import json
from ipaddress import ip_network

import pytest
from tests.database import Run
from tests.senders.written import LETTER, message

from nightlatch.core.courier.model import Gateway, Undelivered
from nightlatch.kernel.outbound import Outbound
from nightlatch.senders.http import Http

HERE = [ip_network("127.0.0.0/8")]


def hand_in(run: Run, status: int, outbound: Outbound) -> list[bytes]:
    """What a gateway that answers so is sent."""
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        heard.append(head + await reader.readexactly(length))
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async def scene() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        gateway = Gateway(f"http://127.0.0.1:{port}/send", {"Authorization": "Bearer canary"})
        try:
            await Http(outbound, gateway)(message(channel="sms"), LETTER)
        finally:
            server.close()

    run(scene())
    return heard


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_letter_is_posted_with_the_configured_headers(run: Run, status: int) -> None:
    [request] = hand_in(run, status, Outbound(HERE))
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert lines[0] == "post /send http/1.1"
    assert {"authorization: bearer canary", "content-type: application/json"} <= set(lines)
    assert "idempotency-key: 0199aabb-ccdd-7000-8000-00000000cafe" in lines
    assert json.loads(body) == {
        "recipient": "+15555550100",
        "channel": "sms",
        "template_type": "login_code",
        "subject": LETTER.subject,
        "body": LETTER.text,
        "html_body": LETTER.html,
    }


@pytest.mark.parametrize("status", [301, 400, 404, 500, 503])
def test_another_answer_means_again_later(run: Run, status: int) -> None:
    with pytest.raises(Undelivered) as error:
        hand_in(run, status, Outbound(HERE))
    assert error.value.reason == f"the answer has the status {status}"
    assert not error.value.final


def test_W13_a_gateway_in_a_network_that_is_not_public_is_not_called(run: Run) -> None:
    with pytest.raises(Undelivered) as error:
        hand_in(run, 200, Outbound())
    assert error.value.reason == "the host has an address that is not public"
