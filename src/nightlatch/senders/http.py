"""Letters by HTTP: text messages, and mail where a service takes it so."""

import msgspec

from nightlatch.core.courier.model import Gateway, Letter, Message, Undelivered
from nightlatch.kernel.ids import id_text
from nightlatch.kernel.outbound import Outbound, OutboundRefused


class Http:
    def __init__(self, outbound: Outbound, gateway: Gateway) -> None:
        self._outbound = outbound
        self._gateway = gateway

    async def __call__(self, message: Message, letter: Letter) -> None:
        """Undelivered unless the answer is a 2xx."""
        said = {
            "recipient": message.recipient,
            "channel": message.channel,
            "template_type": message.template,
            "subject": letter.subject,
            "body": letter.text,
            "html_body": letter.html,
        }
        # The same at every try: a gateway can tell that it has the letter already.
        headers = {"content-type": "application/json", "idempotency-key": id_text(message.id), **self._gateway.headers}
        try:
            await self._outbound.post(self._gateway.url, msgspec.json.encode(said), headers)
        except OutboundRefused as error:
            raise Undelivered(error.reason) from None
