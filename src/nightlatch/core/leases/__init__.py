"""Leases: one of many processes does a job, and another takes over when it is gone."""
