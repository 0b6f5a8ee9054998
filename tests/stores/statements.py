"""Every statement of stores/sql with arguments that hit a row and arguments that hit none, in an order that can be run."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import msgspec
from tests.stores.rows import NOW, access_key, an_id, bits, code, credential, flow, identity, job, session

from nightlatch.core.access.model import Pair
from nightlatch.core.courier.model import Message, Status
from nightlatch.core.jobs.model import Failure, Kind, Which
from nightlatch.core.jobs.model import Status as JobStatus
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.model import Ending, How, Position
from nightlatch.kernel.clock import DAY
from nightlatch.stores import sql
from nightlatch.stores.sql import access, credentials, endings, flows, identities, jobs, messages, sessions
from nightlatch.stores.sql.statement import Statement


class Array(list[Any]):
    """Several values as one argument."""


class _Caught:
    """A connection that only remembers what it is asked to run."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    async def run(self, statement: Statement, *arguments: Any) -> int:
        self.asked.append(arguments)
        return 1

    async def many(self, statement: Statement, arguments: list[tuple[Any, ...]]) -> None:
        self.asked += arguments


def named() -> Iterator[tuple[str, Statement]]:
    """Every statement that a module of stores/sql holds under a name."""
    for found in pkgutil.iter_modules(sql.__path__):
        module = importlib.import_module(f"{sql.__name__}.{found.name}")
        for name, value in vars(module).items():
            each = value if isinstance(value, dict) else {"": value}
            for key, statement in each.items():
                if isinstance(statement, Statement):
                    yield f"{found.name}.{name}" + (f"[{key}]" if key else ""), statement


def _written(repository: Any, method: str, *values: Any) -> list[tuple[Any, ...]]:
    """The arguments that a repository makes of a record."""
    caught = _Caught()
    try:
        getattr(repository(caught), method)(*values).send(None)
    except StopIteration:
        return caught.asked
    raise AssertionError("it suspended")


ANNA, BERT, CLEO = (identity(version=n) for n in (1, 2, 3))
PEOPLE = (ANNA, BERT, CLEO)
ONE, TWO, THREE, FOUR = (session(person, created_at=NOW + n) for n, person in enumerate((ANNA, ANNA, ANNA, BERT)))
LOGIN, RECOVERY, CLOSED = flow(), flow(identity_id=ANNA.id), flow(identity_id=BERT.id)
CODE, OTHER_CODE = code(ANNA, RECOVERY), code(BERT, CLOSED, purpose="link")
THIRD_CODE = code(CLEO, LOGIN, purpose="link")
KEY = access_key(pair=Pair("AKIDAKIDAKIDAKIDAKID", bits(), bits()))
OLD_KEY = access_key(revoked_at=NOW)
NOBODY, ACME, ELSE = an_id(), an_id(), an_id()
NO_POLICY = [None] * 6
VALUES = Array(("b", "a", "none"))
CREDENTIALS = [credential(ANNA), credential(ANNA, "totp", second_factors=1), credential(BERT, "oidc")]
IDS, WEB = Array((ONE.id, TWO.id, THREE.id)), Array(("web", "mobile"))
ENDING = Ending(an_id(), DEFAULT, ANNA.id, How.DISABLE, NOW, an_id(), (1, 2, 3, 4))
ENDING_OF_ALL = Ending(an_id(), DEFAULT, None, How.DELETE, NOW, an_id(), (None, None, 3, 4), Position(NOW, ONE.id))
MOVED = msgspec.structs.replace(ENDING, after=Position(NOW, TWO.id))
MAIL = Message(an_id(), DEFAULT, ANNA.id, "email", "a@example.org", "login_code", b"sealed", NOW, NOW, NOW)
TEXT = msgspec.structs.replace(MAIL, id=an_id(), identity_id=None, channel="sms", next_at=NOW + 9)
SENT = msgspec.structs.replace(MAIL, status=Status.SENT, send_count=1, next_at=None, done_at=NOW + 5)
LATE = msgspec.structs.replace(SENT, send_count=9)
OLDER_JOB = job()
JOB = job(kind=Kind.DELETE, which=Which(NOW, ids=(ANNA.id,), tails=b"abcd"))
ENDED_JOB = job(
    id=OLDER_JOB.id, status=JobStatus.FAILED, done=3, failed=1, failures=(Failure(ANNA.id, "x", "y"),),
    after=(NOW, ONE.id), ended_at=NOW + 9,
)  # fmt: skip
EVENT = (an_id(), DEFAULT, NOW, "session.ended", "test", ANNA.id, ONE.id, "admin", 2, '{"a":1}')

