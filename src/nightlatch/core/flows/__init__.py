"""Pending acts of self-service: stored state, what may come next, expiry; and the codes that continue them."""
