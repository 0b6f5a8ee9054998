"""All features of one open transaction."""

from nightlatch.core.events.model import Event
from nightlatch.stores.sql.access import SqlAccessKeys
from nightlatch.stores.sql.attempts import SqlAttempts
from nightlatch.stores.sql.credentials import SqlCredentials
from nightlatch.stores.sql.endings import SqlEndings
from nightlatch.stores.sql.events import SqlEvents
from nightlatch.stores.sql.feed import SqlNodes
from nightlatch.stores.sql.flows import SqlFlows
from nightlatch.stores.sql.idempotency import SqlIdempotencyKeys
from nightlatch.stores.sql.identities import SqlIdentities
from nightlatch.stores.sql.identity_questions import SqlIdentityQuestions
from nightlatch.stores.sql.jobs import SqlJobs
from nightlatch.stores.sql.leases import SqlLeases
from nightlatch.stores.sql.log import SqlLog
from nightlatch.stores.sql.messages import SqlMessages
from nightlatch.stores.sql.organizations import SqlOrganizations
from nightlatch.stores.sql.policies import SqlPolicies
from nightlatch.stores.sql.questions import SqlQuestions
from nightlatch.stores.sql.searchable import SqlSearchable
from nightlatch.stores.sql.sessions import SqlSessions
from nightlatch.stores.sql.statement import Connection


class Transaction:
    """What a unit of work is given. `happened` collects its events, for those who want to know of the commit."""

    def __init__(self, connection: Connection) -> None:
        self.happened: list[Event] = []
        self.events = SqlEvents(connection, self.happened)
        self.log = SqlLog(connection)
        self.messages = SqlMessages(connection)
        self.organizations = SqlOrganizations(connection)
        self.identities = SqlIdentities(connection)
        self.identity_questions = SqlIdentityQuestions(connection)
        self.searchable = SqlSearchable(connection)
        self.credentials = SqlCredentials(connection)
        self.sessions = SqlSessions(connection)
        self.endings = SqlEndings(connection)
        self.questions = SqlQuestions(connection)
        self.policies = SqlPolicies(connection)
        self.access_keys = SqlAccessKeys(connection)
        self.idempotency_keys = SqlIdempotencyKeys(connection)
        self.leases = SqlLeases(connection)
        self.jobs = SqlJobs(connection)
        self.nodes = SqlNodes(connection)
        self.attempts = SqlAttempts(connection)
        self.flows = SqlFlows(connection)
