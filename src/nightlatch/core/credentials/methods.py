"""The list of credential methods."""

from nightlatch.core.credentials.code import Code
from nightlatch.core.credentials.lookup_secret import LookupSecret
from nightlatch.core.credentials.method import Method
from nightlatch.core.credentials.oidc import Oidc
from nightlatch.core.credentials.password import Password
from nightlatch.core.credentials.totp import Totp
from nightlatch.core.credentials.webauthn import Passkey, WebAuthn

METHODS: dict[str, Method] = {
    method.type: method for method in (Password(), Oidc(), Totp(), LookupSecret(), WebAuthn(), Passkey(), Code())
}
