"""What an identity proves itself with: how each is enrolled, checked and kept. Knows nothing of sessions and flows."""
