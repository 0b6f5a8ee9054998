"""Arguments of the Kratos clients, made of their own models as their documentation shows (see kratos_process)."""

import uuid
from typing import Any

from tests.sdk.client import Kratos

PASSWORD = "Tr0ut-lamp*ferry 91"
Model = dict[str, Any]


def model(name: str, **fields: Any) -> Model:
    return {"$": name, **fields}


def new_email() -> str:
    return f"{uuid.uuid4().hex}@example.com"


def password(plain: str = PASSWORD) -> Model:
    config = model("IdentityWithCredentialsPasswordConfig", password=plain)
    return model("IdentityWithCredentialsPassword", config=config)


def person(email: str, **fields: Any) -> Model:
    """A body of create_identity: the default schema, and PASSWORD unless `fields` say otherwise."""
    known = {
        "schema_id": "default",
        "traits": {"email": email},
        "credentials": model("IdentityWithCredentials", password=password()),
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
    source, name = ("_from", "json_patch_document") if kratos.old else ("var_from", "json_patch")
    renamed = [{source if key == "from" else key: value for key, value in each.items()} for each in operations]
    return {name: model("JsonPatchDocument", of=[model("JsonPatch", **each) for each in renamed])}
