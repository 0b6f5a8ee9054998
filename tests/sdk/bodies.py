"""Arguments of the Kratos clients, made of their own models as their documentation shows (see kratos_process)."""

import functools
import uuid
from typing import Any

from argon2 import PasswordHasher
from tests.sdk.client import Kratos

PASSWORD = "Tr0ut-lamp*ferry 91"
Model = dict[str, Any]


def model(name: str, **fields: Any) -> Model:
    return {"$": name, **fields}


@functools.cache
def hashed() -> str:
    """The hash of PASSWORD as the server makes it: who is imported with it signs in without costing another hash."""
    return PasswordHasher(memory_cost=47104, time_cost=1, parallelism=1).hash(PASSWORD)


def new_email() -> str:
    return f"{uuid.uuid4().hex}@example.com"


def secret(**config: str) -> Model:
    """Credentials of one password: `password` in plain text, or `hashed_password`."""
    of = model("IdentityWithCredentialsPasswordConfig", **config)
    return model("IdentityWithCredentials", password=model("IdentityWithCredentialsPassword", config=of))


def person(email: str, **fields: Any) -> Model:
    """A body of create_identity: the default schema, and PASSWORD as a hash unless `fields` say otherwise."""
    known = {
        "schema_id": "default",
        "traits": {"email": email},
        "credentials": secret(hashed_password=hashed()),
    }
    return model("CreateIdentityBody", **known | fields)


def update(email: str, **fields: Any) -> Model:
    known = {"schema_id": "default", "traits": {"email": email}, "state": model("IdentityState", of="active")}
    return model("UpdateIdentityBody", **known | fields)


def batch(*creations: Model) -> Model:
    patches = [model("IdentityPatch", create=body, patch_id=str(uuid.uuid4())) for body in creations]
    return model("PatchIdentitiesBody", identities=patches)


def patch(kratos: Kratos, *operations: dict[str, Any]) -> dict[str, Any]:
    """The arguments of patch_identity, whose names differ by generation. An operation may hold op, path, value, from."""
    source = "from" if kratos.release.npm else "_from" if kratos.release.old else "var_from"
    name = "json_patch_document" if kratos.release.old else "json_patch"
    renamed = [{source if key == "from" else key: value for key, value in each.items()} for each in operations]
    return {name: model("JsonPatchDocument", of=[model("JsonPatch", **each) for each in renamed])}
