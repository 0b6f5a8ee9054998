"""Time, ids, secrets and pages: what every layer uses and no layer owns. No domain words; imports nothing of ours."""
