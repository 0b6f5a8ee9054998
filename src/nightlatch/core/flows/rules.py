"""Flows opened, found and moved on. A flow succeeds once and is over at its time."""

from typing import Any

import msgspec

from nightlatch.core.events.model import Act
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Facts, Flow
from nightlatch.core.flows.store import Tx
from nightlatch.problems import FlowExpired, FlowNotFound, PasswordRefused, Problem, TraitsInvalid


async def open_flow(
    tx: Tx,
    act: Act,
    kind: Kind,
    lifespan: int,
    request_url: str,
    *,
    type_: str = "api",
    state: str = "choose_method",
    method: str | None = None,
    identity_id: bytes | None = None,
    return_to: str | None = None,
    facts: Facts = Facts(),  # noqa: B008 - it is frozen
) -> Flow:
    """A new flow, open for `lifespan` microseconds."""
    flow = Flow(
        act.new_id(),
        act.organization,
        kind,
        type_,
        state,
        method,
        identity_id,
        request_url,
        return_to,
        facts,
        act.now,
        act.now + lifespan,
    )
    await tx.flows.add(flow)
    return flow


async def find(tx: Tx, act: Act, kind: Kind, flow_id: bytes) -> Flow:
    """The flow, whether or not it is over. FlowNotFound."""
    flow = await begun(tx, kind, flow_id)
    if flow.organization != act.organization:
        raise FlowNotFound
    return flow


async def begun(tx: Tx, kind: Kind, flow_id: bytes) -> Flow:
    """The same in any organization: who has the id of a flow goes on with it in the organization that it began in.
    FlowNotFound."""
    flow = await tx.flows.get(flow_id)
    if flow is None or flow.act is not kind:
        raise FlowNotFound
    return flow


async def find_open(tx: Tx, act: Act, kind: Kind, flow_id: bytes) -> Flow:
    """FlowNotFound, FlowExpired."""
    flow = await find(tx, act, kind, flow_id)
    check_open(flow, act.now)
    return flow


def check_open(flow: Flow, now: int) -> None:
    """FlowExpired when its time is over or it has succeeded."""
    if flow.used_at is not None or flow.expires_at <= now:
        raise FlowExpired


async def move(tx: Tx, flow: Flow, **changes: Any) -> Flow:
    """The flow with `changes`, stored. FlowExpired when it succeeded meanwhile."""
    moved = msgspec.structs.replace(flow, **changes)
    if not await tx.flows.save(moved):
        raise FlowExpired
    return moved


async def explain(tx: Tx, flow: Flow, problems: tuple[dict[str, Any], ...], **facts: Any) -> Flow:
    """The flow with what is wrong. FlowExpired."""
    return await move(tx, flow, facts=msgspec.structs.replace(flow.facts, problems=problems, **facts))


def problems_of(problem: Problem, field: str | None = None) -> tuple[dict[str, Any], ...]:
    """What a flow remembers of a failure: codes, numbers and reasons, and no secret."""
    if isinstance(problem, TraitsInvalid):
        return tuple(
            {"code": problem.code, "pointer": pointer, "reason": reason, "rule": rule, "limit": limit, "found": found}
            for pointer, reason, rule, limit, found in problem.errors
        )
    found: dict[str, Any] = {"code": problem.code, "reason": problem.reason}
    if isinstance(problem, PasswordRefused):
        return (found | {"rule": problem.rule, "facts": problem.facts, "field": "password"},)
    return (found | ({"field": field} if field else {}),)
