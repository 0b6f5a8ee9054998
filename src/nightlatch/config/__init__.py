"""The configuration: one YAML file in the shape of Kratos' own and the environment, read once at start.

Owns every setting (settings.py), how it is read (file.py, environment.py, kinds.py) and what must hold (check.py).
It opens nothing: a schema file, a database or a port is tried by whoever uses it. Only app.py and the commands import
this package; the rest of the program is handed plain values.
"""

from nightlatch.config.check import require_key
from nightlatch.config.errors import ConfigError, ConfigErrors
from nightlatch.config.load import load
from nightlatch.config.settings import Config
from nightlatch.config.values import SchemaSource, Secret, keys_of

__all__ = ["Config", "ConfigError", "ConfigErrors", "SchemaSource", "Secret", "keys_of", "load", "require_key"]
