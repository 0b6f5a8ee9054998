"""One session invalidated, and all of a person reset, with a client generated from our OpenAPI document.

It is made so: openapi-generator-cli generate -g python -i $ADMIN_URL/api/openapi.json
python examples/slack_generated.py SESSION TEAM USER
"""

import os
import sys
from pathlib import Path
from pprint import pprint

import openapi_client

HOST = os.environ.get("ADMIN_URL", "http://127.0.0.1:4434")
KEY = os.environ.get("NIGHTLATCH_ADMIN_KEY") or Path("var/dev-key").read_text().strip()

configuration = openapi_client.Configuration(host=HOST + "/api")
configuration.access_token = KEY

with openapi_client.ApiClient(configuration) as api_client:
    api_instance = openapi_client.AdminUsersSessionApi(api_client)
    token = "token_example"  # the key is in Authorization, which goes first
    session_id, team_id, user_id = int(sys.argv[1]), sys.argv[2], sys.argv[3]

    try:
        api_response = api_instance.admin_users_session_invalidate(token, session_id, team_id)
        print("The response of AdminUsersSessionApi->admin_users_session_invalidate:\n")
        pprint(api_response)
    except Exception as e:
        print(f"Exception when calling AdminUsersSessionApi->admin_users_session_invalidate: {e}\n")

    try:
        api_response = api_instance.admin_users_session_reset(token, user_id, mobile_only=True, web_only=True)
        print("The response of AdminUsersSessionApi->admin_users_session_reset:\n")
        pprint(api_response)
    except Exception as e:
        print(f"Exception when calling AdminUsersSessionApi->admin_users_session_reset: {e}\n")
