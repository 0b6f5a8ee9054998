"""A Flask application that only people who are signed in may use.

Start the server with `make serve`, then: pip install flask . && python examples/flask_app.py
"""

import os

from flask import Flask, abort, request

from nightlatch.client import Who, Whoami, who
from nightlatch.client.wsgi import WhoMiddleware

PUBLIC = os.environ.get("PUBLIC_URL", "http://127.0.0.1:4433")

app = Flask(__name__)
app.wsgi_app = WhoMiddleware(app.wsgi_app, Whoami(PUBLIC))


def somebody() -> Who:
    return who(request.environ) or abort(401)


@app.get("/")
def home() -> str:
    return "Anybody may read this."


@app.get("/mine")
def mine() -> dict[str, str]:
    person = somebody()
    return {"id": str(person.id), "email": person.traits["email"], "session": str(person.session_id)}


if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", "8000")))
