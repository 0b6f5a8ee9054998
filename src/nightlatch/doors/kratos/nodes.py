"""A flow as its JSON: the fields to fill in, computed from what is stored at the moment of answering."""

from collections.abc import Iterator, Sequence
from typing import Any, NotRequired, TypedDict

import msgspec

from nightlatch.core.flows.model import RECOVERED, SENT, Act, Flow
from nightlatch.core.identities.model import Identity
from nightlatch.core.login.identifying import STEP
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.settings.rules import SAVED
from nightlatch.core.verification.rules import PASSED
from nightlatch.doors.kratos import return_to, texts
from nightlatch.doors.kratos.inputs import Node
from nightlatch.doors.kratos.inputs import code_inputs as _code
from nightlatch.doors.kratos.inputs import csrf as _csrf
from nightlatch.doors.kratos.inputs import input_ as _input
from nightlatch.doors.kratos.methods.identifier_first import in_two_steps, offered_to_sign_in
from nightlatch.doors.kratos.methods.table import offered
from nightlatch.doors.kratos.parts import Parts
from nightlatch.doors.kratos.shapes import Identity as IdentityShown
from nightlatch.doors.kratos.shapes import Moment, at
from nightlatch.doors.kratos.traits import identifier_label, trait_inputs
from nightlatch.kernel.ids import id_text


class Ui(TypedDict):
    action: str
    method: str
    nodes: list[Node]
    messages: NotRequired[list[texts.Message]]


class FlowShown(TypedDict):
    """A flow's JSON. Members from organization_id on are of some acts only."""

    id: str
    type: str
    expires_at: Moment
    issued_at: Moment
    request_url: str
    state: str
    ui: Ui
    return_to: NotRequired[str]
    active: NotRequired[str]
    organization_id: NotRequired[str | None]
    created_at: NotRequired[Moment]
    updated_at: NotRequired[Moment]
    refresh: NotRequired[bool]
    requested_aal: NotRequired[str]
    continue_with: NotRequired[list[dict[str, Any]]]
    identity: NotRequired[IdentityShown]


def flow(
    parts: Parts,
    flow: Flow,
    more: Sequence[dict[str, Any]] = (),
    csrf_token: str = "",
    identity: Identity | None = None,
) -> FlowShown:
    """The flow's JSON; `more` are problems of this request that are not stored. Settings are of an `identity`."""
    problems = (*flow.facts.problems, *more)
    nodes = list(_settings(parts, flow, identity) if identity else _NODES[flow.act](parts, flow))
    for node in nodes:
        if node["attributes"].get("name") == "csrf_token":
            node["attributes"]["value"] = csrf_token
    shown: FlowShown = {
        "id": id_text(flow.id),
        "type": flow.type,
        "expires_at": at(flow.expires_at),
        "issued_at": at(flow.issued_at),
        "request_url": flow.request_url,
        "state": flow.state,
        "ui": {
            "action": f"{parts.public_url}self-service/{flow.act}?flow={id_text(flow.id)}",
            "method": "POST",
            "nodes": nodes,
        },
    }
    if flow.act is Act.VERIFICATION and flow.state == PASSED:
        shown["ui"] |= {"action": return_to.after(parts, flow.act, flow.return_to), "method": "GET"}
    messages = _place(nodes, problems) + _standing_messages(parts, flow)
    if messages:
        shown["ui"]["messages"] = messages
    if flow.return_to:
        shown["return_to"] = flow.return_to
    if flow.method:
        shown["active"] = flow.method
    if flow.act not in {Act.RECOVERY, Act.VERIFICATION}:
        shown["organization_id"] = None if flow.organization == DEFAULT else id_text(flow.organization)
    if identity is not None:
        shown["identity"] = parts.render.identity(identity, admin=False)
    if flow.act is Act.LOGIN:
        shown |= {
            "created_at": at(flow.issued_at),
            "updated_at": at(flow.issued_at),
            "refresh": flow.facts.refresh,
            "requested_aal": "aal1",
        }
    return shown


def asks_to_remember(parts: Parts, flow: Flow) -> bool:
    """Whether the form asks if this browser is to keep the person signed in."""
    return parts.flows.remember_me is not None and flow.type == "browser" and not flow.facts.refresh


def _login(parts: Parts, flow: Flow) -> Iterator[Node]:
    yield _csrf()
    methods = offered_to_sign_in(parts.flows, flow)
    if not methods:
        return
    first = methods[0].type == STEP
    chosen = in_two_steps(parts.flows, flow) and not first
    hidden = chosen or flow.state == SENT or (flow.facts.refresh and flow.facts.identifier is not None)
    value = flow.facts.identifier or ""
    label = identifier_label(parts.schemas.chosen(parts.schemas.default_id))
    group = STEP if first or chosen else "default"
    yield _input(group, "identifier", "hidden" if hidden else "text", label, value=value, required=True)
    *fields, last = [list(method.to_sign_in(flow)) for method in methods]
    if asks_to_remember(parts, flow) and not first:
        button = next(at for at, node in enumerate(last) if node["attributes"]["type"] == "submit")
        box = _input(methods[-1].type, "remember_me", "checkbox", texts.REMEMBER_ME, value=flow.facts.remember)
        last.insert(button, box)
    for each in (*fields, last):
        yield from each


