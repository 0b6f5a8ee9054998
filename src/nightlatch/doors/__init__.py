"""The dialects: each parses its requests, asks the core, renders the answer. No door imports another."""
