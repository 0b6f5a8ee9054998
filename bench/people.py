"""Who is in a database of the measurements: 200,000 identities with five sessions each, the same ones everywhere.

Everything follows from a number, so whoever asks knows ids and tokens without reading them from the database. The
session of number n is one of the identity of number n % 200,000.
"""

from hashlib import blake2b, shake_128
from pathlib import Path

from nightlatch import data
from nightlatch.core.credentials.person import Person, Profile, Vault, compose
from nightlatch.core.events.model import Act
from nightlatch.core.identities.schemas import Schema, Schemas
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.model import Device, Method, Session
from nightlatch.kernel.clock import DAY, SECOND
from nightlatch.kernel.ids import Entropy, new_id, new_number
from nightlatch.kernel.secrets import Keys, digest

IDENTITIES = 200_000
SESSIONS = 1_000_000
SECRET = "a secret of the measurements, 32"
PASSWORD = "a password of the measurements"
# Of PASSWORD, with the parameters that are the default.
PASSWORD_HASH = "$argon2id$v=19$m=47104,t=1,p=1$emdaV8+xQHB8ZBmElDCOlA$5QQDbqpQU3p3RjsXvig+7/jGXcPXYbIsc4yBIfuaqzc"
SCHEMA = Path(data.__path__[0]) / "default.schema.json"

_BEGAN = 1_735_689_600 * SECOND  # 2025
_APART = 30 * SECOND  # between two sessions: a million of them fill a year
_LIFESPAN = 3650 * DAY
_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
# Names are searchable in it, which they are not in the one that servers have: it is of the questions alone.
_MARKED = SCHEMA.read_bytes().replace(b'"maxLength": 200', b'"maxLength": 200, "nightlatch/searchable": true')
schemas = Schemas([Schema("default", _MARKED)], "default")
_vault = Vault(Keys([SECRET.encode()], "credentials"))


def email(n: int) -> str:
    return f"person-{n}@example.org"


def external_id(n: int) -> str:
    return f"external-{n}"


def traits(n: int) -> str:
    return f'{{"email":"{email(n)}","name":{{"first":"Ada","last":"Number {n}"}}}}'


def token(n: int) -> str:
    return "ory_st_" + blake2b(b"token %d" % n, digest_size=16).hexdigest()


def identity_id(n: int) -> bytes:
    return new_id(_born(n), _entropy("identity", n))


def session_id(n: int) -> bytes:
    return new_id(_born(n), _entropy("session", n))


def person(n: int) -> Person:
    """An identity with an address, an external id, a password and what the schema makes of them."""
    act = Act(DEFAULT, "bench", _born(n), _entropy("identity", n))
    password = {"hashed_password": PASSWORD_HASH}
    profile = Profile("default", traits(n), external_id=external_id(n), credentials={"password": password})
    return compose(act, schemas, _vault, profile)


def session(n: int) -> Session:
    entropy, at = _entropy("session", n), _born(n)
    return Session(
        id=new_id(at, entropy),
        number=new_number(entropy),
        organization=DEFAULT,
        identity_id=identity_id(n % IDENTITIES),
        token_hash=digest(token(n)),
        aal=1,
        methods=(Method("password", 1, at),),
        created_at=at,
        issued_at=at,
        authenticated_at=at,
        expires_at=at + _LIFESPAN,
        ended_at=None,
        last_seen=at,
        device_id=new_id(at, entropy),
        device=Device(f"192.0.2.{n % 250}", _AGENT, None, "desktop"),
        epochs=(0, 0, 0, 0),
    )


def _born(n: int) -> int:
    return _BEGAN + n * _APART


def _entropy(what: str, n: int) -> Entropy:
    """An endless, repeatable stream: the n-th call gives other bytes than the one before."""
    calls = 0

    def take(length: int) -> bytes:
        nonlocal calls
        calls += 1
        return shake_128(f"{what} {n} {calls}".encode()).digest(length)

    return take