def _registration(parts: Parts, flow: Flow) -> Iterator[Node]:
    yield _csrf()
    methods = offered(parts.flows, flow)
    if not methods:
        return
    schema, unified = parts.schemas.chosen(parts.schemas.default_id), parts.flows.unified
    hidden = flow.state == SENT or (flow.facts.step == "credential" and not unified)
    # Whatever is on the form beside them: pages send those of `default` with any button.
    yield from trait_inputs(schema, flow.facts.traits, "default", hidden=hidden)
    if not hidden and not unified:
        yield _input("profile", "method", "submit", texts.SIGN_UP, value="profile")
        return
    for method in methods:
        yield from method.to_sign_up(flow)
    if hidden:
        back = "credential-selection" if flow.state == SENT and not unified else "previous"
        yield _input("profile", "screen", "submit", texts.BACK, value=back)


def _recovery(_parts: Parts, flow: Flow) -> Iterator[Node]:
    if flow.facts.identifier is None and flow.state == SENT:  # made by an administrator: nothing to send again
        if flow.method == "code":
            code, _, button = _code(texts.RECOVERY_CODE)
            yield from (code, button)
        return
    yield _csrf()
    if flow.state != PASSED:
        yield from _secret(flow, texts.RECOVERY_CODE)


def _verification(parts: Parts, flow: Flow) -> Iterator[Node]:
    yield _csrf()
    if flow.state != PASSED:
        yield from _secret(flow, texts.VERIFICATION_CODE)
        return
    url = return_to.after(parts, flow.act, flow.return_to)
    attributes = {"href": url, "title": texts.CONTINUE, "id": "continue", "node_type": "a"}
    label = {"label": texts.CONTINUE}
    yield {"type": "a", "group": flow.method, "attributes": attributes, "messages": [], "meta": label}


def _secret(flow: Flow, label: texts.Message) -> Iterator[Node]:
    """What is asked for: the address, then the code that was sent there."""
    address = flow.facts.identifier or ""
    if flow.state == SENT and flow.method == "code":
        yield from _code(label)
        yield _input("code", "email", "submit", texts.RESEND, value=address)
        return
    value = {"value": address} if address else {}
    method = flow.method or "code"
    yield _input(method, "email", "email", texts.EMAIL, required=True, autocomplete="email", **value)
    yield _input(method, "method", "submit", texts.CONTINUE if method == "code" else texts.SUBMIT, value=method)


def _settings(parts: Parts, flow: Flow, identity: Identity) -> Iterator[Node]:
    yield _csrf()
    # What was refused is there to be mended; otherwise what is stored now.
    values = msgspec.json.decode(identity.traits) if flow.facts.traits is None else flow.facts.traits
    yield from trait_inputs(parts.schemas.chosen(identity.schema_id), values, "profile", hidden=False)
    yield _input("profile", "method", "submit", texts.SAVE, value="profile")
    if parts.flows.password_enabled:
        yield _input("password", "password", "password", texts.PASSWORD, required=True, autocomplete="new-password")
        yield _input("password", "method", "submit", texts.SAVE, value="password")


_NODES = {Act.LOGIN: _login, Act.REGISTRATION: _registration, Act.RECOVERY: _recovery, Act.VERIFICATION: _verification}


def _standing_messages(parts: Parts, flow: Flow) -> list[texts.Message]:
    """What the state itself has to say."""
    if flow.state == SENT and flow.act in texts.CODE_SENT_TO:
        known = flow.act is Act.LOGIN and flow.facts.refresh
        return [] if flow.facts.problems else [texts.CODE_SENT_AGAIN if known else texts.CODE_SENT_TO[flow.act]]
    if flow.act is Act.LOGIN and flow.facts.refresh:
        return [texts.CONFIRM_IT_IS_YOU]
    if flow.act is Act.REGISTRATION and flow.facts.step == "credential" and not flow.facts.problems:
        return [texts.CHOOSE_CREDENTIAL]
    if flow.state == SENT and flow.facts.identifier and not flow.facts.problems:
        return [texts.sent(flow.act, flow.method or "", flow.facts.identifier)]
    if flow.act is Act.VERIFICATION and flow.state == PASSED:
        return [texts.verified(flow.facts.identifier or "")]
    if flow.act is Act.SETTINGS and flow.state == SAVED:
        return [texts.SAVED]
    if flow.act is Act.SETTINGS and flow.facts.step == RECOVERED:
        privileged = parts.flows.settings.privileged
        return [texts.recovered(privileged, flow.issued_at + privileged)]
    return []


def _place(nodes: list[Node], problems: Sequence[dict[str, Any]]) -> list[texts.Message]:
    """Puts each problem on the field that it is about; gives back those that are about no field."""
    general: list[texts.Message] = []
    named = {node["attributes"].get("name"): node for node in nodes}
    for problem in problems:
        name = problem.get("field") or _dotted(problem.get("pointer", ""))
        message = texts.of_problem(problem)
        if not name or name == "traits":
            general.append(message)
            continue
        if name not in named:
            named[name] = _input("default", name, "text", None)
            nodes.append(named[name])
        named[name]["messages"].append(message)
    return general


def _dotted(pointer: str) -> str:
    """A JSON pointer (RFC 6901) as the name of a field."""
    return ".".join(part.replace("~1", "/").replace("~0", "~") for part in pointer.strip("/").split("/"))
