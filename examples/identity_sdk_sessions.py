"""Lists, shows and deletes the sessions of a user with identity_sdk, as its documentation shows it.

Start the server with `make serve`, then: python examples/identity_sdk_sessions.py USER_ID
"""

import os
import sys

import identity_sdk
from identity_sdk.rest import ApiException

ADMIN = os.environ.get("ADMIN_URL", "http://127.0.0.1:4434")
KEY = os.environ.get("NIGHTLATCH_ADMIN_KEY")

configuration = identity_sdk.Configuration(host=f"{ADMIN}/sessions-api")
with identity_sdk.ApiClient(configuration) as api_client:
    if KEY:  # the client sends none by itself; in development it needs none
        api_client.set_default_header("Authorization", f"Bearer {KEY}")
    api_instance = identity_sdk.SessionsApi(api_client)
    user_id = sys.argv[1]
    try:
        for session in api_instance.get_user_sessions(user_id):
            print("session  ", session.id, "expired" if session.is_expired else session.status)
            print("until    ", api_instance.get_session(str(session.id)).valid_until)
            api_instance.delete_session(str(session.id), x_user_id=user_id)
            print("deleted  ", session.id)
    except ApiException as refusal:
        print("refused  ", refusal.status, refusal.reason)
