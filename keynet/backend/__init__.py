"""The platform's backend: signing in, projects, upload keys (SPEC 1.5)."""
