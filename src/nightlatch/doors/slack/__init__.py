"""Slack's administration of sessions, as its published clients call it. Differences on purpose: docs/dialects/slack.md."""
