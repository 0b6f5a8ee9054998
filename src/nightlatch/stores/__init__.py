"""Where things are kept: one set of SQL for SQLite and PostgreSQL. Knows the core's models, none of its rules."""
