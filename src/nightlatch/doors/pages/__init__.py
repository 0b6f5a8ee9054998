"""The pages that people see: of every flow, of their sessions, and of what went wrong. Plain HTML, no script."""
