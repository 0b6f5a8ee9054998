"""Who is in a database of the measurements: 200,000 identities with five sessions each, the same ones wherever they are.

Everything follows from a number, so that whoever asks knows ids and tokens without reading them from the database.
"""

from hashlib import blake2b, shake_128
from pathlib import Path

import msgspec
from nightlatch import data
from nightlatch.core.credentials.person import Person, Profile, Vault, compose
from nightlatch.core.events.model import Act
from nightlatch.core.identities.schemas import Schema, Schemas
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.model import Device, Method, Session
from nightlatch.core.sessions.rules import TOKEN_PREFIX
from nightlatch.kernel.clock import DAY, SECOND
from nightlatch.kernel.ids import new_id
from nightlatch.kernel.secrets import Keys, digest

IDENTITIES = 200_000
SESSIONS = 1_000_000
SECRET = "a secret of the measurements, 32"
PASSWORD = "a password of the measurements"
# Of PASSWORD, with the parameters that are the default.
PASSWORD_HASH = "@@HASH@@"
SCHEMA = Path(data.__path__[0]) / "default.schema.json"

_BEGAN = 1_735_689_600 * SECOND  # 2025, the first of January
_APART = 30 * SECOND  # between two sessions: a million of them fill a year
_LIFESPAN = 3650 * DAY
_DEVICE = Device("192.0.2.17", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", None, "desktop")
_METHODS = ("password", 1)

_schemas = Schemas([Schema("default", SCHEMA.read_bytes())], "default")
_vault = Vault(Keys([SECRET.encode()], "credentials"))
