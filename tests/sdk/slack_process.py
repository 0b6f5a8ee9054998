"""Runs an unmodified slack_sdk in a process of its own: the calls and answers of kratos_process.py; `api` is not used.

A refusal with status 200 has the exception in `error` that the client raises.
"""

import importlib
import json
import sys
from typing import Any

client = importlib.import_module(sys.argv[1])


def answer(call: dict[str, Any]) -> dict[str, Any]:
    web = client.WebClient(token=call["key"], base_url=call["host"] + "/api/", timeout=30)
    try:
        return said(getattr(web, call["call"])(**call["arguments"]))
    except client.errors.SlackApiError as error:
        return said(error.response, "SlackApiError")


def said(got: Any, error: str | None = None) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in got.headers.items()}
    return {"status": got.status_code, "headers": headers, "body": got.data, "error": error}


for line in sys.stdin:
    try:
        told = answer(json.loads(line))
    except Exception as error:  # what the client itself refuses, to send or to accept
        told = {"status": None, "headers": {}, "body": str(error), "error": type(error).__name__}
    print(json.dumps(told), flush=True)
