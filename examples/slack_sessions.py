"""Sessions listed, and all of a person ended, with Slack's own slack_sdk 3.47.0, as it is published.

python examples/slack_sessions.py USER   (the id or the external id of an identity)
"""

import os
import sys
from pathlib import Path

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

HOST = os.environ.get("ADMIN_URL", "http://127.0.0.1:4434")
KEY = os.environ.get("NIGHTLATCH_ADMIN_KEY") or Path("var/dev-key").read_text().strip()

client = WebClient(token=KEY, base_url=HOST + "/api/")
try:
    for page in client.admin_users_session_list(limit=100):
        for session in page["active_sessions"]:
            print(
                "session  ",
                session["session_id"],
                "of",
                session["user_id"],
                "on",
                session["created"]["device_hardware"],
            )
    client.admin_users_session_reset(user_id=sys.argv[1])
    print("ended    ", sys.argv[1])
except SlackApiError as refusal:
    print("refused  ", refusal.response["error"])
