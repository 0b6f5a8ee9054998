"""Runs the unmodified huaweicloudsdkidentitycenterstore in a process with nothing else on its path.

Each line of standard input is a call, each line of standard output its answer, both JSON:
{"endpoint", "pair": [ak, sk], "token", "call", "arguments"} → {"status", "headers", "body", "error"};
{"sign": {method, host, path, query, headers, body}, "pair"} → the same, whose body is what would be sent.
"""

import json
import sys
from typing import Any

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from huaweicloudsdkidentitycenterstore import v1 as store


def sign(call: dict[str, Any]) -> dict[str, Any]:
    wanted = call["sign"]
    request = Signer(BasicCredentials(*call["pair"])).sign(
        SdkRequest(
            method=wanted["method"],
            host=wanted["host"],
            resource_path=wanted["path"],
            query_params=[(name, value) for name, value in wanted["query"]],
            header_params=wanted["headers"],
            body=wanted["body"],
        )
    )
    return {"status": None, "headers": request.header_params, "body": request.uri}


def answer(call: dict[str, Any]) -> dict[str, Any]:
    credentials = BasicCredentials(*call["pair"])
    if call["token"] is not None:
        credentials.with_security_token(call["token"])
    config = HttpConfig.get_default_config()
    config.retry_times = 0
    client = (
        store.IdentityCenterStoreClient.new_builder()
        .with_http_config(config)
        .with_credentials(credentials)
        .with_endpoint(call["endpoint"])
        .build()
    )
    arguments = dict(call["arguments"])
    if "session_ids" in arguments:
        arguments["body"] = store.BatchDeleteSessionsReqBody(session_ids=arguments.pop("session_ids"))
    name = "".join(word.capitalize() for word in call["call"].split("_"))
    got = getattr(client, call["call"])(getattr(store, name + "Request")(**arguments))
    return {"status": got.status_code, "headers": {}, "body": got.to_json_object()}


def refusal(error: ServiceResponseException) -> dict[str, Any]:
    said = {
        "error_code": error.error_code,
        "error_msg": error.error_msg,
        "request_id": error.request_id,
        "encoded_authorization_message": error.encoded_auth_msg,
    }
    return {"status": error.status_code, "headers": {}, "body": said, "error": type(error).__name__}


for line in sys.stdin:
    try:
        call = json.loads(line)
        said = sign(call) if "sign" in call else answer(call)
    except ServiceResponseException as error:
        said = refusal(error)
    except Exception as error:  # what the client itself refuses, to send or to accept
        said = {"status": None, "headers": {}, "body": str(error), "error": type(error).__name__}
    print(json.dumps({"error": None} | said), flush=True)
