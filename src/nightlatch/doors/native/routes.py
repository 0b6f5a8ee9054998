"""The routes of this dialect."""

from nightlatch.doors.http.openapi import Document, described
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Parameter, Route
from nightlatch.doors.native import (
    audit,
    credentials,
    errors,
    identities,
    job_shapes,
    jobs,
    keys,
    nodes,
    organizations,
    policies,
    sessions,
    shapes,
)
from nightlatch.doors.native.conditions import IF_MATCH, IF_NONE_MATCH
from nightlatch.doors.native.idempotency import idempotent
from nightlatch.doors.native.paging import PARAMETERS

_IN = (Parameter("organization_id", help="Another organization, for a key that manages them."),)
_Route = Route[Shared]

ADMIN = described(
    idempotent((
        _Route("GET", "/v1/organizations", organizations.list_organizations, "organizations:read", None, shapes.Organizations, 200, (400,), PARAMETERS, "List organizations"),
        _Route("POST", "/v1/organizations", organizations.create_organization, "organizations:write", shapes.NewOrganization, shapes.Organization, 201, (400, 409), (), "Create an organization"),
        _Route("GET", "/v1/organizations/{id}", organizations.get_organization, "organizations:read", None, shapes.Organization, 200, (404,), (), "Get an organization"),
        _Route("PATCH", "/v1/organizations/{id}", organizations.rename_organization, "organizations:write", shapes.OrganizationChange, shapes.Organization, 200, (400, 404, 409, 412), (IF_MATCH,), "Rename an organization"),
        _Route("PUT", "/v1/organizations/{id}/aliases/{kind}/{value}", organizations.put_alias, "organizations:write", None, None, 204, (400, 404, 409), (), "Give an organization an alias"),
        _Route("DELETE", "/v1/organizations/{id}/aliases/{kind}/{value}", organizations.delete_alias, "organizations:write", None, None, 204, (400, 404), (), "Take an alias away"),
        _Route("GET", "/v1/organizations/{id}/policy", policies.get_organization_policy, "organizations:read", None, shapes.Policy, 200, (404,), (), "Get the policy of an organization"),
        _Route("PUT", "/v1/organizations/{id}/policy", policies.put_organization_policy, "organizations:write", shapes.Policy, shapes.Policy, 200, (400, 404), (), "Set how the sessions of an organization's people live"),
        _Route("DELETE", "/v1/organizations/{id}/policy", policies.delete_organization_policy, "organizations:write", None, None, 204, (404,), (), "Clear the policy of an organization"),
        _Route("GET", "/v1/identities", identities.list_identities, "identities:read", None, shapes.Identities, 200, (400, 404), (*identities.QUESTION, *_IN), "List the identities that a filter picks"),
        _Route("GET", "/v1/identities/{id}/policy", policies.get_identity_policy, "identities:read", None, shapes.Policy, 200, (404,), _IN, "Get the policy of an identity"),
        _Route("PUT", "/v1/identities/{id}/policy", policies.put_identity_policy, "identities:write", shapes.Policy, shapes.Policy, 200, (400, 404), _IN, "Set how the sessions of an identity live"),
        _Route("DELETE", "/v1/identities/{id}/policy", policies.delete_identity_policy, "identities:write", None, None, 204, (404,), _IN, "Clear the policy of an identity"),
        _Route("POST", "/v1/identities/{id}/unlock", identities.unlock_identity, "identities:write", None, None, 204, (404,), (), "Forget the wrong passwords and codes of an identity"),
        _Route("POST", "/v1/identities/deactivate", identities.deactivate_identities, "identities:write", job_shapes.ChangeIdentities, job_shapes.Job, 202, (200, 400, 404), _IN, "Deactivate identities, by a job"),
        _Route("POST", "/v1/identities/delete", identities.delete_identities, "identities:write", job_shapes.ChangeIdentities, job_shapes.Job, 202, (200, 400, 404), _IN, "Delete identities, by a job"),
        _Route("GET", "/v1/identities/{id}/credentials", credentials.list_credentials, "identities:read", None, shapes.Credentials, 200, (404,), (), "List the credentials of an identity"),
        _Route("GET", "/v1/identities/{id}/credentials/{type}", credentials.get_credential, "identities:read", None, shapes.Credential, 200, (404,), (), "Get a credential"),
        _Route("PUT", "/v1/identities/{id}/credentials/{type}", credentials.put_credential, "identities:write", shapes.NewCredential, shapes.Credential, 200, (201, 400, 404, 409, 412), (IF_MATCH, IF_NONE_MATCH), "Add or replace a credential"),
        _Route("DELETE", "/v1/identities/{id}/credentials/{type}", credentials.remove_credential, "identities:write", None, shapes.Credentials, 200, (400, 404, 412), (IF_MATCH,), "Remove a credential"),
        _Route("GET", "/v1/sessions", sessions.list_sessions, "sessions:read", None, shapes.Sessions, 200, (400, 404), (*sessions.QUESTION, *_IN), "List the sessions that a filter picks"),
        _Route("POST", "/v1/sessions/end", sessions.end_sessions, "sessions:end", shapes.EndSessions, shapes.Ended, 200, (202, 400, 404), _IN, "End the sessions that a filter picks, or that are named"),
        _Route("GET", "/v1/jobs", jobs.list_jobs, "jobs:read", None, job_shapes.Jobs, 200, (400, 404), (*PARAMETERS, *_IN), "List jobs, the newest first"),
        _Route("GET", "/v1/jobs/{id}", jobs.get_job, "jobs:read", None, job_shapes.Job, 200, (404,), _IN, "How far a job is"),
        _Route("POST", "/v1/jobs/{id}/cancel", jobs.cancel_job, "jobs:write", None, job_shapes.Job, 200, (404,), _IN, "Have a job do no more"),
        _Route("GET", "/v1/audit", audit.list_events, "audit:read", None, shapes.Log, 200, (400, 404), (*audit.QUESTION, *_IN), "List what happened"),
        _Route("GET", "/v1/nodes", nodes.list_nodes, "metrics:read", None, shapes.Nodes, 200, (), (), "List the processes that keep answers on PostgreSQL"),
        _Route("GET", "/v1/keys", keys.list_keys, "keys:read", None, shapes.Keys, 200, (400, 404), (*PARAMETERS, *_IN), "List access keys"),
        _Route("POST", "/v1/keys", keys.create_key, "keys:write", shapes.NewKey, shapes.MadeKey, 201, (400, 404), _IN, "Create an access key"),
        _Route("DELETE", "/v1/keys/{id}", keys.revoke_key, "keys:write", None, None, 204, (404,), _IN, "Revoke an access key"),
    )),
    Document(
        "nightlatch: the native API", errors.Details, "/v1/openapi.json", "3.1.0", errors.MEDIA_TYPE,
        {200: job_shapes.Tried, 202: job_shapes.Job},
    ),
)  # fmt: skip
