"""The organization that is always there. Doors show its id as absent: who has one tenant never meets the word."""

DEFAULT = bytes(15) + b"\x01"
