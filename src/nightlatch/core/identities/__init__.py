"""Who can sign in: identities, their schemas, traits and addresses. Knows nothing of credentials and sessions."""
