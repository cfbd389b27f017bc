"""Logins of registries: for one command, and those that docker stores."""