SCRIPT: list[tuple[str, list[tuple[Any, ...]]]] = [
    ("organizations.ADD", [(ACME, "acme", NOW), (ELSE, "else", NOW)]),
    ("organizations.GET", [(ACME,), (DEFAULT,), (NOBODY,)]),
    ("organizations.LOCK", [(ACME,), (NOBODY,)]),
    ("organizations.BY_NAME", [("acme",), ("default",), ("ACME",)]),
    ("organizations.RENAME", [(ELSE, "other"), (NOBODY, "none")]),
    ("organizations.LIST", [(bytes(16), 2), (ACME, 5), (DEFAULT, 1)]),
    ("organizations.ADD_ALIAS", [(ACME, "team", "T1"), (ACME, "workspace", "56"), (DEFAULT, "team", "T2")]),
    ("organizations.HOLDER", [("team", "T1"), ("team", "t1"), ("workspace", "T1")]),
    ("organizations.ALIASES", [(Array((DEFAULT, ACME, NOBODY)),), (Array(),)]),
    ("organizations.REMOVE_ALIAS", [(DEFAULT, "team", "T1"), (ACME, "team", "T1"), (NOBODY, "team", "T2")]),
    ("identities.ADD", [identities._row(person) for person in PEOPLE]),
    ("identities.ADD_NAME", [(DEFAULT, "code", name, p.id) for name, p in zip("abc", PEOPLE, strict=True)]),
    ("identities.GET", [(DEFAULT, ANNA.id), (DEFAULT, NOBODY), (NOBODY, ANNA.id)]),
    ("identities.LOCK", [(DEFAULT, BERT.id), (DEFAULT, NOBODY)]),
    ("identities.HOLDER", [(DEFAULT, "code", "a"), (DEFAULT, "code", "A"), (DEFAULT, "oidc", "a")]),
    ("identities.HOLDERS", [(DEFAULT, "code", VALUES), (DEFAULT, "oidc", VALUES), (DEFAULT, "code", Array())]),
    ("identities.NAMES", [(ANNA.id,), (NOBODY,)]),
    ("identities.CHANGE", [
        (DEFAULT, CLEO.id, "robot", "inactive", NOW + 1, "{}", None, "[]", None, "[]", 9, NOW + 2),
        (DEFAULT, NOBODY, "robot", "inactive", NOW + 1, "{}", None, "[]", None, "[]", 9, NOW + 2),
    ]),
    ("identities.REMOVE_NAME", [(DEFAULT, "code", "c"), (DEFAULT, "code", "none")]),
    ("credentials.ADD", _written(credentials.SqlCredentials, "add", CREDENTIALS)),
    ("credentials.PUT", _written(credentials.SqlCredentials, "put", [CREDENTIALS[0], credential(ANNA, revision=9)])),
    ("credentials.OF", [(Array((BERT.id, ANNA.id, NOBODY)),), (Array((NOBODY,)),), (Array(),)]),
    ("credentials.REMOVE", [(BERT.id, "oidc"), (BERT.id, "totp")]),
    ("sessions.EPOCHS", [(DEFAULT, ANNA.id), (DEFAULT, NOBODY)]),
    ("sessions.ADD", [
        arguments
        for each in (ONE, TWO, THREE, FOUR, session(ANNA, number=ONE.number))
        for arguments in _written(sessions.SqlSessions, "add", each)
    ]),
    ("policies.PUT", [
        (Array((ANNA.id,)), 9, 2**61, 9, 8, 7, "refuse", 0, 1), (Array((CLEO.id, NOBODY)), 9, 5, *NO_POLICY),
        (Array((ANNA.id,)), 20, 5, *NO_POLICY), (Array(), 9, 5, *NO_POLICY),
    ]),
    ("policies.PUT_ORGANIZATION", [
        (DEFAULT, 9, 2**61, 3, 4, 5, "oldest ends", 1, 0), (DEFAULT, 20, 5, *NO_POLICY), (NOBODY, 9, 5, *NO_POLICY),
    ]),
    ("policies.OF", [(DEFAULT, Array((ANNA.id, BERT.id, CLEO.id))), (NOBODY, Array((ANNA.id,)))]),
    ("policies.OF_ORGANIZATION", [(DEFAULT,), (NOBODY,)]),
    ("sessions.BY_TOKEN", [(ONE.token_hash,), (FOUR.token_hash,), (bits(),)]),
    ("sessions.GET", [(DEFAULT, ONE.id), (DEFAULT, NOBODY), (NOBODY, ONE.id)]),
    ("sessions.BY_NUMBER", [(DEFAULT, ONE.number), (DEFAULT, 2**53), (NOBODY, ONE.number)]),
    ("sessions.RENEW", [(FOUR.id, 1, "[]", 1, 2, 3), (NOBODY, 1, "[]", 1, 2, 3)]),
    ("sessions.PROLONG", [(FOUR.id, 4, 3), (FOUR.id, 9, 3), (NOBODY, 4, 3)]),
    ("sessions.RETOKEN", [(FOUR.id, FOUR.token_hash, FOUR.token_hash), (ONE.id, FOUR.token_hash, bits())]),
    ("sessions.SEEN", [(FOUR.id, NOW + 99), (FOUR.id, NOW), (NOBODY, NOW)]),
    ("endings.FIND", [(DEFAULT, Array((ONE.id, FOUR.id, NOBODY))), (NOBODY, Array((ONE.id,))), (DEFAULT, Array())]),
    ("endings.HOLD", [(DEFAULT, Array((ANNA.id, NOBODY))), (NOBODY, Array((ANNA.id,)))]),
    ("endings.OF_KINDS[disable]", [(Array((ANNA.id,)), WEB), (Array((ANNA.id,)), Array())]),
    (
        "endings.MARK",
        [
            (IDS, NOW + 5, 0, 0, 0, 1, None),
            (IDS, NOW + 5, *[None] * 4, 0),
            (Array((ONE.id,)), NOW + 5, *[None] * 5),
            (IDS, NOW + 6, 9, 0, 0, 0, None),
        ],
    ),
    ("endings.OF_KINDS[delete]", [(Array((ANNA.id,)), WEB), (Array(), WEB)]),
    ("endings.CLOSE[disable]", [(DEFAULT, Array((ANNA.id, NOBODY))), (NOBODY, Array((ANNA.id,)))]),
    ("endings.KEEP[disable]", [(DEFAULT, ANNA.id, TWO.id), (DEFAULT, ANNA.id, ONE.id), (DEFAULT, BERT.id, TWO.id)]),
    ("endings.NEXT", [(ANNA.id, 2**63 - 1, bytes(16), 2), (ANNA.id, NOW + 2, THREE.id, 9), (NOBODY, NOW + 9, ONE.id, 9)]),
    ("endings.MARK", [(IDS, NOW + 7, 0, 0, 0, 0, None)]),
    ("endings.CLOSE[delete]", [(DEFAULT, Array((ANNA.id, CLEO.id))), (NOBODY, Array((ANNA.id,)))]),
    ("endings.KEEP[delete]", [(DEFAULT, ANNA.id, TWO.id), (DEFAULT, ANNA.id, THREE.id)]),
    ("endings.EPOCHS_OF_ALL", [(DEFAULT,), (NOBODY,)]),
    ("endings.DELETE", [(IDS, 0, 0, 0), (IDS, 0, 0, None), (IDS, 0, 9, None), (Array((FOUR.id,)), None, 9, None)]),
    ("sessions.BY_TOKEN", [(TWO.token_hash,), (THREE.token_hash,)]),
    ("endings.NEXT_OF_ALL", [(DEFAULT, 2**63 - 1, bytes(16), 9), (NOBODY, NOW + 9, ONE.id, 9)]),
    ("endings.CLOSE_ALL[disable]", [(DEFAULT,), (NOBODY,)]),
    ("endings.CLOSE_ALL[delete]", [(DEFAULT,), (NOBODY,)]),
    ("endings.SAVE", [_written(endings.SqlEndings, "save", [each])[0] for each in (ENDING, ENDING_OF_ALL, MOVED)]),
    ("endings.OLDEST", [()]),
    ("endings.REMOVE", [(ENDING.id,), (NOBODY,)]),
    ("access.ADD", [arguments for key in (KEY, OLD_KEY) for arguments in _written(access.SqlAccessKeys, "add", key)]),
    ("access.BY_TOKEN", [(KEY.token_hash,), (bits(),)]),
    ("access.BY_PAIR", [("AKIDAKIDAKIDAKIDAKID",), ("akidakidakidakidakid",)]),
    ("access.LIST", [(DEFAULT, bytes(16), 5), (DEFAULT, KEY.id, 1), (NOBODY, bytes(16), 5)]),
    ("access.ANY_GOOD", [(DEFAULT, NOW), (DEFAULT, NOW + DAY), (NOBODY, NOW)]),
    ("access.REVOKE", [(DEFAULT, KEY.id, NOW), (DEFAULT, OLD_KEY.id, NOW), (NOBODY, KEY.id, NOW)]),
    ("flows.ADD", [a for each in (LOGIN, RECOVERY, CLOSED) for a in _written(flows.SqlFlows, "add", each)]),
    ("flows.GET", [(LOGIN.id,), (NOBODY,)]),
    ("flows.SAVE", [(LOGIN.id, "s", None, ANNA.id, "{}", NOW), (LOGIN.id, "t", None, None, "{}", None)]),
    ("flows.PUT_CODE", [a for each in (CODE, OTHER_CODE) for a in _written(flows.SqlFlows, "put_code", each)]),
    ("flows.TRY_CODE", [(RECOVERY.id, NOW, 5), (RECOVERY.id, NOW, 1), (NOBODY, NOW, 5)]),
    ("flows.IS_SPENT", [(RECOVERY.id, 1), (RECOVERY.id, 99), (NOBODY, 0)]),
    ("flows.USE_CODE", [(CODE.id, NOW), (CODE.id, NOW), (NOBODY, NOW)]),
    ("flows.VOID_CODES", [(BERT.id, NOW), (NOBODY, NOW)]),
    ("flows.PUT_CODE", _written(flows.SqlFlows, "put_code", THIRD_CODE)),
    ("flows.VOID_SHOWN_CODES", [(CLEO.id, "code", NOW), (CLEO.id, "link", NOW), (NOBODY, "link", NOW)]),
    ("flows.CLOSE", [(BERT.id, NOW, CLOSED.id), (BERT.id, NOW, NOBODY), (NOBODY, NOW, NOBODY)]),
    ("flows.PURGE", [(LOGIN.expires_at, 9), (LOGIN.expires_at + 1, 1), (LOGIN.expires_at + 1, 9)]),
    ("sessions.PURGE", [(ONE.expires_at, 9), (FOUR.expires_at + 1, 1), (FOUR.expires_at + 1, 9)]),
    ("attempts.HOLD", [(b"code:a", NOW), (b"code:a", NOW + 1), (b"network:flow:", NOW)]),
    ("attempts.SAVE", [(b"code:a", NOW, 1, 2, 3, NOW + 4), (b"code:b", NOW, 1, 2, 3, NOW + 4)]),
    ("attempts.PURGE", [(NOW, 9), (NOW + 1, 1)]),
    ("attempts.REMOVE", [(b"code:a",), (b"code:b",)]),
    ("idempotency.TAKE", [(b"a", "ann", b"f", b"1", NOW + 9, NOW + 99, NOW), (b"b", "ann", b"f", b"1", NOW + 9, NOW + 99, NOW),
                          (b"a", "ann", b"g", b"2", NOW + 18, NOW + 99, NOW + 8), (b"a", "ann", b"g", b"2", NOW + 18, NOW + 99, NOW + 9)]),
    ("idempotency.NTH_EXPIRY", [("ann", NOW, 1), ("ann", NOW, 2), ("ann", NOW + 99, 0), ("bo", NOW, 0)]),
    ("idempotency.MARK", [(b"a", b"2"), (b"a", b"1"), (b"c", b"1")]),
    ("idempotency.KEEP", [(b"a", b"2", b"x"), (b"a", b"1", b"y")]),
    ("idempotency.GET", [(b"a",), (b"c",)]),
    ("idempotency.TAKE", [(b"a", "ann", b"g", b"3", NOW + 88, NOW + 999, NOW + 50)]),
    ("idempotency.RELEASE", [(b"a", b"2"), (b"b", b"2"), (b"b", b"1")]),
    ("idempotency.PURGE", [(NOW + 99, 9), (NOW + 100, 9)]),
    ("feed.LIST", [()]),
    ("leases.TAKE", [("a", b"1", NOW, NOW + 9), ("a", b"2", NOW + 8, NOW + 99), ("a", b"2", NOW + 9, NOW + 99),
                     ("a", b"2", NOW + 10, NOW + 100)]),
    ("jobs.ADD", [a for each in (JOB, OLDER_JOB) for a in _written(jobs.SqlJobs, "add", each)]),
    ("jobs.GET", [(DEFAULT, JOB.id), (NOBODY, JOB.id), (DEFAULT, NOBODY)]),
    ("jobs.HOLD", [(JOB.id,), (NOBODY,)]),
    ("jobs.LIST", [(DEFAULT, b"\xff" * 16, 9), (DEFAULT, JOB.id, 9), (NOBODY, b"\xff" * 16, 9)]),
    ("jobs.OLDEST", [()]),
    ("jobs.SAVE", _written(jobs.SqlJobs, "save", ENDED_JOB)),
    ("jobs.OLDEST", [()]),
    ("jobs.PURGE", [(NOW + 9, 9), (NOW + 10, 9)]),
    ("messages.ADD", [a for each in (MAIL, TEXT) for a in _written(messages.SqlMessages, "add", each)]),
    ("messages.GET", [(DEFAULT, MAIL.id), (NOBODY, MAIL.id), (DEFAULT, NOBODY)]),
    ("messages.ANY_DUE", [(NOW - 1,), (NOW,)]),
    ("messages.CLAIM", [(NOW - 1, NOW + 99, 5), (NOW, NOW + 99, 5), (NOW, NOW + 99, 5), (NOW + 9, NOW + 99, 1)]),
    ("messages.SETTLE", [a for each in (LATE, SENT) for a in _written(messages.SqlMessages, "settle", each)]),
    ("messages.PURGE", [(NOW + 5, 9), (NOW + 6, 9)]),
    ("events.ADD", [EVENT, (an_id(), DEFAULT, NOW, "n", "a", None, None, None, 1, None)]),
    ("events.ADD_AMOUNT", [(EVENT[0], 1000), (NOBODY, 1)]),
    ("events.UNSEALED", [(0,), (1,), (9,)]),
    ("events.COUNT_UNSEALED", [()]),
    ("events.POSITION", [(EVENT[0], 1), (NOBODY, 2)]),
    ("events.POSITIONED", [(0, 9), (1, 9)]),
    ("events.STRAY", [(2**62,), (0,)]),
    ("events.ADD_SEAL", [(1, b"a", b"b", NOW), (3, b"c", b"d", NOW)]),
    ("events.SEAL_AFTER", [(0,), (1,), (3,)]),
    ("events.NEWEST_SEAL", [()]),
    ("searchable.ADD", [(ANNA.id, "team", "blue", DEFAULT), (BERT.id, "team", "red", DEFAULT), (ANNA.id, "n", "1", DEFAULT)]),
    ("searchable.OF", [(Array((ANNA.id, BERT.id, NOBODY)),), (Array(),)]),
    ("searchable.REMOVE", [(ANNA.id, "n", "1"), (NOBODY, "n", "1")]),
    ("searchable.NEXT", [(bytes(16), 2), (CLEO.id, 9)]),
    ("searchable.ADD_MARKS", [(), ()]),
    ("searchable.SAVE_MARKS", [('[["a"]]', "[]", CLEO.id)]),
    ("searchable.MARKS", [()]),
    ("searchable.HOLD_MARKS", [()]),
    ("searchable.REFILL", [('[["a"]]', bytes(16)), ("[]", bytes(16))]),
    ("identities.REMOVE", [(DEFAULT, BERT.id), (DEFAULT, BERT.id), (NOBODY, ANNA.id)]),
]  # fmt: skip
