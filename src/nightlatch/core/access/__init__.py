"""Access keys: who may use the admin port, and for what."""
