"""The settings of the courier: mail servers, gateways, senders."""

from pathlib import Path

import pytest
from tests.config.written import CANARY, QUICKSTART, errors_of, write

from nightlatch.config import load
from nightlatch.core.courier.model import Gateway, Relay


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("smtp://mail.example.com", Relay("mail.example.com", 587, "starttls")),
        ("smtps://mail.example.com", Relay("mail.example.com", 465, "tls")),
        ("smtp://a:b%40c@[::1]:25/?disable_starttls=true", Relay("::1", 25, "none", True, "a", "b@c")),
        ("smtps://m:1?skip_ssl_verify=true&legacy_ssl=true", Relay("m", 1, "tls", False)),
        ("smtp://m/?disable_starttls=false&skip_ssl_verify=false", Relay("m", 587, "starttls")),
    ],
)
def test_a_mail_server_is_read_from_its_URL(given: str, read: Relay):
    assert load(None, {"COURIER_SMTP_CONNECTION_URI": given}, dev=True).courier.smtp.connection_uri == read


@pytest.mark.parametrize(
    "given", ["mail.example.com", "http://m", "smtp://", "smtp://m:0", "smtp://m:x", "smtp://m/box", "smtp://m?tls=no", "smtp://m?disable_starttls", "smtp://[::1"]
)  # fmt: skip
def test_another_URL_is_refused(given: str):
    assert list(errors_of(None, {"COURIER_SMTP_CONNECTION_URI": given}, dev=True)) == ["COURIER_SMTP_CONNECTION_URI"]


def test_a_gateway_has_a_URL_and_headers_and_what_is_not_done_is_refused(tmp_path: Path):
    request = {
        "url": "https://sms.example.com/v1",
        "method": "POST",
        "headers": {"X-Key": CANARY},
        "body": "base64://e30=",
    }
    content = {"courier": {"channels": [{"id": "sms", "type": "http", "request_config": request}]}}
    [gateway] = load(write(tmp_path, content), {}, dev=True).courier.channels
    assert gateway == Gateway("https://sms.example.com/v1", {"X-Key": CANARY})
    assert CANARY not in repr(gateway)
    for wrong in ({"auth": {"type": "basic_auth"}}, {"method": "PUT"}, {"url": "ftp://a"}, {"headers": ["a"]}):
        content["courier"]["channels"][0]["request_config"] = request | wrong
        assert list(errors_of(write(tmp_path, content), {}, dev=True)) == ["courier.channels"]


def test_mail_comes_from_one_address():
    for wrong in ("Example <a@example.com>", "a@b, c@d", "nobody"):
        assert "COURIER_SMTP_FROM_ADDRESS" in errors_of(None, {"COURIER_SMTP_FROM_ADDRESS": wrong}, dev=True)


def test_the_mail_server_of_Kratos_own_quickstart_is_taken(tmp_path: Path):
    relay = load(write(tmp_path, QUICKSTART), {}, dev=True).courier.smtp.connection_uri
    assert relay == Relay("mail", 1025, "tls", False, "test", "test")
    assert "test" not in repr(relay).replace("user='test'", "")
