"""A training platform on this machine: the backend API, and a real registry behind it (SPEC 9)."""
