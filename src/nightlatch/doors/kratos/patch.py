"""JSON Patch (RFC 6902) as this dialect has it: add, remove, replace and test; some members may not be touched."""

import copy
from typing import Any

import msgspec

from nightlatch.doors.kratos.errors import Malformed
from nightlatch.problems import Invalid

_DENIED = (
    "/id", "/created_at", "/updated_at", "/state_changed_at", "/statechangedat", "/organization_id", "/schema_url",
)  # fmt: skip
_DENIED_BELOW = ("/credentials/oidc",)
_DEEPEST = 32
_OPERATIONS = {"add", "remove", "replace", "test"}


class Operation(msgspec.Struct):
    op: str
    path: str
    value: Any = None
    from_: str | None = msgspec.field(default=None, name="from")


def read(body: bytes) -> list[Operation]:
    """The operations of a body. Malformed."""
    if not body.strip():
        raise Malformed("unexpected end of JSON input", "failed to unmarshal JSON patch")
    try:
        operations = msgspec.json.decode(body, type=list[Operation])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(str(error), "failed to unmarshal JSON patch") from None
    for operation in operations:
        if operation.op not in _OPERATIONS:
            raise Malformed(f"unsupported operation: {operation.op}")
        path = operation.path.lower()  # the peer takes a name in any case, so /ID is denied too
        if path.count("/") > _DEEPEST:
            raise Malformed(f"patch goes deeper than {_DEEPEST} levels: {operation.path[:100]}")
        below = any(path == p or path.startswith(p + "/") for p in (*_DENIED, *_DENIED_BELOW))
        if below or path in {"", "/", "/credentials"}:
            raise Malformed(f"patch includes denied path: {operation.path}", "failed to apply JSON patch")
    return operations


def apply(document: Any, operations: list[Operation]) -> Any:
    """A changed copy of `document`. Invalid when an operation does not fit it."""
    result = copy.deepcopy(document)
    for operation in operations:
        _apply(result, operation)
    return result


def _apply(document: Any, operation: Operation) -> None:
    if not operation.path.startswith("/"):
        raise _unfit(operation)
    *parents, last = (part.replace("~1", "/").replace("~0", "~") for part in operation.path[1:].split("/"))
    target = document
    for part in parents:
        target = _into(target, part, operation)
    if isinstance(target, dict):
        _in_object(target, last, operation)
    elif isinstance(target, list):
        _in_array(target, last, operation)
    else:
        raise _unfit(operation)


def _into(target: Any, part: str, operation: Operation) -> Any:
    if isinstance(target, dict):
        if target.get(part) is None and operation.op in {"add", "replace"}:
            target[part] = {}  # absent parents come into being, as with the peer
        if part in target:
            return target[part]
    elif isinstance(target, list):
        return target[_index(target, part, operation, len(target) - 1)]
    raise _unfit(operation)


def _in_object(target: dict[str, Any], name: str, operation: Operation) -> None:
    if operation.op in {"add", "replace"}:
        target[name] = operation.value
    elif name not in target:
        raise _unfit(operation)
    elif operation.op == "remove":
        del target[name]
    elif target[name] != operation.value or type(target[name]) is not type(operation.value):
        raise Invalid(f"testing value {operation.path} failed")


def _in_array(target: list[Any], name: str, operation: Operation) -> None:
    if operation.op == "add":
        target.insert(len(target) if name == "-" else _index(target, name, operation, len(target)), operation.value)
        return
    index = _index(target, name, operation, len(target) - 1)
    if operation.op == "replace":
        target[index] = operation.value
    elif operation.op == "remove":
        del target[index]
    elif target[index] != operation.value:
        raise Invalid(f"testing value {operation.path} failed")


def _index(target: list[Any], name: str, operation: Operation, most: int) -> int:  # noqa: ARG001
    # Not all that isdigit() is a digit to int(), which takes long over thousands of them.
    if not (name.isascii() and name.isdigit() and len(name) < 6) or int(name) > most:
        raise _unfit(operation)
    return int(name)


def _unfit(operation: Operation) -> Invalid:
    return Invalid(
        f"failed to apply JSON patch: {operation.op} operation does not apply: doc is missing path {operation.path}"
    )
