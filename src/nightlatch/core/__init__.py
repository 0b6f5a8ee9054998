"""The program: no HTTP, no SQL text, no dialect's words. Features import downwards only (docs/architecture.md)."""
