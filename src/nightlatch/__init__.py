"""nightlatch: who is signed in where, and the ending of any of it at once."""

__version__ = "0.1.0"
