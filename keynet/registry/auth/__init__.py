"""Registry authentication: challenges, tokens, and logins stored by other programs."""
