"""Tenants: one set of people each. There is always one."""
