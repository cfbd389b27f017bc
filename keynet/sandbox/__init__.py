"""A training platform on this machine: the backend API and a registry."""
