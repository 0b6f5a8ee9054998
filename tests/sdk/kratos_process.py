"""Runs an unmodified ory_kratos_client or ory_client, of either generation, with nothing else on its path.

Each line of standard input is a call, each line of standard output its answer, both JSON:
{"host", "key", "prefix", "api", "call", "arguments"} → {"status", "headers", "body", "error"}.
In arguments {"$": "Identity", ...} is a model made by keywords, {"$": "IdentityState", "of": x} one made of a value;
where a generation lacks such a class, the plain value is what it takes. One of several kinds of body is a model of a
model, which the older generation makes in one step.
"""

import importlib
import json
import sys
from typing import Any

from dateutil.parser import parse

PACKAGE = sys.argv[1]
client = importlib.import_module(PACKAGE)
OLD = not hasattr(client, "IdentityApi")
apis = importlib.import_module(f"{PACKAGE}.apis") if OLD else client
models = importlib.import_module(f"{PACKAGE}.models") if OLD else client


def build(value: Any) -> Any:
    if isinstance(value, list):
        return [build(item) for item in value]
    if not isinstance(value, dict):
        return value
    if OLD and "$" in value and isinstance(value.get("of"), dict):
        value = value["of"] | {"$": value["$"]}
    built = {name: build(item) for name, item in value.items() if name != "$"}
    if "$" not in value:
        return built
    if value["$"] == "datetime":
        return parse(built["of"])
    model = getattr(models, value["$"], None)
    if "of" not in built:
        return model(**built)
    return model(built["of"]) if model else built["of"]


def configuration(host: str, key: str | None, prefix: str | None, **_: Any) -> Any:
    if PACKAGE == "ory_client":
        return client.Configuration(host=host, access_token=key)
    name = "oryAccessToken"
    key_by_name, prefix_by_name = {name: key} if key else {}, {name: prefix} if prefix else {}
    return client.Configuration(host=host, api_key=key_by_name, api_key_prefix=prefix_by_name)


def answer(call: dict[str, Any]) -> dict[str, Any]:
    with client.ApiClient(configuration(**call)) as api_client:
        api = getattr(apis, call["api"])(api_client)
        arguments = build(call["arguments"]) | {"_request_timeout": 30}
        if OLD:
            body, status, headers = getattr(api, call["call"])(**arguments, _return_http_data_only=False)
        else:
            got = getattr(api, call["call"] + "_with_http_info")(**arguments)
            body, status, headers = got.data, got.status_code, got.headers
        return {"status": status, "body": api_client.sanitize_for_serialization(body), "headers": lower(headers)}


def lower(headers: Any) -> dict[str, str]:
    told: dict[str, str] = {}
    for name, value in (headers or {}).items():
        told[name.lower()] = ", ".join(filter(None, (told.get(name.lower()), value)))
    return told


def refusal(error: Any) -> dict[str, Any]:
    text = error.body.decode() if isinstance(error.body, bytes) else error.body
    try:
        body = json.loads(text or "null")
    except ValueError:
        body = text
    return {"status": error.status, "body": body, "headers": lower(error.headers), "error": type(error).__name__}


for line in sys.stdin:
    try:
        said = answer(json.loads(line))
    except client.ApiException as error:
        said = refusal(error)
    except Exception as error:  # what the client itself refuses, to send or to accept
        said = {"status": None, "headers": {}, "body": str(error), "error": type(error).__name__}
    print(json.dumps({"error": None} | said), flush=True)
