"""Runs a generated client in a process with nothing else on its path.

Each line of standard input is a call, each line of standard output its answer, both JSON:
{"host", "key", "headers", "api", "call", "arguments"} → {"status", "headers", "body", "error"}.
`headers` are sent with every call, as the client lets its user set them.
"""

import importlib
import json
import sys
from typing import Any

client = importlib.import_module(sys.argv[1])


def answer(call: dict[str, Any]) -> dict[str, Any]:
    with client.ApiClient(client.Configuration(host=call["host"], access_token=call["key"])) as api_client:
        for name, value in call["headers"].items():
            api_client.set_default_header(name, value)
        method = getattr(getattr(client, call["api"])(api_client), call["call"] + "_with_http_info")
        got = method(**call["arguments"], _request_timeout=30)
        body = api_client.sanitize_for_serialization(got.data)
        return {"status": got.status_code, "body": body, "headers": lower(got.headers)}


def lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in (headers or {}).items()}


def refusal(error: Any) -> dict[str, Any]:
    body = json.loads(error.body or "null")
    return {"status": error.status, "body": body, "headers": lower(error.headers), "error": type(error).__name__}


for line in sys.stdin:
    try:
        said = answer(json.loads(line))
    except client.ApiException as error:
        said = refusal(error)
    except Exception as error:  # what the client itself refuses, to send or to accept
        said = {"status": None, "headers": {}, "body": str(error), "error": type(error).__name__}
    print(json.dumps({"error": None} | said, default=str), flush=True)
