"""Coming back to an account: a code or a link, made by an administrator, that signs in once."""
