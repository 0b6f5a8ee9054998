"""A user's login sessions, listed and ended with huaweicloudsdkidentitycenterstore 3.1.219, as it is published.

pip install huaweicloudsdkidentitycenterstore==3.1.219
nightlatch keys create "identity centre" --pair      # prints the id of the pair and its secret
ACCESS_KEY_ID=... SECRET=... IDENTITY_STORE_ID=... python examples/huawei_client.py USER_ID
"""

import os
import sys

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkidentitycenterstore import v1 as store

ADMIN = os.environ.get("ADMIN_URL", "http://127.0.0.1:4434")
# The default organization, unless it or another has got an alias.
STORE = os.environ.get("IDENTITY_STORE_ID", "00000000-0000-0000-0000-000000000001")
(USER,) = sys.argv[1:]

credentials = BasicCredentials(os.environ["ACCESS_KEY_ID"], os.environ["SECRET"])
if "SECURITY_TOKEN" in os.environ:
    credentials.with_security_token(os.environ["SECURITY_TOKEN"])
client = store.IdentityCenterStoreClient.new_builder().with_credentials(credentials).with_endpoint(ADMIN).build()


def sessions() -> list[str]:
    """Their ids, as they are listed."""
    listed = client.list_sessions(store.ListSessionsRequest(identity_store_id=STORE, user_id=USER)).session_list
    for session in listed:
        print("session  ", session.session_id, session.ip_address, session.user_agent)
    return [session.session_id for session in listed]


try:
    found = sessions()
    while found:
        body = store.BatchDeleteSessionsReqBody(session_ids=found)
        client.batch_delete_sessions(store.BatchDeleteSessionsRequest(identity_store_id=STORE, user_id=USER, body=body))
        print("ended    ", len(found))
        found = sessions()
except ClientRequestException as refusal:
    sys.exit(f"{refusal.status_code} {refusal.error_code}: {refusal.error_msg} (request {refusal.request_id})")
