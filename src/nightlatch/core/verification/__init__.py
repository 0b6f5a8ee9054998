"""Verification: that an address is the person's who gave it."""
