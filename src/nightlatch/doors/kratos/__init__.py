"""Ory Kratos' admin and self-service API. Where we differ on purpose: docs/dialects/kratos.md."""
