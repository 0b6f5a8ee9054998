"""Runs an unmodified Python client of Slack's API in a process of its own: slack_sdk, or the one generated from our own
document. The calls and answers are those of kratos_process.py; `api` is not used.

A refusal with status 200 has the client's exception in `error`, or none where it raises none.
"""

import importlib
import json
import sys
from typing import Any

client = importlib.import_module(sys.argv[1])


def by_slack_sdk(call: dict[str, Any]) -> dict[str, Any]:
    web = client.WebClient(token=call["key"], base_url=call["host"] + "/api/", timeout=30)
    try:
        return said(getattr(web, call["call"])(**call["arguments"]))
    except client.errors.SlackApiError as error:
        return said(error.response, "SlackApiError")


def said(answer: Any, error: str | None = None) -> dict[str, Any]:
    return {"status": answer.status_code, "headers": lower(answer.headers), "body": answer.data, "error": error}


def by_generated(call: dict[str, Any]) -> dict[str, Any]:
    configuration = client.Configuration(host=call["host"] + "/api", access_token=call["key"])
    with client.ApiClient(configuration) as api_client:
        api = client.AdminUsersSessionApi(api_client)
        try:
            got = getattr(api, call["call"] + "_with_http_info")(**call["arguments"], _request_timeout=30)
        except client.ApiException as error:
            body, headers = json.loads(error.body or "null"), lower(error.headers)
            return {"status": error.status, "headers": headers, "body": body, "error": type(error).__name__}
        body = api_client.sanitize_for_serialization(got.data.to_dict())
        return {"status": got.status_code, "headers": lower(got.headers), "body": body, "error": None}


def lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in (headers or {}).items()}


answer = by_slack_sdk if sys.argv[1] == "slack_sdk" else by_generated
for line in sys.stdin:
    try:
        told = answer(json.loads(line))
    except Exception as error:  # what the client itself refuses, to send or to accept
        told = {"status": None, "headers": {}, "body": str(error), "error": type(error).__name__}
    print(json.dumps(told), flush=True)
