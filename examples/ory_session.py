"""Ends a session with Ory's own ory-client, of any age, as its documentation shows it.

Start the server with `make serve`, then: pip install ory-client==1.22.87 && python examples/ory_session.py SESSION_ID
"""

import os
import sys
from pathlib import Path

import ory_client
from ory_client.api import identity_api

ADMIN = os.environ.get("ADMIN_URL", "http://127.0.0.1:4434")
KEY = os.environ.get("NIGHTLATCH_ADMIN_KEY") or Path("var/dev-key").read_text().strip()

configuration = ory_client.Configuration(host=ADMIN, access_token=KEY)
with ory_client.ApiClient(configuration) as api_client:
    api_instance = identity_api.IdentityApi(api_client)
    try:
        api_instance.disable_session(sys.argv[1])
        print("ended    ", sys.argv[1])
    except ory_client.ApiException as refusal:
        print("refused  ", refusal.status, refusal.reason)
