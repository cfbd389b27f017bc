"""The platform's backend: signing in, projects, upload keys (docs/reference/backend.md)."""
