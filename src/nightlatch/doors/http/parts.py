"""What every door works with, handed in by app.py. A door that needs more inherits."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from nightlatch.core.access.model import AccessKey
from nightlatch.core.credentials.hashing import Hasher
from nightlatch.core.credentials.person import Vault
from nightlatch.core.identities.schemas import Schemas
from nightlatch.core.sessions.rules import Lifetime
from nightlatch.core.store import Store
from nightlatch.doors.http.client_address import ClientAddress
from nightlatch.kernel.clock import Clock
from nightlatch.kernel.ids import Entropy
from nightlatch.kernel.secrets import Keys


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use the admin port: keys of the configuration by hash, networks that need none."""

    keys: Mapping[bytes, AccessKey]
    trusted_networks: tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True, slots=True)
class Shared:
    store: Store
    clock: Clock
    entropy: Entropy
    access: Access
    lifetime: Lifetime
    page_keys: Keys
    pair_keys: Keys
    schemas: Schemas
    hasher: Hasher
    vault: Vault
    client_address: ClientAddress
