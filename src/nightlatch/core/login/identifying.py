"""The first of two steps: who signs in is asked for before how. Nobody has proved anything yet."""

from collections.abc import Iterable

import msgspec

from nightlatch.core.attempts.rules import CODE, check_network
from nightlatch.core.credentials.person import Person, find
from nightlatch.core.events.model import Act
from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Flow
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Name
from nightlatch.core.identities.normal import normal_identifier
from nightlatch.core.means import Means

STEP = "identifier_first"


async def identify(
    means: Means, act: Act, flow_id: bytes, identifier: str, ip: str | None, telling: Iterable[str] = ()
) -> Flow:
    """The flow, which goes on to all methods: nobody is looked up, so nothing tells whether anybody has the identifier.
    Where it may be told, `telling` are the types to look for: it goes on to those of who has it, or says that nobody
    does. FlowNotFound, FlowExpired, Throttled."""
    return await means.store.write(lambda tx: _identify(tx, means, act, flow_id, identifier, ip, telling))


def ways_in(person: Person) -> tuple[str, ...]:
    """The methods by which they sign in."""
    # Codes are a way in that nobody counts on, and are one all the same.
    return tuple(each.type for each in person.credentials.values() if each.first_factors or each.type == CODE)


async def _identify(
    tx: Tx, means: Means, act: Act, flow_id: bytes, identifier: str, ip: str | None, telling: Iterable[str]
) -> Flow:
    flow = await flows.find_open(tx, act, Kind.LOGIN, flow_id)
    await check_network(tx, act, "identify", ip, means.throttling.proofs)
    names = [Name(type_, normal_identifier(type_, identifier)) for type_ in telling]
    found = [await _ways_of(tx, act, name) for name in names]
    methods = next(filter(None, found), ())
    unknown = bool(names) and not methods
    facts = msgspec.structs.replace(
        flow.facts,
        identifier=identifier,
        methods=methods,
        problems=({"code": "account_unknown", "field": "identifier"},) if unknown else (),
    )
    return await flows.move(tx, flow, state="choose_method", method=None if unknown else STEP, facts=facts)


async def _ways_of(tx: Tx, act: Act, name: Name) -> tuple[str, ...]:
    holder = await tx.identities.holder(act.organization, name)
    person = await find(tx, act.organization, holder) if holder else None
    return ways_in(person) if person else ()
