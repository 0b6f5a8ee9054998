"""Attempts to prove something, counted before they are made: guessing is slowed, then stopped for a while."""
