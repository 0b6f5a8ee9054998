"""Signs in one of the people of people.jsonl for each format of password hash, with nothing but the standard library.

nightlatch identities import examples/people.jsonl --dev && python3 examples/every_format.py
"""

import json
import os
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

PUBLIC = os.environ.get("PUBLIC_URL", "http://127.0.0.1:4433")


def ask(path, body=None):
    request = Request(PUBLIC + path, body and json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        return json.load(urlopen(request))
    except HTTPError as refusal:
        if refusal.code != 429:
            raise
        wait = int(refusal.headers["Retry-After"])
        print(f"waiting   {wait} s: one network may sign in so often a minute and no more", flush=True)
        time.sleep(wait)
        return ask(path, body)


def sign_in(address):
    flow = ask("/self-service/login/api")["id"]
    password = address.partition("@")[0] + " opens the latch"
    return ask("/self-service/login?flow=" + flow, {"method": "password", "identifier": address, "password": password})


people = [json.loads(line) for line in (Path(__file__).parent / "people.jsonl").open(encoding="utf-8")]
active = [person for person in people if person.get("state") != "inactive"]
for kind, person in {person["metadata_admin"]["format"]: person for person in active}.items():
    session = sign_in(person["traits"]["email"])["session"]
    print("signed in", session["identity"]["traits"]["email"].ljust(30), kind)
