"""The base image: its documents, and its Python, read from the registry without a copy."""
