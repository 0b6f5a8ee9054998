"""Slack's administration of sessions, as its clients call it. Differences on purpose: docs/dialects/slack.md."""
