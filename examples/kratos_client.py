"""A walk through nightlatch with Ory's own ory-kratos-client 25.4.0, as it is published.

Start the server with `make serve`, then: pip install ory-kratos-client==25.4.0 && python examples/kratos_client.py
"""

import json
import os
import uuid
from pathlib import Path
from urllib.request import Request, urlopen

import ory_kratos_client as kratos

PUBLIC = os.environ.get("PUBLIC_URL", "http://127.0.0.1:4433")
ADMIN = os.environ.get("ADMIN_URL", "http://127.0.0.1:4434")
KEY = os.environ.get("NIGHTLATCH_ADMIN_KEY") or Path("var/dev-key").read_text().strip()
PASSWORD = "Tr0ut-lamp*ferry 91"


def sign_in(email: str) -> str:
    """The session token. This is the person's own device at work: plain HTTP, no key."""
    with urlopen(f"{PUBLIC}/self-service/login/api") as answer:
        action = json.load(answer)["ui"]["action"]
    body = json.dumps({"method": "password", "identifier": email, "password": PASSWORD}).encode()
    with urlopen(Request(action, body, {"Content-Type": "application/json"})) as answer:
        return json.load(answer)["session_token"]


configuration = kratos.Configuration(host=ADMIN, api_key={"oryAccessToken": KEY})
with kratos.ApiClient(configuration) as admin, kratos.ApiClient(kratos.Configuration(host=PUBLIC)) as public:
    identities, frontend = kratos.IdentityApi(admin), kratos.FrontendApi(public)

    secret = kratos.IdentityWithCredentialsPasswordConfig(password=PASSWORD)
    credentials = kratos.IdentityWithCredentials(password=kratos.IdentityWithCredentialsPassword(config=secret))
    people = []
    for name in ("anna", "bo", "chloe"):
        traits = {"email": f"{name}-{uuid.uuid4().hex[:8]}@example.com", "name": {"first": name.title()}}
        body = kratos.CreateIdentityBody(schema_id="default", traits=traits, credentials=credentials)
        people.append(identities.create_identity(create_identity_body=body))
        print("created  ", people[-1].id, traits["email"])

    anna = people[0]
    token = sign_in(anna.traits["email"])
    print("signed in", frontend.to_session(x_session_token=token).identity.id)

    for session in identities.list_identity_sessions(id=anna.id):
        print("session  ", session.id, "until", session.expires_at)
        print("extended ", session.id, "until", identities.extend_session(id=session.id).expires_at)
        identities.disable_session(id=session.id)
        print("ended    ", session.id)

    try:
        frontend.to_session(x_session_token=token)
    except kratos.ApiException as refusal:
        print("refused  ", refusal.status, refusal.reason)
