"""Signing in: a flow, a proof, a session."""
