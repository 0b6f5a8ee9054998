"""The routes of this dialect: the admin port's, then the public port's.

The short spellings without /admin are second lines, not a rewriting: one path, one function.
"""

from typing import Any

from nightlatch.doors.http.openapi import Document, described
from nightlatch.doors.http.routing import Parameter, Route
from nightlatch.doors.kratos import (
    bodies,
    device,
    identities,
    login,
    logout,
    messages,
    nodes,
    patch,
    public,
    recovery,
    redirects,
    registration,
    sessions,
    settings,
    shapes,
    verification,
)
from nightlatch.doors.kratos.parts import Parts

_PAGE = (Parameter("page_size", int), Parameter("page_token"), Parameter("page", int), Parameter("per_page", int))
_TOKEN_PAGE = _PAGE[:2]
_ACTIVE = Parameter("active", bool)
_EXPAND = Parameter("expand", many=True)
_INCLUDE = Parameter("include_credential", many=True)
_LIST_IDENTITIES = (
    *_PAGE,
    Parameter("consistency"),
    Parameter("ids", many=True),
    Parameter("credentials_identifier"),
    Parameter("preview_credentials_identifier_similar"),
    Parameter("organization_id"),
    Parameter("schema_id"),
    _INCLUDE,
)
_RETURN_TO = (Parameter("return_to"),)
_BEGUN = (*_RETURN_TO, Parameter("organization"))
_REGISTRATION = (*_BEGUN, Parameter("after_verification_return_to"))
_LOGIN = (Parameter("refresh", bool), Parameter("aal"), *_BEGUN)
_SUBMITTED = (302, 303, 400, 403, 404, 410)
_Route = Route[Parts]

_ADMIN = (
    _Route("GET", "/identities", identities.list_identities, "identities:read", None, list[shapes.Identity], 200, (400,), _LIST_IDENTITIES, "List identities"),
    _Route("POST", "/identities", identities.create_identity, "identities:write", bodies.CreateIdentity, shapes.Identity, 201, (400, 409), (), "Create an identity"),
    _Route("PATCH", "/identities", identities.batch_patch_identities, "identities:write", bodies.BatchBody, shapes.Batch, 200, (400, 409), (), "Create identities in a batch"),
    _Route("GET", "/identities/{id}", identities.get_identity, "identities:read", None, shapes.Identity, 200, (400, 404), (_INCLUDE,), "Get an identity"),
    _Route("PUT", "/identities/{id}", identities.update_identity, "identities:write", bodies.UpdateIdentity, shapes.Identity, 200, (400, 404, 409, 412), (), "Replace an identity"),
    _Route("PATCH", "/identities/{id}", identities.patch_identity, "identities:write", list[patch.Operation], shapes.Identity, 200, (400, 404, 409, 412), (), "Change an identity by JSON Patch"),
    _Route("DELETE", "/identities/{id}", identities.delete_identity, "identities:write", None, None, 204, (404,), (), "Delete an identity and its sessions"),
    _Route("GET", "/identities/by/external/{external_id:path}", identities.get_identity_by_external_id, "identities:read", None, shapes.Identity, 200, (400, 404), (_INCLUDE,), "Get an identity by its external id"),
    _Route("DELETE", "/identities/{id}/credentials/{type}", identities.delete_identity_credentials, "identities:write", None, shapes.Identity, 200, (400, 404), (Parameter("identifier"),), "Delete a credential"),
    _Route("GET", "/identities/{id}/sessions", sessions.list_identity_sessions, "sessions:read", None, list[shapes.Session], 200, (400,), (*_PAGE, _ACTIVE), "List an identity's sessions"),
    _Route("DELETE", "/identities/{id}/sessions", sessions.delete_identity_sessions, "sessions:end", None, None, 204, (400, 404), (), "Delete all sessions of an identity"),
    _Route("GET", "/sessions", sessions.list_sessions, "sessions:read", None, list[shapes.Session], 200, (400,), (*_TOKEN_PAGE, _ACTIVE, _EXPAND), "List all sessions"),
    _Route("POST", "/sessions", sessions.manage_sessions, "sessions:end", bodies.ManageSessions, shapes.Processed, 200, (400,), (), "End many sessions"),
    _Route("GET", "/sessions/{id}", sessions.get_session, "sessions:read", None, shapes.Session, 200, (400, 404), (_EXPAND,), "Get a session"),
    _Route("DELETE", "/sessions/{id}", sessions.disable_session, "sessions:end", None, None, 204, (400, 404), (), "End a session"),
    _Route("PATCH", "/sessions/{id}/extend", sessions.extend_session, "sessions:write", None, shapes.Session, 200, (400, 404), (), "Extend a session"),
    _Route("GET", "/courier/messages", messages.list_courier_messages, "messages:read", None, list[shapes.CourierMessage], 200, (400,), (*_TOKEN_PAGE, Parameter("status"), Parameter("recipient")), "List messages"),
    _Route("GET", "/courier/messages/{id}", messages.get_courier_message, "messages:read", None, shapes.CourierMessage, 200, (400, 404), (), "Get a message"),
    _Route("POST", "/recovery/code", recovery.create_recovery_code_for_identity, "recovery:create", bodies.RecoveryBody, shapes.RecoveryCode, 201, (400, 404), _RETURN_TO, "Make a recovery code"),
    _Route("POST", "/recovery/link", recovery.create_recovery_link_for_identity, "recovery:create", bodies.RecoveryBody, shapes.RecoveryLink, 200, (400, 404), _RETURN_TO, "Make a recovery link"),
)  # fmt: skip

