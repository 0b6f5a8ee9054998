"""Signing up: traits and a first credential become an identity."""
