"""Senders: messages of the outbox made into letters and handed to mail servers and gateways. They know no dialect."""
