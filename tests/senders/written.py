"""Messages and letters without a database."""

import os
from typing import Any

import msgspec

from nightlatch.core.courier.model import Letter, Message, Template
from nightlatch.kernel.secrets import Keys

KEYS = Keys([b"a secret of the tests, 32 bytes."], "credentials")
ID = bytes.fromhex("0199aabbccdd7000800000000000cafe")
LETTER = Letter("Your code", "It is 123456.", "<p>It is 123456.</p>")


def message(template: str = Template.LOGIN_CODE, channel: str = "email", **data: Any) -> Message:
    recipient = "anna@example.org" if channel == "email" else "+15555550100"
    sealed = KEYS.encrypt(msgspec.json.encode(data), ID + b"message", os.urandom)
    return Message(ID, bytes(16), None, channel, recipient, template, sealed, 0, 0, 0)
