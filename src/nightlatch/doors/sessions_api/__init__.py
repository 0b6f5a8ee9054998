"""The sessions API of `identity_sdk`, under /sessions-api on the admin port. Knows no other dialect."""