_SHARED = (
    _Route("GET", "/schemas", public.list_identity_schemas, None, None, list[shapes.IdentitySchema], 200, (), _PAGE, "List identity schemas"),
    _Route("GET", "/schemas/{id}", public.get_identity_schema, None, None, dict[str, Any], 200, (404,), (), "Get an identity schema"),
    _Route("GET", "/health/alive", public.is_alive, None, None, dict[str, str], 200, (), (), "Whether the process answers"),
    _Route("GET", "/health/ready", public.is_ready, None, None, dict[str, str], 200, (503,), (), "Whether the database answers"),
    _Route("GET", "/version", public.get_version, None, None, dict[str, str], 200, (), (), "The version"),
)  # fmt: skip

_PUBLIC_PORT = (
    *_SHARED,
    _Route("GET", "/sessions/whoami", public.to_session, None, None, shapes.Session, 200, (401, 403), (), "Check a session"),
    _Route("GET", "/sessions", public.list_my_sessions, None, None, list[shapes.Session], 200, (401, 403), _PAGE, "List my other sessions"),
    _Route("DELETE", "/sessions", public.disable_my_other_sessions, None, None, shapes.Count, 200, (401,), (), "End my other sessions"),
    _Route("DELETE", "/sessions/{id}", public.disable_my_session, None, None, None, 204, (400, 401), (), "End one of my sessions"),
    _Route("GET", "/self-service/login/api", login.create_native_login_flow, None, None, nodes.FlowShown, 200, (400, 404), _LOGIN, "Begin to sign in"),
    _Route("GET", "/self-service/login/browser", login.create_browser_login_flow, None, None, nodes.FlowShown, 200, (303, 400, 404), _LOGIN, "Begin a login in a browser"),
    _Route("GET", "/self-service/login/flows", login.get_login_flow, None, None, nodes.FlowShown, 200, (403, 404, 410), (Parameter("id"),), "Get a login flow"),
    _Route("POST", "/self-service/login", login.update_login_flow, None, dict[str, Any], shapes.SuccessfulLogin, 200, _SUBMITTED, (Parameter("flow"),), "Sign in", nodes.FlowShown),
    _Route("GET", "/self-service/registration/api", registration.create_native_registration_flow, None, None, nodes.FlowShown, 200, (400, 404), _REGISTRATION, "Begin to sign up"),
    _Route("GET", "/self-service/registration/browser", registration.create_browser_registration_flow, None, None, nodes.FlowShown, 200, (303, 400, 404), _REGISTRATION, "Begin a registration in a browser"),
    _Route("GET", "/self-service/registration/flows", registration.get_registration_flow, None, None, nodes.FlowShown, 200, (400, 403, 404, 410), (Parameter("id"),), "Get a registration flow"),
    _Route("POST", "/self-service/registration", registration.update_registration_flow, None, dict[str, Any], shapes.SuccessfulRegistration, 200, _SUBMITTED, (Parameter("flow"),), "Sign up", nodes.FlowShown),
    _Route("GET", "/self-service/recovery/api", recovery.create_native_recovery_flow, None, None, nodes.FlowShown, 200, (400, 404), _BEGUN, "Begin to recover an account"),
    _Route("GET", "/self-service/recovery/browser", recovery.create_browser_recovery_flow, None, None, nodes.FlowShown, 200, (302, 303, 400, 404), _BEGUN, "Begin a recovery in a browser"),
    _Route("GET", "/self-service/recovery", recovery.follow_recovery_link, None, None, bytes, 200, (303, 400, 404), (Parameter("flow"), Parameter("token")), "Follow a recovery link"),
    _Route("GET", "/self-service/recovery/flows", recovery.get_recovery_flow, None, None, nodes.FlowShown, 200, (400, 403, 404, 410), (Parameter("id"),), "Get a recovery flow"),
    _Route("POST", "/self-service/recovery", recovery.update_recovery_flow, None, dict[str, Any], nodes.FlowShown, 200, _SUBMITTED, (Parameter("flow"), Parameter("token")), "Ask for a recovery code, or redeem one", nodes.FlowShown),
    _Route("GET", "/self-service/verification/api", verification.create_native_verification_flow, None, None, nodes.FlowShown, 200, (400, 404), _BEGUN, "Begin to verify an address"),
    _Route("GET", "/self-service/verification/browser", verification.create_browser_verification_flow, None, None, nodes.FlowShown, 200, (303, 400, 404), _BEGUN, "Begin a verification in a browser"),
    _Route("GET", "/self-service/verification/flows", verification.get_verification_flow, None, None, nodes.FlowShown, 200, (400, 403, 404, 410), (Parameter("id"),), "Get a verification flow"),
    _Route("GET", "/self-service/verification", verification.follow_verification_link, None, None, bytes, 200, (303, 400, 404), (Parameter("flow"), Parameter("code"), Parameter("token")), "Follow the link of a verification"),
    _Route("POST", "/self-service/verification", verification.update_verification_flow, None, dict[str, Any], nodes.FlowShown, 200, _SUBMITTED, (Parameter("flow"), Parameter("token")), "Ask for a verification code, or give it back", nodes.FlowShown),
    _Route("GET", "/self-service/settings/api", settings.create_native_settings_flow, None, None, nodes.FlowShown, 200, (400, 401, 403), _RETURN_TO, "Begin to change settings"),
    _Route("GET", "/self-service/settings/browser", settings.create_browser_settings_flow, None, None, nodes.FlowShown, 200, (303, 400, 401, 403), _RETURN_TO, "Begin to change settings in a browser"),
    _Route("GET", "/self-service/settings/flows", settings.get_settings_flow, None, None, nodes.FlowShown, 200, (400, 401, 403, 404, 410), (Parameter("id"),), "Get a settings flow"),
    _Route("POST", "/self-service/settings", settings.update_settings_flow, None, dict[str, Any], nodes.FlowShown, 200, (302, 303, 400, 401, 403, 404, 410), (Parameter("flow"),), "Change traits or the password", nodes.FlowShown),
    _Route("GET", "/self-service/settings", settings.return_to_settings_flow, None, None, nodes.FlowShown, 200, (302, 303, 400, 401, 403, 404), (Parameter("flow"),), "Come back to the settings after proving oneself"),
    _Route("GET", "/.well-known/change-password", settings.get_settings_page, None, None, None, 303, (), (), "The page where a password is changed"),
    _Route("GET", "/", settings.get_settings_page, None, None, None, 303, (), (), "The page of settings"),
    _Route("GET", "/self-service/logout/browser", logout.create_browser_logout_flow, None, None, shapes.LogoutFlow, 200, (303, 400, 401), _RETURN_TO, "Get the way to sign out in a browser"),
    _Route("GET", "/self-service/logout", logout.update_logout_flow, None, None, None, 204, (303, 400, 401, 403), (Parameter("token"), *_RETURN_TO), "Sign out in a browser"),
    _Route("GET", "/self-service/device", device.show_device, None, None, bytes, 200, (), (Parameter("token"),), "Follow the link of a letter about a new device"),
    _Route("POST", "/self-service/device", device.end_device, None, None, bytes, 200, (303, 400), (Parameter("token"),), "Sign the device out that a letter was about"),
    _Route("GET", "/self-service/errors", logout.get_flow_error, None, None, shapes.FlowError, 200, (404,), (Parameter("id"), Parameter("error")), "Get an error that a browser was sent to be shown"),
    _Route("DELETE", "/self-service/logout/api", logout.perform_native_logout, None, bodies.Logout, None, 204, (400, 403), (), "Sign out"),
    *(_Route(method, path, redirects.to_admin, None, None, None, 307, (404,), (), "Redirects to the admin port") for method, path in redirects.ADMIN_PATHS),
)  # fmt: skip

_ADMIN_PORT = (
    *(route._replace(path=f"/admin{route.path}") for route in _ADMIN),
    *_ADMIN,
    *_SHARED,
    _Route("GET", "/metrics", public.get_metrics, "metrics:read", None, str, 200, (), (), "Figures for Prometheus, of all workers together"),
    _Route("GET", "/metrics/prometheus", public.get_metrics, "metrics:read", None, str, 200, (), (), "The same, where Kratos has it"),
    *(_Route(method, path, redirects.to_public, None, None, None, 307, (), (), "Redirects to the public port") for method, path in redirects.PUBLIC_PATHS),
)  # fmt: skip

PUBLIC = described(_PUBLIC_PORT, Document("nightlatch: the public port", shapes.Envelope))
ADMIN = described(_ADMIN_PORT, Document("nightlatch: the admin port", shapes.Envelope))
