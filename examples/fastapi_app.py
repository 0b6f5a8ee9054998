"""A FastAPI application that only people who are signed in may use.

Start the server with `make serve`, then: pip install fastapi uvicorn . && python examples/fastapi_app.py
"""

import os
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request

from nightlatch.client import AsyncWhoami, Who, who
from nightlatch.client.asgi import WhoMiddleware

PUBLIC = os.environ.get("PUBLIC_URL", "http://127.0.0.1:4433")

app = FastAPI()
app.add_middleware(WhoMiddleware, whoami=AsyncWhoami(PUBLIC))


def somebody(request: Request) -> Who:
    found = who(request.scope)
    if found is None:
        raise HTTPException(401)
    return found


@app.get("/")
async def home() -> str:
    return "Anybody may read this."


@app.get("/mine")
async def mine(person: Annotated[Who, Depends(somebody)]) -> dict[str, str]:
    return {"id": str(person.id), "email": person.traits["email"], "session": str(person.session_id)}


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8000")))
