"""One request to a registry: retries, credentials, redirects, and what became of it."""
